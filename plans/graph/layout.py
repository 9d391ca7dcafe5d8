"""A layered layout: rows by longest path, order by barycentre, places by least squares.

Labels are items of their own between the rows of nodes, so nothing that is written overlaps.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from plans.graph.ordering import ordered

LABEL_HEIGHT = 16.0
_ROW_GAP = 24.0
_COLUMN_GAP = 26.0
_BEND_WIDTH = 8.0
_BEND_PULL = 8.0
_SETTLING_ROUNDS = 40
_WORK_MAX = 50_000
_SHORT = 3
"""Items of an edge between neighbouring rows: two nodes and a label."""


class Arc(msgspec.Struct, frozen=True):
    """An edge between two nodes, by index, with the width of its label."""

    source: int
    target: int
    label_width: float


class Item(msgspec.Struct, frozen=True):
    """Something that takes room in a row: a node, a label or the bend of a long edge."""

    row: int
    width: float
    is_bend: bool = False


class Chain(msgspec.Struct, frozen=True):
    """An arc as the items it passes from upper to lower node; `label` is one of them."""

    arc: int
    items: tuple[int, ...]
    label: int
    upward: bool


class Layout(msgspec.Struct, frozen=True):
    """Where everything is: the centre of each item, nodes first; loops stay at their node."""

    items: list[Item]
    places: list[tuple[float, float]]
    chains: list[Chain]
    loops: list[int]
    width: float
    height: float
    node_height: float


def laid_out(
    widths: Sequence[float], arcs: Sequence[Arc], start: int, node_height: float
) -> Layout:
    """Places for nodes of this size, joined by these arcs, drawn downwards from the start."""
    against = _backward(len(widths), arcs, start)
    rows = [2 * layer for layer in _layers(len(widths), arcs, against)]
    items = [Item(row, width) for row, width in zip(rows, widths, strict=True)]
    chains = [
        _chain(index, arc, items, upward=index in against)
        for index, arc in enumerate(arcs)
        if arc.source != arc.target
    ]
    neighbours = _neighbours(len(items), chains)
    lines = ordered([item.row for item in items], neighbours)
    x = _columns(items, lines, neighbours, chains)
    y, height = _row_places(len(lines), node_height)
    left = min(x[at] - item.width / 2 for at, item in enumerate(items))
    places = [(x[at] - left, y[item.row]) for at, item in enumerate(items)]
    width = max(place[0] + item.width / 2 for place, item in zip(places, items, strict=True))
    loops = [index for index, arc in enumerate(arcs) if arc.source == arc.target]
    return Layout(items, places, chains, loops, width, height, node_height)


def row_height(row: int, node_height: float) -> float:
    """Nodes are in the even rows, labels in the odd ones."""
    return LABEL_HEIGHT if row % 2 else node_height


def _backward(count: int, arcs: Sequence[Arc], start: int) -> set[int]:
    """The arcs that close a cycle when going depth first from the start."""
    found: set[int] = set()
    state = [0] * count

    def visit(node: int) -> None:
        state[node] = 1
        for index, arc in enumerate(arcs):
            if arc.source == node and arc.target != node:
                if state[arc.target] == 1:
                    found.add(index)
                elif state[arc.target] == 0:
                    visit(arc.target)
        state[node] = 2  # done; a later arc to it closes no cycle

    for node in (start, *range(count)):
        if state[node] == 0:
            visit(node)
    return found


def _layers(count: int, arcs: Sequence[Arc], against: set[int]) -> list[int]:
    """The longest way down to each node; `count` rounds settle every path."""
    layers = [0] * count
    for _ in range(count):
        for index, arc in enumerate(arcs):
            if arc.source != arc.target:
                pair = (arc.source, arc.target)
                upper, lower = reversed(pair) if index in against else pair
                layers[lower] = max(layers[lower], layers[upper] + 1)
    return layers


def _chain(index: int, arc: Arc, items: list[Item], *, upward: bool) -> Chain:
    """Add the label and the bends of the arc to the items; the label is next to the source."""
    upper, lower = (arc.target, arc.source) if upward else (arc.source, arc.target)
    first, last = items[upper].row, items[lower].row
    label_row = last - 1 if upward else first + 1
    passed = [upper]
    for row in range(first + 1, last):
        items.append(Item(row, arc.label_width if row == label_row else _BEND_WIDTH, is_bend=True))
        passed.append(len(items) - 1)
    label = passed[label_row - first]
    return Chain(index, (*passed, lower), label, upward)


def _neighbours(count: int, chains: Sequence[Chain]) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(count)]
    for chain in chains:
        for upper, lower in pairwise(chain.items):
            found[upper].append(lower)
            found[lower].append(upper)
    return found


def _columns(
    items: Sequence[Item],
    lines: Sequence[Sequence[int]],
    neighbours: Sequence[Sequence[int]],
    chains: Sequence[Chain],
) -> list[float]:
    """Each item moves towards the middle of its neighbours as far as its row lets it.

    At last the bends of an edge move towards the middle of the whole edge: it becomes straight.
    """
    x = [0.0] * len(items)
    for line in lines:
        _place(line, [0.0] * len(line), items, x)
    rounds = min(_SETTLING_ROUNDS, 2 + _WORK_MAX // len(items))
    for turn in range(2 * rounds):
        wishes = _wishes(chains, x) if turn >= rounds else {}
        for line in lines if turn % 2 == 0 else reversed(lines):
            wanted = [
                wishes[at] if at in wishes else _middle(at, neighbours[at], items, x) for at in line
            ]
            _place(line, wanted, items, x)
    return x


def _wishes(chains: Sequence[Chain], x: Sequence[float]) -> dict[int, float]:
    """For each bend the mean place of its edge."""
    return {
        bend: sum(x[item] for item in chain.items) / len(chain.items)
        for chain in chains
        for bend in chain.items[1:-1]
        if len(chain.items) > _SHORT
    }


def _middle(at: int, neighbours: Sequence[int], items: Sequence[Item], x: Sequence[float]) -> float:
    """The mean place of the neighbours; bends pull harder, so that long edges are straight."""
    pulls = [
        _BEND_PULL if items[each].is_bend and items[at].is_bend else 1.0 for each in neighbours
    ]
    total = sum(pull * x[each] for pull, each in zip(pulls, neighbours, strict=True))
    return total / sum(pulls) if pulls else x[at]


def _place(
    line: Sequence[int], wanted: Sequence[float], items: Sequence[Item], x: list[float]
) -> None:
    """The places nearest to the wanted ones, by least squares, that keep order and distance."""
    offsets = list(_offsets([items[at].width for at in line]))
    pools: list[tuple[float, int]] = []
    for wish, offset in zip(wanted, offsets, strict=True):
        total, count = wish - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            total, count = total + pools[-1][0], count + pools[-1][1]
            pools.pop()
        pools.append((total, count))
    means = [total / count for total, count in pools for _ in range(count)]
    for at, mean, offset in zip(line, means, offsets, strict=True):
        x[at] = mean + offset


def _offsets(widths: Sequence[float]) -> Iterator[float]:
    offset = 0.0
    for index, width in enumerate(widths):
        offset += width / 2 + (widths[index - 1] / 2 + _COLUMN_GAP if index else 0)
        yield offset


def _row_places(rows: int, node_height: float) -> tuple[list[float], float]:
    centres, top = [], 0.0
    for row in range(rows):
        height = row_height(row, node_height)
        centres.append(top + height / 2)
        top += height + _ROW_GAP
    return centres, top - _ROW_GAP
