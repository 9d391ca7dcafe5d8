"""A contact whose address changes after a mail was rendered is written to at the new one, only."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from domain.events import MessageReopened
from domain.gates import Seen
from domain.taxonomy import AnswerClass, MessageState
from handlers import queue_orders
from handlers.ports import Answer
from handlers.services import TenantServices
from infra.invariants import check
from infra.services import make_services
from tests.infra.invariants_stage import project
from tests.stories.house import TAKEN, House, plan, send, stop, way
from tests.stories.test_queue_orders import given

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

OLD, NEW = "old@harbor.example", "new@harbor.example"
LATER = plan(send("intro", way("timeout", "end", after="P3D"), schedule={"delay": "PT30M"}), stop())
SOON = plan(send("intro", way("timeout", "end", after="P3D")), stop())


def _enrolled(house: House, course: dict[str, Any]) -> None:
    contact = house.contact(email=OLD, external_id="x1")
    house.enrol(course, contact, row=house.campaign())


def _move(house: House, email: str = NEW) -> None:
    house.contact(email=email, external_id="x1")


def _written_to(house: House) -> list[str]:
    return [mail.to_email for mail, _ in house.provider.calls]


def _tenant(house: House) -> TenantServices:
    found = make_services(house.system).tenant(house.tenant)
    assert found is not None
    return found


def sound(house: House) -> None:
    """Every invariant holds, with all read models up to date."""
    assert broken(house) == []


def broken(house: House) -> list[tuple[str, tuple[str, ...]]]:
    project(house)
    found = check(house.system.database, house.tenant, clock_now=house.clock.now())
    return [(one.id, tuple(one.examples)) for one in found if one.broken]


def _reopened(house: House) -> list[MessageReopened]:
    (row,) = house.rows("SELECT stream_id FROM {s}.send_queue")
    facts = [each.fact for each in house.history(row[0])]
    return [fact for fact in facts if isinstance(fact, MessageReopened)]


def test_a_mail_that_waits_goes_to_the_address_of_now(house: House) -> None:
    _enrolled(house, LATER)
    house.work()
    assert house.rows("SELECT state FROM {s}.send_queue") == [(MessageState.QUEUED,)]
    _move(house)
    house.after(hours=1)
    assert _written_to(house) == [NEW]
    (fact,) = _reopened(house)
    assert (fact.reason, (fact.seen or Seen()).readdressed) == ("readdressed", True)
    sound(house)


def test_a_change_between_the_claim_and_the_call_stops_the_call(house: House) -> None:
    _enrolled(house, SOON)
    fresh = house.ports.outbox.fresh

    def moved_meanwhile(*given: Any) -> Sequence[Any]:
        _move(house)
        return list(fresh(*given))

    house.ports.outbox.fresh = moved_meanwhile  # type: ignore[assignment,method-assign]  # played
    house.work()
    house.ports.outbox.fresh = fresh  # type: ignore[method-assign]  # as it was
    assert _written_to(house) == []
    house.after(hours=1)
    assert _written_to(house) == [NEW]
    assert len(_reopened(house)) == 1
    sound(house)


def test_a_mail_that_is_to_be_rendered_again_is_none_until_it_is(house: House) -> None:
    _enrolled(house, LATER)
    house.work()
    _move(house)
    house.clock.advance(timedelta(hours=1))
    house.send()
    assert len(_reopened(house)) == 1
    ((message, state),) = house.rows("SELECT message_id, state FROM {s}.send_queue")
    assert state == MessageState.PLANNED
    sound(house)
    assert house.rows("UPDATE {s}.send_queue SET body_mac = 'of another mail' RETURNING 1")
    assert [why for each, why in broken(house) if each == "I17"] == [
        (f"message {message}: is to be rendered again, and its row has a MAC",)
    ]
    assert house.rows("UPDATE {s}.send_queue SET body_mac = NULL RETURNING 1")
    queue_orders.skip(_tenant(house), message, given(house))
    house.work()
    sound(house)


def test_what_is_sent_once_more_goes_to_the_address_of_now(house: House) -> None:
    house.provider.answer = lambda _: Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")
    _enrolled(house, SOON)
    house.work()
    ((message,),) = house.rows("SELECT message_id FROM {s}.send_queue")
    house.clock.advance(timedelta(hours=80))
    house.provider.answer = lambda _: TAKEN
    _move(house)
    queue_orders.resend(_tenant(house), message, given(house), confirmed=True)
    house.work()
    assert _written_to(house) == [OLD, NEW]
    sound(house)


def test_an_address_that_said_no_is_not_rendered_for(house: House) -> None:
    told = house.started(SOON, email=NEW)
    house.work()
    house.hear(house.event(told, "unsubscribe", email=NEW))
    contact = house.contact(email=OLD, external_id="x1")
    house.enrol(LATER, contact, row=house.campaign())
    house.work()
    _move(house)
    house.after(hours=1)
    assert _written_to(house) == [NEW]
    of_contact = "SELECT state, reason FROM {s}.send_queue WHERE contact_id = %(contact)s"
    assert house.rows(of_contact, contact=contact) == [("CANCELLED", "suppressed")]
    sound(house)


def test_the_same_address_given_once_more_changes_nothing(house: House) -> None:
    _enrolled(house, LATER)
    house.work()
    _move(house, OLD)
    house.after(hours=1)
    assert (_written_to(house), _reopened(house)) == ([OLD], [])
    sound(house)


def test_who_said_no_at_an_address_is_not_written_to_at_the_next(house: House) -> None:
    told = house.started(SOON, email=OLD, external_id="x1")
    house.work()
    house.hear(house.event(told, "unsubscribe", email=OLD))
    _move(house)
    house.enrol(SOON, house.contact(email=NEW, external_id="x1"), row=house.campaign())
    house.work()
    assert _written_to(house) == [OLD]
    sound(house)


def test_who_bounced_at_an_address_may_be_written_to_at_the_next(house: House) -> None:
    house.provider.answer = lambda mail: Answer(
        kind=AnswerClass.ACCEPTED, provider_id=f"p-{mail.message_id}"
    )
    told = house.started(SOON, email=OLD, external_id="x1")
    house.work()
    house.hear(house.event(told, "bounce", email=OLD, type="bounce"))
    _move(house)
    row = house.campaign()
    house.rule(apart_days=0)
    house.enrol(SOON, house.contact(email=NEW, external_id="x1"), row=row)
    house.work()
    assert _written_to(house) == [OLD, NEW]
    sound(house)
