"""The doorbell: coalesced, harmless when lost, made up for by the ticker."""

import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pytest
from dramatiq import Broker, Worker

from domain.ids import TenantId
from handlers.actors import QUEUE_OF, Batch, declare_actors
from infra import woken
from infra.redis import RedisDoorbell, RedisOutOfReach, connect, make_broker, probe
from infra.roles.ticker import Ticker
from infra.sweeps import OUTSIDE, SWEEPS
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.redis]

TENANT = TenantId("rung")
WAIT_S = 10


class Rung:
    """Notes who was rung and lets a test wait for it."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self._changed = threading.Condition()

    def work(self) -> dict[str, Batch]:
        return {kind: partial(self._note, kind) for kind in QUEUE_OF}

    def _note(self, kind: str, _: TenantId) -> int:
        with self._changed:
            self.kinds.append(kind)
            self._changed.notify_all()
        return 0

    def until(self, *kinds: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: set(kinds) <= set(self.kinds), WAIT_S)

    def until_so_many(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.kinds) == number, WAIT_S)


@pytest.fixture
def broker(redis_url: str) -> Iterator[Broker]:
    connect(redis_url).flushall()
    made = make_broker(redis_url)
    yield made
    made.close()


@pytest.fixture
def rung(broker: Broker) -> Iterator[Rung]:
    noted = Rung()
    declare_actors(broker, noted.work())
    worker = Worker(broker, worker_threads=2, worker_timeout=25)
    worker.start()
    yield noted
    worker.stop()


def test_each_bell_wakes_its_actor(redis_url: str, rung: Rung) -> None:
    bell = RedisDoorbell(connect(redis_url))
    for kind in QUEUE_OF:
        bell.ring(kind, TENANT)
    rung.until(*QUEUE_OF)


def test_an_idle_actor_hears_the_bell_and_need_not_look(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(woken, "HEARING_S", 600.0)  # nobody looks before that by himself
    connect(redis_url).flushall()
    broker, noted = make_broker(redis_url), Rung()
    bell = RedisDoorbell(connect(redis_url))
    declare_actors(broker, noted.work(), answer=bell.answered)
    worker = Worker(broker, worker_threads=1, worker_timeout=25)
    worker.start()
    for _ in range(3):
        bell.ring("ingest", TENANT)
        noted.until("ingest")
        noted.kinds.clear()
    monkeypatch.setattr(woken, "HEARING_S", 0.01)
    for rung in broker.ears.rung.values():
        rung.set()  # so that those that wait come back
    worker.stop()
    broker.close()


def test_bells_that_were_rung_together_are_all_answered_though_none_rings_after(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(woken, "HEARING_S", 600.0)  # who waits for another bell waits for good
    connect(redis_url).flushall()
    broker, noted = make_broker(redis_url), Rung()
    bell = RedisDoorbell(connect(redis_url))
    kinds = ["ingest", "timers", "errands"]
    for kind in kinds:
        for number in range(9):
            bell.ring(kind, TenantId(f"rung{number}"))
    declare_actors(broker, noted.work())
    worker = Worker(broker, worker_threads=1, worker_timeout=25)
    worker.start()
    noted.until_so_many(27)
    monkeypatch.setattr(woken, "HEARING_S", 0.01)
    for rung in broker.ears.rung.values():
        rung.set()  # so that those that wait come back
    worker.stop()
    broker.close()


def test_who_cannot_hear_looks(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf(*_: object, **__: object) -> None:
        raise ConnectionError

    connect(redis_url).flushall()
    broker, noted = make_broker(redis_url), Rung()
    monkeypatch.setattr(woken.redis.Redis, "pubsub", deaf)
    declare_actors(broker, noted.work())
    worker = Worker(broker, worker_threads=1, worker_timeout=25)
    worker.start()
    RedisDoorbell(connect(redis_url)).ring("ingest", TENANT)
    noted.until("ingest")
    worker.stop()
    broker.close()


@pytest.mark.usefixtures("broker")
def test_rings_at_once_are_one(redis_url: str) -> None:
    bell = RedisDoorbell(connect(redis_url))
    for _ in range(50):
        bell.ring("ingest", TENANT)
    bell.ring("ingest", TenantId("another"))
    assert connect(redis_url).llen("{antiphon}:wake") == 2


@pytest.mark.usefixtures("broker")
def test_a_ring_after_the_answer_is_a_new_one(redis_url: str) -> None:
    bell = RedisDoorbell(connect(redis_url))
    bell.ring("ingest", TENANT)
    bell.answered("ingest", TENANT)
    bell.ring("ingest", TENANT)
    bell.ring("ingest", TENANT)
    assert connect(redis_url).llen("{antiphon}:wake") == 2


def test_an_actor_answers_its_bell_before_it_looks(redis_url: str) -> None:
    told: list[str] = []

    def batch(_: TenantId) -> int:
        told.append("looks")
        return 0

    work = dict.fromkeys(QUEUE_OF, batch)
    broker = make_broker(redis_url)
    actors = declare_actors(broker, work, answer=lambda kind, _: told.append(f"heard {kind}"))
    next(actor for actor in actors if actor.actor_name == "ingest").fn(TENANT)
    broker.close()
    assert told == ["heard ingest", "looks"]


def test_a_bell_that_cannot_be_rung_raises_nothing() -> None:
    nowhere = "redis://127.0.0.1:1/0"
    bell = RedisDoorbell(connect(nowhere))
    bell.ring("ingest", TENANT)


def test_a_server_that_is_away_is_told_with_the_mend() -> None:
    with pytest.raises(RedisOutOfReach, match=r"127\.0\.0\.1, port 1.*ANTIPHON_REDIS_URL"):
        probe("redis://127.0.0.1:1/0")


@pytest.mark.postgres
def test_after_a_flush_the_ticker_rings_for_the_rows(house: House, redis_url: str) -> None:
    house.started(plan(send("intro", way("timeout", "end", after="P9D")), stop()))
    ticker, client = Ticker(house.system), connect(redis_url)

    def rung() -> int:
        """Bells for this tenant's sends; other tests leave tenants with rows that are due."""
        return sum(house.tenant.encode() in bell for bell in client.hvals("{antiphon}:send.msgs"))

    client.flushall()
    ticker.tick()
    assert rung() == 1
    client.flushall()  # whatever was rung is lost, and the rows still say what is due
    ticker.tick()
    assert rung() == 1
    client.flushall()
    house.work()
    ticker.tick()
    assert rung() == 0


@pytest.mark.postgres
def test_the_ticker_sweeps_as_well(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    only = [each for each in house.system.database.tenants() if each.name == house.tenant]
    monkeypatch.setattr(house.system.database, "tenants", lambda: only)  # others left many here
    house.rows(
        "INSERT INTO {s}.idempotency_keys (route, key, body_mac, created_at)"
        " VALUES ('r', 'k', '', now() - interval '25 hours') RETURNING 1"
    )
    with closing(Ticker(house.system)) as ticker:
        ticker.tick()
        assert ticker._asking is not None
        ticker._asking.result(WAIT_S * 6)  # beside the tick
    assert house.rows("SELECT 1 FROM {s}.idempotency_keys") == []


@pytest.mark.postgres
def test_a_slow_answer_from_outside_holds_up_no_tick(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, let_go = threading.Event(), threading.Event()
    answered: list[bool] = []

    def slow(*_: object) -> int:
        asked.set()
        answered.append(let_go.wait(WAIT_S))
        return 0

    only = [each for each in house.system.database.tenants() if each.name == house.tenant]
    monkeypatch.setattr(house.system.database, "tenants", lambda: only)  # others left many here
    for name in OUTSIDE:
        monkeypatch.setitem(SWEEPS, name, (3600.0, slow))
    with closing(Ticker(house.system)) as ticker:
        for _ in range(3):
            ticker.tick()
        assert asked.wait(WAIT_S)
        assert answered == []
        let_go.set()
    assert all(answered)
