"""The table of the API: method, path, what it takes, who carries it out, what it answers.

The routes are made from it, the document that describes them too; who may call what is in
`handlers.access`.
"""

from handlers.api import (
    act_calls,
    contact_calls,
    journey_calls,
    reading_calls,
    revision_calls,
    setting_calls,
    what_if_calls,
)
from handlers.api.bodies import json_body
from handlers.api.calls import Body, Operation, Page, Reason
from handlers.api.campaign_operations import CAMPAIGNS
from handlers.api.errand_operations import ERRANDS
from handlers.api.metric_operations import METRICS
from handlers.api.paging import Listed
from handlers.api.plan_operations import PLANS
from handlers.api.privacy_operations import PRIVACY
from handlers.api.queue_operations import QUEUE
from handlers.api.sender_operations import SENDERS
from handlers.contact_import import ImportReport
from handlers.contacts import ContactChange, ContactShown
from handlers.noted import Notes
from handlers.queue_shown import QueuedMessage
from handlers.revisions import Revised
from handlers.services import ActivityRow, ContactCampaignRow
from handlers.taken_plans import TakenPlans
from handlers.timeline import Timeline
from handlers.what_if import Compared

MB = 1024 * 1024
CONTACTS_BYTES_MAX = 32 * MB
IMPORT_BYTES_MAX = 64 * MB

_CONTACTS = (
    Operation(
        method="POST",
        path="/v1/contacts",
        does="Write up to 1000 contacts; one of a known external_id is overwritten",
        perform=contact_calls.put,
        answers=contact_calls.WrittenContacts,
        body=json_body(contact_calls.NewContacts, bytes_max=CONTACTS_BYTES_MAX),
    ),
    Operation(
        method="GET",
        path="/v1/contacts",
        does="List contacts",
        perform=contact_calls.page,
        answers=Listed[ContactShown],
        query=Page,
    ),
    Operation(
        method="POST",
        path="/v1/contacts/import",
        does="Import a CSV; bad rows are reported with line and reason, good ones kept",
        perform=contact_calls.take_csv,
        answers=ImportReport,
        query=contact_calls.HowToImport,
        body=Body(read=bytes, media="text/csv", bytes_max=IMPORT_BYTES_MAX),
    ),
    Operation(
        method="GET",
        path="/v1/contacts/{id}",
        does="One contact",
        perform=contact_calls.one,
        answers=ContactShown,
    ),
    Operation(
        method="PATCH",
        path="/v1/contacts/{id}",
        does="Change fields of a contact",
        perform=contact_calls.change,
        answers=ContactShown,
        body=json_body(ContactChange),
    ),
)

_JOURNEYS = (
    Operation(
        method="GET",
        path="/v1/contact-campaigns",
        does="List contact-campaigns",
        perform=journey_calls.page,
        answers=Listed[ContactCampaignRow],
        query=journey_calls.WhichJourneys,
    ),
    Operation(
        method="GET",
        path="/v1/contact-campaigns/{id}",
        does="One contact-campaign",
        perform=journey_calls.one,
        answers=journey_calls.ContactCampaignShown,
    ),
    *(
        Operation(
            method="POST",
            path=f"/v1/contact-campaigns/{{id}}/{order}",
            does=f"{order.capitalize()} a contact-campaign",
            perform=perform,
            answers=journey_calls.ContactCampaignShown,
            body=json_body(Reason, needed=False),
        )
        for order, perform in (
            ("pause", journey_calls.do_pause),
            ("resume", journey_calls.do_resume),
            ("stop", journey_calls.do_stop),
        )
    ),
    Operation(
        method="POST",
        path="/v1/contact-campaigns/{id}/revise",
        does="Prove another plan from where the contact stands, and put it in force",
        perform=revision_calls.do_revise,
        answers=Revised,
        body=Body(read=revision_calls.read_revision, model=revision_calls.NewRevision),
    ),
    Operation(
        method="GET",
        path="/v1/contact-campaigns/{id}/timeline",
        does="State at an instant and every fact until then, with its cause",
        perform=journey_calls.told,
        answers=Timeline,
        query=journey_calls.When,
    ),
    Operation(
        method="GET",
        path="/v1/contact-campaigns/{id}/plans",
        does="The plans it took, each with the report that it was accepted with",
        perform=journey_calls.plans,
        answers=TakenPlans,
    ),
    Operation(
        method="GET",
        path="/v1/contact-campaigns/{id}/notes",
        does="Reasons that were given, what providers answered, what could not be done",
        perform=journey_calls.notes,
        answers=Notes,
    ),
    Operation(
        method="POST",
        path="/v1/contact-campaigns/{id}/what-if",
        does="Run what was recorded against another plan, side by side with what happened",
        perform=what_if_calls.do_what_if,
        answers=Compared,
        body=Body(read=what_if_calls.read_what_if, model=what_if_calls.OtherPlan),
        asks=True,
        at_once=2,
    ),
)

_READING = (
    Operation(
        method="GET",
        path="/v1/messages/{id}",
        does="One message",
        perform=reading_calls.message,
        answers=reading_calls.MessageShown,
    ),
    Operation(
        method="GET",
        path="/v1/send-queue",
        does="Messages that are to leave, in that order",
        perform=reading_calls.queue,
        answers=Listed[QueuedMessage],
        query=reading_calls.WhichMessages,
    ),
    Operation(
        method="GET",
        path="/v1/activity",
        does="What happened, newest first",
        perform=reading_calls.activity,
        answers=Listed[ActivityRow],
        query=reading_calls.WhichActivity,
    ),
)

_ACTS = (
    Operation(
        method="GET",
        path="/v1/admin-events",
        does="What administrators did, newest first",
        perform=act_calls.page,
        answers=Listed[act_calls.AdminEventShown],
        query=Page,
    ),
)

_SETTINGS = (
    Operation(
        method="GET",
        path="/v1/suppressions",
        does="List suppressions, by keyed digests of their addresses",
        perform=setting_calls.suppressions,
        answers=Listed[setting_calls.SuppressionShown],
        query=Page,
    ),
    Operation(
        method="POST",
        path="/v1/suppressions",
        does="Suppress addresses",
        perform=setting_calls.suppress,
        answers=setting_calls.Suppressed,
        body=json_body(setting_calls.NewSuppressions),
    ),
    Operation(
        method="DELETE",
        path="/v1/suppressions",
        does="Lift a suppression, with a reason",
        perform=setting_calls.lift,
        answers=setting_calls.Lifted,
        body=json_body(setting_calls.LiftedSuppression),
    ),
)

OPERATIONS: tuple[Operation, ...] = (
    *PLANS,
    *_CONTACTS,
    *PRIVACY,
    *CAMPAIGNS,
    *_JOURNEYS,
    *ERRANDS,
    *_READING,
    *METRICS,
    *QUEUE,
    *SENDERS,
    *_SETTINGS,
    *_ACTS,
)
