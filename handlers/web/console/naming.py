"""Whom and what rows are about, in a line: two look-ups, however many rows there are."""

from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from domain.ids import CampaignId, ContactId
from handlers.ports import Person
from handlers.web.console.visits import Visit


class PersonLine(msgspec.Struct, frozen=True, kw_only=True):
    """A contact in a line; `zone` is where it lives."""

    name: str
    external_id: str
    email: str
    company: str
    zone: str | None


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """Contacts and campaigns by their ids; who was erased is missing."""

    people: Mapping[ContactId, PersonLine]
    campaigns: Mapping[CampaignId, str]

    def who(self, contact_id: ContactId) -> str:
        """The name of a contact."""
        found = self.people.get(contact_id)
        return "erased" if found is None else found.name

    def zone(self, contact_id: ContactId) -> str | None:
        """Where a contact lives."""
        found = self.people.get(contact_id)
        return None if found is None else found.zone

    def campaign(self, campaign_id: CampaignId) -> str:
        """The name of a campaign."""
        return self.campaigns.get(campaign_id, "unknown")


class _About(Protocol):
    @property
    def contact_id(self) -> ContactId: ...

    @property
    def campaign_id(self) -> CampaignId: ...


def names_of(visit: Visit, rows: Iterable[_About]) -> Names:
    """The names of what these rows are about."""
    kept = list(rows)
    people = visit.tenant.contacts.by_id({row.contact_id for row in kept})
    campaigns = visit.tenant.campaigns.campaigns_of({row.campaign_id for row in kept})
    return Names(
        people={contact: line_of(person) for contact, person in people.items()},
        campaigns={campaign: row.name for campaign, row in campaigns.items()},
    )


def line_of(person: Person) -> PersonLine:
    """A contact in a line: its name, else its address, else the caller's own key."""
    named = " ".join(part for part in (person.first_name, person.last_name) if part)
    return PersonLine(
        name=named or person.email or person.external_id or str(person.contact_id),
        external_id=person.external_id or "",
        email=person.email or "",
        company=person.company or "",
        zone=person.timezone,
    )
