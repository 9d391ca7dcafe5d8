"""What a person orders about one waiting message: not now, now after all, not at all."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.campaign import placing
from domain.campaign.sending import message_in, skip
from domain.campaign.state import Campaign, Message
from domain.errors import CampaignError, MessageUnknownHere
from domain.events import (
    Event,
    MessageDeferred,
    NodeEntered,
    PlanRevised,
    ResendOrdered,
    Resumed,
    SendAttemptReturned,
)
from domain.gates.holds import MAY_END_EARLY
from domain.ids import MessageId
from domain.lifecycle import Stage
from domain.plan import Grounds
from domain.taxonomy import CancelReason, HoldReason, MessageState

UNTIL_RELEASED: Final = datetime(8000, 1, 1, tzinfo=UTC)
"""When a message is due that waits for a person; a pause can move it, and it stays far away."""
WAITING = (MessageState.PLANNED, MessageState.QUEUED)


class NotWaiting(CampaignError):
    """The message is no longer, or not now, in the queue that the order is about."""

    code = "message_not_waiting"


def hold_back(
    state: Campaign,
    grounds: Grounds,  # noqa: ARG001  # every decision has the same head
    *,
    message_id: MessageId,
    until: datetime | None,
    planned_at: datetime,
    at: datetime,
) -> list[Event]:
    """Keep a waiting message back until an instant, or until it is released.

    `planned_at` is when it is due without orders of people: it never leaves earlier than that. Its
    expiry moves along, so that the hold does not end it.
    """
    message = _waiting(state, message_id)
    due_at = UNTIL_RELEASED if until is None else max(until, planned_at)
    if (message.held, message.due_at) == (HoldReason.OPERATOR, due_at):
        return []
    return [_deferred(message, HoldReason.OPERATOR, due_at, at)]


def release(
    state: Campaign,
    grounds: Grounds,  # noqa: ARG001  # every decision has the same head
    *,
    message_id: MessageId,
    planned_at: datetime,
    at: datetime,
) -> list[Event]:
    """Let a message go that a person held back: now, or when the plan wanted it if that is later.

    What a gate holds is no affair of a release: the gate is asked again by itself.
    """
    message = _waiting(state, message_id)
    due_at = max(planned_at, at)
    if message.held != HoldReason.OPERATOR or message.due_at <= due_at:
        return []
    return [_deferred(message, HoldReason.RELEASED, due_at, at)]


def skip_waiting(
    state: Campaign, grounds: Grounds, *, message_id: MessageId, at: datetime
) -> Sequence[Event]:
    """Do not send a waiting message; the plan goes on by its `send_skipped`."""
    if message_in(state, message_id, MessageState.CANCELLED) is not None:
        return []
    _in_queue(state, message_id)
    return skip(state, grounds, message_id=message_id, reason=CancelReason.OPERATOR, at=at)


def due_without_orders(facts: Iterable[Event], message_id: MessageId) -> datetime | None:
    """When a message is due by its plan and its gates, whatever people held back or released."""
    due_at: datetime | None = None
    held_until: datetime | None = None
    for fact in facts:
        if getattr(fact, "message_id", None) != message_id:
            continue
        match fact:
            case MessageDeferred(reason=HoldReason.OPERATOR, due_at=until):
                held_until = until
            case MessageDeferred(reason=reason) if reason in MAY_END_EARLY:
                held_until = None  # only when its gate is asked again
            case Resumed(shift_s=shift_s, due_at=until) if held_until and due_at:
                due_at, held_until = due_at + timedelta(seconds=shift_s), until
            case PlanRevised(due_at=until) if held_until and until == held_until:
                pass  # the hold outlived the plan
            case (
                NodeEntered(due_at=due)
                | MessageDeferred(due_at=due)
                | Resumed(due_at=due)
                | PlanRevised(due_at=due)
                | SendAttemptReturned(due_at=due)
                | ResendOrdered(due_at=due)
            ):
                due_at, held_until = due or due_at, None
            case _:
                pass
    return due_at


def _waiting(state: Campaign, message_id: MessageId) -> Message:
    """The message, if it waits while the plan goes on."""
    message = _in_queue(state, message_id)
    if state.stage == Stage.PAUSED:
        raise NotWaiting("the contact-campaign is paused, so nothing of it leaves; resume it first")
    return message


def _in_queue(state: Campaign, message_id: MessageId) -> Message:
    known = state.messages.get(message_id)
    if known is None:
        raise MessageUnknownHere("this contact-campaign has no such message")
    if known.state not in WAITING:
        raise NotWaiting(f"it is {known.state}: {_SAID.get(known.state, 'it is settled')}")
    return known


_SAID = {
    MessageState.SENDING: "it is on its way, and cannot be called back",
    MessageState.UNKNOWN: "it may have left; it is not sent again without an order to resend it",
    MessageState.PRESUMED_LOST: "it waits for nothing; it may be resent",
    MessageState.ACCEPTED: "it was sent",
}


def _deferred(message: Message, reason: HoldReason, due_at: datetime, at: datetime) -> Event:
    return MessageDeferred(
        message_id=message.id,
        reason=reason,
        due_at=due_at,
        expires_at=due_at + placing.EXPIRES_AFTER,
        at=at,
    )
