"""What people order: pause, resume, stop."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.campaign import placing
from domain.campaign.matching import known_about, match, silenced, timers_from
from domain.campaign.state import Campaign, Heard, Message, Phase
from domain.campaign.walk import Walk
from domain.errors import CampaignEnded, CampaignNotStarted
from domain.events import Event, Paused, Resumed, TimerSet
from domain.lifecycle import Stage, allowed
from domain.plan import Grounds, Send
from domain.taxonomy import CancelReason, Outcome, Signal
from domain.timing import due_time

_EXITS = {Signal.REPLIED: Outcome.REPLIED, Signal.BOUNCED: Outcome.BOUNCED}


def pause(
    state: Campaign,
    grounds: Grounds,  # noqa: ARG001  # every decision has the same head
    *,
    reason: str,
    at: datetime,
) -> list[Event]:
    """Stop the clock. Safe to repeat."""
    _running(state)
    if not allowed(state.stage, "pause"):
        return []
    waiting = state.waiting
    return [Paused(at=at, reason=reason, message_id=waiting.id if waiting else None)]


def resume(state: Campaign, grounds: Grounds, *, at: datetime) -> Sequence[Event]:
    """Let the clock run again: what waited moves by the paused time, what is latched is offered."""
    _running(state)
    if not allowed(state.stage, "resume") or state.paused_at is None or state.expires_at is None:
        return []
    walk = Walk(state, grounds)
    waiting = state.waiting
    due_at = _placed_again(state, grounds, waiting, at) if waiting else None
    walk.say(
        Resumed(
            at=at,
            shift_s=_shift(state, at).total_seconds(),
            expires_at=state.expires_at + (at - state.paused_at),
            node=state.node,
            visit=state.visit,
            message_id=waiting.id if waiting else None,
            due_at=due_at or (at if waiting else None),
            message_expires_at=(due_at or at) + placing.EXPIRES_AFTER if waiting else None,
            timers=_rearmed(state, grounds, at),
        )
    )
    if waiting is not None:
        _past_or_closed(walk, waiting, due_at, at)
    walk.fall(at)
    _catch_up(walk, at)
    return walk.facts


def stop(state: Campaign, grounds: Grounds, *, reason: str, at: datetime) -> Sequence[Event]:
    """End it by order. Safe to repeat."""
    if state.ended or state.stage == Stage.NONE:
        return []
    walk = Walk(state, grounds)
    walk.exit(Outcome.CANCELLED, reason, at)
    return walk.facts


def _running(state: Campaign) -> None:
    if state.ended:
        raise CampaignEnded(f"it ended with {state.outcome}")
    if state.stage in (Stage.NONE, Stage.DRAFT, Stage.SCHEDULED):
        raise CampaignNotStarted("it was not started yet")


def _shift(state: Campaign, at: datetime) -> timedelta:
    """How far the node's clock moves: one that began during the pause paused only since then."""
    assert state.paused_at is not None
    return at - max(state.paused_at, state.t0 or state.paused_at)


def _rearmed(state: Campaign, grounds: Grounds, at: datetime) -> tuple[TimerSet, ...]:
    if state.phase != Phase.WATCH or state.fell:
        return ()
    assert state.paused_at is not None
    assert state.t0 is not None
    if state.t0 > state.paused_at:
        return timers_from(grounds.plan, state.node, at, known_about(state, state.anchor))
    shift = at - state.paused_at
    return tuple(
        TimerSet(timer.index, timer.kind, timer.due_at + shift)
        for timer in state.timers
        if not silenced(state, TimerSet(timer.index, timer.kind, timer.due_at + shift))
    )


def _placed_again(
    state: Campaign, grounds: Grounds, waiting: Message, at: datetime
) -> datetime | None:
    """Where a waiting message comes after a pause; an absolute time does not shift (A18)."""
    send = grounds.plan.nodes[waiting.node]
    assert isinstance(send, Send)
    assert state.paused_at is not None
    if send.schedule.at is not None:
        lowest = placing.floor(state, grounds, send)
        return due_time(
            send.schedule, at, waiting.dedupe_key, send.hours, send.jitter, floor=lowest
        )
    base = max(waiting.due_at + (at - state.paused_at), at)
    return placing.again(state, grounds, send, base=base, key=waiting.dedupe_key)


def _past_or_closed(walk: Walk, waiting: Message, due_at: datetime | None, at: datetime) -> None:
    send = walk.grounds.plan.nodes[waiting.node]
    assert isinstance(send, Send)
    past = send.schedule.at is not None and send.schedule.at < at
    if past and send.if_past == "skip":
        walk.cancel(waiting.id, CancelReason.PAST, at)
    elif due_at is None:
        walk.fail(waiting.id, "no_window", at)


def _catch_up(walk: Walk, at: datetime) -> None:
    """Offer what came during the pause; a goal, a reply or a bounce that nothing uses ends it."""
    for heard in sorted(walk.state.latched, key=lambda heard: (heard.at, heard.no)):
        if walk.state.stage != Stage.ACTIVE:
            return
        if any(latched.no == heard.no for latched in walk.state.latched):
            _one_of_the_pause(walk, heard, at)


def _one_of_the_pause(walk: Walk, heard: Heard, at: datetime) -> None:
    goal = walk.grounds.plan.goal(heard.signal)
    index = match(walk.state, walk.grounds, heard) if walk.state.phase == Phase.WATCH else None
    if goal is not None:
        walk.exit(goal, f"goal:{heard.signal}", at)
    elif index is not None:
        walk.follow(index, at, on=heard.signal, heard=heard)
    elif heard.signal in _EXITS:
        walk.exit(_EXITS[Signal(heard.signal)], heard.signal, at)
