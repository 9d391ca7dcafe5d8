"""The send queue: one row per message, moved in the transaction of its facts."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from domain.events import (
    MessageAccepted,
    MessageCancelled,
    MessageDeferred,
    MessageFailed,
    MessagePresumedLost,
    MessageQueued,
    MessageReopened,
    MessageUnknown,
    NodeEntered,
    Paused,
    PlanRevised,
    ResendOrdered,
    Resumed,
    SendAttemptReturned,
    SendAttemptStarted,
)
from domain.ids import MessageId
from domain.recorded import Recorded
from domain.taxonomy import HoldReason
from domain.taxonomy import MessageState as State
from projections.projection import Change, Move, Projection, Put, Table, topics

TABLE = Table(
    "send_queue",
    key=("message_id",),
    columns={
        "message_id": "uuid",
        "stream_id": "uuid",
        "campaign_id": "uuid",
        "contact_id": "uuid",
        "dedupe_key": "text",
        "node": "text",
        "visit": "integer",
        "channel": "text",
        "variant": "text",
        "sender": "text",
        "state": "text",
        "attempt": "integer",
        "due_at": "timestamptz",
        "not_before": "timestamptz",
        "expires_at": "timestamptz",
        "hold_reason": "text",
        "reason": "text",
        "body_mac": "text",
        "provider_id": "text",
        "accepted_at": "timestamptz",
        "planned_at": "timestamptz",
    },
)

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Not before a resume says when."""

_STANDS_STILL = {"not_before": NEVER, "hold_reason": HoldReason.PAUSED}
_NOT_RENDERED = {"state": State.PLANNED, "hold_reason": None, "body_mac": None}
_WAITING = (State.PLANNED, State.QUEUED)
_DOUBTFUL = (State.SENDING, State.UNKNOWN, State.PRESUMED_LOST)


def changes(recorded: Recorded) -> Iterator[Change]:  # noqa: C901  # a total match over the facts
    """The row of a message as its facts say; a resume or a revision moves what waits."""
    match recorded.fact:
        case NodeEntered(message_id=message_id) as fact if message_id is not None:
            yield Put(TABLE, _planned(recorded, fact))
        case MessageQueued() as fact:
            yield _move(
                fact.message_id,
                {"state": (State.PLANNED,)},
                {"state": State.QUEUED, "body_mac": fact.body_mac, **_account(fact)},
            )
        case MessageDeferred() as fact:
            yield _move(fact.message_id, {"state": _WAITING}, _deferred(fact))
        case MessageReopened() as fact:
            row = {**_NOT_RENDERED, "due_at": fact.at, "not_before": fact.at, **_in_time(fact)}
            yield _move(fact.message_id, {"state": (State.QUEUED,)}, row)
        case MessageCancelled() as fact:
            yield _move(
                fact.message_id,
                {"state": _WAITING},
                {"state": State.CANCELLED, "reason": fact.reason, "hold_reason": None},
            )
        case SendAttemptStarted() as fact:
            row = {
                "state": State.SENDING,
                "attempt": fact.attempt,
                "not_before": fact.at,  # from here silence counts, by the clock of the plans
                "hold_reason": None,
                **_in_time(fact),
            }
            expect = {"state": (State.QUEUED,), "attempt": (fact.attempt - 1,)}
            yield _move(fact.message_id, expect, row)
        case SendAttemptReturned() as fact:
            row = {"state": State.QUEUED, "not_before": fact.due_at, "hold_reason": fact.reason}
            row |= _STANDS_STILL if fact.paused else {}
            yield _move(fact.message_id, _at((State.SENDING,), fact.attempt), row)
        case ResendOrdered() as fact:
            row = {
                "state": State.QUEUED,
                "due_at": fact.due_at,
                "not_before": fact.due_at,
                "expires_at": fact.expires_at,
                "hold_reason": None,
                "reason": None,
            }
            yield _move(fact.message_id, {"state": (State.UNKNOWN, State.PRESUMED_LOST)}, row)
        case Paused() | Resumed() | PlanRevised() as fact if fact.message_id is not None:
            yield from _with_its_plan(fact.message_id, fact)
        case MessageAccepted() | MessageFailed() | MessageUnknown() | MessagePresumedLost() as fact:
            yield _outcome(fact)
        case _:
            pass


def _with_its_plan(message_id: MessageId, fact: Paused | Resumed | PlanRevised) -> Iterator[Change]:
    match fact:
        case Paused():
            yield _move(message_id, {"state": _WAITING}, _STANDS_STILL)
        case Resumed(due_at=due_at) if due_at:
            row = {
                "due_at": due_at,
                "not_before": due_at,
                "expires_at": fact.message_expires_at,
                "hold_reason": None,
            }
            yield _move(message_id, {"state": _WAITING}, row)
        case PlanRevised():
            yield _move(message_id, {"state": _WAITING}, _planned_again(fact))
        case _:
            pass


def _in_time(fact: SendAttemptStarted | MessageReopened) -> dict[str, Any]:
    """The expiry that its gates saw: a pause that is over has moved it."""
    return {"expires_at": fact.seen.expires_at} if fact.seen and fact.seen.expires_at else {}


def _account(fact: MessageQueued) -> dict[str, Any]:
    return {"sender": fact.sender} if fact.sender else {}


def _deferred(fact: MessageDeferred) -> dict[str, Any]:
    """What an order released is held by nothing."""
    return {
        "due_at": fact.due_at,
        "not_before": fact.due_at,
        "expires_at": fact.expires_at,
        "hold_reason": None if fact.reason == HoldReason.RELEASED else fact.reason,
    }


def _planned(recorded: Recorded, fact: NodeEntered) -> dict[str, Any]:
    return {
        "message_id": fact.message_id,
        "stream_id": recorded.stream,
        "campaign_id": recorded.campaign_id,
        "contact_id": recorded.contact_id,
        "dedupe_key": fact.dedupe_key,
        "node": fact.node,
        "visit": fact.visit,
        "channel": fact.channel,
        "variant": fact.variant,
        "sender": fact.sender,
        "state": State.PLANNED,
        "attempt": 0,
        "due_at": fact.due_at,
        "not_before": fact.due_at,
        "expires_at": fact.expires_at,
        "planned_at": fact.at,
    }


def _planned_again(fact: PlanRevised) -> dict[str, Any]:
    """The message of another plan: it is rendered anew, whatever it was."""
    row = {
        "node": fact.node,
        "variant": fact.variant,
        "sender": fact.sender,
        "due_at": fact.due_at,
        "not_before": fact.due_at,
        "expires_at": fact.message_expires_at,
        **_NOT_RENDERED,
    }
    return row | _STANDS_STILL if fact.paused else row


def _outcome(
    fact: MessageAccepted | MessageFailed | MessageUnknown | MessagePresumedLost,
) -> Move:
    match fact:
        case MessageAccepted():
            row = {
                "state": State.ACCEPTED,
                "accepted_at": fact.at,
                "provider_id": fact.provider_id or None,
                "reason": None,
            }
            before = (*_DOUBTFUL, *_WAITING) if fact.late else _DOUBTFUL
            return _move(fact.message_id, _at(before, fact.attempt), row)
        case MessageFailed():
            row = {"state": State.FAILED, "reason": fact.reason}
            expect = _at((State.SENDING, *_WAITING), fact.attempt)
            return _move(fact.message_id, expect, row)
        case MessageUnknown():
            row = {"state": State.UNKNOWN, "reason": fact.reason}
            return _move(fact.message_id, _at((State.SENDING,), fact.attempt), row)
        case MessagePresumedLost():
            row = {"state": State.PRESUMED_LOST, "reason": fact.evidence}
            return _move(fact.message_id, _at((State.UNKNOWN,), fact.attempt), row)


def _at(states: tuple[State, ...], attempt: int) -> dict[str, tuple[Any, ...]]:
    return {"state": states, "attempt": (attempt,)}


def _move(message_id: MessageId, expect: dict[str, tuple[Any, ...]], row: dict[str, Any]) -> Move:
    return Move(TABLE, {"message_id": message_id}, expect, row)


SEND_QUEUE = Projection(
    "send_queue",
    (TABLE,),
    topics(
        NodeEntered,
        MessageQueued,
        MessageDeferred,
        MessageReopened,
        MessageCancelled,
        SendAttemptStarted,
        SendAttemptReturned,
        MessageAccepted,
        MessageFailed,
        MessageUnknown,
        MessagePresumedLost,
        ResendOrdered,
        Paused,
        Resumed,
        PlanRevised,
    ),
    changes,
)
