"""The instant a message leaves: the gates that the plan itself rules, then one attempt."""

from collections.abc import Sequence
from datetime import datetime

from domain.campaign import placing
from domain.campaign.matching import guard_holds
from domain.campaign.sending import DOUBTFUL, message_in
from domain.campaign.state import Campaign, Message, Phase
from domain.campaign.walk import Walk
from domain.events import (
    Event,
    MessageDeferred,
    SendAttemptStarted,
)
from domain.ids import MessageId
from domain.lifecycle import Stage
from domain.plan import Grounds, Send
from domain.taxonomy import CancelReason, HoldReason, MessageState
from domain.timing import is_open


def start_attempt(
    state: Campaign, grounds: Grounds, *, message_id: MessageId, now: datetime
) -> Sequence[Event]:
    """Claim a due message, or say why not now or not at all: the gates that the plan knows."""
    message = message_in(state, message_id, MessageState.QUEUED)
    ready = state.stage == Stage.ACTIVE and state.phase == Phase.SCHED
    if message is None or not ready or state.pending != message_id or now < message.due_at:
        return []
    send = grounds.plan.nodes[message.node]
    assert isinstance(send, Send)
    walk = Walk(state, grounds, now)
    if now >= message.expires_at:
        walk.cancel(message_id, CancelReason.EXPIRED, now)
    elif not guard_holds(state, grounds, send.send_if):
        walk.cancel(message_id, CancelReason.SEND_IF, now)
    elif _perhaps_sent(state) >= grounds.plan.limits.max_sends:
        walk.cancel(message_id, CancelReason.POLICY, now)
    elif (reason := _not_now(state, grounds, send, now)) is not None:
        _defer(walk, send, message, reason, now)
    else:
        attempt = message.attempt + 1
        walk.say(
            SendAttemptStarted(
                message_id=message_id, attempt=attempt, body_mac=message.body_mac, at=now
            )
        )
    return walk.facts


def _perhaps_sent(state: Campaign) -> int:
    """Messages that were accepted, or still may be: a doubt counts against the limit."""
    sent = (*DOUBTFUL, MessageState.ACCEPTED)
    return sum(message.state in sent for message in state.messages.values())


def _not_now(state: Campaign, grounds: Grounds, send: Send, now: datetime) -> HoldReason | None:
    if not is_open(now, send.hours):
        return HoldReason.HOURS
    lowest = placing.floor(state, grounds, send)
    return HoldReason.SPACING if lowest is not None and now < lowest else None


def _defer(walk: Walk, send: Send, message: Message, reason: HoldReason, now: datetime) -> None:
    due_at = placing.again(walk.state, walk.grounds, send, base=now, key=message.dedupe_key)
    if due_at is None:
        walk.fail(message.id, "no_window", now)
        return
    walk.say(
        MessageDeferred(
            message_id=message.id,
            reason=reason,
            due_at=due_at,
            expires_at=due_at + placing.EXPIRES_AFTER,
            at=now,
        )
    )
