"""What the tools take: the bodies of the API, with the ids that are in its paths."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field

from handlers.api.calls import Given, Page, no_controls
from handlers.api.journey_calls import Status, When
from handlers.api.plan_bodies import PlanToCheck
from handlers.api.plan_calls import PlanToDraw
from handlers.api.simulation_calls import PlanToSimulate
from plans.schema.scalars import NODE_ID

NodeName = Annotated[str, Field(pattern=NODE_ID)]
PlanHash = Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]
PLAN = Field(None, description="the plan as a JSON object; its JSON text is taken too")
CAMPAIGN = Field(
    None, description="with contact_id: the campaign it is for, whose sender the plan may use"
)


class Nothing(Given):
    """No arguments."""


class ACode(Given):
    """A code of a report, such as E_STUCK."""

    code: str = Field(max_length=60, description="a code of a report, such as E_STUCK")


class AnExample(Given):
    """Which example; all of them without a name."""

    name: str | None = Field(None, max_length=60, description="only this one")


class AContact(Given):
    """Whom a plan is to be written for."""

    contact_id: UUID
    campaign_id: UUID | None = CAMPAIGN


class PlanFor(PlanToCheck):
    """A plan, and whom it is checked for; without a contact only what needs none is checked."""

    plan: Any = PLAN
    campaign_id: UUID | None = CAMPAIGN


class PlanToTry(PlanToSimulate):
    """A plan, whom it is checked for, and what it is tried with."""

    plan: Any = PLAN
    campaign_id: UUID | None = CAMPAIGN


class PlanToShow(PlanToDraw):
    """A plan, and the form of its drawing."""

    plan: Any = PLAN
    campaign_id: UUID | None = Field(
        None,
        description="write how many contacts of this campaign went which way; with contact_id its"
        " sender is the one that the plan may use",
    )


class PlanToSubmit(Given):
    """A plan for one contact in one campaign."""

    plan: Any = PLAN
    contact_id: UUID
    campaign_id: UUID
    if_hash: PlanHash | None = Field(
        None, description="planHash as validate_plan told it: another plan is not taken"
    )


class PlanToRevise(Given):
    """Another plan for a contact who is in a campaign already."""

    plan: Any = PLAN
    contact_id: UUID
    campaign_id: UUID
    if_hash: PlanHash = Field(description="planHash of the plan that is in force")
    map: dict[NodeName, NodeName] = Field({}, max_length=60, description="old node id to new one")
    resume_at: NodeName | None = Field(None, description="enter this node of the new plan")
    reason: Annotated[str, Field(min_length=3, max_length=500), AfterValidator(no_controls)]


class WhichContactCampaigns(Page):
    """Which contact-campaigns to list."""

    campaign_id: UUID | None = Field(None, description="only those of this campaign")
    status: Status | None = None


class AContactCampaign(When):
    """Which contact-campaign, and when."""

    contact_campaign_id: UUID


class AMessage(Given):
    """Which message; timelines name them."""

    message_id: UUID
