"""What the facts about a message make of the state."""

from typing import Any, assert_never

from msgspec.structs import replace

from domain.campaign.state import Campaign, Phase
from domain.events import (
    MessageAccepted,
    MessageCancelled,
    MessageDeferred,
    MessageFailed,
    MessagePresumedLost,
    MessageQueued,
    MessageReopened,
    MessageUnknown,
    ResendOrdered,
    SendAttemptReturned,
    SendAttemptStarted,
)
from domain.gates import Seen
from domain.ids import MessageId
from domain.lifecycle import Stage
from domain.taxonomy import FAMILY_OF, SKIPS, HoldReason, MessageState, Signal


def of_message(  # noqa: C901  # a total match over the facts of a message
    state: Campaign,
    event: MessageQueued
    | MessageDeferred
    | MessageReopened
    | MessageCancelled
    | SendAttemptStarted
    | SendAttemptReturned
    | MessageAccepted
    | MessageFailed
    | MessageUnknown
    | MessagePresumedLost
    | ResendOrdered,
) -> Campaign:
    """Apply one fact about a message; one that is not of this stream changes nothing."""
    mid = event.message_id
    if mid not in state.messages:
        return state
    match event:
        case MessageQueued(body_mac=mac, domain=domain, sender=sender):
            queued = {"state": MessageState.QUEUED, "body_mac": mac, "domain": domain}
            return changed(state, mid, **queued, **({"sender": sender} if sender else {}))
        case MessageDeferred(due_at=due_at, expires_at=expires_at, reason=reason):
            held = "" if reason == HoldReason.RELEASED else reason.value
            return changed(state, mid, due_at=due_at, expires_at=expires_at, held=held)
        case MessageReopened(at=at, seen=seen):
            again = {"state": MessageState.PLANNED, "due_at": at, "body_mac": "", "held": ""}
            return changed(state, mid, **again, **_in_time(seen))
        case MessageCancelled(reason=reason):
            state = changed(state, mid, state=MessageState.CANCELLED)
            return _fell(state, mid, Signal.SEND_SKIPPED) if reason in SKIPS else state
        case SendAttemptStarted(attempt=attempt, at=at):
            tried = {"attempt": attempt, "tried_at": at, "held": "", **_in_time(event.seen)}
            state = changed(state, mid, state=MessageState.SENDING, **tried)
            return replace(state, phase=Phase.SENDING) if state.pending == mid else state
        case SendAttemptReturned(due_at=due_at, counted=counted):
            returned = state.messages[mid].returned + counted
            changes = {"state": MessageState.QUEUED, "due_at": due_at, "returned": returned}
            state = changed(state, mid, **changes)
            return replace(state, phase=Phase.SCHED) if state.pending == mid else state
        case MessageAccepted() as fact:
            return _accepted(state, fact)
        case MessageFailed():
            return _fell(changed(state, mid, state=MessageState.FAILED), mid, Signal.SEND_FAILED)
        case MessageUnknown():
            return changed(state, mid, state=MessageState.UNKNOWN)
        case MessagePresumedLost():
            lost = changed(state, mid, state=MessageState.PRESUMED_LOST)
            return _fell(lost, mid, Signal.SEND_FAILED)
        case ResendOrdered(due_at=due_at, expires_at=expires_at):
            again = {"due_at": due_at, "expires_at": expires_at, "held": "", "resent": True}
            state = changed(state, mid, state=MessageState.QUEUED, **again)
            return replace(state, phase=Phase.SCHED) if state.pending == mid else state
        case _:
            assert_never(event)


def _in_time(seen: Seen | None) -> dict[str, Any]:
    """The expiry that its gates saw: a pause that is over has moved it."""
    return {"expires_at": seen.expires_at} if seen and seen.expires_at else {}


def _accepted(state: Campaign, fact: MessageAccepted) -> Campaign:
    message = state.messages[fact.message_id]
    family = FAMILY_OF[message.channel]
    last = max(fact.at, state.last_sent_at.get(family, fact.at))
    message = replace(message, state=MessageState.ACCEPTED, accepted_at=fact.at)
    sent = {
        "messages": {**state.messages, message.id: message},
        "sends": state.sends + 1,
        "last_sent_at": {**state.last_sent_at, family: last},
    }
    if state.pending != message.id:
        return replace(state, **sent)
    return replace(
        state,
        **sent,
        phase=Phase.WATCH,
        pending=None,
        anchor=message.id,
        t0=fact.at,
        timers=fact.timers,
        fell=Signal.SENT if state.stage == Stage.PAUSED else "",
    )


def _fell(state: Campaign, message_id: MessageId, word: str) -> Campaign:
    if state.pending != message_id:
        return state
    return replace(state, phase=Phase.WATCH, pending=None, fell=word)


def changed(campaign: Campaign, message_id: MessageId, **changes: Any) -> Campaign:  # noqa: ANN401  # fields of the struct
    """The state with these fields of a message changed, if it is there."""
    if message_id not in campaign.messages:
        return campaign
    message = replace(campaign.messages[message_id], **changes)
    return replace(campaign, messages={**campaign.messages, message_id: message})
