"""What is still worked with is not forgotten, however old it is: from enrolment to what leaves."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from domain import campaign
from domain.ids import MessageId, StreamId
from domain.recorded import Cause
from domain.taxonomy import AnswerClass, CauseKind
from handlers import queue_orders
from handlers.campaigns import order
from handlers.ports import Answer
from handlers.queue_orders import Order
from infra.retention import Periods, forget
from infra.services import make_services
from tests.infra.invariants_stage import project
from tests.stories.house import TAKEN, House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

SHORTEST = Periods(raw_days=7, texts_days=60)
CAUSE = Cause(CauseKind.OPERATOR, "key-1/r-1")
THREAD = plan(
    send("intro", way("timeout", "again", after="P3D")),
    send("again", way("timeout", "end", after="P3D"))
    | {"message": {"text": "still there?", "replyTo": "intro"}},
    stop(),
)
LONG = plan(
    send("intro", way("send_failed", "wait"), way("timeout", "end", after="P30D")),
    {"id": "wait", "type": "wait", "transitions": [way("timeout", "end", after="P30D")]},
    stop(),
)


def months_later(house: House, *, read: bool = True) -> dict[str, int]:
    """As if what was kept had been kept two months ago; what is forgotten of it."""
    if read:
        project(house)
    with house.system.database.tenant_tx(house.tenant) as curs:
        for table, column in (("bodies", "created_at"), ("webhook_inbox", "received_at")):
            age = f"UPDATE t_{house.tenant}.{table} SET {column} = {column} - interval '61 days'"
            curs.execute(age)
    return dict(forget(house.system.database, house.tenant, SHORTEST, house.clock.now()))


def lost(house: House) -> tuple[StreamId, MessageId]:
    """A message that nobody has an answer for, taken as lost; its course goes on."""
    house.provider.answer = lambda _: Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")
    stream = house.started(LONG)
    house.work()
    message = house.message(stream)
    house.clock.advance(timedelta(hours=80))
    lose = partial(
        campaign.lose, message_id=message, attempt=1, evidence="silence", at=house.clock.now()
    )
    order(house.ports, stream, lose, cause=CAUSE, correlation=UUID(int=9))
    house.work()
    house.provider.answer = lambda _: TAKEN
    return stream, message


def test_a_mail_that_a_later_one_replies_to_is_kept_until_the_course_has_ended(
    house: House,
) -> None:
    house.started(THREAD)
    house.work()
    assert months_later(house) == {}
    house.after(days=3, minutes=1)
    house.after(hours=2)
    first, second = (mail for mail, _ in house.provider.calls)
    assert second.subject == f"Re: {first.subject}"
    house.after(days=4)
    assert months_later(house) == {"bodies": 2}


def test_a_lost_mail_is_kept_for_the_order_to_send_it_again(house: House) -> None:
    stream, message = lost(house)
    assert house.rows("SELECT state FROM {s}.send_queue") == [("PRESUMED_LOST",)]
    assert months_later(house) == {}
    tenant = make_services(house.system).tenant(house.tenant)
    assert tenant is not None
    given = Order(
        cause=CAUSE,
        correlation=UUID(int=9),
        actor="key-1",
        reason="she never got it",
        now=house.clock.now(),
    )
    queue_orders.resend(tenant, message, given, confirmed=True)
    house.after(hours=2)
    assert [mail.message_id for mail, _ in house.provider.calls] == [message, message]
    assert not house.state(stream).ended


def test_a_course_that_no_reader_has_seen_the_end_of_keeps_its_mails(house: House) -> None:
    house.started(plan(send("intro", way("timeout", "end", after="P3D")), stop()))
    house.work()
    project(house)
    house.after(days=4)
    assert months_later(house, read=False) == {}
    assert months_later(house) == {"bodies": 1}


def test_a_report_whose_message_is_still_looked_for_is_kept_until_it_is_given_up(
    house: House,
) -> None:
    stream = house.started(LONG)
    house.work()
    nobodys = "00000000-0000-4000-8000-000000000001"
    house.hear(house.event(stream, "open") | {"antiphon_message": nobodys})
    house.work()
    assert house.rows("SELECT state, tries FROM {s}.webhook_inbox") == [("orphan", 1)]
    assert months_later(house) == {}
    with house.system.database.tenant_tx(house.tenant) as curs:
        curs.execute(f"UPDATE t_{house.tenant}.webhook_inbox SET reason = 'given_up'")
    assert months_later(house) == {"webhook_inbox": 1}
