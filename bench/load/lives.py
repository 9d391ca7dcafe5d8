"""Contact-campaigns lived through by the engine in moved time: half answer, half stay silent."""

import json
from datetime import timedelta

from bench.load.customer import Customer, mail, plan_of, way
from bench.load.posts import events
from domain.ids import MessageId
from infra.clock import VirtualClock

LIVED = 50
PLAN = plan_of(
    [
        mail("hello", way("clicked", "again"), way("no_click", "again", after="P2D")),
        mail("again", way("no_reply", "end", after="P3D"), schedule={"delay": "P1D"}),
        {"id": "end", "type": "stop", "outcome": "no_response"},
    ]
)


def live(customer: Customer, number: int = LIVED) -> None:
    """Whole lives, from enrolment to their end, with two mails and what was reported on them."""
    half = number // 2
    customer.enrol(PLAN, number)
    _send(customer, number)
    _pass(customer, hours=5)
    _report(customer, "hello", half)
    _pass(customer, hours=25)
    _send(customer, half)
    _pass(customer, hours=20)
    assert customer.fire() == number - half
    _pass(customer, hours=25)
    _send(customer, number - half)
    _pass(customer, hours=5)
    _report(customer, "again", half)
    _pass(customer, hours=100)
    assert customer.fire() == number
    assert customer.count("SELECT count(*) FROM {s}.timers") == 0


def _send(customer: Customer, number: int) -> None:
    assert customer.compose() == number
    assert customer.send() == number


def _pass(customer: Customer, **passed: float) -> None:
    clock = customer.system.clock
    assert isinstance(clock, VirtualClock)
    clock.advance(timedelta(**passed))


def _report(customer: Customer, node: str, number: int) -> None:
    """Delivered, opened and clicked by as many, in the order of their ids."""
    found = customer.rows(
        "SELECT message_id FROM {s}.send_queue WHERE node = %(node)s"
        " ORDER BY stream_id LIMIT %(number)s",
        node=node,
        number=number,
    )
    messages = [MessageId(row[0]) for row in found]
    at = customer.system.clock.now() - timedelta(minutes=10)
    customer.hear(json.dumps(list(events(messages, customer.ports.tag, at))).encode())
