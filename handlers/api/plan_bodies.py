"""Bodies about a plan: the plan through its own front door, and whom it is checked for."""

from collections.abc import Iterable
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from pydantic import Field

from domain.ids import ContactId
from handlers.api.bodies import checked, cut_out, fields_of
from handlers.api.calls import Call, Given
from handlers.errors import Fault, NotAcceptable, NotHere
from handlers.ports import Sender
from handlers.values import check_context
from plans.context import ContactContext
from plans.intake import Submitted
from plans.verify.report import Issue

G = TypeVar("G", bound=Given)


class PlanToCheck(Given):
    """A plan, and at most one of: the contact it is for, or such a contact's context."""

    plan: Any = None
    contact_id: UUID | None = None
    context: ContactContext | None = None
    sender: str | None = Field(None, description="with contact_id: whose name the plan may use")


class PlanBody(msgspec.Struct, frozen=True):
    """The body of a call about a plan: the plan by itself, and all else."""

    plan: Submitted
    given: Any


def plan_body(model: type[G], raw: bytes) -> PlanBody:
    """The body of a call about a plan; raises NotAcceptable where there is none."""
    fields = fields_of(raw)
    if "plan" not in fields:
        fault = Fault("/plan", "missing", "give the plan")
        raise NotAcceptable("the body cannot be taken", [fault])
    values, submitted = cut_out(fields)
    return PlanBody(submitted, checked(model, values))


def context_of(call: Call, given: PlanToCheck) -> ContactContext | None:
    """The contact the plan is checked for: as given, or as the vault has it."""
    if given.contact_id is None:
        return given.context
    if given.context is not None:
        fault = Fault("/context", "one_of", "give contact_id or context, not both")
        raise NotAcceptable("the body cannot be taken", [fault])
    contact_id = ContactId(given.contact_id)
    person = call.tenant.contacts.by_id([contact_id]).get(contact_id)
    if person is None:
        raise NotHere("no contact has this id")
    return check_context(call.tenant.ports.tenant, person, _sender(call, given.sender))


def _sender(call: Call, name: str | None) -> Sender | None:
    """The named sender account, or the only one there is."""
    senders = call.tenant.ports.vault.senders()
    if name is None:
        return next(iter(senders.values())) if len(senders) == 1 else None
    if name not in senders:
        raise NotHere("no sender account has this name")
    return senders[name]


def faults_in(issues: Iterable[Issue]) -> list[Fault]:
    """Issues of the plan as faults of the body."""
    return [Fault(f"/plan{issue.path}", issue.code, issue.message) for issue in issues]
