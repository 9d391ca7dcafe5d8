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
from domain.taxonomy import CancelReason, MessageState
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
    if revision.plan.hash == state.plan_hash:
        return []
    _must_fit(state, grounds.plan, revision)
    order = RevisionKept(
        new_hash=revision.plan.hash,
        author=revision.author,
        at=at,
        mapping=revision.mapping,
        resume_at=revision.resume_at,
        diff=revision.diff,
        proof=revision.proof,
    )
    if _must_wait(state, revision):
        return [order]
    walk = Walk(state, replace(grounds, revised=revision.plan), at)
    if _apply(walk, order, at) and not walk.state.fell:
        settle(walk, {heard.no for heard in walk.state.latched}, since=at)
    return walk.facts


def apply_kept(walk: Walk, at: datetime) -> bool:
    """Apply the revision that waited for this outcome; whether the token is where it was."""
    order = walk.state.kept
    if order is None or walk.state.ended or walk.state.phase in _UNDER_WAY:
        return True
    if order.resume_at is not None and walk.state.stage == Stage.PAUSED:
        return True
    return _apply(walk, order, at)


def standing_at(state: Campaign, mapping: Sequence[tuple[NodeId, NodeId]]) -> NodeId:
    """The node of the new plan that stands for the present one."""
    return dict(mapping).get(state.node, state.node)


# --- whether it fits --------------------------------------------------------------------------


def _must_fit(state: Campaign, old: Plan, revision: Revision) -> None:
    nodes = revision.plan.nodes
    if len({new for _, new in revision.mapping}) < len(revision.mapping):
        raise RevisionRefused("E_REVISION_NODE", "/map", "two nodes cannot become one")
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


# --- into force -------------------------------------------------------------------------------


def _apply(walk: Walk, order: RevisionKept, at: datetime) -> bool:
    new, old = walk.grounds.revised, walk.grounds.plan
    assert new is not None
    assert new.hash == order.new_hash
    walk.grounds = replace(walk.grounds, plan=new, revised=None)
    if order.resume_at is not None:
        _leap(walk, order, old, at)
        return False
    waiting, state = walk.state.waiting, walk.state
    due_at = _due_anew(walk, order, waiting, at) if waiting else None
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
    return True


def _leap(walk: Walk, order: RevisionKept, old: Plan, at: datetime) -> None:
    """Leave this visit and enter the named node as a new one."""
    assert order.resume_at is not None
    walk.withdraw(at)
    waiting = walk.state.waiting
    if waiting is not None:
        walk.say(walk.cancelled(waiting.id, CancelReason.REVISED, at))
    walk.say(_revised(walk, order, old, at, node=walk.state.node))
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
        "expires_at": _end_anew(walk.state, old, plan),
        "timers": timers,
        "proof": order.proof,
    }
    return PlanRevised(**fields, **message)  # type: ignore[arg-type]  # fields of the fact


def _end_anew(state: Campaign, old: Plan, new: Plan) -> datetime | None:
    """The longest duration counts from the start; the time it was paused stays added."""
    if state.started_at is None or state.expires_at is None:
        return None
    paused = state.expires_at - add(state.started_at, old.limits.max_duration, old.zone)
    return add(state.started_at, new.limits.max_duration, new.zone) + paused


def _timers_anew(walk: Walk, order: RevisionKept, at: datetime) -> tuple[TimerSet, ...]:
    """The timers by the new plan, counted from t0; those already past fire at once, in order."""
    state = walk.state
    if state.phase != Phase.WATCH or state.t0 is None or state.fell:
        return ()
    now = state.paused_at or at
    node = standing_at(state, order.mapping)
    armed = timers_from(walk.grounds.plan, node, state.t0, known_about(state, state.anchor))
    return tuple(replace(timer, due_at=max(timer.due_at, now)) for timer in armed)


def _due_anew(walk: Walk, order: RevisionKept, waiting: Message, at: datetime) -> datetime | None:
    """Counted from the entry of the node; what is past by now comes at the next open instant."""
    send, key = _send(walk, order, waiting), waiting.dedupe_key
    due_at = placing.due(walk.state, walk.grounds, send, base=waiting.entered_at, key=key)
    if due_at is not None and due_at >= at:
        return due_at
    return placing.again(walk.state, walk.grounds, send, base=at, key=key)


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
