"""The instant a message leaves: every gate is asked, then one attempt, or why not."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from domain import gates
from domain.campaign import placing
from domain.campaign.control import stop
from domain.campaign.matching import guard_holds
from domain.campaign.sending import DOUBTFUL, expiry_of, message_in
from domain.campaign.state import Campaign, Message, Phase
from domain.campaign.walk import Walk
from domain.events import Event, MessageDeferred, MessageReopened, SendAttemptStarted
from domain.gates import CLEAR, Hold, Never, Seen, with_clocks
from domain.gates.holds import MAY_END_EARLY, WOKEN
from domain.ids import MessageId
from domain.lifecycle import Stage
from domain.plan import Grounds, Send
from domain.taxonomy import CancelReason, MessageState
from domain.timing import is_open

LOOK_AGAIN = timedelta(minutes=5)
"""When a gate that does not know until when it is closed is asked again."""
WOKEN_AT_LATEST = timedelta(hours=1)
"""The same where an order opens the gate: it wakes what waits, and this is for a lost one."""


def start_attempt(
    state: Campaign,
    grounds: Grounds,
    *,
    message_id: MessageId,
    now: datetime,
    seen: Seen = CLEAR,
    zones: Sequence[str] = (),
) -> Sequence[Event]:
    """Claim a due message, or say why not now or not at all.

    `seen` is what was seen outside, `zones` where the recipient may be: the plan's, if not told. A
    hold for the reason that it is held for already is no news: nothing is said. One that an order
    may have ended is looked at before its time.
    """
    message = message_in(state, message_id, MessageState.QUEUED)
    if message is None or not _ready(state, message) or _too_early(message, now):
        return []
    node = grounds.plan.nodes.get(message.node)
    if not isinstance(node, Send):  # ordered again, and its node is gone since
        return _never(state, grounds, message_id, CancelReason.REVISED, now, None)
    seen = seen_by_plan(state, grounds, message, seen, now, zones=zones)
    recorded = seen if seen.looked else None
    match gates.judge(seen, now):
        case Never(reason):
            return _never(state, grounds, message_id, reason, now, recorded)
        case Hold(reason, anew=True):
            return [MessageReopened(message_id=message_id, reason=reason, at=now, seen=recorded)]
        case Hold() as hold:
            held = _placed_again if hold.placed else _waits
            return held(Walk(state, grounds, now), message, hold, recorded)
        case None:
            attempt = message.attempt + 1
            mac = message.body_mac
            return [
                SendAttemptStarted(
                    message_id=message_id, attempt=attempt, body_mac=mac, at=now, seen=recorded
                )
            ]


def seen_by_plan(  # the head of a decision, and what was seen
    state: Campaign,
    grounds: Grounds,
    message: Message,
    seen: Seen,
    now: datetime,
    *,
    zones: Sequence[str] = (),
) -> Seen:
    """What was seen outside, and what the plan, its clocks and the contact-campaign add to it."""
    send = grounds.plan.nodes[message.node]
    assert isinstance(send, Send)
    added = replace(
        seen,
        channel=send.channel,
        stage="active" if state.stage == Stage.ACTIVE else "paused",
        expires_at=expiry_of(message, now),
        send_if=guard_holds(state, grounds, send.send_if),
        sends=_perhaps_sent(state),
        sends_max=grounds.plan.limits.max_sends,
        open=is_open(now, send.hours),
        spaced_until=placing.floor(state, grounds, send),
    )
    return with_clocks(added, zones or (grounds.plan.zone,), now)


def _ready(state: Campaign, message: Message) -> bool:
    """The plan waits for it, or a person ordered it once more while the plan goes on."""
    if message.resent:
        return state.stage in (Stage.ACTIVE, Stage.PAUSED)
    waits = state.pending == message.id and state.phase == Phase.SCHED
    return waits and state.stage == Stage.ACTIVE


def _too_early(message: Message, now: datetime) -> bool:
    return now < message.due_at and message.held not in MAY_END_EARLY


def look_again(hold: Hold, now: datetime) -> datetime:
    """When a gate that is closed now is asked again."""
    return hold.until or now + (WOKEN_AT_LATEST if hold.reason in WOKEN else LOOK_AGAIN)


def _perhaps_sent(state: Campaign) -> int:
    """Messages that were accepted, or still may be: a doubt counts against the limit."""
    sent = (*DOUBTFUL, MessageState.ACCEPTED)
    return sum(message.state in sent for message in state.messages.values())


def _never(
    state: Campaign,
    grounds: Grounds,
    message_id: MessageId,
    reason: CancelReason,
    now: datetime,
    seen: Seen | None,
) -> Sequence[Event]:
    """A message of a stopped campaign ends its plan; any other skip the plan may answer."""
    if reason == CancelReason.STOPPED:
        return stop(state, grounds, reason="campaign_stopped", at=now)
    walk = Walk(state, grounds, now)
    walk.say(replace(walk.cancelled(message_id, reason, now), seen=seen))
    walk.fall(now)
    return walk.facts


def _waits(walk: Walk, message: Message, hold: Hold, seen: Seen | None) -> Sequence[Event]:
    if message.held == hold.reason:
        return []
    return [
        MessageDeferred(
            message_id=message.id,
            reason=hold.reason,
            due_at=look_again(hold, walk.now),
            expires_at=expiry_of(message, walk.now),
            at=walk.now,
            seen=seen,
        )
    ]


def _placed_again(walk: Walk, message: Message, hold: Hold, seen: Seen | None) -> Sequence[Event]:
    """The message gets a new due time, and with it a new expiry: only the hour was wrong."""
    state, grounds, now = walk.state, walk.grounds, walk.now
    send = grounds.plan.nodes[message.node]
    assert isinstance(send, Send)
    base = max(hold.until or now, now)
    due_at = placing.again(state, grounds, send, base=base, key=message.dedupe_key)
    if due_at is None:
        walk.fail(message.id, "no_window", now)
        return walk.facts
    if (message.held, message.due_at) == (hold.reason, due_at):
        return []
    return [
        MessageDeferred(
            message_id=message.id,
            reason=hold.reason,
            due_at=due_at,
            expires_at=due_at + placing.EXPIRES_AFTER,
            at=now,
            seen=seen,
        )
    ]
