"""Many writers: no gap is filled later, and nobody waits for what is not his."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from handlers.ports import Conflict, Input
from infra.entropy import SeededRng
from infra.log import Log
from infra.tenancy import Database
from tests.infra.log_cases import Sales

pytestmark = pytest.mark.postgres

ROOT = Path(__file__).parents[2]
WRITERS = 4
APPENDS = 150
WRITE = f"""
import sys
from eventsourcing.persistence import StoredEvent
from handlers.ports import Conflict, Input
from infra.entropy import SeededRng
from infra.log import Log
from infra.tenancy import Database

url, tenant, seed = sys.argv[1:]
rng = SeededRng(int(seed))
database = Database(url, size=1)
log = Log(database, tenant)
for _ in range({APPENDS}):
    stream, count = rng.new_id(), round(rng.uniform(1, 8))
    events = [StoredEvent(stream, version, "x", b"{{}}") for version in range(1, count + 1)]
    with database.tenant_tx(tenant) as curs:
        log.recorder.append(curs, events)
database.close()
"""


def test_no_gap_is_filled_later_with_four_writers_and_a_reader(
    database: Database, database_url: str, tenant: TenantId
) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITE, database_url, tenant, str(seed)], cwd=ROOT)
        for seed in range(WRITERS)
    ]
    seen: list[int] = []
    while any(writer.poll() is None for writer in writers):
        seen += _page(database, tenant, after=seen[-1] if seen else 0)
    seen += _page(database, tenant, after=seen[-1])
    assert [writer.returncode for writer in writers] == [0] * WRITERS
    assert len(seen) >= WRITERS * APPENDS
    assert seen == _page(database, tenant, after=0)


def _page(database: Database, tenant: TenantId, *, after: int) -> list[int]:
    query = SQL("SELECT notification_id FROM {} WHERE notification_id > %s ORDER BY 1")
    with database.tenant_tx(tenant) as curs:
        table = Identifier(schema_of(tenant), "events")
        return [position for (position,) in curs.execute(query.format(table), (after,))]


def test_a_save_is_not_delayed_by_vacuum(database: Database, tenant: TenantId) -> None:
    """VACUUM, ANALYZE and CREATE INDEX CONCURRENTLY hold this lock; the library waits for it."""
    sales = Sales(database, tenant)
    sales.enrolled(1)
    lock = SQL("LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE")
    with database.direct() as connection, connection.transaction():
        connection.execute(lock.format(Identifier(schema_of(tenant), "events")))
        assert len(sales.campaigns.transact(sales.hearing(1, "a")).facts) == 1


def test_two_tenants_do_not_wait_for_each_other(
    database: Database, new_tenant: Callable[[], TenantId]
) -> None:
    one, two = Sales(database, new_tenant()), Sales(database, new_tenant())
    one.enrolled(1)
    two.enrolled(1)
    with one.transactions.begin() as tx:
        one.campaigns.decide_in(tx, [one.hearing(1, "a")])
        assert len(two.campaigns.transact(two.hearing(1, "b")).facts) == 1


def test_two_appends_of_one_tenant_do_wait(database: Database, tenant: TenantId) -> None:
    sales = Sales(database, tenant)
    sales.enrolled(1)
    with sales.transactions.begin() as tx:
        sales.campaigns.decide_in(tx, [sales.hearing(1, "a")])
        with database.tenant_tx(tenant) as other:
            other.execute("SET LOCAL lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable), other.connection.transaction():
                sales.log.recorder.lock(other)


def test_writers_of_the_same_streams_lose_and_double_nothing(
    database: Database, tenant: TenantId
) -> None:
    sales = Sales(database, tenant)
    numbers = list(range(1, 9))
    sales.enrolled(*numbers)

    def write(seed: int) -> None:
        rng = SeededRng(seed)
        own = Sales(database, tenant, rng=rng)
        for turn in range(6):
            order = sorted(numbers, key=lambda _: rng.uniform(0, 1))
            given = [own.hearing(n, f"{seed}.{turn}") for n in order]
            while not stored(own, given):  # a batch may lose three times; its inputs stay leased
                pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    expected = sorted(f"{seed}.{turn}" for seed in range(4) for turn in range(6))
    for number in numbers:
        assert sorted(sales.heard(number)) == expected
    positions = [each.position for each in sales.log.page(0, 1_000)]
    assert positions == sorted(set(positions))


def stored(sales: Sales, given: Sequence[Input]) -> bool:
    try:
        sales.campaigns.transact_many(given)
    except Conflict:
        return False
    return True


def test_positions_come_in_the_order_of_the_given_events(
    database: Database, tenant: TenantId
) -> None:
    sales = Sales(database, tenant)
    numbers = list(range(1, 300))
    sales.enrolled(*numbers)
    streams: list[UUID] = [each.stream for each in sales.log.page(0, 1_000)]
    assert streams == [sales.stream(number) for number in numbers]


def test_a_process_that_freezes_with_the_log_in_its_hands_loses_it(
    database: Database, tenant: TenantId
) -> None:
    recorder = Log(database, tenant).recorder
    with (  # noqa: PT012  # it is gone at its end
        pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout),
        database.tenant_tx(tenant) as frozen,
    ):
        frozen.execute("SET LOCAL idle_in_transaction_session_timeout = '100ms'")
        recorder.append(frozen, [_event(1)])
        with database.tenant_tx(tenant) as other:  # waits for the lock until the server gives it
            recorder.append(other, [_event(2)])
    with database.tenant_tx(tenant) as curs:
        assert recorder.append(curs, [_event(3)])


def _event(number: int) -> StoredEvent:
    return StoredEvent(UUID(int=number), 1, "x", b"{}")
