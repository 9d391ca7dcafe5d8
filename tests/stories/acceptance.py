"""What the acceptance cases share: who is enrolled, what is done instead, what is seen."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from domain.ids import MessageId, StreamId
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers import campaigns as use
from handlers.queue_orders import Order
from handlers.services import TenantServices
from infra.services import make_services
from tests.stories.house import House, plan, send, stop, way

ONE_MAIL = plan(send("intro", way("timeout", "end", after="P9D")), stop())
HELD = "SELECT hold_reason FROM {s}.send_queue WHERE state = 'QUEUED'"


def enrolled(house: House, count: int, document: Mapping[str, Any] = ONE_MAIL) -> list[StreamId]:
    """Enrolled, rendered and due; nobody has looked at them."""
    row = house.campaign()
    done = [house.enrol(document, row=row).contact_campaign_id for _ in range(count)]
    house.work_but_sends()
    return [stream for stream in done if stream is not None]


def states(house: House) -> Counter[str]:
    """How many messages are in each state."""
    return Counter(state for (state,) in house.rows("SELECT state FROM {s}.send_queue"))


def called(house: House) -> Counter[MessageId]:
    """How often the provider was called for each message."""
    return Counter(mail.message_id for mail, _ in house.provider.calls)


def services(house: House) -> TenantServices:
    """What the web process has of the tenant."""
    tenant = make_services(house.system).tenant(house.tenant)
    assert tenant is not None
    return tenant


def an_order(house: House) -> Order:
    """What an operator says with an order about a message."""
    return Order(
        cause=Cause(CauseKind.OPERATOR, "story"),
        correlation=house.system.rng.new_id(),
        actor="operator",
        reason="it hangs",
        now=house.clock.now(),
    )


def order(house: House, stream: StreamId, decide: Any) -> None:
    """An operator's order about a contact-campaign."""
    cause, correlation = Cause(CauseKind.OPERATOR, "story"), house.system.rng.new_id()
    use.order(house.ports, stream, decide, cause=cause, correlation=correlation)


@contextmanager
def instead(thing: Any, name: str, act: Callable[..., Any]) -> Iterator[None]:
    """Something else is done, for as long as the block lasts."""
    kept = getattr(thing, name)
    setattr(thing, name, act)
    try:
        yield
    finally:
        setattr(thing, name, kept)
