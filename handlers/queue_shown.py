"""Messages of the send queue with the names of whom and what they are about, a page at a time."""

from collections.abc import Sequence

import msgspec

from handlers.ports import CampaignRow, Person
from handlers.services import QueueRow, TenantServices


class ContactNamed(msgspec.Struct, frozen=True, kw_only=True):
    """Who a contact is, in a line."""

    external_id: str | None
    email: str | None
    first_name: str | None
    last_name: str | None


class CampaignNamed(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign in a line; its sender is that of messages that name none."""

    name: str
    status: str
    sender: str


class QueuedMessage(QueueRow, frozen=True, kw_only=True):
    """A message of the queue, with its campaign and its contact.

    The contact is null where it was erased, and for who may not read contacts.
    """

    contact: ContactNamed | None = None
    campaign: CampaignNamed | None = None


def with_names(
    tenant: TenantServices, rows: Sequence[QueueRow], *, people: bool
) -> list[QueuedMessage]:
    """The rows with what they are about: two look-ups, however many rows there are."""
    campaigns = tenant.campaigns.campaigns_of({row.campaign_id for row in rows})
    contacts = tenant.contacts.by_id({row.contact_id for row in rows}) if people else {}
    return [
        QueuedMessage(
            **{name: getattr(row, name) for name in QueueRow.__struct_fields__},
            contact=_contact(contacts.get(row.contact_id)),
            campaign=_campaign(campaigns.get(row.campaign_id)),
        )
        for row in rows
    ]


def _contact(person: Person | None) -> ContactNamed | None:
    if person is None:
        return None
    fields = ContactNamed.__struct_fields__
    return ContactNamed(**{name: getattr(person, name) for name in fields})


def _campaign(row: CampaignRow | None) -> CampaignNamed | None:
    if row is None:
        return None
    return CampaignNamed(name=row.name, status=row.status, sender=row.sender)
