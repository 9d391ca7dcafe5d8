"""Contacts: a page at a time, found by their external id; one with all its contact-campaigns."""

from contextlib import suppress
from uuid import UUID

from domain.ids import ContactId
from handlers.access import Permission
from handlers.api import contact_calls, reading_calls
from handlers.api.calls import Page
from handlers.contacts import ContactShown, shown
from handlers.web.console.naming import names_of
from handlers.web.console.visits import Shown, Visit

ON_A_PAGE = 50
FOUND_MAX = 50
LATEST = 25


class Which(Page):
    """Which contacts."""

    limit: int = ON_A_PAGE
    q: str = ""


def leads(visit: Visit) -> Shown:
    """Contacts in the order of their ids, or those whose external id begins with what is sought."""
    asked = visit.asked(Which)
    if asked.q.strip():
        found, cursor = _found(visit, asked.q.strip()), None
    else:
        query = Page(limit=asked.limit, cursor=asked.cursor)
        listed = contact_calls.page(visit.call(query=query))
        found, cursor = listed.items, listed.next_cursor
    journeys = visit.reads.journeys_of([one.id for one in found], limit=5 * ON_A_PAGE)
    return Shown(
        "leads.html",
        {
            "contacts": found,
            "next_cursor": cursor,
            "sought": asked.q.strip(),
            "latest": {row.contact_id: row for row in reversed(journeys)},
            "names": names_of(visit, journeys),
        },
    )


def lead(visit: Visit) -> Shown:
    """One contact: its data, its contact-campaigns, its latest activity."""
    contact = contact_calls.one(visit.call())
    journeys = visit.reads.journeys_of([contact.id], limit=LATEST)
    query = reading_calls.WhichActivity(contact=contact.id, limit=LATEST)
    rows = reading_calls.activity(visit.call(query=query)).items
    return Shown(
        "lead.html",
        {
            "contact": contact,
            "journeys": journeys,
            "activity": rows,
            "names": names_of(visit, [*rows, *journeys]),
            "reads_messages": visit.may(Permission.READ_MESSAGES),
        },
    )


def _found(visit: Visit, text: str) -> list[ContactShown]:
    ids = list(visit.reads.found(text, FOUND_MAX))
    with suppress(ValueError):
        ids.append(ContactId(UUID(text)))
    people = visit.tenant.contacts.by_id(ids)
    return [shown(people[one]) for one in ids if one in people]
