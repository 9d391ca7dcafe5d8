"""The messages of a contact-campaign: rendered, skipped, settled after an attempt (trust.md 1)."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from domain.campaign import placing
from domain.campaign.matching import timers_from, transitions_at
from domain.campaign.revising import apply_kept
from domain.campaign.saying import cancelled_by
from domain.campaign.state import Campaign, Message
from domain.campaign.walk import Walk
from domain.events import (
    Event,
    MessageAccepted,
    MessageDeferred,
    MessagePresumedLost,
    MessageQueued,
    MessageUnknown,
    SendAttemptReturned,
)
from domain.gates.holds import PAUSES
from domain.ids import MessageId
from domain.lifecycle import Stage
from domain.plan import Grounds, Plan
from domain.taxonomy import CancelReason, HoldReason, MessageState, Signal, Via

ATTEMPTS_MAX = 8
"""Attempts that certainly did not leave, after which a message is given up."""

DOUBTFUL = (MessageState.SENDING, MessageState.UNKNOWN, MessageState.PRESUMED_LOST)

AGAIN = (MessageState.PLANNED, MessageState.QUEUED)
"""Where a message waits that a person ordered to be sent again."""


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    """The provider took an attempt: when, and how that became known."""

    message_id: MessageId
    attempt: int
    at: datetime
    via: Via
    provider_id: str = ""


def queue(
    state: Campaign,
    grounds: Grounds,  # noqa: ARG001  # every decision has the same head
    *,
    queued: MessageQueued,
) -> list[Event]:
    """Note that a planned message was rendered and kept."""
    message = message_in(state, queued.message_id, MessageState.PLANNED)
    return [] if message is None or state.ended else [queued]


def give_up(
    state: Campaign,
    grounds: Grounds,
    *,
    message_id: MessageId,
    reason: str,
    at: datetime,
) -> Sequence[Event]:
    """Fail a message before any call (it cannot be rendered); the plan goes on by `send_failed`."""
    message = message_in(state, message_id, MessageState.PLANNED)
    if message is None or state.ended:
        return []
    walk = Walk(state, grounds, at)
    walk.fail(message_id, reason, at)
    return walk.facts


def skip(
    state: Campaign,
    grounds: Grounds,
    *,
    message_id: MessageId,
    reason: CancelReason,
    at: datetime,
) -> Sequence[Event]:
    """Do not send a waiting message and follow the plan's `send_skipped`."""
    message = message_in(state, message_id, MessageState.PLANNED, MessageState.QUEUED)
    if message is None or state.ended:
        return []
    in_time = state.stage == Stage.PAUSED or at < expiry_of(message, at)
    if reason == CancelReason.EXPIRED and in_time:
        return []  # a pause and a later due time move the expiry
    walk = Walk(state, grounds, at)
    walk.cancel(message_id, reason, at)
    return walk.facts


def hold(
    state: Campaign,
    grounds: Grounds,  # noqa: ARG001  # every decision has the same head
    *,
    message_id: MessageId,
    reason: HoldReason,
    until: datetime,
    at: datetime,
) -> list[Event]:
    """A gate says "not now": look again at `until`, until the message expires as before."""
    message = message_in(state, message_id, MessageState.PLANNED, MessageState.QUEUED)
    if message is None or state.ended or (message.held, message.due_at) == (reason, until):
        return []
    return [
        MessageDeferred(
            message_id=message_id,
            reason=reason,
            due_at=until,
            expires_at=expiry_of(message, at),
            at=at,
        )
    ]


def keep_waiting(
    state: Campaign,
    grounds: Grounds,
    *,
    message_id: MessageId,
    reason: HoldReason,
    until: datetime,
    at: datetime,
) -> list[Event]:
    """The same of a message that is due, where a reason that holds it already is no news."""
    message = state.messages.get(message_id)
    if message is None or message.held == reason or at < message.due_at:
        return []
    if state.stage != Stage.ACTIVE:
        return []
    return hold(state, grounds, message_id=message_id, reason=reason, until=until, at=at)


def return_attempt(
    state: Campaign,
    grounds: Grounds,
    *,
    returned: SendAttemptReturned,
) -> Sequence[Event]:
    """The attempt certainly did not leave: queue it again, or give up after the eighth."""
    message = message_in(state, returned.message_id, MessageState.SENDING)
    if message is None or message.attempt != returned.attempt:
        return _certain_late(state, grounds, returned=returned)
    walk = Walk(state, grounds, returned.at)
    if message.returned + returned.counted >= ATTEMPTS_MAX:
        walk.say(walk.failed(message.id, returned.reason, returned.at))
        apply_kept(walk, returned.at)
        walk.fall(returned.at)
        return walk.facts
    stands_still = state.stage == Stage.PAUSED and state.pending == message.id
    walk.say(replace(returned, paused=stands_still))
    apply_kept(walk, returned.at)
    if state.outcome is not None:
        walk.cancel(message.id, cancelled_by(state.outcome, ""), returned.at)
    return walk.facts


def _certain_late(
    state: Campaign, grounds: Grounds, *, returned: SendAttemptReturned
) -> Sequence[Event]:
    """A doubt that the worker itself settles late: what did not leave is lost, not sent again."""
    message = message_in(state, returned.message_id, MessageState.UNKNOWN)
    if message is None or message.attempt != returned.attempt:
        return []
    return lose(
        state,
        grounds,
        message_id=message.id,
        attempt=message.attempt,
        evidence="not_sent",
        at=returned.at,
    )


def accept_message(state: Campaign, grounds: Grounds, *, acceptance: Acceptance) -> Sequence[Event]:
    """The provider has the message: the clock of its node starts, or a late fact is noted."""
    message = _perhaps_taken(state, acceptance)
    if message is None:
        return []
    accepted = MessageAccepted(
        message_id=message.id,
        attempt=message.attempt,
        at=acceptance.at,
        via=acceptance.via,
        node=message.node,
        visit=message.visit,
        provider_id=acceptance.provider_id,
        late=message.state in (MessageState.PRESUMED_LOST, *AGAIN),
        variant=message.variant,
        sender=message.sender,
        domain=message.domain,
    )
    if _only_watches(state, grounds.plan, message):
        return _watched(state, grounds, accepted)
    walk = Walk(state, grounds, acceptance.at)
    walk.say(accepted)
    if state.pending != message.id or state.stage != Stage.ACTIVE:
        return walk.facts
    if state.kept is not None:
        apply_kept(walk, accepted.at)
        return walk.facts
    if walk.leave_sent(accepted.at):
        return walk.facts
    return _watched(state, grounds, accepted)


def _perhaps_taken(state: Campaign, acceptance: Acceptance) -> Message | None:
    """The message, if this attempt of it may be one that the provider has.

    What waits was not tried, unless a person ordered it again, or the provider knows of an attempt
    that this log has lost: it was restored from a backup.
    """
    message = message_in(state, acceptance.message_id, *DOUBTFUL, *AGAIN)
    if message is None:
        return None
    told = acceptance.via != Via.ANSWER
    if message.state in AGAIN and told and acceptance.attempt > message.attempt:
        return message
    known = message.state not in AGAIN or message.resent
    return message if known and message.attempt == acceptance.attempt else None


def _only_watches(state: Campaign, plan: Plan, message: Message) -> bool:
    """Whether the node goes on to watch its message, whatever guards say: the usual case."""
    here = state.pending == message.id and state.stage == Stage.ACTIVE and state.kept is None
    leads = any(way.on == Signal.SENT for way in transitions_at(plan, message.node))
    return here and not leads and plan.goal(Signal.SENT) is None


def _watched(state: Campaign, grounds: Grounds, accepted: MessageAccepted) -> Sequence[Event]:
    """The clock of the node starts; only a fact that leads nowhere has timers."""
    known = state.messages[accepted.message_id].heard_at
    armed = timers_from(grounds.plan, accepted.node, accepted.at, known)
    walk = Walk(state, grounds, accepted.at)
    walk.say(replace(accepted, timers=armed))
    walk.offer()
    return walk.facts


def refuse(
    state: Campaign,
    grounds: Grounds,
    *,
    message_id: MessageId,
    attempt: int,
    reason: str,
    at: datetime,
) -> Sequence[Event]:
    """The provider refused the message for good."""
    message = message_in(state, message_id, MessageState.SENDING)
    if message is None or message.attempt != attempt:
        return []
    walk = Walk(state, grounds, at)
    walk.say(walk.failed(message_id, reason, at))
    apply_kept(walk, at)
    walk.fall(at)
    return walk.facts


def doubt(
    state: Campaign,
    grounds: Grounds,  # noqa: ARG001  # every decision has the same head
    *,
    message_id: MessageId,
    attempt: int,
    reason: str,
    at: datetime,
) -> list[Event]:
    """Nobody knows whether the attempt left; the plan waits, and nothing is sent again."""
    message = message_in(state, message_id, MessageState.SENDING)
    if message is None or message.attempt != attempt:
        return []
    return [MessageUnknown(message_id=message_id, attempt=attempt, reason=reason, at=at)]


def lose(
    state: Campaign,
    grounds: Grounds,
    *,
    message_id: MessageId,
    attempt: int,
    evidence: str,
    at: datetime,
) -> Sequence[Event]:
    """The attempt is taken as lost; the plan goes on by its `send_failed`."""
    message = message_in(state, message_id, MessageState.UNKNOWN)
    if message is None or message.attempt != attempt:
        return []
    walk = Walk(state, grounds, at)
    walk.say(
        MessagePresumedLost(
            message_id=message_id,
            attempt=attempt,
            evidence=evidence,
            at=at,
            node=message.node,
            variant=message.variant,
            sender=message.sender,
            domain=message.domain,
        )
    )
    apply_kept(walk, at)
    walk.fall(at)
    return walk.facts


def expiry_of(message: Message, now: datetime) -> datetime:
    """Until when it may leave; from the end of a pause that held it, it has its time anew."""
    if message.held not in PAUSES:
        return message.expires_at
    return max(message.expires_at, now + placing.EXPIRES_AFTER)


def message_in(state: Campaign, message_id: MessageId, *states: MessageState) -> Message | None:
    """The message, if it is there and in one of these states."""
    message = state.messages.get(message_id)
    return message if message is not None and message.state in states else None
