"""What the tools about plans do: calls of the API, with the report wherever a plan is refused."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.ids import CampaignId, ContactId, StreamId
from handlers.api import enrolment_calls, plan_calls, revision_calls, simulation_calls
from handlers.api.calls import Call
from handlers.api.enrolment_calls import NewEnrolment
from handlers.api.plan_bodies import PlanBody, context_of
from handlers.api.plan_calls import Drawing, Kind
from handlers.api.revision_calls import NewRevision
from handlers.errors import Fault, NotAcceptable, NotHere, OutOfStep
from handlers.mcp.given import (
    ACode,
    AnExample,
    PlanFor,
    PlanToRevise,
    PlanToShow,
    PlanToSubmit,
    PlanToTry,
)
from handlers.proving import context_of as context_in_campaign
from handlers.proving import prove
from handlers.revisions import Revised
from plans.catalogue import UnknownCode, explain
from plans.catalogue.telling import explanation
from plans.context import ContactContext
from plans.intake import read_json
from plans.normalise import normalise
from plans.simulate import Simulation
from plans.verify.check import Checked
from plans.verify.report import Report, did_you_mean, refused, to_json

A = TypeVar("A")


class Validated(msgspec.Struct, frozen=True):
    """The report, and the plan in the canonical form that its pointers and patches are about."""

    report: Report
    plan: Any = None


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a submitted plan; no id where it was refused."""

    status: str
    contact_campaign_id: StreamId | None
    plan_hash: str | None
    report: Mapping[str, Any]


class PlanRefused(NotAcceptable):
    """The plan did not pass its check; `found` has the report."""

    def __init__(self, found: Validated) -> None:
        super().__init__("the plan is refused; mend what its report says")
        self.found = found


# --- what a plan is written with ------------------------------------------------------------------


def schema(call: Call) -> dict[str, Any]:
    """The JSON Schema of the plan language."""
    kind: Kind = call.body
    return plan_calls.schema(replace(call, query=kind))


def examples(call: Call) -> dict[str, Any]:
    """The example plans by name; raises NotHere for a name that none has."""
    given: AnExample = call.body
    found = example_plans()
    if given.name is None:
        return {"examples": found}
    if given.name not in found:
        raise NotHere(f"the examples are {', '.join(found)}")
    return {"examples": {given.name: found[given.name]}}


@cache
def example_plans() -> Mapping[str, Any]:
    """The plans that antiphon brings, by the names of their files."""
    folder = files("plans").joinpath("examples")
    found = sorted(
        (file.name.removesuffix(".json"), file.read_bytes())
        for file in folder.iterdir()
        if file.name.endswith(".json")
    )
    return {name: read_json(raw).document for name, raw in found}


def explain_code(call: Call) -> Mapping[str, Any]:
    """What a code means, with wrong plans and what mends them."""
    given: ACode = call.body
    try:
        return explanation(explain(given.code))
    except UnknownCode as unknown:
        meant = did_you_mean(unknown.meant) or "the resource antiphon://plan/codes has all"
        raise NotHere(f"no code is called so; {meant}") from None


# --- checks ---------------------------------------------------------------------------------------


def validate(call: Call) -> Validated:
    """The report of a plan, whether it is accepted or not."""
    read: PlanBody = call.body
    return _validated(call, read, context_for(call, read.given))


def simulate(call: Call) -> Simulation:
    """What an accepted plan comes to; raises PlanRefused with the report of another one."""
    return _with_report(_in_context(call, campaign_id=None), simulation_calls.simulate_plan)


def draw(call: Call) -> Drawing:
    """The drawing of a plan; raises PlanRefused for one without the shape of a plan."""
    given: PlanToShow = call.body.given
    return _with_report(_in_context(call) if given.contact_id else call, plan_calls.draw_plan)


def context_for(call: Call, given: PlanFor | PlanToShow | PlanToTry) -> ContactContext | None:
    """Whom a plan is for: by a contact, in a campaign where one is named, or as it is given."""
    if given.campaign_id is None:
        return context_of(call, given)
    if given.contact_id is None or given.context or given.sender:
        fault = Fault(
            "/campaign_id", "one_of", "give it with contact_id, without context or sender"
        )
        raise NotAcceptable("the arguments cannot be taken", [fault])
    return in_campaign(call, given.contact_id, given.campaign_id)


def in_campaign(call: Call, contact: UUID, campaign: UUID) -> ContactContext:
    """A contact with the sender of a campaign; raises NotHere where one of them is not there."""
    if call.tenant.campaigns.campaign(CampaignId(campaign)) is None:
        raise NotHere("no campaign has this id")
    found = context_in_campaign(call.tenant.ports, ContactId(contact), CampaignId(campaign))
    if found is None:
        raise NotHere("no contact has this id")
    return found


def _in_context(call: Call, **changed: None) -> Call:
    """The same call with its contact looked up already, as the calls of the API take it."""
    read: PlanBody = call.body
    found = {"context": context_for(call, read.given), "contact_id": None, "sender": None}
    given = read.given.model_copy(update={**found, **changed})
    return replace(call, body=PlanBody(read.plan, given))


def _with_report(call: Call, perform: Callable[[Call], A]) -> A:
    try:
        return perform(call)
    except NotAcceptable:
        read: PlanBody = call.body
        found = _validated(call, read, context_of(call, read.given))
        if found.report.ok:
            raise
        raise PlanRefused(found) from None


def _validated(call: Call, read: PlanBody, context: ContactContext | None) -> Validated:
    if read.plan.issues:
        return Validated(refused(*read.plan.issues))
    found = prove(call.tenant.ports, read.plan.document, context)
    return Validated(found.report, _canonical(found, read.plan.document))


def _canonical(found: Checked, submitted: object) -> Any:  # noqa: ANN401  # a JSON value
    return found.document or normalise(submitted).document


# --- what changes something -----------------------------------------------------------------------


def submit(call: Call) -> Submission:
    """Enrol one contact with its plan. Safe to repeat."""
    read: PlanBody = call.body
    given: PlanToSubmit = read.given
    context = in_campaign(call, given.contact_id, given.campaign_id)
    found = _validated(call, read, context)
    if given.if_hash is not None and found.report.plan_hash not in (None, given.if_hash):
        told = f"this plan is {found.report.plan_hash}; validate it, then submit just that one"
        raise OutOfStep("another plan than the one that was validated", [_stale(told)])
    if not found.report.ok:
        return _submission("refused", found)
    item = enrolment_calls.Item(NewEnrolment(contact_id=given.contact_id), read.plan.document)
    (done,) = enrolment_calls.enrol(
        replace(call, path={"id": given.campaign_id}, body=[item])
    ).items
    return Submission(
        status=done.status,
        contact_campaign_id=done.contact_campaign_id,
        plan_hash=done.plan_hash,
        report=to_json(found.report) if done.report is None else done.report,
    )


def revise(call: Call) -> Revised:
    """Put another plan in force for a contact in a campaign. Safe to repeat."""
    read: PlanBody = call.body
    given: PlanToRevise = read.given
    command = NewRevision(
        if_plan_hash=given.if_hash,
        map=given.map,
        resume_at=given.resume_at,
        reason=given.reason,
    )
    stream = _latest(call, given)
    return revision_calls.do_revise(
        replace(call, path={"id": stream}, body=PlanBody(read.plan, command))
    )


def _latest(call: Call, given: PlanToRevise) -> StreamId:
    contact = ContactId(given.contact_id)
    runs = call.tenant.ports.register.last_runs(CampaignId(given.campaign_id), [contact])
    if contact not in runs:
        raise NotHere("this contact is not in this campaign; submit_plan brings it there")
    return runs[contact].stream


def _submission(status: str, found: Validated) -> Submission:
    return Submission(
        status=status,
        contact_campaign_id=None,
        plan_hash=found.report.plan_hash,
        report=to_json(found.report),
    )


def _stale(told: str) -> Fault:
    return Fault("/if_hash", "stale", told)
