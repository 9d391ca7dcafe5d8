"""Examples tried out: the report that a plan gets, or a revise command on a plan in force."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain import campaign
from domain.campaign import INITIAL, Acceptance, Campaign, Revision
from domain.errors import RevisionRefused, RevisionStale
from domain.events import Event, MessageQueued, PlanAccepted
from domain.ids import CampaignId, ContactId, NodeId, StreamId
from domain.plan import Grounds, Plan
from domain.taxonomy import Via
from plans.catalogue.entry import Example
from plans.catalogue.sample import Document
from plans.compile import compile_plan
from plans.context import ContactContext, TenantPolicy
from plans.verify.check import Checked, check
from plans.verify.report import Report, issue, refused

_STREAM = StreamId(UUID(int=1))
_STARTED_AT = datetime(2026, 6, 1, 16, tzinfo=UTC)


def tried(example: Example, document: Document) -> Checked:
    """What the document of an example is answered: its wrong one, its right one, or a variant."""
    context = ContactContext.model_validate(example.context)
    policy = None if example.policy is None else TenantPolicy.model_validate(example.policy)
    if example.running is None:
        return check(document, context, policy)
    running = _accepted(check(example.running, context, policy))
    checked = check(document["plan"], context, policy)
    report = _revised(running, _accepted(checked), document)
    return checked if report is None else Checked(report, checked.document, checked.plan)


def _accepted(checked: Checked) -> Plan:
    assert checked.report.ok, checked.report.issues
    assert checked.document is not None
    assert checked.report.plan_hash is not None
    return compile_plan(checked.document, checked.report.plan_hash)


def _revised(running: Plan, new: Plan, command: Mapping[str, Any]) -> Report | None:
    """Why the contact who waits after the first message cannot get the new plan, if so."""
    grounds = Grounds(_STREAM, running, "t_demo:c_1001:camp_1")
    revision = Revision(
        plan=new,
        if_hash=command["ifPlanHash"],
        author="catalogue",
        mapping=tuple((NodeId(old), NodeId(now)) for old, now in command.get("map", {}).items()),
        resume_at=command.get("resumeAt"),
    )
    state = _after_first_message(grounds)
    assert state.t0 is not None
    try:
        assert campaign.revise(state, grounds, revision=revision, at=state.t0)
    except RevisionStale as stale:
        return refused(issue("E_REVISION_STALE", "/ifPlanHash", str(stale)))
    except RevisionRefused as why:
        return refused(issue(why.issue, why.pointer, str(why)))
    return None


def _after_first_message(grounds: Grounds) -> Campaign:
    accepted = PlanAccepted(
        contact_id=ContactId(UUID(int=2)),
        campaign_id=CampaignId(UUID(int=3)),
        run=1,
        plan_hash=grounds.plan.hash,
        dsl_version=grounds.plan.version,
        tzdata="",
        at=_STARTED_AT,
    )
    enrolled = campaign.enrol(INITIAL, grounds, accepted=accepted, starts_at=_STARTED_AT)
    state = _then(INITIAL, enrolled)
    (message,) = state.messages.values()
    queued = MessageQueued(message_id=message.id, body_mac="", snapshot="", at=_STARTED_AT)
    state = _then(state, campaign.queue(state, grounds, queued=queued))
    due_at = message.due_at
    claimed = campaign.start_attempt(state, grounds, message_id=message.id, now=due_at)
    state = _then(state, claimed)
    taken = Acceptance(message_id=message.id, attempt=1, at=due_at, via=Via.ANSWER)
    return _then(state, campaign.accept_message(state, grounds, acceptance=taken))


def _then(state: Campaign, facts: Sequence[Event]) -> Campaign:
    assert facts, "the example does not come to the end of its first message"
    for fact in facts:
        state = campaign.evolve(state, fact)
    return state
