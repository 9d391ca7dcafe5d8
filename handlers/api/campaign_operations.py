"""The part of the table of the API about campaigns: made, changed, ordered about, enrolled into."""

from handlers.api import campaign_calls, enrolment_calls
from handlers.api.bodies import json_body
from handlers.api.calls import Body, Operation, Page, Reason
from handlers.api.paging import Listed

CAMPAIGNS = (
    Operation(
        method="POST",
        path="/v1/campaigns",
        does="Make a campaign; it is a draft",
        perform=campaign_calls.create,
        answers=campaign_calls.CampaignShown,
        status=201,
        body=json_body(campaign_calls.NewCampaign),
    ),
    Operation(
        method="GET",
        path="/v1/campaigns",
        does="List campaigns",
        perform=campaign_calls.page,
        answers=Listed[campaign_calls.CampaignShown],
        query=Page,
    ),
    Operation(
        method="GET",
        path="/v1/campaigns/{id}",
        does="One campaign",
        perform=campaign_calls.one,
        answers=campaign_calls.CampaignShown,
    ),
    Operation(
        method="PATCH",
        path="/v1/campaigns/{id}",
        does="Change a campaign; its sender only while nobody is enrolled",
        perform=campaign_calls.change,
        answers=campaign_calls.CampaignShown,
        body=json_body(campaign_calls.CampaignChange),
    ),
    Operation(
        method="POST",
        path="/v1/campaigns/{id}/clone",
        does="Make a draft that is configured as this campaign; nobody is enrolled in it",
        perform=campaign_calls.clone,
        answers=campaign_calls.CampaignShown,
        status=201,
        body=json_body(campaign_calls.CloneName, needed=False),
    ),
    *(
        Operation(
            method="POST",
            path=f"/v1/campaigns/{{id}}/{order}",
            does=f"{order.capitalize()} a campaign",
            perform=perform,
            answers=campaign_calls.Ordered,
            body=json_body(Reason, needed=False),
        )
        for order, perform in (
            ("launch", campaign_calls.do_launch),
            ("pause", campaign_calls.do_pause),
            ("resume", campaign_calls.do_resume),
            ("stop", campaign_calls.do_stop),
        )
    ),
    Operation(
        method="POST",
        path="/v1/campaigns/{id}/enrolments",
        does="Enrol up to 1000 contacts, each with its plan; one result per item in order",
        perform=enrolment_calls.enrol,
        answers=enrolment_calls.EnrolledItems,
        body=Body(
            read=enrolment_calls.read_items,
            model=enrolment_calls.NewEnrolments,
            bytes_max=enrolment_calls.BYTES_MAX,
        ),
    ),
)
