"""Orders about single messages, why they left or did not, and reports that came to nothing."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from domain.acts import Act
from domain.ids import MessageId
from domain.timing.zones import in_utc
from handlers import queue_orders
from handlers.acts import act, by_id
from handlers.api.calls import Call, Given, Page, no_controls
from handlers.api.paging import Listed, listed, place_of
from handlers.dead_letters import DeadLetter, release
from handlers.errors import NotHere
from handlers.explain import Explained, explain
from handlers.queue_orders import Order
from handlers.services import QueueRow

Words = Annotated[str, Field(min_length=3, max_length=500), AfterValidator(no_controls)]


LAST_YEAR = 7999
"""Beyond it no calendar is sure; who does not know until when leaves the instant out."""


def _until(at: datetime) -> datetime:
    if at.year > LAST_YEAR:
        raise ValueError("is too far away: without it, the message is held until it is released")
    return in_utc(at)


class SkippedMessage(Given):
    """Why it is not to be sent; kept in the vault."""

    reason: Words


class HeldMessage(Given):
    """Why it is kept back, and until when; without an instant, until it is released."""

    reason: Words
    until: Annotated[AwareDatetime, AfterValidator(_until)] | None = Field(
        None, description="RFC 3339 with an offset"
    )


class ReleasedMessage(Given):
    """Why it may leave; kept in the vault."""

    reason: Words


class ResentMessage(Given):
    """Why it is sent once more. `confirm` says that you know it may come twice."""

    reason: Words
    confirm: bool = False


class WhichLetters(Page):
    """Which reports to list, oldest first."""

    state: Literal["parked", "orphan", "new", "claimed"] = "parked"


def told(call: Call) -> Explained:
    """Why a message was sent, held, skipped or cancelled, with every gate."""
    found = explain(call.tenant, MessageId(call.id), call.services.clock.now())
    if found is None:
        raise NotHere("no message has this id")
    return found


@act(Act.MESSAGE_SKIP, by_id)
def do_skip(call: Call) -> QueueRow:
    """Do not send it. Safe to repeat."""
    given: SkippedMessage = call.body
    return _rung(call, queue_orders.skip(call.tenant, MessageId(call.id), _order(call, given)))


@act(Act.MESSAGE_HOLD, by_id)
def do_hold(call: Call) -> QueueRow:
    """Keep it back. Safe to repeat."""
    given: HeldMessage = call.body
    order = _order(call, given)
    return queue_orders.hold(call.tenant, MessageId(call.id), given.until, order)


@act(Act.MESSAGE_RELEASE, by_id)
def do_release(call: Call) -> QueueRow:
    """Let it go. Safe to repeat."""
    given: ReleasedMessage = call.body
    return _rung(call, queue_orders.let_go(call.tenant, MessageId(call.id), _order(call, given)))


@act(Act.MESSAGE_RESEND, by_id)
def do_resend(call: Call) -> QueueRow:
    """Send it once more. Safe to repeat until it has left."""
    given: ResentMessage = call.body
    order = _order(call, given)
    message_id, tenant = MessageId(call.id), call.tenant
    return _rung(call, queue_orders.resend(tenant, message_id, order, confirmed=given.confirm))


def letters(call: Call) -> Listed[DeadLetter]:
    """Reports in the order in which they came."""
    query: WhichLetters = call.query
    after = place_of(query.cursor, int)
    rows = call.tenant.dead_letters.page(query.state, after, query.limit + 1)
    return listed(rows, query.limit, lambda row: row.id)


@act(Act.REPORT_RELEASE, lambda call: str(call.number))
def do_release_letter(call: Call) -> DeadLetter:
    """Try it again. Safe to repeat."""
    released = release(call.tenant.dead_letters, call.number)
    ports = call.tenant.ports
    ports.doorbell.ring("ingest", ports.tenant)
    return released


def _order(
    call: Call, given: SkippedMessage | HeldMessage | ReleasedMessage | ResentMessage
) -> Order:
    return Order(
        cause=call.order,
        correlation=call.request_id,
        actor=call.holder.key_id,
        reason=given.reason,
        now=call.services.clock.now(),
    )


def _rung(call: Call, row: QueueRow) -> QueueRow:
    call.ring()
    return row
