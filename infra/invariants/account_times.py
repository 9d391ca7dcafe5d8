"""From when to when: the zones that days were reckoned in, and pauses, as the log of accounts says.

A span of the tenant as a whole has no sender.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from domain.accounts import Rules, SenderEvent, SendingEvent
from domain.accounts.facts import (
    RulesChanged,
    SenderConfigured,
    SenderConnected,
    SenderDeleted,
    SenderDisconnected,
    SenderPaused,
    SenderRegistered,
    SenderResumed,
    SenderUnverified,
    SenderVerified,
    SendingPaused,
    SendingResumed,
)
from domain.events import Fact

EVER = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)

TENANT_PAUSED, DELETED, DISCONNECTED, UNVERIFIED = (
    "the tenant was paused",
    "its sender was deleted",
    "its sender was disconnected",
    "its sender was not verified",
)


class Span(NamedTuple):
    """Something that was so for a time."""

    sender: str
    word: str
    since: datetime
    until: datetime


def zone_times(
    sending: Sequence[SendingEvent], senders: Iterable[Sequence[SenderEvent]]
) -> list[Span]:
    """The zone of the tenant and that of each sender; a sender without one has the tenant's."""
    changes = [(EVER, Rules().zone)]
    changes += [
        (fact.at, str(fact.changed["zone"]))
        for fact in sending
        if isinstance(fact, RulesChanged) and "zone" in fact.changed
    ]
    of_tenant = list(_spans("", changes))
    return [*of_tenant, *(span for facts in senders for span in _of_sender(facts, of_tenant))]


def _of_sender(facts: Sequence[SenderEvent], of_tenant: Sequence[Span]) -> Iterator[Span]:
    changes = [
        (fact.at, fact.settings.zone)
        for fact in facts
        if isinstance(fact, SenderRegistered | SenderConfigured)
    ]
    for own in _spans(_name(facts), changes):
        if own.word:
            yield own
            continue
        for span in of_tenant:
            since, until = max(own.since, span.since), min(own.until, span.until)
            if since <= until:
                yield Span(own.sender, span.word, since, until)


def _spans(sender: str, changes: Sequence[tuple[datetime, str]]) -> Iterator[Span]:
    ends = [at for at, _ in changes[1:]] + [NEVER]
    for (since, word), until in zip(changes, ends, strict=False):
        yield Span(sender, word, since, until)


def closed_times(
    sending: Sequence[SendingEvent], senders: Iterable[Sequence[SenderEvent]]
) -> list[Span]:
    """When nothing of the tenant, and when nothing of a sender was to leave, and why."""
    found = list(_closings("", map(_of_tenant_pause, sending)))
    for facts in senders:
        found += _closings(_name(facts), map(_of_pause, facts))
    return found


class _Turn(NamedTuple):
    at: datetime
    closes: tuple[str, ...] = ()
    opens: tuple[str, ...] = ()


def _of_tenant_pause(fact: SendingEvent) -> _Turn:
    match fact:
        case SendingPaused():
            return _Turn(fact.at, closes=(TENANT_PAUSED,))
        case SendingResumed():
            return _Turn(fact.at, opens=(TENANT_PAUSED,))
        case _:
            return _Turn(fact.at)


def _of_pause(fact: SenderEvent) -> _Turn:
    match fact:
        case SenderPaused(reason=reason):
            return _Turn(fact.at, closes=(_paused(reason),))
        case SenderResumed(reasons=reasons):
            return _Turn(fact.at, opens=tuple(map(_paused, reasons)))
        case _:
            return _Turn(fact.at, _CLOSES.get(type(fact), ()), _OPENS.get(type(fact), ()))


_CLOSES: Mapping[type[Fact], tuple[str, ...]] = {
    SenderUnverified: (UNVERIFIED,),
    SenderDisconnected: (DISCONNECTED,),
    SenderDeleted: (DELETED,),
}
_OPENS: Mapping[type[Fact], tuple[str, ...]] = {
    SenderVerified: (UNVERIFIED,),
    SenderConnected: (DISCONNECTED,),
    SenderRegistered: (DELETED, DISCONNECTED),
}


def _paused(reason: str) -> str:
    return f"its sender was paused ({reason})"


def _closings(sender: str, turns: Iterable[_Turn]) -> Iterator[Span]:
    since: dict[str, datetime] = {}
    for turn in turns:
        for word in turn.closes:
            since.setdefault(word, turn.at)
        for word in turn.opens:
            if word in since:
                yield Span(sender, word, since.pop(word), turn.at)
    yield from (Span(sender, word, at, NEVER) for word, at in since.items())


def _name(facts: Sequence[SenderEvent]) -> str:
    return next((fact.sender for fact in facts if isinstance(fact, SenderRegistered)), "")
