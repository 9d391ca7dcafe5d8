from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Thread
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from typing_extensions import override

from domain.ids import StreamId, TenantId, schema_of
from infra.leadership import Leadership
from infra.poison import poisoned
from infra.projector import Runner, StaleLeader, wait
from infra.tenancy import Database
from projections.activity_feed import ACTIVITY_FEED
from projections.contact_campaigns import CONTACT_CAMPAIGNS
from projections.metrics import METRICS
from projections.projection import Projection
from projections.registry import READ
from projections.streams import STREAMS
from tests.infra.log_written import Written
from tests.projections.facts_given import ACCEPTED_PLAN, STARTED, STREAM, planned, signal

pytestmark = pytest.mark.postgres

OPENED = signal("opened")
OTHER = StreamId(UUID(int=5))


@pytest.fixture
def written(database: Database, tenant: TenantId) -> Written:
    return Written(database, tenant)


@pytest.fixture
def leads(database: Database) -> Iterator[Leadership]:
    with closing(Leadership(database)) as leadership:
        yield leadership


@pytest.fixture
def other_leads(database: Database) -> Iterator[Leadership]:
    with closing(Leadership(database)) as leadership:
        yield leadership


def runner(
    written: Written, projection: Projection, leads: Leadership, page_max: int = 1_000
) -> Runner:
    return Runner(written.database, written.tenant, projection, leads, page_max=page_max)


def tracked(written: Written) -> list[tuple[Any, ...]]:
    return written.rows("tracking")


# --- pages ----------------------------------------------------------------------------------------


def test_one_step_folds_one_page_and_its_position(written: Written, leads: Leadership) -> None:
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED), (STREAM, planned())])
    one = runner(written, ACTIVITY_FEED, leads, page_max=2)
    assert [one.step(), one.step(), one.step()] == [2, 1, 0]
    assert len(written.rows("activity_feed")) == 3
    assert tracked(written) == [("activity_feed", 3)]


def test_rows_do_not_depend_on_the_pages(written: Written, database: Database) -> None:
    written.write_journeys(seed=1, count=30)
    shown = []
    for page_max in (1_000, 7):
        written.run(*READ, page_max=page_max)
        shown.append([written.rows(table.name) for each in READ for table in each.tables])
        with database.tenant_tx(written.tenant) as curs:
            for name in ("tracking", *(table.name for each in READ for table in each.tables)):
                curs.execute(SQL("DELETE FROM {}").format(_table(written, name)))
    assert shown[0] == shown[1]
    assert all(shown[0])


def test_a_quiet_topic_does_not_look_late(written: Written, leads: Leadership) -> None:
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED), (STREAM, OPENED)])
    one = runner(written, STREAMS, leads)
    assert one.step() == 1
    assert one.position == 3
    written.write([(STREAM, OPENED)])
    assert one.step() == 0
    assert one.position == 4


def test_a_full_page_goes_no_further_than_its_last_fact(
    written: Written, leads: Leadership
) -> None:
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, OPENED), (STREAM, STARTED)])
    one = runner(written, CONTACT_CAMPAIGNS, leads, page_max=1)
    one.step()
    assert one.position == 1


def test_a_step_goes_no_further_than_it_is_told(written: Written, leads: Leadership) -> None:
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED), (STREAM, planned())])
    one = runner(written, ACTIVITY_FEED, leads)
    assert one.step(2) == 2
    assert one.position == 2
    assert len(written.rows("activity_feed")) == 2


def test_who_waits_for_a_position_sees_its_rows(written: Written, database: Database) -> None:
    written.write([(STREAM, ACCEPTED_PLAN)])
    with pytest.raises(TimeoutError, match=r"activity_feed of .* is at 0, not at 1"):
        wait(database, written.tenant, "activity_feed", 1, timeout_s=0)
    thread = Thread(target=written.run, args=(ACTIVITY_FEED,))
    thread.start()
    wait(database, written.tenant, "activity_feed", 1, timeout_s=30)
    assert len(written.rows("activity_feed")) == 1
    thread.join()


# --- one transaction, one leader ------------------------------------------------------------------


def test_rows_and_position_move_together_or_not_at_all(written: Written, leads: Leadership) -> None:
    """The connection is cut by the server after the rows were written, before the position."""
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED)])
    one = CutOff(written.database, written.tenant, ACTIVITY_FEED, leads)
    with pytest.raises(psycopg.OperationalError):
        one.step()
    assert written.rows("activity_feed") == []
    assert tracked(written) == [("activity_feed", 0)]
    assert one.step() == 2
    assert len(written.rows("activity_feed")) == 2
    assert poisoned(written.database, written.tenant) == []


class CutOff(Runner):
    """Loses its connection once, between the rows and the position of a page."""

    cut = False

    @override
    def _track(self, curs: psycopg.Cursor[Any], position: int) -> None:
        if position and not self.cut:
            self.cut = True
            with self._database.direct() as other:
                pid = curs.connection.info.backend_pid
                other.execute("SELECT pg_terminate_backend(%s)", (pid,))
        super()._track(curs, position)


def test_a_second_runner_stands_by_until_the_first_is_gone(
    written: Written, leads: Leadership, other_leads: Leadership
) -> None:
    written.write([(STREAM, ACCEPTED_PLAN)])
    first, second = runner(written, METRICS, leads), runner(written, METRICS, other_leads)
    assert first.step() == 1
    written.write([(STREAM, STARTED)])
    assert second.step() == 0
    assert second.position is None
    leads.close()
    assert second.step() == 1
    assert second.position == 2


def test_a_leader_that_lost_its_connection_leads_no_more(
    written: Written, leads: Leadership, other_leads: Leadership
) -> None:
    written.write([(STREAM, ACCEPTED_PLAN)])
    first, second = runner(written, METRICS, leads), runner(written, METRICS, other_leads)
    assert first.step() == 1
    cut(written.database, leads)
    assert second.step() == 0
    assert second.position == 1
    with pytest.raises(psycopg.OperationalError):
        first.step()
    assert first.step() == 0
    assert first.position is None


def test_an_old_leader_with_a_longer_page_counts_nothing_twice(
    written: Written, leads: Leadership, other_leads: Leadership
) -> None:
    """Its position would be higher than the new one's, and be taken: the fence refuses it."""
    written.write([(STREAM, ACCEPTED_PLAN)])
    first = Awakened(written.database, written.tenant, METRICS, leads)
    assert first.step() == 1
    written.write([(STREAM, STARTED), (STREAM, planned())])

    def meanwhile() -> None:
        cut(written.database, leads)
        assert runner(written, METRICS, other_leads).step(2) == 1

    first.meanwhile = meanwhile
    with pytest.raises(StaleLeader, match="metrics: not at 1 any more"):
        first.step()
    assert tracked(written) == [("metrics", 2)]
    other_leads.close()
    written.run(METRICS)
    assert tracked(written) == [("metrics", 3)]
    assert totals(written, "started") == 1
    assert poisoned(written.database, written.tenant) == []


class Awakened(Runner):
    """Sleeps between reading a page and writing it, while others go on."""

    meanwhile: Callable[[], None] | None = None

    @override
    def fence(self, curs: psycopg.Cursor[Any]) -> None:
        if self.meanwhile:
            self.meanwhile()
        super().fence(curs)


def test_a_missing_right_stops_a_runner_and_sets_nothing_aside(
    written: Written, database: Database, leads: Leadership
) -> None:
    written.write([(STREAM, ACCEPTED_PLAN)])
    table = _table(written, "activity_feed")
    with database.direct() as owner:
        owner.execute(SQL("ALTER TABLE {} RENAME TO elsewhere").format(table))
    with pytest.raises(psycopg.errors.UndefinedTable):
        runner(written, ACTIVITY_FEED, leads).step()
    assert poisoned(database, written.tenant) == []
    assert tracked(written) == [("activity_feed", 0)]


# --- what the tests share -------------------------------------------------------------------------


def totals(written: Written, counter: str) -> int:
    query = SQL("SELECT coalesce(sum({}), 0) FROM {}")
    with written.database.tenant_tx(written.tenant) as curs:
        table = _table(written, "metrics_daily")
        row = curs.execute(query.format(Identifier(counter), table)).fetchone()
    assert row is not None
    return int(row[0])


def cut(database: Database, leads: Leadership) -> None:
    """The server ends the connection of a leader, who learns of it at the next use."""
    assert leads._connection is not None
    with database.direct() as other:
        pid = leads._connection.info.backend_pid
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def _table(written: Written, name: str) -> Identifier:
    return Identifier(schema_of(written.tenant), name)
