"""What must not follow what: sends after a reply or a bounce, texts without a way out (11.2)."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from domain.guards import holds
from domain.plan import Branch, Condition, Guard, Send, Task
from domain.taxonomy import Channel, Family, Signal
from plans.pointer import pointer
from plans.schema import models
from plans.verify.report import Issue, issue
from plans.verify.resume import Resume
from plans.verify.timed.outline import UNSENT, Outline, Spot, Way
from plans.verify.timed.watched import Anchors

_WORD = re.compile(r"\bSTOP\b")

Follow = Callable[[Spot], Iterator[int]]
"""Where a search goes on from a node."""


def forbidden_sends(plan: Outline, anchors: Anchors) -> Iterator[Issue]:
    """E_SEND_AFTER_REPLY and E_SEND_AFTER_BOUNCE: a person has to come between."""
    for number in sorted(anchors):
        spot = plan.spots[number]
        for way in spot.ways:
            if way.on not in (Signal.REPLIED, Signal.BOUNCED):
                continue
            path = _forbidden_path(plan, spot, way, list(anchors[number]))
            if path is not None:
                yield _forbidden(plan, spot, way, path)


def _forbidden_path(
    plan: Outline, spot: Spot, way: Way, anchors: Sequence[int]
) -> list[int] | None:
    family = None
    if way.on == Signal.BOUNCED:
        family = spot.family or Family.EMAIL
    for known in _known(plan, way, anchors):
        path = _search(plan, way.to, partial(_is_send, family), partial(_onward, known))
        if path is not None:
            return path
    return None


def _known(plan: Outline, way: Way, anchors: Sequence[int]) -> list[str]:
    """The one fact that is known then, by the name that guards give it; for each subject."""
    if way.about == "any":
        return [""]
    if way.about != "anchor":
        return [f"facts.{way.about}.{way.on}"]
    return [f"facts.{plan.spots[each].id}.{way.on}" if each >= 0 else "" for each in anchors]


def _is_send(family: Family | None, spot: Spot) -> bool:
    return spot.family is not None and family in (None, spot.family)


def _onward(known: str, spot: Spot) -> Iterator[int]:
    """On past anything but a task; of a branch only what can be true while the fact is known."""
    if isinstance(spot.node, Task):
        return
    if spot.beyond >= 0:
        yield spot.beyond
    yield from (way.to for way in spot.ways)
    if not isinstance(spot.node, Branch):
        yield from (to for to, _ in spot.passes)
        return
    for (guard, _), (to, _) in zip(spot.node.cases, spot.passes[:-1], strict=True):
        truth = truth_of(guard, known)
        if truth is not False:
            yield to
        if truth:
            return
    yield spot.passes[-1][0]


def truth_of(guard: Guard, known: str) -> bool | None:
    """Whether the guard holds when this one fact is true and nothing else is known."""
    every = [_truth(condition, known) for condition in guard.all]
    some = [_truth(condition, known) for condition in guard.any]
    if False in every or (some and not any(each is not False for each in some)):
        return False
    return True if all(every) and (not some or True in some) else None


def _truth(condition: Condition, known: str) -> bool | None:
    if condition.field != known:
        return None
    return holds(Guard(all=(condition,)), {known: True})


def _search(
    plan: Outline, start: int, found: Callable[[Spot], bool], onward: Follow
) -> list[int] | None:
    """The shortest path from a node to one that is looked for."""
    came_from = {start: -1}
    pending = [start]
    for number in pending:
        if found(plan.spots[number]):
            path = [number]
            while came_from[path[-1]] >= 0:
                path.append(came_from[path[-1]])
            return path[::-1]
        for to in onward(plan.spots[number]):
            if to not in came_from:
                came_from[to] = number
                pending.append(to)
    return None


def _forbidden(plan: Outline, spot: Spot, way: Way, path: Sequence[int]) -> Issue:
    bounce = way.on == Signal.BOUNCED
    last = plan.spots[path[-1]].id
    return issue(
        "E_SEND_AFTER_BOUNCE" if bounce else "E_SEND_AFTER_REPLY",
        pointer("nodes", spot.number, "transitions", way.index, "to"),
        f'after "{spot.id}" {"bounced" if bounce else "was replied to"}, "{last}" would be sent '
        "without a person in between",
        node=spot.id,
        got=plan.spots[way.to].id,
        suggestion="lead to a stop, or to a task node first",
        witness={"path": [spot.id, *(plan.spots[each].id for each in path)]},
    )


# --- texts ----------------------------------------------------------------------------------------


def opt_out(plan: Outline, document: models.Plan, resume: Resume | None) -> Iterator[Issue]:
    """E_SMS_OPT_OUT: the first SMS of every path says how to get no more."""
    texts = [number for number, spot in enumerate(plan.spots) if _is_text(spot)]
    if resume and any(resume.visits.get(plan.spots[number].id, 0) for number in texts):
        return
    start = plan.numbers[resume.node if resume else plan.plan.start]
    for number in texts:
        lacking = list(_lacking(document, number))
        path = _search(plan, start, _same(number), _until_text) if lacking else None
        for where in lacking if path else ():
            yield _without_word(plan.spots[number], where, [plan.spots[at].id for at in path or ()])


def _is_text(spot: Spot) -> bool:
    return isinstance(spot.node, Send) and spot.node.channel is Channel.SMS


def _same(number: int) -> Callable[[Spot], bool]:
    return lambda spot: spot.number == number


def _until_text(spot: Spot) -> Iterator[int]:
    """On past anything but an SMS that was sent."""
    text = _is_text(spot)
    yield from (way.to for way in spot.ways if not text or way.on in UNSENT)
    yield from (to for to, _ in spot.passes)
    if spot.beyond >= 0:
        yield spot.beyond


def _lacking(document: models.Plan, number: int) -> Iterator[str]:
    """The pointers of this node's texts without the word."""
    node = document.nodes[number]
    assert isinstance(node, models.Send)
    if node.message is not None and not _WORD.search(node.message.text or ""):
        yield pointer("nodes", number, "message", "text")
    for index, variant in enumerate(node.variants):
        if not _WORD.search(variant.message.text or ""):
            yield pointer("nodes", number, "variants", index, "message", "text")


def _without_word(spot: Spot, where: str, path: list[str]) -> Issue:
    return issue(
        "E_SMS_OPT_OUT",
        where,
        f'"{spot.id}" can be the first SMS, but does not say how to opt out',
        node=spot.id,
        suggestion='write how to opt out, such as "Reply STOP to opt out"',
        witness={"path": path},
    )
