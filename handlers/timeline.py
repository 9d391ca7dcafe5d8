"""One contact-campaign at any instant: its state then, every fact until then with its cause."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from domain.campaign import Campaign, evolve, fold
from domain.events import topic_of
from domain.ids import CampaignId, ContactId, MessageId, StreamId
from domain.recorded import Recorded
from handlers.errors import Fault, NotAcceptable
from handlers.telling import tell


class History(Protocol):
    """The recorded facts of a stream."""

    def __call__(self, stream: StreamId, upto: datetime | None = None) -> list[Recorded]: ...


class Moment(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fact: when it happened, when it was recorded, in words, and what caused it."""

    version: int
    position: int
    at: datetime
    recorded_at: datetime
    kind: str
    told: str
    cause: str
    correlation_id: UUID
    data: dict[str, Any]
    message_id: MessageId | None = None


class Standing(msgspec.Struct, frozen=True):
    """The state at that instant, as far as people ask for it."""

    stage: str
    phase: str
    node: str
    visit: int
    plan_hash: str
    started_at: datetime | None
    expires_at: datetime | None
    pending: dict[str, Any] | None
    timers: list[dict[str, Any]]
    latched: list[str]
    sends: int
    outcome: str | None


class Changed(msgspec.Struct, frozen=True):
    """One part of the state that is not what it was, and the versions of the facts that did it."""

    field: str
    before: Any
    after: Any
    by: list[int]


class Difference(msgspec.Struct, frozen=True):
    """What became of the state between an earlier instant and that of the timeline."""

    diff_from: datetime
    before: Standing
    changed: list[Changed]


class Timeline(msgspec.Struct, frozen=True):
    """A contact-campaign until `as_of` (until now when it is None).

    With a difference, `events` are those that were recorded after its beginning.
    """

    contact_campaign_id: StreamId
    campaign_id: CampaignId
    contact_id: ContactId
    as_of: datetime | None
    state: Standing
    events: list[Moment]
    difference: Difference | None = None


def timeline(
    history: History,
    stream: StreamId,
    as_of: datetime | None,
    diff_from: datetime | None = None,
    first: int | None = None,
) -> Timeline | None:
    """The timeline of a stream as it was known at an instant; None where there is no stream.

    With `diff_from` it tells what has changed since that earlier instant; with `first` it is so
    many facts long: of those of one transaction no instant is between. Raises NotAcceptable where
    the earlier instant is the later one.
    """
    if diff_from is not None and as_of is not None and diff_from > as_of:
        fault = Fault("/diff_from", "order", "must not be later than as_of")
        raise NotAcceptable("the query cannot be taken", [fault])
    whole = history(stream)
    if not whole:
        return None
    recorded = [one for one in whole[:first] if as_of is None or one.at <= as_of]
    since = [one for one in recorded if diff_from is None or one.at > diff_from]
    before = recorded[: len(recorded) - len(since)]
    state = fold(one.fact for one in recorded)
    return Timeline(
        contact_campaign_id=stream,
        campaign_id=whole[0].campaign_id,
        contact_id=whole[0].contact_id,
        as_of=as_of,
        state=_standing(state),
        events=_moments(since),
        difference=None if diff_from is None else _difference(diff_from, before, since),
    )


def _difference(
    diff_from: datetime, before: Sequence[Recorded], since: Sequence[Recorded]
) -> Difference:
    state = fold(one.fact for one in before)
    first = last = _standing(state)
    by: dict[str, list[int]] = {}
    for one in since:
        state = evolve(state, one.fact)
        now = _standing(state)
        for field in Standing.__struct_fields__:
            if getattr(now, field) != getattr(last, field):
                by.setdefault(field, []).append(one.version)
        last = now
    changed = [
        Changed(field, getattr(first, field), getattr(last, field), by[field])
        for field in Standing.__struct_fields__
        if getattr(first, field) != getattr(last, field)
    ]
    return Difference(diff_from, first, changed)


def _moments(recorded: Sequence[Recorded]) -> list[Moment]:
    return [
        Moment(
            version=one.version,
            position=one.position,
            at=getattr(one.fact, "at", one.at),
            recorded_at=one.at,
            kind=topic_of(one.fact),
            told=tell(one.fact),
            cause=f"{one.cause.kind}:{one.cause.id}",
            correlation_id=one.correlation,
            data=msgspec.to_builtins(one.fact),
            message_id=getattr(one.fact, "message_id", None),
        )
        for one in recorded
    ]


def _standing(state: Campaign) -> Standing:
    waiting = state.messages[state.pending] if state.pending else None
    return Standing(
        stage=state.stage,
        phase=state.phase,
        node=state.node,
        visit=state.visit,
        plan_hash=state.plan_hash,
        started_at=state.started_at,
        expires_at=state.expires_at,
        pending=None
        if waiting is None
        else {"message_id": waiting.id, "state": waiting.state, "due_at": waiting.due_at},
        timers=[
            {"kind": timer.kind, "index": timer.index, "due_at": timer.due_at}
            for timer in state.timers
        ],
        latched=[heard.signal for heard in state.latched],
        sends=state.sends,
        outcome=state.outcome,
    )
