import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from threading import Event, Thread

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from infra.leadership import Leadership
from infra.projector import wait
from infra.runners import BACKOFF_S_MAX, BACKOFF_S_MIN, Backoff, Desk, Projector
from infra.tenancy import Database
from projections.activity_feed import ACTIVITY_FEED
from projections.metrics import METRICS
from projections.projection import Projection
from projections.registry import READ
from tests.infra.log_written import Written
from tests.projections.facts_given import ACCEPTED_PLAN, STARTED, STREAM

pytestmark = pytest.mark.postgres

PATIENCE_S = 60.0
FEW_TURNS = 30


@pytest.fixture
def written(database: Database, tenant: TenantId) -> Written:
    return Written(database, tenant)


@contextmanager
def running(projector: Projector) -> Iterator[None]:
    stop = Event()
    thread = Thread(target=projector.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def arrived(written: Written, position: int, *projections: Projection) -> None:
    for projection in projections:
        wait(written.database, written.tenant, projection.name, position, PATIENCE_S)


class Deaf:
    """An ear whose connection is refused, as behind a pooler without LISTEN."""

    def hear(self, _channels: Iterable[str], _timeout_s: float) -> set[str]:
        raise psycopg.OperationalError("no LISTEN here")

    def close(self) -> None:
        pass


def test_an_append_wakes_the_projector_before_its_tick(written: Written) -> None:
    first = written.write([(STREAM, ACCEPTED_PLAN)])[0]
    with running(Projector(written.database, READ, tick_s=PATIENCE_S * 60)):
        arrived(written, first, *READ)
        arrived(written, written.write([(STREAM, STARTED)])[0], *READ)


def test_without_listen_the_tick_is_enough(written: Written) -> None:
    projector = Projector(written.database, READ, tick_s=0.01)
    projector._ear = Deaf()  # type: ignore[assignment]  # all that is used of an ear
    with running(projector):
        for fact in (ACCEPTED_PLAN, STARTED):
            arrived(written, written.write([(STREAM, fact)])[0], *READ)


def test_tenants_that_come_later_are_served_as_well(
    database: Database, new_tenant: Callable[[], TenantId]
) -> None:
    with running(Projector(database, READ, tick_s=0.01)):
        for _ in range(2):
            written = Written(database, new_tenant())
            arrived(written, written.write([(STREAM, ACCEPTED_PLAN)])[0], *READ)


def test_it_outlives_its_connections(written: Written) -> None:
    projector = Projector(written.database, READ, tick_s=0.01)
    with running(projector):
        arrived(written, written.write([(STREAM, ACCEPTED_PLAN)])[0], *READ)
        with written.database.direct() as other:
            for connection in (projector._leadership._connection, projector._ear._connection):
                assert connection is not None
                pid = connection.info.backend_pid
                other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        arrived(written, written.write([(STREAM, STARTED)])[0], *READ)


def test_two_projectors_count_nothing_twice(written: Written) -> None:
    projectors = [Projector(written.database, READ, tick_s=0.01, threads=2) for _ in range(2)]
    with running(projectors[0]), running(projectors[1]):
        last = max(written.write_journeys(seed, 15) for seed in (1, 2))
        arrived(written, last, *READ)
    query = "SELECT count(*) FROM {} WHERE topic = 'message_accepted'"
    assert number(written, "SELECT sum(accepted) FROM {}", "metrics_daily") == number(
        written, query, "events"
    )


def test_a_projection_whose_table_is_missing_stops_no_other(written: Written) -> None:
    table = Identifier(schema_of(written.tenant), "activity_feed")
    with written.database.direct() as owner:
        owner.execute(SQL("ALTER TABLE {} RENAME TO elsewhere").format(table))
        last = written.write([(STREAM, ACCEPTED_PLAN)])[0]
        with running(Projector(written.database, READ, tick_s=0.01)):
            arrived(written, last, METRICS)
            back = Identifier(schema_of(written.tenant), "elsewhere")
            owner.execute(SQL("ALTER TABLE {} RENAME TO activity_feed").format(back))
            arrived(written, last, ACTIVITY_FEED)
    assert len(written.rows("activity_feed")) == 1
    assert written.rows("projection_poison") == []


def test_readers_at_one_place_move_in_one_transaction(written: Written) -> None:
    with closing(Leadership(written.database)) as leads:
        desk = Desk(written.database, written.tenant, READ, leads)
        written.write([(STREAM, ACCEPTED_PLAN)])
        desk.turn()  # each takes over where it stopped, by itself
        last = written.write([(STREAM, STARTED)])[0]
        assert not desk.turn()
    arrived(written, last, *READ)
    assert number(written, "SELECT count(DISTINCT xmin::text) FROM {}", "tracking") == 1
    assert number(written, "SELECT sum(started) FROM {}", "metrics_daily") == 1


def test_readers_that_set_the_same_fact_aside_read_whole_pages_again(written: Written) -> None:
    last = written.write_journeys(seed=3, count=20)
    broken = SQL("UPDATE {} SET state = '{{}}' WHERE notification_id = %s")
    with written.database.direct() as owner:
        events = Identifier(schema_of(written.tenant), "events")
        owner.execute(broken.format(events), (written.write([(STREAM, ACCEPTED_PLAN)])[0],))
    more = written.write_journeys(seed=4, count=20)
    with closing(Leadership(written.database)) as leads:
        desk = Desk(written.database, written.tenant, READ, leads)
        turns = 1
        while desk.turn():
            turns += 1
    arrived(written, more, *READ)
    assert more - last > 2 * FEW_TURNS
    assert turns < FEW_TURNS, "not one fact a turn"


def test_a_reader_that_somebody_moved_keeps_no_other_back(written: Written) -> None:
    with closing(Leadership(written.database)) as leads:
        desk = Desk(written.database, written.tenant, READ, leads)
        first = written.write([(STREAM, ACCEPTED_PLAN)])[0]
        desk.turn()
        last = written.write([(STREAM, STARTED)])[0]
        moved = SQL("UPDATE {} SET notification_id = %s WHERE application_name = 'metrics'")
        with written.database.direct() as owner:
            place = Identifier(schema_of(written.tenant), "tracking")
            owner.execute(moved.format(place), (last,))
        desk.turn()
    arrived(written, last, *READ)
    assert first < last
    assert number(written, "SELECT sum(started) FROM {}", "metrics_daily") == 0, "it is not ours"
    assert number(written, "SELECT count(*) FROM {}", "activity_feed") == len([first, last])


def test_it_shows_that_it_lives(written: Written) -> None:
    name = f"projector-{written.tenant}"
    with running(Projector(written.database, READ, tick_s=0.01, name=name)):
        arrived(written, written.write([(STREAM, ACCEPTED_PLAN)])[0], *READ)
    query = "DELETE FROM control.heartbeats WHERE name = %s RETURNING role, pid"
    with written.database.control_tx() as curs:
        assert curs.execute(query, (name,)).fetchall() == [("projector", os.getpid())]


def test_rests_after_errors_double_up_to_a_bound_and_begin_small_again() -> None:
    backoff = Backoff()
    assert not backoff.rests
    rests = [backoff.failed() for _ in range(12)]
    assert backoff.rests
    assert rests[:3] == [BACKOFF_S_MIN, BACKOFF_S_MIN * 2, BACKOFF_S_MIN * 4]
    assert rests[-1] == BACKOFF_S_MAX
    backoff.went_well()
    assert backoff.failed() == BACKOFF_S_MIN


def number(written: Written, query: str, table: str) -> int:
    where = Identifier(schema_of(written.tenant), table)
    with written.database.tenant_tx(written.tenant) as curs:
        row = curs.execute(SQL(query).format(where)).fetchone()
    assert row is not None
    return int(row[0])


def test_a_reader_whose_page_had_nothing_for_it_goes_on_at_once(written: Written) -> None:
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED), (STREAM, STARTED)])
    narrow = replace(METRICS, name="narrow", topics=("plan_accepted",))
    wide = replace(METRICS, name="wide", topics=("plan_accepted", "campaign_started"))
    with closing(Leadership(written.database)) as leads:
        assert Desk(written.database, written.tenant, [wide], leads).turn()
        desk = Desk(written.database, written.tenant, [narrow, wide], leads)
        for runner, _ in desk._runners:  # three facts, three pages
            runner._limit = runner._page_max = 1
        while desk.turn():
            pass
    wait(written.database, written.tenant, "narrow", 3, 0)
