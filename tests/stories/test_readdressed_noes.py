"""Who says no says it for every address that was written to, whichever mail it is said in."""

from datetime import timedelta
from typing import LiteralString

import pytest
from psycopg.sql import SQL, Identifier
from starlette.requests import Request

from domain.ids import StreamId, schema_of
from domain.taxonomy import AnswerClass, Family
from handlers import queue_orders
from handlers.ports import Answer
from handlers.services import TenantServices
from handlers.web.tracking import Tracking
from infra.migrations.run import migrations
from infra.services import make_services
from infra.vault import SqlSuppressions
from tests.infra.invariants_stage import project
from tests.stories.house import TAKEN, House, plan, send, stop, way
from tests.stories.test_queue_orders import given
from tests.stories.test_readdressed import sound

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

FIRST, OLD, NEW = "first@harbor.example", "old@harbor.example", "new@harbor.example"
EVERY = {FIRST, OLD, NEW}
SOON = plan(send("intro", way("timeout", "end", after="P3D")), stop())


@pytest.fixture
def tenant(house: House) -> TenantServices:
    found = make_services(house.system).tenant(house.tenant)
    assert found is not None
    return found


def _moves(house: House, email: str) -> None:
    house.contact(email=email, external_id="x1")


def _written(house: House, email: str = OLD) -> StreamId:
    """Somebody who had another address before, and was written to at this one."""
    _moves(house, FIRST)
    stream = house.started(SOON, email=email, external_id="x1")
    house.work()
    return stream


def _opts_out(house: House, number: int) -> None:
    """By one click in the mail of this number."""
    mail, _ = house.provider.calls[number]
    url = mail.headers["List-Unsubscribe"].partition(">")[0]
    scope = {"type": "http", "method": "POST", "headers": [], "client": ("192.0.2.7", 1)}
    token = {"token": url.rpartition("/")[2]}
    request = Request({**scope, "path_params": token})
    assert Tracking(make_services(house.system)).opt_out(request).status_code == 200


def _banned(house: House) -> set[str]:
    return house.ports.suppressions.banned(Family.EMAIL, EVERY, house.clock.now())


def _without_former(house: House) -> None:
    """As after the upgrade that began to keep them: the moves were before it."""
    _run(house, "DELETE FROM {}.former_addresses")


def _run(house: House, text: LiteralString) -> None:
    with house.system.database.tenant_tx(house.tenant) as curs:
        curs.execute(SQL(text).format(Identifier(schema_of(house.tenant))))


@pytest.mark.parametrize("number", [0, 1])
def test_an_opt_out_in_any_mail_of_a_message_is_for_all_addresses_that_it_went_to(
    house: House, tenant: TenantServices, number: int
) -> None:
    house.provider.answer = lambda _: Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")
    stream = _written(house)
    house.clock.advance(timedelta(hours=80))
    house.provider.answer = lambda _: TAKEN
    _moves(house, NEW)
    queue_orders.resend(tenant, house.message(stream), given(house), confirmed=True)
    house.work()
    assert [mail.to_email for mail, _ in house.provider.calls] == [OLD, NEW]
    project(house)
    _opts_out(house, number)
    assert _banned(house) == EVERY
    house.work()
    sound(house)


def test_an_opt_out_in_a_mail_that_was_forgotten_is_for_the_address_that_it_went_to(
    house: House,
) -> None:
    _written(house)
    project(house)
    _run(house, "DELETE FROM {}.bodies")  # as retention leaves it
    _moves(house, NEW)
    _opts_out(house, 0)
    assert _banned(house) == EVERY


@pytest.mark.parametrize("kind", ["unsubscribe", "group_unsubscribe", "spamreport"])
def test_a_no_that_is_reported_is_for_all_addresses_of_who_said_it(house: House, kind: str) -> None:
    stream = _written(house)
    _moves(house, NEW)
    house.hear(house.event(stream, kind, email=OLD))
    house.work()
    assert _banned(house) == EVERY


def test_a_bounce_is_for_its_address_alone(house: House) -> None:
    stream = _written(house)
    _moves(house, NEW)
    house.hear(house.event(stream, "bounce", email=OLD, type="bounce"))
    house.work()
    assert _banned(house) == {OLD}


def test_a_no_without_a_message_is_for_its_address_alone(house: House) -> None:
    stream = _written(house)
    _moves(house, NEW)
    event = house.event(stream, "spamreport", email=OLD)
    house.hear({key: value for key, value in event.items() if "message" not in key})
    house.work()
    assert _banned(house) == {OLD}


def test_who_comes_back_to_a_group_comes_back_at_all_addresses(house: House) -> None:
    stream = _written(house)
    house.hear(house.event(stream, "group_unsubscribe", email=OLD, asm_group_id=17))
    house.work()
    assert _banned(house) == {FIRST, OLD}
    house.clock.advance(timedelta(hours=1))
    house.hear(house.event(stream, "group_resubscribe", email=OLD, asm_group_id=17))
    house.work()
    assert _banned(house) == set()


def test_what_was_said_once_is_lifted_at_all_addresses_and_nothing_else_is(house: House) -> None:
    stream = _written(house)
    house.hear(house.event(stream, "bounce", email=FIRST, type="bounce"))
    house.hear(house.event(stream, "unsubscribe", email=OLD))
    house.work()
    assert _banned(house) == {FIRST, OLD}
    found = house.ports.suppressions
    assert isinstance(found, SqlSuppressions)
    house.clock.advance(timedelta(hours=1))
    assert found.remove(Family.EMAIL, OLD, house.clock.now())
    assert house.rows("SELECT ground FROM {s}.suppressions WHERE lifted_at IS NULL") == [
        ("bounce",)
    ]


# --- who moved before addresses were kept ---------------------------------------------------------


def test_a_no_about_a_mail_holds_for_who_moved_before_addresses_were_kept(house: House) -> None:
    stream = _written(house)
    _moves(house, NEW)
    _without_former(house)
    house.hear(house.event(stream, "unsubscribe", email=OLD))
    house.rule(apart_days=0)
    house.enrol(SOON, house.contact(email=NEW, external_id="x1"), row=house.campaign())
    house.work()
    assert [mail.to_email for mail, _ in house.provider.calls] == [OLD]


@pytest.mark.parametrize("said", [True, False])
def test_the_upgrade_finds_earlier_addresses_in_what_was_written_to(
    house: House, *, said: bool
) -> None:
    """A no that was said there before holds, and so do the days between two campaigns."""
    stream = _written(house)
    if said:
        house.rule(apart_days=0)
        event = house.event(stream, "unsubscribe", email=OLD)
        house.hear({key: value for key, value in event.items() if "message" not in key})
        house.work()
    _moves(house, NEW)
    _without_former(house)
    (file,) = (each for each in migrations("tenant") if each.name == "0019_addresses_before")
    schema = Identifier(schema_of(house.tenant))
    with house.system.database.direct() as connection:
        connection.execute(SQL(file.text).format(schema=schema))  # type: ignore[arg-type]  # a file
    house.enrol(SOON, house.contact(email=NEW, external_id="x1"), row=house.campaign())
    house.work()
    assert [mail.to_email for mail, _ in house.provider.calls] == [OLD]
    assert len(house.rows("SELECT 1 FROM {s}.former_addresses")) == 1
