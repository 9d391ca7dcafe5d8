"""What was reported and what a timer makes: recorded, then followed through the plan."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from domain.campaign import placing
from domain.campaign.evolve import OF_ONE_TASK, fold
from domain.campaign.judging import Judged, judge_again
from domain.campaign.matching import (
    guard_holds,
    is_graced,
    is_unguarded,
    silenced,
    transitions_at,
)
from domain.campaign.revising import in_force
from domain.campaign.sending import Acceptance, accept_message
from domain.campaign.settling import settle
from domain.campaign.state import Campaign, Message, Phase
from domain.campaign.walk import STEPS_MAX, Walk
from domain.errors import CampaignNotStarted, MessageUnknownHere
from domain.events import Event, MessageDeferred, SignalRecorded, TimerSet
from domain.ids import MessageId, NodeId
from domain.lifecycle import RUNNING, Stage
from domain.plan import Grounds, Send
from domain.taxonomy import ENDING_SIGNALS, HoldReason, Outcome, Signal

IMPLY_OPEN = (Signal.CLICKED, Signal.REPLIED)
SIGNALS_PER_KIND_MAX = 50
"""Reports of one kind about one message that the log keeps; more are in the inbox only."""


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """One report in our words: what, about which message, when it happened, its semantic key."""

    signal: str
    at: datetime
    key: str
    message_id: MessageId | None = None
    machine: bool = False
    weak: bool = False
    reader: str = ""
    evidence: str = ""
    url: str | None = None
    """What was clicked; only the tags of the plan's `urlContains` texts in it reach the log."""


def hear(
    state: Campaign,
    grounds: Grounds,
    *,
    acceptance: Acceptance | None,
    reported: Reported | None,
    judged: Sequence[Judged] = (),
    now: datetime,
) -> Sequence[Event]:
    """One event of a provider: it may prove that an attempt was taken, and it may be a signal.

    It may also show earlier ones in another light: `judged` has the verdicts as they are now.
    """
    facts: list[Event] = []
    if acceptance is not None:
        facts += accept_message(state, grounds, acceptance=acceptance)
        state = fold(facts, state)
    if judged:
        again = judge_again(state, in_force(state, grounds), judged=judged, now=now)
        state = fold(again, state)
        facts += again
    if reported is not None:
        facts += record(state, in_force(state, grounds), reported=reported, now=now)
    return facts


def record(
    state: Campaign, grounds: Grounds, *, reported: Reported, now: datetime
) -> Sequence[Event]:
    """Note a report and follow the plan; the same report again is no news (A9)."""
    if state.stage in (Stage.NONE, Stage.DRAFT, Stage.SCHEDULED):
        raise CampaignNotStarted("nothing was sent yet that this could be about")
    if reported.message_id is not None and reported.message_id not in state.messages:
        raise MessageUnknownHere(str(reported.message_id))
    if reported.key in state.keys or _too_many(state, grounds, reported):
        return []
    walk = Walk(state, grounds, now)
    told = _note(walk, reported)
    human = not _by_machine(grounds, reported)
    if human and reported.signal in ENDING_SIGNALS and not state.ended:
        walk.exit(Outcome.UNSUBSCRIBED, reported.signal, reported.at)
    if walk.state.stage != Stage.ACTIVE:
        return walk.facts
    _timers_first(walk, reported.at)
    settle(walk, told)
    if human and reported.signal == Signal.AUTO_REPLIED:
        _put_off(walk, reported.at)
    return walk.facts


def _too_many(state: Campaign, grounds: Grounds, reported: Reported) -> bool:
    """Endless repeats of opens, clicks and deferrals must not grow the stream for ever (I29)."""
    if reported.signal in OF_ONE_TASK:
        return False
    kind = (reported.signal, reported.message_id, _by_machine(grounds, reported))
    return state.told.get(kind, 0) >= SIGNALS_PER_KIND_MAX


def _by_machine(grounds: Grounds, reported: Reported) -> bool:
    return reported.machine and not grounds.policy.machine_events_count


def _note(walk: Walk, reported: Reported) -> list[int]:
    """Record the report, and before it the open that a click or a reply implies (A3)."""
    machine = _by_machine(walk.grounds, reported)
    message = walk.state.messages.get(reported.message_id) if reported.message_id else None
    told: list[int] = []
    if reported.signal in IMPLY_OPEN and message is not None and not _opened(message, reported):
        told.append(walk.state.signals)
        walk.say(_fact(walk, reported, Signal.OPENED, machine=machine, derived=True))
    told.append(walk.state.signals)
    walk.say(_fact(walk, reported, reported.signal, machine=machine, derived=False))
    return told


def _opened(message: Message, reported: Reported) -> bool:
    """Whether an open is known that is no younger: one that came first may have happened later."""
    known = message.heard_at.get(Signal.OPENED)
    return known is not None and known <= reported.at


def _tags(grounds: Grounds, url: str | None) -> tuple[str, ...]:
    tags = grounds.plan.url_tags
    return tuple(tag for text, tag in tags.items() if url is not None and text in url)


def _fact(
    walk: Walk, reported: Reported, signal: str, *, machine: bool, derived: bool
) -> SignalRecorded:
    state, grounds = walk.state, walk.grounds
    message = state.messages.get(reported.message_id) if reported.message_id else None
    late = state.timer_taken_at is not None and reported.at <= state.timer_taken_at
    return SignalRecorded(
        signal=signal,
        at=reported.at,
        message_id=reported.message_id,
        key="" if derived else reported.key,
        machine=machine,
        derived=derived,
        late=late,
        weak=reported.weak,
        url_tags=() if derived else _tags(grounds, reported.url),
        evidence=reported.evidence,
        reader=reported.reader,
        node=message.node if message else None,
        variant=message.variant if message else "",
        sender=message.sender if message else "",
        domain=message.domain if message else "other",
        first=not machine and message is not None and signal not in message.heard_at,
    )


def _put_off(walk: Walk, at: datetime) -> None:
    """Keep the pending message back until the auto-reply is old enough (A13)."""
    state, waiting = walk.state, walk.state.waiting
    if waiting is None or state.stage != Stage.ACTIVE:
        return
    send = walk.grounds.plan.nodes[waiting.node]
    assert isinstance(send, Send)
    lowest = placing.floor(state, walk.grounds, send)
    if lowest is None or lowest <= waiting.due_at:
        return
    due_at = placing.again(state, walk.grounds, send, base=lowest, key=waiting.dedupe_key)
    if due_at is None:
        walk.fail(waiting.id, "no_window", at)
        return
    walk.say(
        MessageDeferred(
            message_id=waiting.id,
            reason=HoldReason.AUTO_REPLIED,
            due_at=due_at,
            expires_at=due_at + placing.EXPIRES_AFTER,
            at=at,
        )
    )


# --- timers ---------------------------------------------------------------------------------------


def time_out(
    state: Campaign,
    grounds: Grounds,
    *,
    node: NodeId,
    visit: int,
    index: int,
    due_at: datetime,
) -> Sequence[Event]:
    """Take the transition of a timer, dated when it was due; a stale one stores nothing."""
    timer = next((timer for timer in state.timers if timer.index == index), None)
    current = (state.node, state.visit) == (node, visit) and state.phase == Phase.WATCH
    if state.stage != Stage.ACTIVE or not current or timer is None or timer.due_at != due_at:
        return []
    walk = Walk(state, grounds, due_at + timedelta(seconds=grounds.policy.timer_grace_s))
    fires = next((due for due in _up_to(state, grounds, timer) if _fires(walk, due)), None)
    if fires is not None:
        walk.follow(fires.index, fires.due_at, on=fires.kind)
    settle(walk, {heard.no for heard in state.latched if heard.at > due_at})  # they had waited
    return walk.facts


def _up_to(state: Campaign, grounds: Grounds, timer: TimerSet) -> list[TimerSet]:
    """The timers that go before this one, and itself, in order (7.3).

    One with a guard only counts at its own instant: earlier ones had their turn.
    """
    ways = transitions_at(grounds.plan, state.node)
    return [
        due
        for due in sorted(state.timers, key=_turn)
        if due == timer
        or (
            _turn(due) < _turn(timer)
            and (ways[due.index].when is None or due.due_at == timer.due_at)
        )
    ]


def _turn(timer: TimerSet) -> tuple[datetime, int]:
    return timer.due_at, timer.index


def _fires(walk: Walk, timer: TimerSet) -> bool:
    transition = transitions_at(walk.grounds.plan, walk.state.node)[timer.index]
    return not silenced(walk.state, timer) and guard_holds(
        walk.state, walk.grounds, transition.when
    )


def _timers_first(walk: Walk, at: datetime) -> None:
    """Let timers whose time and grace are over go before a signal dated after them (A7).

    One with a guard has its own turn only.
    """
    for _ in range(STEPS_MAX):
        due = [
            timer
            for timer in walk.state.timers
            if timer.due_at < at
            and is_graced(walk.grounds, timer, walk.now)
            and is_unguarded(walk.state, walk.grounds, timer)
            and not silenced(walk.state, timer)
        ]
        if not due:
            return
        first = min(due, key=_turn)
        walk.follow(first.index, first.due_at, on=first.kind)
    if walk.state.stage == Stage.ACTIVE:
        walk.run_away(at)


def expire(state: Campaign, grounds: Grounds, *, due_at: datetime) -> list[Event]:
    """End a contact-campaign whose longest duration is over."""
    if state.stage not in RUNNING or state.expires_at is None or state.expires_at > due_at:
        return []
    if state.paused_at is not None and state.paused_at <= state.expires_at:
        return []  # its clock stands still
    walk = Walk(state, grounds, due_at)
    walk.exit(Outcome.EXPIRED, "max_duration", due_at)
    return walk.facts
