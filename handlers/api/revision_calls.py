"""Another plan for a contact-campaign that runs."""

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from domain.acts import Act
from domain.campaign import Campaign
from domain.errors import RevisionStale
from domain.ids import NodeId, StreamId
from domain.lifecycle import Stage
from handlers.access import Role
from handlers.acts import act, by_id
from handlers.api.calls import Call, Given, no_controls
from handlers.api.plan_bodies import PlanBody, plan_body
from handlers.errors import Fault, NotHere, NotPermitted, OutOfStep
from handlers.revisions import Revised, RevisionOrder, revise
from plans.schema.scalars import NODE_ID
from plans.verify.report import refused, to_json

_Node = Annotated[str, Field(pattern=NODE_ID)]


class NewRevision(Given):
    """The command of plan-dsl.md 10, in the names of the plan language or in ours."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True
    )

    plan: Any = None
    if_plan_hash: str = Field(pattern="^sha256:[0-9a-f]{64}$", description="of the plan in force")
    map: dict[_Node, _Node] = Field({}, max_length=60, description="old node id to new one")
    resume_at: _Node | None = Field(None, description="enter this node of the new plan")
    reason: Annotated[str, Field(max_length=500), AfterValidator(no_controls)] = ""


def read_revision(raw: bytes) -> PlanBody:
    """The body of a revision."""
    return plan_body(NewRevision, raw)


@act(Act.CONTACT_CAMPAIGN_REVISE, by_id)
def do_revise(call: Call) -> Revised:
    """Prove the plan from where the contact stands, and put it in force."""
    read: PlanBody = call.body
    ports, stream = call.tenant.ports, StreamId(call.id)
    state = ports.campaigns.load(stream)
    if state.stage == Stage.NONE:
        raise NotHere("no contact-campaign has this id")
    if call.holder.role == Role.PLANNER:
        _allow_planner(call, state)
    if read.plan.issues:
        return Revised("refused", stream, state.plan_hash, to_json(refused(*read.plan.issues)))
    done = _revised(call, stream, read)
    if read.given.reason and done.status in ("revised", "kept"):
        ports.vault.keep_note(stream, state.contact_id, "revision_reason", read.given.reason)
    call.ring()
    return done


def _allow_planner(call: Call, state: Campaign) -> None:
    """Nothing leaves by a planner's hand: it corrects what waits for a launch."""
    row = call.tenant.campaigns.campaign(state.campaign_id)
    if row is None or row.status != "draft":
        raise NotPermitted("a planner revises in drafts only")


def _revised(call: Call, stream: StreamId, read: PlanBody) -> Revised:
    given: NewRevision = read.given
    order = RevisionOrder(
        plan=read.plan.document,
        if_hash=given.if_plan_hash,
        mapping=tuple((NodeId(old), NodeId(new)) for old, new in given.map.items()),
        resume_at=NodeId(given.resume_at) if given.resume_at is not None else None,
        author=str(call.holder.key_id),
    )
    try:
        return revise(
            call.tenant.ports, stream, order, cause=call.order, correlation=call.request_id
        )
    except RevisionStale as stale:
        fault = Fault("/ifPlanHash", "E_REVISION_STALE", str(stale))
        raise OutOfStep("another plan is in force by now", [fault]) from stale
