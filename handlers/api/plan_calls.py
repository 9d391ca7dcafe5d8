"""Plans: check them, draw them, tell what they look like."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec
from pydantic import Field

from domain.ids import CampaignId
from handlers.api.calls import Call, Given
from handlers.api.plan_bodies import PlanBody, PlanToCheck, context_of, faults_in, plan_body
from handlers.errors import NotAcceptable, NotHere
from handlers.passages import Passage, counted
from handlers.proving import prove
from plans.graph import Marks, Worst, marks_of, mermaid, svg
from plans.schema import Flavour, json_schema
from plans.verify.report import Report, refused


class PlanToDraw(PlanToCheck):
    """A plan, what it is checked for, and the form of its drawing."""

    format: Literal["mermaid", "svg"] = "mermaid"
    mark: bool = Field(
        default=True,
        description="mark the worst path of an accepted plan, faulty places and a counterexample of"
        " a refused one",
    )
    campaign_id: UUID | None = Field(
        None, description="write how many contacts of this campaign went which way"
    )
    worst: Worst = Field(
        "sends", description="what the marked path of an accepted plan has most of"
    )


class Kind(Given):
    """Which flavour of the schema."""

    flavour: Flavour = "full"


class Drawing(msgspec.Struct, frozen=True):
    """A drawn plan."""

    format: str
    drawing: str


def read_check(raw: bytes) -> PlanBody:
    """The body of a check."""
    return plan_body(PlanToCheck, raw)


def read_drawing(raw: bytes) -> PlanBody:
    """The body of a drawing."""
    return plan_body(PlanToDraw, raw)


def check_plan(call: Call) -> Report:
    """The report of a plan, whether it is accepted or not."""
    read: PlanBody = call.body
    given: PlanToCheck = read.given
    context = context_of(call, given)
    if read.plan.issues:
        return refused(*read.plan.issues)
    return prove(call.tenant.ports, read.plan.document, context).report


def draw_plan(call: Call) -> Drawing:
    """The drawing of a plan that has the right shape, with marks for what its check found."""
    read: PlanBody = call.body
    given: PlanToDraw = read.given
    context = context_of(call, given)
    if read.plan.issues:
        raise NotAcceptable("the plan cannot be read", faults_in(read.plan.issues))
    found = prove(call.tenant.ports, read.plan.document, context)
    if found.plan is None:
        raise NotAcceptable("the plan cannot be drawn", faults_in(found.report.issues))
    draw = svg if given.format == "svg" else mermaid
    marks = marks_of(found.report, given.worst) if given.mark else Marks()
    if given.campaign_id is not None:
        marks = counted(marks, found.plan, _passages(call, CampaignId(given.campaign_id)))
    return Drawing(given.format, draw(found.plan, marks))


def _passages(call: Call, campaign_id: CampaignId) -> Sequence[Passage]:
    if call.tenant.campaigns.campaign(campaign_id) is None:
        raise NotHere("no campaign has this id")
    return call.tenant.reads.passages(campaign_id)


def schema(call: Call) -> dict[str, Any]:
    """The JSON Schema of the plan language."""
    query: Kind = call.query
    return json_schema(query.flavour)
