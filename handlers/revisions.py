"""Put another plan in force for a contact-campaign that runs (plan-dsl.md 10)."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal
from uuid import UUID

import msgspec

from domain import campaign
from domain.campaign import Campaign, Phase, Revision, standing_at
from domain.errors import RevisionRefused, RevisionStale
from domain.events import Event, RevisionKept
from domain.ids import NodeId, StreamId
from domain.lifecycle import RUNNING
from domain.plan import Grounds
from domain.recorded import Cause
from domain.timing import parse_duration
from handlers.ports import Input, Result, TenantPorts, Transaction
from handlers.proving import Acceptance, acceptance, context_of, prove
from plans.diff import changed_pointers
from plans.verify.check import Checked
from plans.verify.report import Report, issue, refused, to_json
from plans.verify.resume import Resume

TRIES = 3
"""Proofs for a contact that goes on meanwhile."""


class RevisionOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: the plan, the hash of the one it replaces, how nodes correspond."""

    plan: Any
    if_hash: str
    mapping: tuple[tuple[NodeId, NodeId], ...] = ()
    resume_at: NodeId | None = None
    author: str


class Revised(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of it; `kept` is applied when the call under way has its outcome.

    `plan_hash` is the new plan, or the one that stays in force where that is refused.
    """

    status: Literal["revised", "kept", "unchanged", "refused"]
    contact_campaign_id: StreamId
    plan_hash: str
    report: Mapping[str, Any] | None = None


class _MovedOn(RevisionStale):
    """The contact went on while the plan was proven from where it had stood."""


def revise(
    ports: TenantPorts, stream: StreamId, order: RevisionOrder, *, cause: Cause, correlation: UUID
) -> Revised:
    """Prove the new plan from where the contact stands and put it in force; stale is raised."""
    for left in reversed(range(TRIES)):
        try:
            return _revise_once(ports, stream, order, cause, correlation)
        except _MovedOn:
            if not left:
                raise
    raise AssertionError  # the last try returns or raises


def _revise_once(
    ports: TenantPorts, stream: StreamId, order: RevisionOrder, cause: Cause, correlation: UUID
) -> Revised:
    state = ports.campaigns.load(stream)
    if order.if_hash != state.plan_hash:
        raise RevisionStale(f"the plan in force is {state.plan_hash}")
    checked = _proven(ports, state, order)
    if isinstance(checked, Report):
        return Revised("refused", stream, state.plan_hash, to_json(checked))
    taken = acceptance(checked)
    revision = Revision(
        plan=taken.plan,
        if_hash=order.if_hash,
        author=order.author,
        mapping=order.mapping,
        resume_at=order.resume_at,
        diff=_diff(ports, state, taken),
        proof=taken.proof,
    )
    now = ports.clock.now()

    def decide(current: Campaign, grounds: Grounds) -> Sequence[Event]:
        if _place(current, order) != _place(state, order):
            raise _MovedOn("the contact went on while the plan was proven")
        return campaign.revise(current, grounds, revision=revision, at=now)

    keep = partial(_keep_plan, ports, state, taken)
    result = ports.campaigns.transact_many([Input(stream, decide, cause, correlation)], along=keep)
    return _told(state, result[0], taken, checked.report)


def _place(state: Campaign, order: RevisionOrder) -> tuple[Any, ...]:
    """All of a state that the proof of a revision stands on, but for the time."""
    return state.plan_hash, state.stage, resume_of(state, order, 0)


def _told(before: Campaign, result: Result, taken: Acceptance, report: Report) -> Revised:
    stream = result.stream
    if isinstance(result.refused, RevisionRefused):
        why = issue(result.refused.issue, result.refused.pointer, str(result.refused))
        return Revised("refused", stream, before.plan_hash, to_json(refused(why)))
    if result.refused is not None:
        raise result.refused
    if not result.facts:
        return Revised("unchanged", stream, taken.plan.hash)
    waits = any(isinstance(fact, RevisionKept) for fact in result.facts)
    return Revised("kept" if waits else "revised", stream, taken.plan.hash, to_json(report))


def _proven(ports: TenantPorts, state: Campaign, order: RevisionOrder) -> Checked | Report:
    """The check from the place where the contact stands; there must be such a place."""
    context = context_of(ports, state.contact_id, state.campaign_id)
    first = prove(ports, order.plan, context)
    if first.plan is None or state.stage not in RUNNING:
        return first if first.report.ok else first.report
    resume = resume_of(state, order, _elapsed_s(ports, state))
    if resume.node not in {node.id for node in first.plan.nodes}:
        where = "/resumeAt" if order.resume_at is not None else "/map"
        why = f'the new plan has no node "{resume.node}" to go on from'
        return refused(issue("E_REVISION_NODE", where, why))
    again = prove(ports, order.plan, context, resume)
    return again if again.report.ok else again.report


def resume_of(state: Campaign, order: RevisionOrder, elapsed_s: int) -> Resume:
    """Where the check of a revision begins; a node not yet through with its own errand begins anew.

    Limits count from the start of the contact-campaign.
    """
    node = order.resume_at or standing_at(state, order.mapping)
    anew = order.resume_at is not None or state.phase != Phase.WATCH
    visits = {dict(order.mapping).get(old, old): count for old, count in state.visits.items()}
    if order.resume_at is None and anew:
        visits[node] = visits.get(node, 1) - 1
    anchor = state.messages.get(state.anchor) if state.anchor else None
    names = dict(order.mapping)
    return Resume(
        node=node,
        visits=visits,
        anchor=names.get(anchor.node, anchor.node) if anchor else None,
        known=frozenset(anchor.heard_at) if anchor else frozenset(),
        heard=_heard(state, names),
        sends=state.sends,
        elapsed_s=elapsed_s,
        enter=anew,
    )


def _heard(state: Campaign, names: Mapping[NodeId, NodeId]) -> Mapping[NodeId, frozenset[str]]:
    """What is known about the latest message of each send node."""
    nodes = dict.fromkeys(message.node for message in state.messages.values())
    latest = {names.get(node, node): state.latest(node) for node in nodes}
    return {node: frozenset(one.heard_at) for node, one in latest.items() if one and one.heard_at}


def _elapsed_s(ports: TenantPorts, state: Campaign) -> int:
    """How much of the longest duration is used up; the time it was paused is not."""
    old = ports.vault.documents([state.plan_hash]).get(state.plan_hash)
    if state.expires_at is None or old is None:
        return 0
    left = state.expires_at - (state.paused_at or ports.clock.now())
    return max(
        0, parse_duration(old["limits"]["maxDuration"]).nominal_s - int(left.total_seconds())
    )


def _diff(ports: TenantPorts, state: Campaign, taken: Acceptance) -> tuple[str, ...]:
    old = ports.vault.documents([state.plan_hash]).get(state.plan_hash)
    return changed_pointers(old, taken.document) if old is not None else ()


def _keep_plan(
    ports: TenantPorts,
    state: Campaign,
    taken: Acceptance,
    tx: Transaction,
    results: Sequence[Result],
) -> None:
    if any(result.facts for result in results):
        ports.register.keep_plans(tx, [taken.kept(state.contact_id)])
