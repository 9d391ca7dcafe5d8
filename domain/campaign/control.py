"""What people order: pause, resume, stop."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.campaign import placing
from domain.campaign.matching import known_about, match_word, silenced, timers_from
from domain.campaign.revising import apply_kept
from domain.campaign.settling import settle
from domain.campaign.state import Campaign, Message, Phase
from domain.campaign.walk import Walk
from domain.errors import CampaignEnded, CampaignNotStarted
from domain.events import Event, Paused, Resumed, TimerSet
from domain.lifecycle import Stage, allowed
from domain.plan import Grounds, Send
from domain.taxonomy import HoldReason, Outcome, Signal
from domain.timing import due_time


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
    walk = Walk(state, grounds, at)
    waiting = state.waiting
    due_at = _placed_again(state, grounds, waiting, at) if waiting else None
    was_sent = state.fell == Signal.SENT
    leaves = was_sent and match_word(state, grounds, Signal.SENT) is not None
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
            timers=() if leaves else _rearmed(state, grounds, at),
        )
    )
    if state.kept is not None:
        apply_kept(walk, at)
    elif was_sent:
        walk.leave_sent(at)
    if waiting is not None and walk.state.pending == waiting.id:
        walk.past_or_closed(waiting.id, due_at, at)
    walk.fall(at)
    settle(walk, _unsettled(state), since=at)
    return walk.facts


def stop(state: Campaign, grounds: Grounds, *, reason: str, at: datetime) -> Sequence[Event]:
    """End it by order. Safe to repeat."""
    if state.ended or state.stage == Stage.NONE:
        return []
    walk = Walk(state, grounds, at)
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
    """The node's timers by its moved clock; a message accepted during the pause had none yet."""
    if state.phase != Phase.WATCH or state.t0 is None:
        return ()
    shift = _shift(state, at)
    if state.fell == Signal.SENT and not state.timers:
        known = known_about(state, state.anchor)
        return timers_from(grounds.plan, state.node, state.t0 + shift, known)
    moved = [TimerSet(timer.index, timer.kind, timer.due_at + shift) for timer in state.timers]
    return tuple(timer for timer in moved if not silenced(state, timer))


def _unsettled(state: Campaign) -> set[int]:
    """Signals that came during the pause, or that waited for a timer when it began.

    A message accepted meanwhile was offered nothing yet.
    """
    return {
        heard.no
        for heard in state.latched
        if heard.no >= state.signals_at_pause
        or state.fell == Signal.SENT
        or any(timer.due_at < heard.at for timer in state.timers)
    }


def _placed_again(
    state: Campaign, grounds: Grounds, waiting: Message, at: datetime
) -> datetime | None:
    """Where a waiting message comes after a pause; an absolute time does not shift (A18)."""
    if waiting.held == HoldReason.OPERATOR and waiting.due_at > at:
        return waiting.due_at  # a person's word goes by the calendar
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
