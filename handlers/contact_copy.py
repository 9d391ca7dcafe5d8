"""A copy of all that is kept of one contact: its data, its courses, every text with it in it."""

from datetime import datetime
from typing import Any

import msgspec

from domain.ids import ContactId
from handlers.contacts import ContactShown, shown
from handlers.errors import NotHere, TooManyCopies
from handlers.services import TenantServices
from handlers.taken_plans import TakenPlans, taken_plans
from handlers.timeline import Timeline, timeline


class ContactCopy(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one contact, of all campaigns; `vault` has the rows of each table."""

    taken_at: datetime
    contact: ContactShown
    contact_campaigns: list[Timeline]
    plans: list[TakenPlans]
    vault: dict[str, list[dict[str, Any]]]


def copy_of(
    tenant: TenantServices, contact_id: ContactId, *, ordered_by: str, now: datetime
) -> ContactCopy:
    """The copy; raises NotHere, and TooManyCopies when the tenant's quota of a day is used up."""
    person = tenant.contacts.by_id([contact_id]).get(contact_id)
    if person is None:
        raise NotHere("no contact has this id")
    if not tenant.copies.count(contact_id, ordered_by):
        raise TooManyCopies("no more copies of contacts can be taken today")
    streams = tenant.copies.streams(contact_id)
    told = [timeline(tenant.history, stream, None) for stream in streams]
    plans = [taken_plans(tenant.history, tenant.ports.vault, stream) for stream in streams]
    rows = tenant.copies.rows(contact_id)
    return ContactCopy(
        taken_at=now,
        contact=shown(person),
        contact_campaigns=[one for one in told if one is not None],
        plans=[one for one in plans if one is not None],
        vault={name: [dict(row) for row in found] for name, found in rows.items()},
    )
