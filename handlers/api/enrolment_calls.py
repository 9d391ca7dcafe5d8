"""Enrolments: up to a thousand contacts with a plan each; a refused one stops no other."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Raw
from pydantic import Field

from domain.ids import ContactId
from handlers import campaigns
from handlers.access import Role
from handlers.api.bodies import checked, cut_out, fields_of, items_of
from handlers.api.calls import Call, Given
from handlers.campaigns import Enrolled, Enrolment
from handlers.contacts import NewContact, row_of
from handlers.errors import Fault, NotAcceptable, NotPermitted, OutOfStep
from handlers.ports import CampaignRow
from plans.intake import Submitted
from plans.verify.report import Issue, issue, refused, to_json

ITEMS_MAX = 1000
BYTES_MAX = 64 * 1024 * 1024


class NewEnrolment(Given):
    """A contact, by its id or as it is written first, and the plan for it."""

    contact_id: UUID | None = None
    contact: NewContact | None = None
    plan: Any = None


class NewEnrolments(Given):
    """What to enrol."""

    items: list[NewEnrolment] = Field(min_length=1, max_length=ITEMS_MAX)


class EnrolledItems(msgspec.Struct, frozen=True):
    """One result for each item, in order."""

    items: list[Enrolled]


class Item(msgspec.Struct, frozen=True):
    """An item as read, or why it is refused."""

    given: NewEnrolment | None = None
    plan: Any = None
    refused: Enrolled | None = None


def read_items(raw: bytes) -> list[Item]:
    """The items of a body, each with the limits that its plan would have alone."""
    fields = fields_of(raw)
    unknown = [
        Fault(f"/{name}", "unknown_field", "remove it") for name in fields if name != "items"
    ]
    if unknown:
        raise NotAcceptable("the body cannot be taken", unknown)
    items = items_of(fields.get("items", Raw(b"null")))
    if not 1 <= len(items) <= ITEMS_MAX:
        fault = Fault("/items", "length", f"give 1 to {ITEMS_MAX} items")
        raise NotAcceptable("the body cannot be taken", [fault])
    return [_item(one) for one in items]


def enrol(call: Call) -> EnrolledItems:
    """Write the contacts that come along, then enrol. Safe to repeat."""
    row = call.campaign()
    if row.status == "stopped":
        raise OutOfStep("a stopped campaign takes no enrolments")
    items: list[Item] = call.body
    if call.holder.role == Role.PLANNER:
        _allow_planner(row, items)
    contacts = _contacts(call, items)
    wanted = {
        index: Enrolment(contacts[index], item.plan)
        for index, item in enumerate(items)
        if index in contacts
    }
    results = campaigns.enrol(
        call.tenant.ports,
        row,
        list(wanted.values()),
        tzdata=call.services.tzdata,
        cause=call.cause,
        correlation=call.request_id,
    )
    call.ring()
    done = dict(zip(wanted, results, strict=True))
    told = [done.get(index) or item.refused for index, item in enumerate(items)]
    return EnrolledItems([one for one in told if one is not None])


def _allow_planner(row: CampaignRow, items: Sequence[Item]) -> None:
    """Nothing leaves by a planner's hand, and it sends nobody's mail to another address."""
    if row.status != "draft":
        raise NotPermitted("a planner enrols into drafts only")
    if any(item.given is not None and item.given.contact is not None for item in items):
        raise NotPermitted("a planner writes no contacts: name them by contact_id")


def _item(fields: Mapping[str, Raw]) -> Item:
    try:
        values, submitted = cut_out(fields)
        given = checked(NewEnrolment, values)
    except NotAcceptable as error:
        return _refused(_issue(fault) for fault in error.errors)
    problem = _problem(given, fields, submitted)
    return _refused(problem) if problem else Item(given, submitted.document)


def _problem(
    given: NewEnrolment, fields: Mapping[str, Raw], submitted: Submitted
) -> Sequence[Issue]:
    if "plan" not in fields:
        return [issue("E_VALUE", "/plan", "there is no plan")]
    if (given.contact_id is None) == (given.contact is None):
        return [issue("E_VALUE", "/contact", "give either contact_id or contact")]
    if given.contact is not None and given.contact.external_id is None:
        told = "a contact that comes along needs your own key, so that a repetition finds it again"
        return [issue("E_VALUE", "/contact/external_id", told)]
    return submitted.issues


def _contacts(call: Call, items: Sequence[Item]) -> dict[int, ContactId]:
    """The contact of each item that can be enrolled, by the place of the item."""
    given = {index: item.given for index, item in enumerate(items) if item.given is not None}
    named = {index: one.contact_id for index, one in given.items() if one.contact_id is not None}
    new = {index: one.contact for index, one in given.items() if one.contact is not None}
    written = call.tenant.contacts.put([row_of(one) for one in new.values()]) if new else []
    ids = dict(zip(new, [one.contact_id for one in written], strict=True))
    return {index: ids.get(index) or ContactId(named[index]) for index in given}


def _refused(issues: Iterable[Issue]) -> Item:
    report = to_json(refused(*issues))
    return Item(refused=Enrolled("refused", report=report))


def _issue(fault: Fault) -> Issue:
    return issue("E_VALUE", fault.pointer, fault.detail)
