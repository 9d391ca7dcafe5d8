"""The chain of causes of a fact: the facts before it, the signal, what came from outside."""

from collections.abc import Iterator, Sequence

from domain.events import (
    Exited,
    MessageCancelled,
    PlanRevised,
    SignalRecorded,
    TransitionTaken,
    topic_of,
)
from domain.recorded import Cause, Recorded
from domain.taxonomy import CauseKind
from handlers.explain.shapes import Link
from handlers.telling import tell

_SAID = {
    CauseKind.WEBHOOK: "webhook delivery {}, item {} of the inbox",
    CauseKind.LINK: "a link or pixel of ours was fetched: delivery {}, item {} of the inbox",
    CauseKind.REPLY: "reply {}",
    CauseKind.TIMER: "timer {}",
    CauseKind.DISPATCH: "dispatch",
    CauseKind.SWEEP: "sweep",
    CauseKind.REQUEST: "request {}",
    CauseKind.OPERATOR: "order by {} in request {}",
    CauseKind.IMPORT: "import {}",
}
_BY_INBOX = frozenset({CauseKind.WEBHOOK, CauseKind.LINK})
_APART = {CauseKind.WEBHOOK: "#", CauseKind.LINK: "#", CauseKind.OPERATOR: "/"}


def chain(history: Sequence[Recorded], index: int) -> list[Link]:
    """What led to the fact at this place, oldest first; the first link came from outside.

    Facts of one append tell one story; it begins at the transition that was taken last, or at the
    signal which that had waited for.
    """
    story = list(_story(history, index))
    signal = _signal_of(history, story)
    if signal is not None and signal not in story:
        story.insert(0, signal)
    after = _end_after(history, index)
    links = [_link(one) for one in (*story, *after)]
    return [_outside(story[0]), *links]


def told_cause(cause: Cause) -> str:
    """A cause in words."""
    said = _SAID[cause.kind]
    parts = cause.id.split(_APART[cause.kind], 1) if cause.kind in _APART else [cause.id]
    if len(parts) < said.count("{}"):  # one that is not by a row of the inbox or by a request
        return f"{cause.kind.value} {cause.id}"
    return said.format(*parts)


def _story(history: Sequence[Recorded], index: int) -> Iterator[Recorded]:
    begin = index
    while begin and _together(history[begin - 1], history[index]):
        begin -= 1
        if isinstance(history[begin].fact, TransitionTaken | SignalRecorded):
            break
    yield from history[begin : index + 1]


def _signal_of(history: Sequence[Recorded], story: Sequence[Recorded]) -> Recorded | None:
    first = story[0].fact
    if not isinstance(first, TransitionTaken) or first.signal_no < 0:
        return None
    signals = [one for one in history if isinstance(one.fact, SignalRecorded)]
    return signals[first.signal_no] if first.signal_no < len(signals) else None


def _end_after(history: Sequence[Recorded], index: int) -> list[Recorded]:
    """The exit or the new plan that a message was cancelled for is written behind it."""
    if not isinstance(history[index].fact, MessageCancelled):
        return []
    behind = [one for one in history[index + 1 :] if _together(one, history[index])]
    return [one for one in behind if isinstance(one.fact, Exited | PlanRevised)][:1]


def _together(one: Recorded, other: Recorded) -> bool:
    return (one.cause, one.correlation, one.at) == (other.cause, other.correlation, other.at)


def _link(one: Recorded) -> Link:
    at = getattr(one.fact, "at", one.at)
    return Link(at=at, kind=topic_of(one.fact), told=tell(one.fact), version=one.version)


def _outside(first: Recorded) -> Link:
    cause = first.cause
    return Link(at=first.at, kind=cause.kind.value, told=told_cause(cause), item=item_of(cause))


def item_of(cause: Cause) -> int | None:
    """The row of the inbox that a cause names, if it does."""
    number = cause.id.partition("#")[2] if cause.kind in _BY_INBOX else ""
    return int(number) if number.isascii() and number.isdecimal() else None
