"""Another plan for a contact-campaign that runs (plan-dsl.md 10): fit, kept, applied."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from domain.campaign import placing
from domain.campaign.matching import known_about, timers_from
from domain.campaign.settling import settle
from domain.campaign.state import Campaign, Message, Phase
from domain.campaign.walk import Walk
from domain.errors import CampaignEnded, CampaignNotStarted, RevisionRefused, RevisionStale
from domain.events import Event, PlanRevised, Proof, RevisionKept, TimerSet
from domain.ids import NodeId
from domain.lifecycle import Stage
from domain.plan import Grounds, Plan, Send
from domain.taxonomy import CancelReason, MessageState, Signal, Synthetic
from domain.timing import add

_UNDER_WAY = (Phase.SENDING, Phase.CALLING)
_NOT_STARTED = (Stage.DRAFT, Stage.SCHEDULED)
_NEVER_LEFT = (MessageState.PLANNED, MessageState.QUEUED, MessageState.CANCELLED)


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """A proven plan that is to replace the one with the hash `if_hash`."""

    plan: Plan
    if_hash: str
    author: str
    mapping: tuple[tuple[NodeId, NodeId], ...] = ()
    resume_at: NodeId | None = None
    diff: tuple[str, ...] = ()
    proof: Proof | None = None


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
    _must_fit(state, grounds.plan, revision)
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


def standing_at(state: Campaign, mapping: Sequence[tuple[NodeId, NodeId]]) -> NodeId:
    """The node of the new plan that stands for the present one."""
    return dict(mapping).get(state.node, state.node)


# --- whether it fits --------------------------------------------------------------------------


def _must_fit(state: Campaign, old: Plan, revision: Revision) -> None:
    nodes = revision.plan.nodes
    if len({new for _, new in revision.mapping}) < len(revision.mapping):
        raise RevisionRefused("E_REVISION_NODE", "/map", "two nodes cannot become one")
    renamed = {old for old, _ in revision.mapping}
    sent_by = {message.node for message in state.messages.values()} - renamed
    taken = [new for old, new in revision.mapping if new != old and new in sent_by]
    if taken:
        why = f"{taken[0]!r} has sent already; give it a new id too"
        raise RevisionRefused("E_REVISION_NODE", "/map", why)
    missing = [new for _, new in revision.mapping if new not in nodes]
    if missing:
        raise RevisionRefused("E_REVISION_NODE", "/map", f"the new plan has no node {missing[0]!r}")
    _must_stand(state, old, revision)
    places = {node: index for index, node in enumerate(nodes)}
    for message in state.messages.values():
        node = dict(revision.mapping).get(message.node, message.node)
        now = nodes.get(node)
        other = now is not None and getattr(now, "channel", None) != message.channel
        if other and message.state not in _NEVER_LEFT:
            why = f"{node!r} has sent on {message.channel}; give the new node another id"
            raise RevisionRefused("E_REVISION_CHANNEL", f"/nodes/{places[node]}/channel", why)


def _must_stand(state: Campaign, old: Plan, revision: Revision) -> None:
    """There must be a node to go on from."""
    nodes, resume_at = revision.plan.nodes, revision.resume_at
    if resume_at is not None:
        if resume_at not in nodes or state.stage in _NOT_STARTED:
            why = "names no node to go on from; an unstarted plan begins at its start"
            raise RevisionRefused("E_REVISION_NODE", "/resumeAt", why)
        return
    if state.stage in _NOT_STARTED:
        return
    before, after = old.nodes[state.node], nodes.get(standing_at(state, revision.mapping))
    same = type(after) is type(before) and (
        getattr(after, "channel", None) == getattr(before, "channel", None)
    )
    if not same:
        why = f"it stands at {state.node!r}; map it to a node of the same kind, or give resumeAt"
        raise RevisionRefused("E_REVISION_NODE", "/map", why)


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
    """What is known is looked at by the new plan: how its errand ended, then what is latched."""
    walk.fall(at)
    if walk.state.stage == Stage.ACTIVE and walk.state.watches_own:
        walk.leave_sent(at)
    settle(walk, {heard.no for heard in walk.state.latched}, since=at)


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
    """The timers by the new plan, counted from t0; those already past fire at once, in order.

    What came after such a timer's own time cannot silence it (A11): it only waits, as a timeout.
    """
    state = walk.state
    if state.phase != Phase.WATCH or state.t0 is None or state.fell not in ("", Signal.SENT):
        return ()
    now = state.paused_at or at
    node = standing_at(state, order.mapping)
    armed = timers_from(walk.grounds.plan, node, state.t0, known_about(state, state.anchor))
    return tuple(
        TimerSet(timer.index, Synthetic.TIMEOUT, now) if timer.due_at < now else timer
        for timer in armed
    )


def _due_anew(walk: Walk, order: RevisionKept, waiting: Message, at: datetime) -> datetime | None:
    """Counted from the entry of the node; what is past by now comes at the next open instant."""
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
