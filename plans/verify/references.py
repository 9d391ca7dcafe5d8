"""Stage 2: ids are unique, and every reference leads to a node of the right kind."""

from collections.abc import Iterator, Sequence

from domain.taxonomy import Channel
from plans.edges import conditions, edges
from plans.pointer import pointer
from plans.schema.models import Node, Plan, Send, Task, Wait
from plans.schema.parts import Condition
from plans.schema.scalars import is_event
from plans.verify.report import Issue, did_you_mean, issue, nearest

_NOT_IDS = ("anchor", "any")
"""What a transition's `about` may say instead of a node."""


def references(plan: Plan) -> Iterator[Issue]:
    """Duplicate ids, unknown targets, and subjects that no send node bears."""
    yield from _duplicates(plan)
    yield from _targets(plan)
    yield from _subjects(plan)
    for path, node, condition in conditions(plan):
        yield from _condition(plan, path, node, condition)


def _duplicates(plan: Plan) -> Iterator[Issue]:
    taken: set[str] = set()
    for index, node in enumerate(plan.nodes):
        if node.id in taken:
            yield issue(
                "E_DUPLICATE_ID",
                pointer("nodes", index, "id"),
                f'an earlier node has the id "{node.id}"',
                node=node.id,
                got=node.id,
                suggestion="give the later node another id, and what means it",
            )
        taken.add(node.id)


def _targets(plan: Plan) -> Iterator[Issue]:
    known = list(dict.fromkeys([node.id for node in plan.nodes]))
    if plan.start_node_id not in known:
        yield _unknown("E_TARGET_UNKNOWN", "/startNodeId", plan.start_node_id, known)
    for index, node in enumerate(plan.nodes):
        for edge in edges(node):
            if edge.to not in known:
                path = pointer("nodes", index) + edge.path
                yield _unknown("E_TARGET_UNKNOWN", path, edge.to, known, node.id)


def _subjects(plan: Plan) -> Iterator[Issue]:
    sends = [node.id for node in plan.nodes if isinstance(node, Send)]
    mails = [
        node.id for node in plan.nodes if isinstance(node, Send) and node.channel is Channel.EMAIL
    ]
    for index, node in enumerate(plan.nodes):
        for path, name in _abouts(node):
            if name not in sends:
                yield _unknown("E_ABOUT", pointer("nodes", index) + path, name, sends, node.id)
        for path, name in _replies(node):
            if name not in mails:
                yield _unknown("E_ABOUT", pointer("nodes", index) + path, name, mails, node.id)


def _abouts(node: Node) -> Iterator[tuple[str, str]]:
    if isinstance(node, Wait) and node.about is not None:
        yield "/about", node.about
    for index, way in enumerate(node.transitions if isinstance(node, Send | Wait | Task) else ()):
        if way.about not in _NOT_IDS:
            yield pointer("transitions", index, "about"), way.about


def _replies(node: Node) -> Iterator[tuple[str, str]]:
    if not isinstance(node, Send):
        return
    if node.message is not None and node.message.reply_to is not None:
        yield "/message/replyTo", node.message.reply_to
    for index, variant in enumerate(node.variants):
        if variant.message.reply_to is not None:
            yield pointer("variants", index, "message", "replyTo"), variant.message.reply_to


def _condition(plan: Plan, path: str, node: Node, condition: Condition) -> Iterator[Issue]:
    root, _, rest = condition.field.partition(".")
    if root not in ("facts", "state") or rest == "sends":
        return
    known = [each.id for each in plan.nodes if root == "state" or isinstance(each, Send)]
    if _named(condition.field) not in known:
        yield issue(
            "E_ABOUT",
            path + "/field",
            f'"{condition.field}" names no {"send node" if root == "facts" else "node"} or fact',
            node=node.id,
            expected=["state.sends", "state.visits.<node id>", "facts.<send node id>.<event>"],
            got=condition.field,
            suggestion=did_you_mean(nearest(_named(condition.field) or "", known)),
        )


def _named(field: str) -> str | None:
    """The node that a field of `state` or `facts` is about, if it has one of their forms."""
    match field.split("."):
        case ["state", "visits", node]:
            return node
        case ["facts", node, event] if is_event(event):
            return node
        case _:
            return None


def _unknown(
    code: str, path: str, name: str, known: Sequence[str], node: str | None = None
) -> Issue:
    meant = nearest(name, known)
    patch = ({"op": "replace", "path": path, "value": meant},) if meant else None
    kind = "no node" if code == "E_TARGET_UNKNOWN" else "no send node of the right kind"
    return issue(
        code,
        path,
        f'{kind} has the id "{name}"',
        node=node,
        expected=list(known),
        got=name,
        suggestion=did_you_mean(meant),
        patch=patch,
    )
