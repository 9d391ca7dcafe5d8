"""The counts of a campaign, as marks in the drawing of a plan."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from plans.graph import Marks
from plans.schema.models import (
    Branch,
    Node,
    Notify,
    Plan,
    Send,
    Split,
    Stop,
    Task,
    Update,
    Wait,
    Webhook,
)


class Passage(msgspec.Struct, frozen=True):
    """How often a node was come to, or left by one way (`projections.passages`)."""

    node: str
    way: str
    target: str
    times: int


def counted(marks: Marks, plan: Plan, passages: Sequence[Passage]) -> Marks:
    """The marks with the counts of all contacts, as far as the plan has those nodes and ways."""
    times = {(one.node, one.way, one.target): one.times for one in passages}
    edges = {
        (node.id, way): count for node in plan.nodes for way, count in _ways(node, times) if count
    }
    nodes = {node.id: times[node.id, "", ""] for node in plan.nodes if (node.id, "", "") in times}
    return msgspec.structs.replace(marks, node_counts=nodes, edge_counts=edges)


_Times = Mapping[tuple[str, str, str], int]


def _ways(node: Node, times: _Times) -> Iterator[tuple[int | str, int]]:
    for place, way, target in _places(node):
        yield place, times.get((node.id, way, target), 0)


def _places(node: Node) -> Iterator[tuple[int | str, str, str]]:
    """Each way out: its place in the drawing, and what it is counted by."""
    match node:
        case Send() | Wait() | Task():
            for index, way in enumerate(node.transitions):
                yield index, f"transitions/{index}", way.to
        case Branch():
            yield from _choices(
                [*(f"/cases/{at}/to" for at in range(len(node.cases))), "/otherwise"]
            )
        case Split():
            yield from _choices([f"/arms/{at}/to" for at in range(len(node.arms))])
        case Webhook(on_error=str()):
            yield from (("/next", "ok", ""), ("/onError", "failed", ""))
        case Update() | Notify() | Webhook():
            yield "/next", "", ""
        case Stop():
            pass


def _choices(places: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for index, place in enumerate(places):
        yield place, f"choice/{index}", ""
