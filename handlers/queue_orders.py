"""What operators order about single messages: skip, hold, release, resend. Safe to repeat."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import msgspec

from domain import campaign
from domain.campaign import Campaign
from domain.campaign.releasing import due_without_orders, hold_back, release, skip_waiting
from domain.events import Event
from domain.ids import MessageId
from domain.plan import Grounds
from domain.recorded import Cause
from handlers.campaigns import order
from handlers.errors import Fault, NotAcceptable, NotHere
from handlers.services import QueueRow, TenantServices

_Decision = Callable[[Campaign, Grounds], Sequence[Event]]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Who orders something about a message, why and when; the reason is kept in the vault."""

    cause: Cause
    correlation: UUID
    actor: str
    reason: str
    now: datetime


def skip(tenant: TenantServices, message_id: MessageId, given: Order) -> QueueRow:
    """Do not send a waiting message; its plan goes on as after any skip."""
    decide = partial(skip_waiting, message_id=message_id, at=given.now)
    return _ordered(tenant, _row(tenant, message_id), decide, "skip", given)


def hold(
    tenant: TenantServices, message_id: MessageId, until: datetime | None, given: Order
) -> QueueRow:
    """Keep a waiting message back until an instant, or until it is released."""
    if until is not None and until <= given.now:
        fault = Fault("/until", "past", "must be in the future; without it, until released")
        raise NotAcceptable("the order cannot be taken", [fault])
    row = _row(tenant, message_id)
    decide = partial(
        hold_back,
        message_id=message_id,
        until=until,
        planned_at=_planned_at(tenant, row),
        at=given.now,
    )
    return _ordered(tenant, row, decide, "hold", given)


def let_go(tenant: TenantServices, message_id: MessageId, given: Order) -> QueueRow:
    """Release what a person held back: it leaves when its plan wants it, now at the earliest."""
    row = _row(tenant, message_id)
    decide = partial(
        release, message_id=message_id, planned_at=_planned_at(tenant, row), at=given.now
    )
    return _ordered(tenant, row, decide, "release", given)


def resend(
    tenant: TenantServices, message_id: MessageId, given: Order, *, confirmed: bool
) -> QueueRow:
    """Send once more what is taken as lost; it may reach the person twice, hence the question."""
    row = _row(tenant, message_id)
    if not confirmed:
        fault = Fault(
            "/confirm",
            "confirmation",
            "it may have left, and then it comes twice: see what explain tells, and confirm",
        )
        raise NotAcceptable("a second attempt needs a confirmation", [fault])
    decide = partial(campaign.resend, message_id=message_id, author=given.actor, at=given.now)
    return _ordered(tenant, row, decide, "resend", given)


def _row(tenant: TenantServices, message_id: MessageId) -> QueueRow:
    row = tenant.reads.message(message_id)
    if row is None:
        raise NotHere("no message has this id")
    return row


def _planned_at(tenant: TenantServices, row: QueueRow) -> datetime:
    facts = (one.fact for one in tenant.history(row.contact_campaign_id))
    return due_without_orders(facts, row.id) or row.due_at


def _ordered(
    tenant: TenantServices, row: QueueRow, decide: _Decision, what: str, given: Order
) -> QueueRow:
    stream = row.contact_campaign_id
    order(tenant.ports, stream, decide, cause=given.cause, correlation=given.correlation)
    tenant.ports.vault.keep_note(row.id, row.contact_id, f"{what}_reason", given.reason)
    return tenant.reads.message(row.id) or row
