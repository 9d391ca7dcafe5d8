"""The edges of a plan as they are drawn, and the way along some of its nodes."""

from collections import deque
from collections.abc import Collection, Sequence

import msgspec

from plans.edges import Edge, edges
from plans.schema.models import Plan


class Way(msgspec.Struct, frozen=True):
    """An edge between two nodes, by index."""

    source: int
    target: int
    edge: Edge


def ways_of(plan: Plan) -> list[Way]:
    """The edges in document order, without those that lead to no node."""
    first = {node.id: index for index, node in reversed(list(enumerate(plan.nodes)))}
    return [
        Way(index, first[edge.to], edge)
        for index, node in enumerate(plan.nodes)
        for edge in edges(node)
        if edge.to in first
    ]


def route(ways: Sequence[Way], stations: Sequence[int], avoided: Collection[int]) -> list[int]:
    """All nodes from station to station, each time by a shortest way.

    No avoided node is passed between stations, unless there is no other way; a station that
    nothing leads to is simply next.
    """
    passed = list(stations[:1])
    for station in stations[1:]:
        between = _between(ways, passed[-1], station, avoided)
        between = between or _between(ways, passed[-1], station, ())
        passed += between or [station]
    return passed


def _between(ways: Sequence[Way], start: int, end: int, avoided: Collection[int]) -> list[int]:
    """The nodes after the start up to the end; empty when there is no such way."""
    before: dict[int, int] = {}
    pending = deque([start])
    while pending and end not in before:
        at = pending.popleft()
        for way in ways:
            if way.source == at and way.target not in before:
                before[way.target] = at
                if way.target not in avoided:
                    pending.append(way.target)
    if end not in before:
        return []
    path = [end]
    while before[path[-1]] != start:
        path.append(before[path[-1]])
    return path[::-1]
