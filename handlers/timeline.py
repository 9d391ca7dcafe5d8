"""One contact-campaign at any instant: its state then, every fact until then with its cause."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from domain.campaign import Campaign, fold
from domain.events import topic_of
from domain.ids import CampaignId, ContactId, MessageId, StreamId
from domain.recorded import Recorded
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


class Timeline(msgspec.Struct, frozen=True):
    """A contact-campaign until `as_of` (until now when it is None)."""

    contact_campaign_id: StreamId
    campaign_id: CampaignId
    contact_id: ContactId
    as_of: datetime | None
    state: Standing
    events: list[Moment]


def timeline(
    history: History, stream: StreamId, as_of: datetime | None, first: int | None = None
) -> Timeline | None:
    """The timeline of a stream as it was known at an instant; None where there is no stream.

    With `first` it is so many facts long: of those of one transaction no instant is between.
    """
    whole = history(stream)
    if not whole:
        return None
    recorded = [one for one in whole[:first] if as_of is None or one.at <= as_of]
    state = fold(one.fact for one in recorded)
    return Timeline(
        contact_campaign_id=stream,
        campaign_id=whole[0].campaign_id,
        contact_id=whole[0].contact_id,
        as_of=as_of,
        state=_standing(state),
        events=_moments(recorded),
    )


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
