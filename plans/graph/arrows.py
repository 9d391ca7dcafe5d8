"""The arrows of edges: from box to box by way of their labels, and the loops at a box's side."""

from collections.abc import Iterator, Sequence
from html import escape

import msgspec

from plans.graph.boxes import SMALL_LETTER
from plans.graph.faces import columns, cut, printable
from plans.graph.layout import Arc, Chain, Layout, row_height
from plans.graph.marking import Trace
from plans.graph.pen import Point, Stroke, line, n, painted, text
from plans.graph.routes import Way
from plans.schema.scalars import SYNTHETIC

_LABEL_MAX = 34
_LABEL_GAP = 8.0
_BOLD = 1.1
_PORT_GAP = 22.0
_LOOP_WIDTH = 26.0
_LOOP_BEND = 8.0
_LOOP_HALF = 13.0
_LOOP_STEP = 1.5


class Arrow(msgspec.Struct, frozen=True):
    """An edge with what is drawn of it."""

    way: Way
    trace: Trace

    @property
    def label(self) -> str:
        """What is written on it."""
        shown = cut(printable(self.way.edge.label), _LABEL_MAX)
        return f"{self.trace.before}{shown}{self.trace.behind}"

    @property
    def label_width(self) -> float:
        """The room that the label takes."""
        letter = SMALL_LETTER * (_BOLD if self.trace.kind else 1)
        return columns(self.label) * letter + _LABEL_GAP

    @property
    def stroke(self) -> Stroke:
        """How its line is drawn."""
        transition = self.way.edge.transition
        timer = transition is not None and transition.on in SYNTHETIC
        return Stroke(timer, self.trace.kind, self.trace.share)


def loop_room(node: int, arcs: Sequence[Arc]) -> float:
    """What the loops of a node take at its right side."""
    return sum(arc.label_width + _LOOP_WIDTH for arc in arcs if arc.source == arc.target == node)


def chains(layout: Layout, boxes: Sequence[float], arrows: Sequence[Arrow]) -> Iterator[str]:
    """The arrows between different nodes; the boxes have these widths."""
    ports = _ports(layout, boxes)
    for position, chain in enumerate(layout.chains):
        arrow = arrows[chain.arc]
        x, y = layout.places[chain.label]
        yield f'<g class="edge {escape(arrow.way.edge.path.split("/")[1])}">'
        for points, tip in _strokes(layout, chain, (ports[position, 0], ports[position, 1])):
            yield line(points, arrow.stroke, tip=tip)
        yield text((x, y + 4), arrow.label, _label_style(arrow))
        yield f"<title>{_title(arrow)}</title></g>"


def loops(place: Point, box: float, own: Sequence[Arrow]) -> Iterator[str]:
    """The arrows of a node to itself, at its right side, each around the one before."""
    right, y = place[0] + box / 2, place[1]
    far = right
    for rank, arrow in enumerate(own):
        half = _LOOP_HALF + rank * _LOOP_STEP
        far += _LOOP_WIDTH - _LOOP_BEND
        turn = n(far - _LOOP_BEND)
        back = n(min(right + arrow.stroke.tip, far - _LOOP_BEND))
        bow = (
            f"M{n(right)} {n(y + half)} H{turn} Q{n(far)} {n(y + half)} {n(far)} {n(y)}"
            f" Q{n(far)} {n(y - half)} {turn} {n(y - half)} H{back}"
        )
        yield f'<g class="edge loop"><path d="{bow}"{painted(arrow.stroke, tip=True)}/>'
        yield text(
            (far + _LOOP_BEND / 2, y + 4), arrow.label, _label_style(arrow) + ' text-anchor="start"'
        )
        yield f"<title>{_title(arrow)}</title></g>"
        far += arrow.label_width


def _label_style(arrow: Arrow) -> str:
    weight = ' font-weight="600"' if arrow.trace.kind else ' fill-opacity="0.85"'
    return f'font-size="11"{weight}'


def _title(arrow: Arrow) -> str:
    return escape(arrow.trace.before + printable(arrow.way.edge.label) + arrow.trace.behind)


def _ports(layout: Layout, boxes: Sequence[float]) -> dict[tuple[int, int], float]:
    """Where each chain leaves its upper node (0) and meets its lower one (1): spread, in order."""
    ports: dict[tuple[int, int], float] = {}
    for end in (0, 1):
        for node, box in enumerate(boxes):
            meeting = [
                (layout.places[chain.items[1 if end == 0 else -2]][0], position)
                for position, chain in enumerate(layout.chains)
                if chain.items[0 if end == 0 else -1] == node
            ]
            gap = min(_PORT_GAP, 0.7 * box / max(1, len(meeting)))
            for rank, (_, position) in enumerate(sorted(meeting)):
                ports[position, end] = layout.places[node][0] + gap * (
                    rank - (len(meeting) - 1) / 2
                )
    return ports


def _strokes(
    layout: Layout, chain: Chain, ports: tuple[float, float]
) -> Iterator[tuple[list[Point], bool]]:
    """The lines of a chain from its source: up to its label, and on to its target."""
    half_box = layout.node_height / 2
    lines: list[list[Point]] = [[(ports[0], layout.places[chain.items[0]][1] + half_box)]]
    for item in chain.items[1:-1]:
        x, y = layout.places[item]
        half = row_height(layout.items[item].row, layout.node_height) / 2
        lines[-1].append((x, y - half))
        if item == chain.label:
            lines.append([])
        lines[-1].append((x, y + half))
    lines[-1].append((ports[1], layout.places[chain.items[-1]][1] - half_box))
    if chain.upward:
        lines = [line[::-1] for line in reversed(lines)]
    yield from ((line, line is lines[-1]) for line in lines)
