"""The ways out of a node, in document order, whatever its type."""

from collections.abc import Iterator

import msgspec

from domain.ids import NodeId
from plans.pointer import pointer
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
from plans.schema.parts import Condition, Guard, Transition


class Edge(msgspec.Struct, frozen=True):
    """A reference from a node to another one; `path` is its pointer below the node."""

    path: str
    to: NodeId
    why: Transition | Guard | str

    @property
    def transition(self) -> Transition | None:
        """The transition that it is of, if it is of one."""
        return self.why if isinstance(self.why, Transition) else None

    @property
    def label(self) -> str:
        """When it is followed, in a few words, for people."""
        match self.why:
            case Transition() as transition:
                return _transition_text(transition)
            case Guard() as guard:
                return guard_text(guard)
            case str() as text:
                return text


def edges(node: Node) -> Iterator[Edge]:
    """All references to nodes that the token may follow, `onMaxVisits` last."""
    yield from _ways(node)
    if node.on_max_visits is not None:
        yield Edge("/onMaxVisits", node.on_max_visits, f"after {node.max_visits or '?'} visits")


def _ways(node: Node) -> Iterator[Edge]:
    match node:
        case Send() | Wait() | Task():
            yield from _transitions(node.transitions)
        case Branch():
            yield from _cases(node)
        case Split():
            yield from _arms(node)
        case Update() | Notify() | Webhook():
            yield Edge("/next", node.next, "next")
            if isinstance(node, Webhook) and node.on_error is not None:
                yield Edge("/onError", node.on_error, "on error")
        case Stop():
            pass


def _cases(branch: Branch) -> Iterator[Edge]:
    for index, case in enumerate(branch.cases):
        yield Edge(f"/cases/{index}/to", case.to, case.when)
    yield Edge("/otherwise", branch.otherwise, "otherwise")


def _arms(split: Split) -> Iterator[Edge]:
    total = sum(arm.weight for arm in split.arms)
    for index, arm in enumerate(split.arms):
        label = f"{arm.id}: {arm.weight} of {total}"
        yield Edge(f"/arms/{index}/to", arm.to, label)


def effective_edges(node: Node) -> list[Edge]:
    """The references that can be followed: `onMaxVisits` only when `maxVisits` is set."""
    skipped = "/onMaxVisits" if node.max_visits is None else ""
    return [edge for edge in edges(node) if edge.path != skipped]


def conditions(plan: Plan) -> Iterator[tuple[str, Node, Condition]]:
    """Every condition of the plan with its pointer and node, in document order."""
    for index, node in enumerate(plan.nodes):
        for path, guard in _guards(node):
            for word, listed in (("all", guard.all), ("any", guard.any)):
                for position, condition in enumerate(listed):
                    place = pointer("nodes", index) + path + pointer(word, position)
                    yield place, node, condition


def guard_text(guard: Guard) -> str:
    """The guard in a few words, for people."""
    every = " and ".join(map(_condition_text, guard.all))
    some = " or ".join(map(_condition_text, guard.any))
    return f"{every} and ({some})" if every and some else every or some or "always"


def _transitions(transitions: list[Transition]) -> Iterator[Edge]:
    for index, transition in enumerate(transitions):
        yield Edge(f"/transitions/{index}/to", transition.to, transition)


def _guards(node: Node) -> Iterator[tuple[str, Guard]]:
    if isinstance(node, Send) and node.send_if is not None:
        yield "/sendIf", node.send_if
    if isinstance(node, Send | Wait | Task):
        for index, transition in enumerate(node.transitions):
            if transition.when is not None:
                yield pointer("transitions", index, "when"), transition.when
    if isinstance(node, Branch):
        for index, case in enumerate(node.cases):
            yield pointer("cases", index, "when"), case.when


def _transition_text(transition: Transition) -> str:
    words = [transition.on.replace("_", " ")]
    if transition.url_contains:
        words.append(f"…{transition.url_contains}…")
    words += [f"after {transition.after}"] if transition.after else []
    words += [f"within {transition.within}"] if transition.within else []
    words += [f"if {guard_text(transition.when)}"] if transition.when else []
    return " ".join(words)


def _condition_text(condition: Condition) -> str:
    value = condition.value
    shown = ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return f"{condition.field} {condition.op.replace('_', ' ')} {shown}".rstrip()
