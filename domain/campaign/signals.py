"""What was reported and what a timer makes: recorded, then followed through the plan."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from domain.campaign import placing
from domain.campaign.evolve import fold
from domain.campaign.matching import guard_holds, match, silenced, transitions_at
from domain.campaign.sending import Acceptance, accept_message
from domain.campaign.state import Campaign, Phase
from domain.campaign.walk import Walk
from domain.errors import CampaignNotStarted, MessageUnknownHere
from domain.events import Event, MessageDeferred, SignalRecorded, TimerSet
from domain.ids import MessageId, NodeId
from domain.lifecycle import Stage
from domain.plan import Grounds, Send
from domain.taxonomy import ENDING_SIGNALS, HoldReason, Outcome, Signal

IMPLY_OPEN = (Signal.CLICKED, Signal.REPLIED)
SIGNALS_PER_KIND_MAX = 50
"""Reports of one kind about one message that the log keeps; more are in the inbox only."""

_EXITS = {Signal.REPLIED: Outcome.REPLIED, Signal.BOUNCED: Outcome.BOUNCED}


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """One report in our words: what, about which message, when it happened, its semantic key."""

    signal: str
    at: datetime
    key: str
    message_id: MessageId | None = None
    machine: bool = False
    weak: bool = False
    evidence: str = ""
    url: str | None = None
    """What was clicked; only the tags of the plan's `urlContains` texts in it reach the log."""


def hear(
    state: Campaign,
    grounds: Grounds,
    *,
    acceptance: Acceptance | None,
    reported: Reported | None,
    now: datetime,
) -> Sequence[Event]:
    """One event of a provider: it may prove that an attempt was taken, and it may be a signal."""
    facts: list[Event] = []
    if acceptance is not None:
        facts += accept_message(state, grounds, acceptance=acceptance)
        state = fold(facts, state)
    if reported is not None:
        facts += record(state, grounds, reported=reported, now=now)
    return facts


def record(
    state: Campaign, grounds: Grounds, *, reported: Reported, now: datetime
) -> Sequence[Event]:
    """Note a report and follow the plan; the same report again is no news (A9)."""
    if state.stage in (Stage.NONE, Stage.DRAFT, Stage.SCHEDULED):
        raise CampaignNotStarted("nothing was sent yet that this could be about")
    if reported.message_id is not None and reported.message_id not in state.messages:
        raise MessageUnknownHere(str(reported.message_id))
    if reported.key in state.keys or _too_many(state, reported):
        return []
    walk = Walk(state, grounds)
    told = _note(walk, reported)
    if walk.state.ended:
        return walk.facts
    if _left_for_good(walk, reported) or walk.state.stage == Stage.PAUSED:
        return walk.facts
    _timers_first(walk, reported.at, now)
    if not _timer_owed(walk.state, grounds, reported.at, now):
        _follow(walk, told)
    _default(walk, reported)
    return walk.facts


def _too_many(state: Campaign, reported: Reported) -> bool:
    """Endless repeats of opens, clicks and deferrals must not grow the stream for ever (I29)."""
    alike = [
        heard
        for heard in state.latched
        if (heard.signal, heard.message_id) == (reported.signal, reported.message_id)
    ]
    return len(alike) >= SIGNALS_PER_KIND_MAX


def _note(walk: Walk, reported: Reported) -> list[int]:
    """Record the report, and before it the open that a click or a reply implies (A3)."""
    machine = reported.machine and not walk.grounds.policy.machine_events_count
    message = walk.state.messages.get(reported.message_id) if reported.message_id else None
    told: list[int] = []
    implied = reported.signal in IMPLY_OPEN and message is not None
    if implied and message is not None and Signal.OPENED not in message.heard_at:
        told.append(walk.state.signals)
        walk.say(_fact(walk, reported, Signal.OPENED, machine=machine, derived=True))
    told.append(walk.state.signals)
    walk.say(_fact(walk, reported, reported.signal, machine=machine, derived=False))
    return told


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
        node=message.node if message else None,
        variant=message.variant if message else "",
        sender=message.sender if message else "",
        domain=message.domain if message else "other",
        first=not machine and message is not None and signal not in message.heard_at,
    )


def _left_for_good(walk: Walk, reported: Reported) -> bool:
    """Hard exits act in every phase, also while paused; then goals, where the clock runs."""
    if reported.machine:
        return False
    if reported.signal in ENDING_SIGNALS:
        walk.exit(Outcome.UNSUBSCRIBED, reported.signal, reported.at)
        return True
    goal = walk.grounds.plan.goal(reported.signal)
    if goal is not None and walk.state.stage == Stage.ACTIVE:
        walk.exit(goal, f"goal:{reported.signal}", reported.at)
        return True
    return False


def _follow(walk: Walk, told: Sequence[int]) -> None:
    """Offer the new signals, oldest first; each only as long as it is still latched."""
    for no in told:
        heard = next((heard for heard in walk.state.latched if heard.no == no), None)
        if heard is None or walk.state.phase != Phase.WATCH:
            continue
        index = match(walk.state, walk.grounds, heard)
        if index is not None and walk.state.t0 is not None:
            at = max(heard.at, walk.state.t0)
            walk.follow(index, at, on=heard.signal, heard=heard)


def _default(walk: Walk, reported: Reported) -> None:
    """What happens to a human signal that no transition used (plan-dsl.md 8)."""
    used = all(heard.no != walk.state.signals - 1 for heard in walk.state.latched)
    if used or walk.state.stage != Stage.ACTIVE:
        return
    if reported.signal in _EXITS:
        walk.exit(_EXITS[Signal(reported.signal)], reported.signal, reported.at)
    elif reported.signal == Signal.AUTO_REPLIED:
        _auto_replied(walk, reported.at)


def _auto_replied(walk: Walk, at: datetime) -> None:
    plan = walk.grounds.plan
    if plan.auto_reply == "exit":
        walk.exit(Outcome.NO_RESPONSE, Signal.AUTO_REPLIED, at)
    waiting = walk.state.waiting
    if plan.auto_reply != "defer" or waiting is None:
        return
    send = plan.nodes[waiting.node]
    assert isinstance(send, Send)
    due_at = placing.again(
        walk.state, walk.grounds, send, base=waiting.due_at, key=waiting.dedupe_key
    )
    if due_at is None:
        walk.fail(waiting.id, "no_window", at)
    elif due_at != waiting.due_at:
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
    walk = Walk(state, grounds)
    if _fires(state, grounds, timer):
        walk.follow(index, due_at, on=timer.kind)
    else:
        walk.offer()  # what was dated after this timer had waited for it
    return walk.facts


def _fires(state: Campaign, grounds: Grounds, timer: TimerSet) -> bool:
    transition = transitions_at(grounds.plan, state.node)[timer.index]
    return not silenced(state, timer) and guard_holds(state, grounds, transition.when)


def _timers_first(walk: Walk, at: datetime, now: datetime) -> None:
    """Let timers whose time and grace are over go before a signal dated after them (A7)."""
    grace = timedelta(seconds=walk.grounds.policy.timer_grace_s)
    while walk.state.phase == Phase.WATCH and walk.state.stage == Stage.ACTIVE:
        due = [
            timer
            for timer in _unguarded(walk)
            if timer.due_at < at and timer.due_at + grace <= now and not silenced(walk.state, timer)
        ]
        if not due:
            return
        first = min(due, key=lambda timer: (timer.due_at, timer.index))
        walk.follow(first.index, first.due_at, on=first.kind)


def _unguarded(walk: Walk) -> list[TimerSet]:
    """Timers that fire whatever the data say; a guarded one has its own turn only."""
    ways = transitions_at(walk.grounds.plan, walk.state.node)
    return [timer for timer in walk.state.timers if ways[timer.index].when is None]


def _timer_owed(state: Campaign, grounds: Grounds, at: datetime, now: datetime) -> bool:
    """Whether a timer dated before this signal waits for its grace: then the signal waits too."""
    grace = timedelta(seconds=grounds.policy.timer_grace_s)
    return any(
        timer.due_at < at and now < timer.due_at + grace and not silenced(state, timer)
        for timer in state.timers
    )


def expire(state: Campaign, grounds: Grounds, *, due_at: datetime) -> list[Event]:
    """End a contact-campaign whose longest duration is over."""
    if state.stage != Stage.ACTIVE or state.expires_at is None or state.expires_at > due_at:
        return []
    walk = Walk(state, grounds)
    walk.exit(Outcome.EXPIRED, "max_duration", due_at)
    return walk.facts
