"""Another plan for a contact-campaign that runs (plan-dsl.md 10): kept, applied, gone on from."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from domain.campaign import placing
from domain.campaign.fitting import Revision, must_fit, standing_at
from domain.campaign.matching import (
    guard_holds,
    known_about,
    silenced,
    timers_from,
    transitions_at,
)
from domain.campaign.settling import settle
from domain.campaign.state import Campaign, Message, Phase
from domain.campaign.walk import Walk
from domain.errors import CampaignEnded, CampaignNotStarted, RevisionStale
from domain.events import Event, PlanRevised, RevisionKept, TimerSet
from domain.ids import NodeId
from domain.lifecycle import Stage
from domain.plan import Grounds, Plan, Send
from domain.taxonomy import CancelReason, HoldReason, Signal
from domain.timing import add

_UNDER_WAY = (Phase.SENDING, Phase.CALLING)


def revise(
    state: Campaign, grounds: Grounds, *, revision: Revision, at: datetime
) -> Sequence[Event]:
    """Put another plan in force, or keep it until the call under way has its outcome."""
    if state.stage == Stage.NONE:
        raise CampaignNotStarted("no plan was accepted")
    if state.ended:
        raise CampaignEnded(f"it ended with {state.outcome}")
    if revision.if_hash != state.plan_hash:
        raise RevisionStale(f"the plan in force is {state.plan_hash}")
    if revision.plan.hash == state.plan_hash or _kept_already(state, revision):
        return []
    must_fit(state, grounds.plan, revision)
    order = RevisionKept(
        new_hash=revision.plan.hash,
        author=revision.author,
        at=at,
        mapping=revision.mapping,
        resume_at=revision.resume_at,
        diff=revision.diff,
        holidays=revision.plan.holidays,
        proof=revision.proof,
    )
    if _must_wait(state, revision):
        return [order]
    walk = Walk(state, replace(grounds, revised=revision.plan), at)
    _apply(walk, order, at)
    return walk.facts


def apply_kept(walk: Walk, at: datetime) -> None:
    """Put the revision that waited for this outcome in force, if there is one."""
    order, state = walk.state.kept, walk.state
    if order is None or state.phase in _UNDER_WAY:
        return
    if order.resume_at is None or state.stage != Stage.PAUSED:
        _apply(walk, order, max(at, order.at))  # the outcome may be reported late


def in_force(state: Campaign, grounds: Grounds) -> Grounds:
    """The grounds with the plan that a decision just before this one may have put in force."""
    revised = grounds.revised
    if revised is None or revised.hash != state.plan_hash:
        return grounds
    return replace(grounds, plan=revised, revised=None)


# --- kept ------------------------------------------------------------------------------------


def _must_wait(state: Campaign, revision: Revision) -> bool:
    leaps = revision.resume_at is not None and state.stage == Stage.PAUSED
    return state.phase in _UNDER_WAY or leaps


def _kept_already(state: Campaign, revision: Revision) -> bool:
    kept, asked = state.kept, (revision.plan.hash, revision.mapping, revision.resume_at)
    return kept is not None and (kept.new_hash, kept.mapping, kept.resume_at) == asked


# --- into force -------------------------------------------------------------------------------


def _apply(walk: Walk, order: RevisionKept, at: datetime) -> None:
    new, old = walk.grounds.revised, walk.grounds.plan
    assert new is not None
    assert new.hash == order.new_hash
    walk.grounds = replace(walk.grounds, plan=new, revised=None)
    if order.resume_at is not None:
        _leap(walk, order, old, at)
    else:
        _stay(walk, order, old, at)
    _go_on(walk, at)


def _go_on(walk: Walk, at: datetime) -> None:
    """What is known is looked at by the new plan, in the order in which it came about."""
    walk.fall(at)
    if walk.state.stage == Stage.ACTIVE and walk.state.watches_own:
        walk.leave_sent(at)
    place, past = (walk.state.node, walk.state.visit), _past(walk, at)
    first = min((timer.due_at for timer in past), default=at)
    settle(walk, {heard.no for heard in walk.state.latched if heard.at <= first}, since=at)
    here = walk.state.stage == Stage.ACTIVE and (walk.state.node, walk.state.visit) == place
    if past and here:  # what is known may have ended it where it stood
        walk.follow(past[0].index, at, on=past[0].kind)


def _past(walk: Walk, at: datetime) -> list[TimerSet]:
    """Timers that would have fired by now: they fire at once, the first in document order."""
    state, plan = walk.state, walk.grounds.plan
    if state.stage != Stage.ACTIVE or state.phase != Phase.WATCH or state.t0 is None:
        return []
    ways = transitions_at(plan, state.node)
    return [
        timer
        for timer in timers_from(plan, state.node, state.t0, known_about(state, state.anchor))
        if timer.due_at < at
        and not silenced(state, replace(timer, due_at=at))
        and guard_holds(state, walk.grounds, ways[timer.index].when)
    ]


def _stay(walk: Walk, order: RevisionKept, old: Plan, at: datetime) -> None:
    """Stay in this visit: its timers and its message are placed anew."""
    waiting, state = walk.state.waiting, walk.state
    due_at = _due_anew(walk, order, waiting, state.paused_at or at) if waiting else None
    walk.say(
        _revised(
            walk,
            order,
            old,
            at,
            node=standing_at(state, order.mapping),
            timers=_timers_anew(walk, order, at),
            **_message_anew(walk, order, waiting, due_at or at),
        )
    )
    if waiting is not None:
        walk.past_or_closed(waiting.id, due_at, at)


def _leap(walk: Walk, order: RevisionKept, old: Plan, at: datetime) -> None:
    """Leave this visit and enter the named node as a new one."""
    assert order.resume_at is not None
    walk.withdraw(at)
    waiting = walk.state.waiting
    if waiting is not None:
        walk.say(walk.cancelled(waiting.id, CancelReason.REVISED, at))
    walk.say(_revised(walk, order, old, at, node=standing_at(walk.state, order.mapping)))
    walk.enter(order.resume_at, at)


def _revised(  # the fields of one fact
    walk: Walk,
    order: RevisionKept,
    old: Plan,
    at: datetime,
    *,
    node: NodeId,
    timers: tuple[TimerSet, ...] = (),
    **message: object,
) -> PlanRevised:
    plan = walk.grounds.plan
    fields: Mapping[str, object] = {
        "old_hash": walk.state.plan_hash,
        "new_hash": order.new_hash,
        "author": order.author,
        "at": at,
        "node": node,
        "visit": walk.state.visit,
        "mapping": order.mapping,
        "resume_at": order.resume_at,
        "diff": order.diff,
        "holidays": plan.holidays,
        "expires_at": _end_anew(walk.state, old, plan, at),
        "timers": timers,
        "proof": order.proof,
        "paused": walk.state.stage == Stage.PAUSED,
    }
    return PlanRevised(**fields, **message)  # type: ignore[arg-type]  # fields of the fact


def _end_anew(state: Campaign, old: Plan, new: Plan, at: datetime) -> datetime | None:
    """The longest duration counts from the start; the time it was paused stays added."""
    if state.started_at is None or state.expires_at is None:
        return None
    paused = state.expires_at - add(state.started_at, old.limits.max_duration, old.zone)
    end = add(state.started_at, new.limits.max_duration, new.zone) + paused
    return max(end, state.paused_at or at)


def _timers_anew(walk: Walk, order: RevisionKept, at: datetime) -> tuple[TimerSet, ...]:
    """The timers by the new plan, counted from t0; while it is paused, those past wait as well.

    What is known by then silences them: the plan was proven for a place with these facts.
    """
    state = walk.state
    if state.phase != Phase.WATCH or state.t0 is None or state.fell not in ("", Signal.SENT):
        return ()
    node = standing_at(state, order.mapping)
    armed = timers_from(walk.grounds.plan, node, state.t0, known_about(state, state.anchor))
    if state.paused_at is None:
        return tuple(timer for timer in armed if timer.due_at >= at)
    moved = [replace(timer, due_at=max(timer.due_at, state.paused_at)) for timer in armed]
    return tuple(timer for timer in moved if not silenced(state, timer))


def _due_anew(walk: Walk, order: RevisionKept, waiting: Message, at: datetime) -> datetime | None:
    """Counted from the entry of the node; what is past by now comes at the next open instant."""
    if waiting.held == HoldReason.OPERATOR and waiting.due_at > at:
        return waiting.due_at
    send, key = _send(walk, order, waiting), waiting.dedupe_key
    due_at = placing.due(walk.state, walk.grounds, send, base=waiting.entered_at, key=key)
    earliest = max(at, waiting.due_at) if waiting.attempt else at  # a call that came back waits
    if due_at is not None and due_at >= earliest:
        return due_at
    return placing.again(walk.state, walk.grounds, send, base=earliest, key=key)


def _send(walk: Walk, order: RevisionKept, waiting: Message) -> Send:
    send = walk.grounds.plan.nodes[dict(order.mapping).get(waiting.node, waiting.node)]
    assert isinstance(send, Send)
    return send


def _message_anew(
    walk: Walk, order: RevisionKept, waiting: Message | None, due_at: datetime
) -> Mapping[str, object]:
    if waiting is None:
        return {}
    send = _send(walk, order, waiting)
    same = waiting.variant in {arm.id for arm in send.variants}
    drawn = walk.arm(send.experiment or send.id, send.variants) if send.variants else -1
    return {
        "message_id": waiting.id,
        "due_at": due_at,
        "message_expires_at": due_at + placing.EXPIRES_AFTER,
        "variant": waiting.variant if same else send.variants[drawn].id if send.variants else "",
        "sender": send.sender,
    }
