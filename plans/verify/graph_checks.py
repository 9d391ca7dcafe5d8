"""Stage 3: everything can be reached, everything can end, and no cycle is endless."""

from collections.abc import Iterable, Iterator, Mapping

from domain.ids import NodeId
from plans.edges import Edge, effective_edges
from plans.pointer import pointer
from plans.schema.models import Plan, Stop
from plans.verify.report import Issue, issue

Ways = Mapping[NodeId, list[Edge]]
Successors = Mapping[NodeId, list[NodeId]]


def graph_checks(plan: Plan, resumed_at: NodeId | None = None) -> Iterator[Issue]:
    """Unreachable nodes, missing stops, and cycles that nothing ends.

    What a contact-campaign that runs can still come to is reachable as well.
    """
    ways = {node.id: effective_edges(node) for node in plan.nodes}
    successors = {name: [edge.to for edge in found] for name, found in ways.items()}
    starts = [plan.start_node_id] + ([] if resumed_at is None else [resumed_at])
    reachable = _closure(starts, successors)
    yield from _unreachable(plan, reachable)
    yield from _endings(plan, successors, reachable)
    yield from _endless(plan, ways, reachable)
    yield from _without_exit(plan)


def reachable_from(plan: Plan, starts: Iterable[NodeId]) -> set[NodeId]:
    """The nodes that a token at one of these can come to, these among them."""
    return _closure(starts, _successors(plan))


def _successors(plan: Plan) -> Successors:
    return {node.id: [edge.to for edge in effective_edges(node)] for node in plan.nodes}


def _closure(starts: Iterable[NodeId], successors: Successors) -> set[NodeId]:
    pending = list(starts)
    seen = set(pending)
    while pending:
        for target in successors.get(pending.pop(), []):
            if target not in seen:
                seen.add(target)
                pending.append(target)
    return seen


def _unreachable(plan: Plan, reachable: set[NodeId]) -> Iterator[Issue]:
    for index, node in enumerate(plan.nodes):
        if node.id not in reachable:
            path = pointer("nodes", index)
            yield issue(
                "E_UNREACHABLE",
                path,
                f'no path leads from "{plan.start_node_id}" to "{node.id}"',
                node=node.id,
                suggestion="remove the node, or lead a transition to it",
                patch=({"op": "remove", "path": path},),
            )


def _endings(plan: Plan, successors: Successors, reachable: set[NodeId]) -> Iterator[Issue]:
    stops = [node.id for node in plan.nodes if isinstance(node, Stop) and node.id in reachable]
    if not stops:
        yield issue(
            "E_NO_STOP",
            "/nodes",
            "no stop node can be reached",
            suggestion='add {"id": "stop", "type": "stop"} and lead a transition to it',
        )
        return
    ending = _closure(stops, _reversed(successors))
    for index, node in enumerate(plan.nodes):
        if node.id in reachable and node.id not in ending:
            yield issue(
                "E_NO_PATH_TO_STOP",
                pointer("nodes", index),
                f'no path leads from "{node.id}" to a stop',
                node=node.id,
                suggestion="lead one of its transitions on",
            )


def _reversed(successors: Successors) -> Successors:
    predecessors: dict[NodeId, list[NodeId]] = {}
    for node, targets in successors.items():
        for target in targets:
            predecessors.setdefault(target, []).append(node)
    return predecessors


def _endless(plan: Plan, ways: Ways, reachable: set[NodeId]) -> Iterator[Issue]:
    """A cycle that is still there when every bounded node on it is used up.

    Such a node only passes the token on to `onMaxVisits`, so what turns then turns for ever.
    """
    used_up = {
        node.id: [
            edge.to
            for edge in ways[node.id]
            if node.max_visits is None or edge.path == "/onMaxVisits"
        ]
        for node in plan.nodes
        if node.id in reachable
    }
    cycle = _cycle(used_up)
    if cycle:
        index = next(at for at, node in enumerate(plan.nodes) if node.id in cycle)
        first = cycle.index(plan.nodes[index].id)
        turned = cycle[first:] + cycle[:first]
        yield issue(
            "E_LOOP_UNBOUNDED",
            pointer("nodes", index),
            "an endless loop: " + " → ".join([*turned, turned[0]]),
            node=turned[0],
            suggestion="set maxVisits and onMaxVisits on a node of the loop",
            witness={"nodes": turned},
        )


def _cycle(successors: Successors) -> list[NodeId]:
    """The first cycle met when going depth first in document order; empty when there is none."""
    done: set[NodeId] = set()
    for start in successors:
        path, pending = [start], [iter(successors[start])]
        while pending and start not in done:
            target = next(pending[-1], None)
            if target is None:
                done.add(path.pop())
                pending.pop()
            elif target in path:
                return path[path.index(target) :]
            elif target not in done:
                path.append(target)
                pending.append(iter(successors[target]))
    return []


def _without_exit(plan: Plan) -> Iterator[Issue]:
    for index, node in enumerate(plan.nodes):
        if node.max_visits is not None and node.on_max_visits is None:
            yield issue(
                "E_LOOP_NO_EXIT",
                pointer("nodes", index, "maxVisits"),
                "maxVisits without onMaxVisits: nowhere to go after the last visit",
                node=node.id,
                suggestion="set onMaxVisits to the node that comes after the loop",
            )
