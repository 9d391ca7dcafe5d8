"""Ways out of a node that can be taken, and that lead where the language lets them."""

from collections.abc import Iterator, Sequence

from domain.ids import NodeId
from domain.plan import WATCHING, Branch, Node, Plan, Stop, Transition
from domain.taxonomy import ENDING_SIGNALS, Signal, Synthetic
from domain.timing import Duration
from plans.pointer import pointer
from plans.verify.report import Issue, issue

_NOW = Duration()
_NEVER_TAKEN = (Signal.WEBHOOK_OK, Signal.WEBHOOK_FAILED)
"""Recorded facts; the way on is `next` or `onError` of the webhook node."""
ASSUMED_AFTER = "P3D"
"""What the timed stage takes for a timeout that does not say when."""


def ways(plan: Plan, places: Sequence[tuple[str, Node]]) -> Iterator[Issue]:
    """Transitions that can never match or must not lead there, and cases that are always true."""
    for at, node in places:
        if isinstance(node, WATCHING):
            for index, way in enumerate(node.transitions):
                path = f"{at}/transitions/{index}"
                yield from _dead(path, node.id, way)
                yield from _misfit(path, node.id, way)
                yield from _hard_exit(path, node.id, way, plan)
        elif isinstance(node, Branch):
            yield from _always_true(at, node)


def _dead(path: str, node: NodeId, way: Transition) -> Iterator[Issue]:
    if way.within is None:
        return
    if way.within.nominal_s == 0 and way.on != Signal.SENT:
        path += "/within"
        message = f'"{way.on}" would have to come at the very instant the wait begins'
    elif way.within.nominal_s < (way.after or _NOW).nominal_s:
        message = f'"{way.on}" can never match: within is over before after has come'
    else:
        return
    yield issue(
        "E_DEAD_TRANSITION",
        path,
        message,
        node=node,
        got={"within": way.within.text, "after": way.after and way.after.text},
        suggestion="remove it, or let it last longer",
        patch=({"op": "remove", "path": path},),
    )


def _misfit(path: str, node: NodeId, way: Transition) -> Iterator[Issue]:
    if way.url_tag is not None and way.on != Signal.CLICKED:
        yield issue(
            "E_FIELD_EVENT",
            path + "/urlContains",
            f'only "clicked" has a URL, "{way.on}" has none',
            node=node,
            got=way.on,
            suggestion="remove it",
            patch=({"op": "remove", "path": path + "/urlContains"},),
        )
    if way.synthetic is Synthetic.TIMEOUT and way.after is None:
        yield issue(
            "E_TIMER_NO_AFTER",
            path,
            "a timeout has no default: it must say after how long",
            node=node,
            suggestion=f'add "after", for instance "{ASSUMED_AFTER}"',
            patch=({"op": "add", "path": path + "/after", "value": ASSUMED_AFTER},),
        )
    if way.on in _NEVER_TAKEN:
        yield issue(
            "E_EVENT_CHANNEL",
            path + "/on",
            f'"{way.on}" is recorded, but no transition is taken on it',
            node=node,
            got=way.on,
            suggestion="use next and onError of the webhook node",
            patch=({"op": "remove", "path": path},),
        )


def _hard_exit(path: str, node: NodeId, way: Transition, plan: Plan) -> Iterator[Issue]:
    if way.on in ENDING_SIGNALS and not isinstance(plan.nodes[way.to], Stop):
        yield issue(
            "E_HARD_EXIT",
            path + "/to",
            f'"{way.on}" ends the plan, so it can only lead to a stop',
            node=node,
            got=way.to,
            suggestion="remove the transition: the plan ends as unsubscribed without it",
            patch=({"op": "remove", "path": path},),
        )


def _always_true(at: str, branch: Branch) -> Iterator[Issue]:
    for index, (guard, target) in enumerate(branch.cases):
        if not guard.all and not guard.any:
            yield issue(
                "E_GUARD_EMPTY",
                at + pointer("cases", index, "when"),
                f'no conditions: the way to "{target}" is always taken',
                node=branch.id,
                suggestion='add a condition, or make it the "otherwise"',
            )
