"""Known defects of outreach software, as they must not be here: sending, by their names."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from domain import accounts, campaign
from domain.accounts import PauseReason
from domain.ids import StreamId, TenantId, schema_of
from domain.taxonomy import AnswerClass, MessageState
from handlers import campaigns as use
from handlers import queue_orders
from handlers.dispatch import claiming
from handlers.explain import explain
from handlers.ports import Answer, Doorbell, Input, Mail
from handlers.services import Queue
from infra.accounts.book import SqlSenderAccounts
from infra.bootstrap import System
from infra.embedded.servers import ServerUrls
from infra.invariants.run import check
from infra.roles.ticker import Ticker
from infra.sweeps import SWEEPS
from infra.tenancy import Tenant
from infra.work import Work
from tests.stories.acceptance import (
    HELD,
    ONE_MAIL,
    an_order,
    called,
    enrolled,
    instead,
    order,
    services,
    states,
)
from tests.stories.house import STORY, House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

GOES_ON = plan(
    send("intro", way("send_failed", "later"), way("timeout", "end", after="P9D")),
    {"id": "later", "type": "wait", "transitions": [way("timeout", "end", after="P30D")]},
    stop(),
)
STATES = tuple(MessageState)


class Killed(BaseException):
    """What ends a process: nothing in the product catches it."""


def _restarted(house: House) -> None:
    """A minute after a death: what it left under way is settled, and others work on."""
    house.rows("UPDATE {s}.send_queue SET since = since - interval '61 s' RETURNING 1")
    house.sweep().doubts()
    house.sweep().leases()
    for _ in range(4):
        house.after(hours=1)


def _sound(house: House) -> None:
    found = check(house.system.database, house.tenant, clock_now=house.clock.now())
    assert [(one.id, one.examples) for one in found if one.broken] == []


class _HeardBell(Doorbell):
    """Notes what it rings for; somebody may do it at once."""

    def __init__(self, act: Callable[[str], None] = lambda _: None) -> None:
        self.rung: list[str] = []
        self._act = act

    def ring(self, kind: str, tenant: TenantId) -> None:
        assert tenant
        self.rung.append(kind)
        self._act(kind)


def _dies(*_: Any, **__: Any) -> Any:
    raise Killed


# --- crashes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("place", "doubts"), [("mark", 0), ("fresh", 3)])
def test_crash_after_fetch_skips_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch, place: str, doubts: int
) -> None:
    """Killed while three of five are taken, and after it: all of them are sent or in doubt."""
    monkeypatch.setattr(claiming, "BATCH", 3)
    enrolled(house, 5)
    with instead(house.ports.outbox, place, _dies), pytest.raises(Killed):
        house.send()
    _restarted(house)
    assert states(house) == Counter(UNKNOWN=doubts, ACCEPTED=5 - doubts) + Counter()
    listed = services(house).reads.queue(Queue(states=["UNKNOWN"], limit=9))
    assert len(listed) == doubts
    assert {row.id for row in listed}.isdisjoint(called(house))
    assert set(called(house).values()) == {1}


def _dies_with_the_answer(house: House) -> None:
    kept = house.provider.answer
    house.provider.answer = _dies
    with pytest.raises(Killed):
        house.send()
    house.provider.answer = kept


def _dies_before_recording(house: House) -> None:
    with instead(house.ports.campaigns, "transact_many", _dies), pytest.raises(Killed):
        house.send()


def _dies_after_recording(house: House) -> None:
    with instead(house.ports.accounts, "heard", _dies), pytest.raises(Killed):
        house.send()


@pytest.mark.parametrize(
    ("dies", "left"),
    [
        (_dies_with_the_answer, "UNKNOWN"),
        (_dies_before_recording, "UNKNOWN"),
        (_dies_after_recording, "ACCEPTED"),
    ],
)
def test_crash_after_send_sends_once(
    house: House, dies: Callable[[House], None], left: str
) -> None:
    (stream,) = enrolled(house, 1)
    dies(house)
    _restarted(house)
    assert states(house) == {left: 1}
    house.hear(house.event(stream, "delivered"))
    house.after(days=4)
    assert states(house) == {"ACCEPTED": 1}
    assert len(house.provider.calls) == 1


def test_accepted_then_database_error_is_not_failed(house: House) -> None:
    (stream,) = enrolled(house, 1)

    def away(*_: Any, **__: Any) -> Any:
        raise psycopg.OperationalError("the server closed the connection")

    with (
        instead(house.ports.campaigns, "transact_many", away),
        pytest.raises(psycopg.OperationalError),
    ):
        house.send()
    assert states(house) == {"SENDING": 1}
    _restarted(house)
    assert states(house) == {"UNKNOWN": 1}
    house.hear(house.event(stream, "processed"))
    house.work()
    assert states(house) == {"ACCEPTED": 1}
    assert len(house.provider.calls) == 1
    assert "message_failed" not in house.topics(stream)


ANSWERS = (
    Answer(kind=AnswerClass.ACCEPTED),
    Answer(kind=AnswerClass.REFUSED, reason="status_400"),
    Answer(kind=AnswerClass.REFUSED, reason="status_413"),
    Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout"),
    Answer(kind=AnswerClass.NOT_SENT, reason="connection_refused"),
)


def test_failures_are_listed(house: House) -> None:
    """Side by side, each with its own answer: every message has a state and a reason."""
    streams = enrolled(house, 10)
    given = iter(ANSWERS * 2)
    house.provider.answer = lambda _: next(given)
    house.send()
    tenant, now = services(house), house.clock.now()
    rows = tenant.reads.queue(Queue(states=STATES, limit=20))
    assert len(rows) == len(streams)
    assert Counter((row.state, row.reason) for row in rows) == {
        ("ACCEPTED", None): 2,
        ("FAILED", "status_400"): 2,
        ("FAILED", "status_413"): 2,
        ("UNKNOWN", "timeout"): 2,
        ("QUEUED", None): 2,
    }
    again = [explain(tenant, row.id, now) for row in rows if row.state == "QUEUED"]
    assert all("connection_refused" in one.decisions[-1].told for one in again if one)
    _sound(house)


# --- a restored backup ----------------------------------------------------------------------------


def _backup(house: House) -> Mapping[str, bytes]:
    """Every row of the tenant, by table."""
    schema, kept = schema_of(house.tenant), {}
    with house.system.database.direct() as connection, connection.cursor() as curs:
        curs.execute(_WITH_ROWS, [schema])
        for (name,) in curs.fetchall():
            table = Identifier(schema, name)
            with curs.copy(SQL("COPY {} TO STDOUT").format(table)) as copy:
                kept[name] = b"".join(bytes(each) for each in copy)
    return kept


_WITH_ROWS = """
SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r'
"""
"""Tables with rows of their own: those of a partitioned one are in its partitions."""


def _restore(house: House, backup: Mapping[str, bytes]) -> None:
    tables = [(Identifier(schema_of(house.tenant), name), backup[name]) for name in sorted(backup)]
    with house.system.database.direct() as connection, connection.cursor() as curs:
        curs.execute("SET session_replication_role = replica")
        curs.execute(SQL("TRUNCATE {}").format(SQL(", ").join(table for table, _ in tables)))
        for table, rows in tables:
            with curs.copy(SQL("COPY {} FROM STDIN").format(table)) as copy:
                copy.write(rows)


def _look_for_a_restore(house: House) -> None:
    SWEEPS["restored"][1](house.system, house.tenant)


def _sent_and_restored(
    house: House, *, look: bool = True
) -> tuple[Mapping[str, bytes], list[dict[str, Any]]]:
    """Three messages left since the backup; it, and what the provider can tell of them."""
    streams = enrolled(house, 3)
    _look_for_a_restore(house)
    backup = _backup(house)
    house.work()
    _look_for_a_restore(house)
    delivered = [house.event(stream, "delivered") for stream in streams]
    assert len(house.provider.calls) == 3
    _restore(house, backup)
    if look:
        _look_for_a_restore(house)
    return backup, delivered


def test_restored_backup_does_not_resend(house: House) -> None:
    """Nothing leaves until a person has confirmed it; then the log may grow from where it is."""
    _sent_and_restored(house)
    for _ in range(3):
        house.after(hours=1)
        _look_for_a_restore(house)
    assert len(house.provider.calls) == 3
    assert states(house) == {"QUEUED": 3}
    assert {hold for (hold,) in house.rows(HELD)} == {"tenant_paused"}
    assert house.ports.accounts.rules().paused == PauseReason.RESTORED
    _set_tenant(house, None, paused=False)
    for _ in range(2):
        _look_for_a_restore(house)
        house.after(minutes=6)
    assert house.ports.accounts.rules().paused == ""
    assert states(house) == {"ACCEPTED": 3}


def test_restored_backup_does_not_resend_though_it_is_restored_once_more(house: House) -> None:
    backup, _ = _sent_and_restored(house)
    house.work()
    _restore(house, backup)
    for _ in range(3):
        _look_for_a_restore(house)
        house.after(hours=1)
    assert len(house.provider.calls) == 3
    assert house.ports.accounts.rules().paused == PauseReason.RESTORED


def test_restored_backup_does_not_resend_though_its_pause_failed_at_first(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise psycopg.OperationalError("the server closed the connection")

    _sent_and_restored(house, look=False)
    with monkeypatch.context() as patch:
        patch.setattr(SqlSenderAccounts, "order_sending", away)
        with pytest.raises(psycopg.OperationalError):
            _look_for_a_restore(house)
    _look_for_a_restore(house)
    house.after(hours=1)
    assert len(house.provider.calls) == 3


def test_restored_backup_of_a_paused_tenant_is_told_from_that_pause(house: House) -> None:
    """Whoever lifts the pause of then must see that it is about a restored log now."""
    enrolled(house, 3)
    _look_for_a_restore(house)
    _set_tenant(house, None, paused=True)
    backup = _backup(house)
    _set_tenant(house, None, paused=False)
    house.work()
    _look_for_a_restore(house)
    _restore(house, backup)
    house.system.__dict__["provider"] = house.provider
    dispatch = Work(house.system).bells()["dispatch"]
    assert dispatch(house.tenant) == 0  # nobody has said yet that it was restored
    _look_for_a_restore(house)
    assert house.ports.accounts.rules().paused == PauseReason.RESTORED
    dispatch(house.tenant)
    assert len(house.provider.calls) == 3


def test_restored_backup_does_not_resend_in_the_first_tick(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With workers that are there at once, as after a start of everything."""
    _sent_and_restored(house, look=False)
    rung = _HeardBell(lambda _: house.work())
    monkeypatch.setattr(
        house.system.database, "tenants", lambda: [Tenant(house.tenant, house.ports.tag)]
    )
    monkeypatch.setitem(house.system.__dict__, "doorbell", rung)
    Ticker(house.system).tick()
    house.work()
    assert len(house.provider.calls) == 3


def test_restored_backup_does_not_resend_what_the_provider_tells_of(house: House) -> None:
    _, delivered = _sent_and_restored(house)
    house.hear(*delivered[:2])
    house.work()
    assert states(house) == {"QUEUED": 1, "ACCEPTED": 2}
    _set_tenant(house, None, paused=False)
    for _ in range(2):
        _look_for_a_restore(house)
        house.after(minutes=6)
    assert sorted(called(house).values()) == [1, 1, 2]


# --- wake-ups and leases --------------------------------------------------------------------------


@pytest.fixture
def ticks(house: House, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """One tick of a ticker that knows this tenant only; what it rang for."""
    bell = _HeardBell()
    tenants = [Tenant(house.tenant, house.ports.tag)]
    monkeypatch.setattr(house.system.database, "tenants", lambda: tenants)
    monkeypatch.setitem(house.system.__dict__, "doorbell", bell)
    ticker = Ticker(house.system)

    def tick() -> list[str]:
        bell.rung.clear()
        ticker.tick()
        return list(bell.rung)

    return tick


def test_busy_lock_is_not_a_lost_wakeup(house: House, ticks: Callable[[], list[str]]) -> None:
    """Rung while somebody else has the row: nothing is done now, and the next tick rings again."""
    enrolled(house, 1)
    queue = Identifier(schema_of(house.tenant), "send_queue")
    with house.system.database.direct() as other, other.transaction():
        other.execute(SQL("SELECT 1 FROM {} FOR UPDATE").format(queue))
        assert house.send() == 0
        assert house.provider.calls == []
        assert ticks() == ["dispatch"]
    assert ticks() == ["dispatch"]
    house.send()
    assert len(house.provider.calls) == 1
    assert ticks() == []


def _lose(house: House, stream: StreamId) -> None:
    message = house.message(stream)
    lose = partial(
        campaign.lose, message_id=message, attempt=1, evidence="operator", at=house.clock.now()
    )
    house.ports.campaigns.transact(Input(stream, lose, STORY.cause, message))


@pytest.mark.parametrize("answer", ANSWERS)
def test_expired_lock_is_not_released_by_old_owner(house: House, answer: Answer) -> None:
    """It sleeps in its call until a second attempt is under way, and then has an answer."""
    (stream,) = enrolled(house, 1, GOES_ON)

    def after() -> list[Any]:
        return [house.rows("SELECT * FROM {s}.send_queue"), house.topics(stream)]

    kept: list[Any] = []

    def sleeps(_: Mail) -> Answer:
        house.rows("UPDATE {s}.send_queue SET since = since - interval '61 s' RETURNING 1")
        house.sweep().doubts()
        _lose(house, stream)
        queue_orders.resend(services(house), house.message(stream), an_order(house), confirmed=True)
        assert len(claiming.Claiming(house.ports).claim(1).claims) == 1
        kept.extend(after())
        return answer

    house.provider.answer = sleeps
    house.send()
    assert states(house) == {"SENDING": 1}
    assert kept == after()
    assert len(house.provider.calls) == 1


def test_enqueue_error_is_not_swallowed(
    house: House, ticks: Callable[[], list[str]], database_url: str
) -> None:
    """The bell is out of order: the work is due nevertheless, and the ticker rings for it."""
    stream = house.started(ONE_MAIL)
    house.work_but_sends()
    nowhere = ServerUrls(database_url, "redis://127.0.0.1:1/0")
    deaf = System(house.system.settings, nowhere, worker="deaf", pool=2)
    try:
        deaf.doorbell.ring("dispatch", house.tenant)
    finally:
        deaf.close()
    assert house.provider.calls == []
    assert ticks() == ["dispatch"]
    house.work()
    assert house.topics(stream).count("message_accepted") == 1


# --- pauses ---------------------------------------------------------------------------------------


def _set_contact(house: House, stream: StreamId, *, paused: bool) -> None:
    now = house.clock.now()
    order(house, stream, use.pause(now, "story") if paused else use.resume(now))


def _set_campaign(house: House, stream: StreamId, *, paused: bool) -> None:
    query = "SELECT campaign_id FROM {s}.streams WHERE stream_id = %(stream)s"
    ((row,),) = house.rows(query, stream=stream)
    house.ports.register.set_status(row, "paused" if paused else "active")


def _set_sender(house: House, _: StreamId, *, paused: bool) -> None:
    if paused:
        house.account(accounts.pause, reason=PauseReason.OPERATOR)
    else:
        house.account(accounts.resume)


def _set_tenant(house: House, _: StreamId | None, *, paused: bool) -> None:
    now = house.clock.now()
    pause = partial(accounts.pause_sending, reason=PauseReason.OPERATOR, at=now)
    resume = partial(accounts.resume_sending, at=now)
    house.ports.accounts.order_sending(pause if paused else resume, STORY)


def _set_all_tenants(house: House, _: StreamId, *, paused: bool) -> None:
    with house.system.database.control_tx() as curs:
        curs.execute("UPDATE control.sending SET paused = %s", [paused])


@pytest.fixture
def _nobody_paused(house: House) -> Iterator[None]:
    """The stop of all tenants is lifted, whatever becomes of the test."""
    yield
    with house.system.database.control_tx() as curs:
        curs.execute("UPDATE control.sending SET paused = false")


@pytest.mark.usefixtures("_nobody_paused")
@pytest.mark.parametrize(
    "pauses",
    [
        _set_contact,
        _set_campaign,
        _set_sender,
        _set_tenant,
        _set_all_tenants,
    ],
)
def test_pause_stops_in_flight(house: House, pauses: Callable[..., None]) -> None:
    """The next call of a claimed batch is not made any more; after the resume it goes on."""
    (stream,) = enrolled(house, 1)
    fresh = house.ports.outbox.fresh

    def paused_meanwhile(*given: Any) -> Any:
        pauses(house, stream, paused=True)
        return fresh(*given)

    with instead(house.ports.outbox, "fresh", paused_meanwhile):
        house.send()
    for _ in range(3):
        house.after(hours=1)
    assert house.provider.calls == []
    assert states(house) == {"QUEUED": 1}
    pauses(house, stream, paused=False)
    for _ in range(3):
        house.after(minutes=6)
    assert states(house) == {"ACCEPTED": 1}
    assert len(house.provider.calls) == 1
