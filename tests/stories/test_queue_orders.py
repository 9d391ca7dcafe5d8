"""What operators order about messages, from the API to what leaves, on real stores."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from domain import campaign
from domain.campaign.releasing import UNTIL_RELEASED
from domain.errors import CampaignError
from domain.ids import MessageId, StreamId
from domain.recorded import Cause
from domain.taxonomy import AnswerClass, CauseKind, MessageState
from handlers import queue_orders
from handlers.api.reading_calls import WhichMessages, queue
from handlers.campaigns import order
from handlers.explain import explain
from handlers.ports import Answer, Decide
from handlers.queue_orders import Order
from handlers.services import QueueRow, TenantServices
from handlers.timeline import Moment, timeline
from infra.cli.operations import call_of
from infra.services import make_services
from tests.stories.house import TAKEN, House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

PLAN = plan(
    send(
        "intro",
        way("send_skipped", "follow"),
        way("no_reply", "end", after="P5D"),
        schedule={"delay": "P1D"},
    ),
    send("follow", way("no_reply", "end", after="P3D")),
    stop(),
)


@pytest.fixture
def tenant(house: House) -> TenantServices:
    found = make_services(house.system).tenant(house.tenant)
    assert found is not None
    return found


def given(house: House, reason: str = "she called") -> Order:
    return Order(
        cause=Cause(CauseKind.OPERATOR, "key-1/r-1"),
        correlation=UUID(int=9),
        actor="key-1",
        reason=reason,
        now=house.clock.now(),
    )


def ordered(house: House, stream: StreamId, decide: Decide) -> None:
    cause = Cause(CauseKind.OPERATOR, "key-1/r-1")
    order(house.ports, stream, decide, cause=cause, correlation=UUID(int=9))


def row(tenant: TenantServices, message: MessageId) -> QueueRow:
    found = tenant.reads.message(message)
    assert found is not None
    return found


def test_a_skipped_message_never_leaves_and_its_plan_goes_on(
    house: House, tenant: TenantServices
) -> None:
    stream = house.started(PLAN)
    message = house.message(stream)
    skipped = queue_orders.skip(tenant, message, given(house))
    assert (skipped.state, skipped.reason) == ("CANCELLED", "operator")
    again = queue_orders.skip(tenant, message, given(house))
    assert again == skipped
    assert house.topics(stream).count("message_cancelled") == 1
    house.after(days=1, minutes=10)
    ((sent, _),) = house.provider.calls
    assert house.state(stream).messages[sent.message_id].node == "follow"
    notes = house.ports.vault.noted([message], 9)
    assert {(one.kind, one.text) for one in notes} == {("skip_reason", "she called")}


def test_a_held_message_waits_past_its_expiry_and_leaves_when_it_is_released(
    house: House, tenant: TenantServices
) -> None:
    stream = house.started(PLAN)
    message = house.message(stream)
    held = queue_orders.hold(tenant, message, None, given(house))
    assert (held.hold_reason, held.not_before) == ("operator", UNTIL_RELEASED)
    for _ in range(6):
        house.after(days=1)
        house.sweep().expired()
    assert house.provider.calls == []
    assert row(tenant, message).state == "PLANNED"
    released = queue_orders.let_go(tenant, message, given(house))
    assert (released.hold_reason, released.not_before) == (None, house.clock.now())
    house.work()
    assert [mail.message_id for mail, _ in house.provider.calls] == [message]
    assert "released by order" in [one.told.partition(";")[0] for one in told(house, stream)]


def told(house: House, stream: StreamId) -> list[Moment]:

    found = timeline(house.log.history, stream, None)
    assert found is not None
    return list(found.events)


def test_a_hold_is_lifted_by_its_own_end(house: House, tenant: TenantServices) -> None:
    stream = house.started(PLAN)
    message = house.message(stream)
    until = house.clock.now() + timedelta(days=4)
    queue_orders.hold(tenant, message, until, given(house))
    house.after(days=3, hours=23)
    assert house.provider.calls == []
    house.after(hours=1, minutes=1)
    assert [mail.message_id for mail, _ in house.provider.calls] == [message]


def test_a_queued_message_is_held_and_its_release_brings_no_earlier_due_time(
    house: House, tenant: TenantServices
) -> None:
    stream = house.started(PLAN)
    message = house.message(stream)
    due_at = row(tenant, message).due_at
    house.clock.advance(timedelta(hours=23, minutes=30))
    house.work()
    assert row(tenant, message).state == "QUEUED"
    queue_orders.hold(tenant, message, None, given(house))
    assert queue_orders.let_go(tenant, message, given(house)).due_at == due_at
    house.work()
    assert house.provider.calls == []
    house.after(hours=1)
    assert [mail.message_id for mail, _ in house.provider.calls] == [message]


def test_a_hold_outlives_a_pause(house: House, tenant: TenantServices) -> None:
    stream = house.started(PLAN)
    message = house.message(stream)
    queue_orders.hold(tenant, message, None, given(house))
    ordered(house, stream, partial(campaign.pause, reason="operator", at=house.clock.now()))
    with pytest.raises(CampaignError, match="resume it first"):
        queue_orders.let_go(tenant, message, given(house))
    house.after(days=2)
    ordered(house, stream, partial(campaign.resume, at=house.clock.now()))
    house.after(days=3)
    assert house.provider.calls == []
    assert row(tenant, message).not_before == UNTIL_RELEASED
    explained = explain(tenant, message, house.clock.now())
    assert explained is not None
    assert explained.answer.endswith(
        "until somebody lets it go, because an operator holds it back."
    )
    queue_orders.let_go(tenant, message, given(house))
    house.work()
    assert len(house.provider.calls) == 1


def test_a_lost_message_is_found_and_sent_once_more(house: House, tenant: TenantServices) -> None:
    house.provider.answer = lambda _: Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")
    stream = house.started(PLAN)
    house.after(days=1, minutes=10)
    message = house.message(stream)
    assert row(tenant, message).state == "UNKNOWN"
    with pytest.raises(CampaignError, match="72 hours"):
        queue_orders.resend(tenant, message, given(house), confirmed=True)
    house.clock.advance(timedelta(hours=73))
    call = call_of(house.system, house.tenant, query=WhichMessages(state="UNKNOWN"))
    assert [one.id for one in queue(call).items] == [message]
    house.provider.answer = lambda _: TAKEN
    for _ in range(2):
        again = queue_orders.resend(tenant, message, given(house, "lost"), confirmed=True)
        assert again.state == "QUEUED"
    house.work()
    assert [attempt for _, attempt in house.provider.calls] == [1, 2]
    assert house.state(stream).messages[message].state == MessageState.ACCEPTED
    assert house.topics(stream).count("resend_ordered") == 1
    assert [one.text for one in house.ports.vault.noted([message], 9)][-1] == "lost"
