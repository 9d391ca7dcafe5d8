"""Lives that leave something in every list: mails, tasks, notices, dead letters, suppressions."""

import json
from datetime import timedelta

from typing_extensions import override

from bench.load.customer import Customer, mail, plan_of, way
from bench.load.posts import events
from domain.ids import ErrandId, MessageId
from handlers.errands.running import ErrandRunner
from handlers.ports import Called, Endpoint, EndpointCaller
from infra.assignees import look_up
from infra.clock import VirtualClock

WRITTEN_TO = 40
WAITING = 20
OPENED = 12
COMPLAINED = 4
UNKNOWN = 4
PLAN = plan_of(
    [
        {"id": "tell", "type": "notify", "text": "A new one", "next": "hello"},
        mail("hello", way("opened", "phone"), way("no_open", "later", after="P20D")),
        {
            "id": "phone",
            "type": "task",
            "kind": "call",
            "title": "Call {{ contact.first_name }}",
            "assignee": "sales",
            "transitions": [way("task_done", "end"), way("timeout", "end", after="P9D")],
        },
        mail("later", way("no_reply", "end", after="P3D")),
        {"id": "end", "type": "stop", "outcome": "no_response"},
    ]
)
LATER = plan_of(
    [
        mail("hello", way("no_reply", "end", after="P3D"), schedule={"delay": "P20D"}),
        {"id": "end", "type": "stop", "outcome": "no_response"},
    ]
)


class NobodyCalled(EndpointCaller):
    """Implements handlers.ports.EndpointCaller: these plans call nobody."""

    @override
    def call(self, endpoint: Endpoint, call_id: ErrandId, body: bytes) -> Called:
        raise AssertionError((endpoint, call_id, body))


def live(customer: Customer) -> int:
    """How many contacts there are now."""
    clock = customer.system.clock
    assert isinstance(clock, VirtualClock)
    customer.enrol(PLAN, WRITTEN_TO)
    customer.enrol(LATER, WAITING)
    runner = ErrandRunner(customer.ports, NobodyCalled(), customer.system.errand_executor)
    assert sum(iter(runner.run_batch, 0)) == WRITTEN_TO
    assert customer.compose() == customer.send() == WRITTEN_TO
    clock.advance(timedelta(hours=5))
    _report(customer)
    customer.project()
    assert look_up(customer.system.database, customer.tenant) == OPENED
    counted = {name: customer.count(text) for name, text in _COUNTS.items()}
    assert counted == {
        "notices": WRITTEN_TO,
        "tasks": OPENED,
        "suppressions": 2 * COMPLAINED,  # the address of the report, and that of the contact
        "parked": UNKNOWN,
        "planned": WAITING,
    }, counted
    return WRITTEN_TO + WAITING


def _report(customer: Customer) -> None:
    found = customer.rows(
        "SELECT message_id FROM {s}.send_queue WHERE state = 'ACCEPTED' ORDER BY stream_id"
    )
    messages = [MessageId(row[0]) for row in found]
    at = customer.system.clock.now() - timedelta(minutes=10)
    told = list(events(messages, customer.ports.tag, at))
    delivered, opened = told[:WRITTEN_TO], told[WRITTEN_TO : WRITTEN_TO + OPENED]
    complained = [one | {"event": "spamreport"} for one in delivered[-COMPLAINED:]]
    unknown = [one | {"event": "grew_wings"} for one in delivered[:UNKNOWN]]
    customer.hear(json.dumps([*delivered, *opened, *complained, *unknown]).encode())


_COUNTS = {
    "notices": "SELECT count(*) FROM {s}.notices",
    "tasks": "SELECT count(*) FROM {s}.tasks WHERE state = 'open'",
    "suppressions": "SELECT count(*) FROM {s}.suppressions",
    "parked": "SELECT count(*) FROM {s}.webhook_inbox WHERE state = 'parked'",
    "planned": "SELECT count(*) FROM {s}.send_queue WHERE state = 'PLANNED'",
}
