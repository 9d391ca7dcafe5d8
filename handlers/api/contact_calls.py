"""Contacts: written in batches, listed, changed, imported."""

from functools import partial
from uuid import UUID

import msgspec
from pydantic import Field

from domain.ids import ContactId
from handlers.api.calls import Call, Given, Page
from handlers.api.paging import Listed, listed, place_of
from handlers.contact_import import ImportReport, import_contacts
from handlers.contacts import ContactChange, ContactShown, NewContact, changed, row_of, shown
from handlers.errors import NotHere
from handlers.ports import Person

NO_CONTACT = "no contact has this id"


class NewContacts(Given):
    """Contacts to write: each is created, or overwrites the one of the same `external_id`."""

    items: list[NewContact] = Field(min_length=1, max_length=1000)


class HowToImport(Given):
    """Whether only to tell what would be imported."""

    dry_run: bool = False


class WrittenContact(msgspec.Struct, frozen=True):
    """What became of one given contact."""

    contact_id: ContactId
    created: bool
    same_address_as: tuple[str, ...] = ()
    """External ids of other contacts with this address or profile: probably the same person."""


class WrittenContacts(msgspec.Struct, frozen=True):
    """One answer for each given contact, in order."""

    items: list[WrittenContact]


def put(call: Call) -> WrittenContacts:
    """Write contacts."""
    given: NewContacts = call.body
    written = call.tenant.contacts.put([row_of(one) for one in given.items])
    return WrittenContacts(
        [WrittenContact(one.contact_id, one.created, tuple(one.same_address_as)) for one in written]
    )


def page(call: Call) -> Listed[ContactShown]:
    """Contacts in the order of their ids."""
    query: Page = call.query
    people = call.tenant.contacts.page(place_of(query.cursor, UUID), query.limit + 1)
    return listed([shown(person) for person in people], query.limit, lambda one: one.id)


def one(call: Call) -> ContactShown:
    """One contact."""
    return shown(_person(call))


def change(call: Call) -> ContactShown:
    """Change some fields; of two changes of one field at the same moment the later one stands."""
    given: ContactChange = call.body
    after = call.tenant.contacts.change(ContactId(call.id), partial(changed, change=given))
    if after is None:
        raise NotHere(NO_CONTACT)
    return shown(after)


def take_csv(call: Call) -> ImportReport:
    """Import a CSV file."""
    query: HowToImport = call.query
    raw: bytes = call.body
    return import_contacts(call.tenant.contacts, raw, dry_run=query.dry_run)


def _person(call: Call) -> Person:
    contact_id = ContactId(call.id)
    found = call.tenant.contacts.by_id([contact_id]).get(contact_id)
    if found is None:
        raise NotHere(NO_CONTACT)
    return found
