"""Kept plans are whole, and streams stand on nodes of their own plan (I4, I8)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from domain.events import (
    Completed,
    Event,
    PlanRevised,
    TaskCreated,
    TaskResolved,
    TransitionTaken,
)
from domain.ids import ErrandId, NodeId
from domain.lifecycle import Stage
from domain.plan import Plan, Stop
from infra.invariants.finding import Finding, Tally
from infra.invariants.snapshot import Snapshot
from infra.invariants.streams import Document, KeptPlan, Stream

_WAYS = ("otherwise", "next", "onError")
_LISTS = ("transitions", "cases", "arms")


class WholePlans:
    """I4: unique nodes, a start, targets that exist, nothing out of reach."""

    def __init__(self) -> None:
        self._tally = Tally("I4", "Plans are whole: start, targets, all nodes in reach")
        self._seen: set[str] = set()

    def take(self, taken: Snapshot, batch: Sequence[Stream]) -> None:  # noqa: ARG002  # a Look
        for stream in batch:
            plan = stream.plan
            if plan is not None and plan.hash not in self._seen:
                self._seen.add(plan.hash)
                self._tally.examined += 1
                self._judge(plan, begun=stream.under_plan is stream.facts)

    def _judge(self, kept: KeptPlan, *, begun: bool) -> None:
        """What a plan put in force on the way reaches depends on where it was taken up."""
        fault = next(_faults(kept, reach=begun), kept.fault)
        if fault:
            self._tally.add(f"plan {kept.hash}: {fault}")

    def findings(self, taken: Snapshot, note: str) -> list[Finding]:  # noqa: ARG002  # a Look
        return [self._tally.finding(note)]


def _faults(kept: KeptPlan, *, reach: bool) -> Iterator[str]:
    try:
        document = json.loads(kept.document)
        nodes = [(node["id"], list(_targets(node))) for node in document["nodes"]]
        start = document["startNodeId"]
    except (ValueError, KeyError, TypeError) as error:
        yield f"not a plan: {type(error).__name__} {error}"
        return
    yield from _faults_of(nodes)
    if start not in dict(nodes):
        yield f"no start node {start!r}"
    elif reach:
        yield from _out_of_reach(dict(nodes), start)


def _faults_of(nodes: Sequence[tuple[str, list[str]]]) -> Iterator[str]:
    known = dict(nodes)
    if len(known) < len(nodes):
        yield f"{len(nodes)} nodes with {len(known)} different ids"
    for node, targets in nodes:
        yield from (f"node {node!r} leads to no node {to!r}" for to in targets if to not in known)


def _out_of_reach(known: Mapping[str, list[str]], start: str) -> Iterator[str]:
    lost = known.keys() - _reached(known, start)
    if lost:
        yield f"node {min(lost)!r} is out of reach"


def _targets(node: Document) -> Iterator[str]:
    yield from (node[way] for way in _WAYS if node.get(way) is not None)
    for name in _LISTS:
        yield from (way["to"] for way in node.get(name) or ())
    if node.get("maxVisits") is not None and node.get("onMaxVisits") is not None:
        yield node["onMaxVisits"]


def _reached(known: Mapping[str, list[str]], start: str) -> set[str]:
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        node = ahead.pop()
        if node not in reached:
            reached.add(node)
            ahead += known.get(node, [])
    return reached


class OwnNodes:
    """I8: a stream stands in its plan, its task with it; it is completed exactly at an exit."""

    def __init__(self) -> None:
        self._tally = Tally(
            "I8", "Streams and their tasks stand in the plan; completed exactly at an exit node"
        )

    def take(self, taken: Snapshot, batch: Sequence[Stream]) -> None:  # noqa: ARG002  # a Look
        for stream in batch:
            if not stream.fault and stream.plan is not None and stream.plan.plan is not None:
                self._tally.examined += 1
                fault = next(_misplaced(stream, stream.plan.plan), None)
                if fault:
                    self._tally.add(f"stream {stream.id}: {fault}")

    def findings(self, taken: Snapshot, note: str) -> list[Finding]:  # noqa: ARG002  # a Look
        return [self._tally.finding(note)]


def _misplaced(stream: Stream, plan: Plan) -> Iterator[str]:
    state = stream.state
    if state.plan_hash != plan.hash:
        yield f"its facts name plan {state.plan_hash!r}, the directory {plan.hash!r}"
    if state.node and state.node not in plan.nodes:
        yield f"stands at {state.node!r}, which is no node of its plan"
    for task, node in _open_tasks(stream).items():
        if (task, node) != (state.task, state.node):
            theirs = f"at {state.node!r} with task {state.task}"
            yield f"task {task} is open at {node!r}, the stream stands {theirs}"
    facts = [recorded.fact for recorded in stream.under_plan]
    for fact, following in zip_longest(facts, facts[1:]):
        yield from _passed(plan, fact, following)
    at_exit = isinstance(plan.nodes.get(state.node), Stop)
    if at_exit != (state.stage == Stage.COMPLETED):
        yield f"stands at {state.node!r} and is {state.stage}"


def _open_tasks(stream: Stream) -> dict[ErrandId, NodeId]:
    """The tasks that are not over, with their nodes by the names that they have now."""
    found: dict[ErrandId, NodeId] = {}
    for recorded in stream.facts:
        match recorded.fact:
            case TaskCreated(task_id=task, node=node):
                found[task] = node
            case TaskResolved(task_id=task):
                found.pop(task, None)
            case PlanRevised(mapping=mapping):
                names = dict(mapping)
                found = {task: names.get(node, node) for task, node in found.items()}
            case _:
                pass
    return found


def _passed(plan: Plan, fact: Event, following: Any) -> Iterator[str]:  # noqa: ANN401  # a fact or the end
    match fact:
        case TransitionTaken(to=to) if isinstance(plan.nodes.get(to), Stop):
            if not isinstance(following, Completed):
                yield f"came to exit {to!r} and was not completed"
        case Completed(node=node, outcome=outcome):
            stop = plan.nodes.get(node)
            if not isinstance(stop, Stop):
                yield f"was completed at {node!r}, which is no exit"
            elif stop.outcome != outcome:
                yield f"was completed with {outcome}, exit {node!r} says {stop.outcome}"
        case _:
            pass
