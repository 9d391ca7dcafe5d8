"""Plans: check them, draw them, tell what they look like."""

from collections.abc import Iterable
from typing import Any, Literal
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
from plans.graph import Marks, Worst, marks_of, mermaid, svg
from plans.intake import Submitted
from plans.schema import Flavour, json_schema
from plans.verify.check import check
from plans.verify.report import Issue, Report, refused


class PlanToCheck(Given):
    """A plan, and at most one of: the contact it is for, or such a contact's context."""

    plan: Any = None
    contact_id: UUID | None = None
    context: ContactContext | None = None
    sender: str | None = Field(None, description="with contact_id: whose name the plan may use")


class PlanToDraw(PlanToCheck):
    """A plan, what it is checked for, and the form of its drawing."""

    format: Literal["mermaid", "svg"] = "mermaid"
    mark: bool = Field(
        default=True,
        description="mark the worst path of an accepted plan, faulty places and a counterexample of"
        " a refused one",
    )
    worst: Worst = Field(
        "sends", description="what the marked path of an accepted plan has most of"
    )


class Kind(Given):
    """Which flavour of the schema."""

    flavour: Flavour = "full"


class Drawing(msgspec.Struct, frozen=True):
    """A drawn plan."""

    format: str
    drawing: str


class PlanBody(msgspec.Struct, frozen=True):
    """The body of a call about a plan: the plan by itself, and all else."""

    plan: Submitted
    given: Any


def read_check(raw: bytes) -> PlanBody:
    """The body of a check."""
    return _plan_body(PlanToCheck, raw)


def read_drawing(raw: bytes) -> PlanBody:
    """The body of a drawing."""
    return _plan_body(PlanToDraw, raw)


def check_plan(call: Call) -> Report:
    """The report of a plan, whether it is accepted or not."""
    read: PlanBody = call.body
    given: PlanToCheck = read.given
    context = _context(call, given)
    if read.plan.issues:
        return refused(*read.plan.issues)
    return check(read.plan.document, context, call.tenant.ports.plan_policy).report


def draw_plan(call: Call) -> Drawing:
    """The drawing of a plan that has the right shape, with marks for what its check found."""
    read: PlanBody = call.body
    given: PlanToDraw = read.given
    context = _context(call, given)
    if read.plan.issues:
        raise NotAcceptable("the plan cannot be read", _faults(read.plan.issues))
    found = check(read.plan.document, context, call.tenant.ports.plan_policy)
    if found.plan is None:
        raise NotAcceptable("the plan cannot be drawn", _faults(found.report.issues))
    draw = svg if given.format == "svg" else mermaid
    marks = marks_of(found.report, given.worst) if given.mark else Marks()
    return Drawing(given.format, draw(found.plan, marks))


def schema(call: Call) -> dict[str, Any]:
    """The JSON Schema of the plan language."""
    query: Kind = call.query
    return json_schema(query.flavour)


def _plan_body(model: type[Given], raw: bytes) -> PlanBody:
    fields = fields_of(raw)
    if "plan" not in fields:
        fault = Fault("/plan", "missing", "give the plan")
        raise NotAcceptable("the body cannot be taken", [fault])
    values, submitted = cut_out(fields)
    return PlanBody(submitted, checked(model, values))


def _context(call: Call, given: PlanToCheck) -> ContactContext | None:
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


def _faults(issues: Iterable[Issue]) -> list[Fault]:
    return [Fault(f"/plan{issue.path}", issue.code, issue.message) for issue in issues]
