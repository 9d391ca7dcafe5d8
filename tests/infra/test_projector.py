import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from threading import Thread
from typing import Any
from uuid import UUID

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.sql import SQL, Identifier
from typing_extensions import override

from domain.events import topic_of
from domain.ids import ContactId, StreamId, TenantId, schema_of
from domain.recorded import Recorded
from infra.leadership import Leadership
from infra.poison import poisoned
from infra.projector import Runner, StaleLeader, wait
from infra.tenancy import Database
from projections.activity_feed import ACTIVITY_FEED
from projections.contact_campaigns import CONTACT_CAMPAIGNS
from projections.metrics import METRICS
from projections.projection import Change, Projection
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


def run(written: Written, *projections: Projection, page_max: int = 1_000) -> None:
    """Each in turn to the head, as a process of its own."""
    with closing(Leadership(written.database)) as leadership:
        for projection in projections:
            one = runner(written, projection, leadership, page_max)
            while one.step():
                pass


def failing(projection: Projection, at: Iterable[int], error: Exception) -> Projection:
    """The same projection that cannot take the facts at these positions."""
    bad = set(at)

    def changes(recorded: Recorded) -> Iterator[Change]:
        if recorded.position in bad:
            raise error
        yield from projection.changes(recorded)

    return replace(projection, changes=changes)


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
        run(written, *READ, page_max=page_max)
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
    thread = Thread(target=run, args=(written, ACTIVITY_FEED))
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
    run(written, METRICS)
    assert tracked(written) == [("metrics", 3)]
    assert totals(written, "started") == 1
    assert poisoned(written.database, written.tenant) == []


class Awakened(Runner):
    """Sleeps between reading a page and writing it, while others go on."""

    meanwhile: Callable[[], None] | None = None

    @override
    def _fence(self, curs: psycopg.Cursor[Any]) -> None:
        if self.meanwhile:
            self.meanwhile()
        super()._fence(curs)


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


# --- poison ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("page_max", [1, 2, 64])
def test_a_fact_that_cannot_be_taken_is_set_aside_and_the_others_go_on(
    written: Written, page_max: int
) -> None:
    last = written.write_journeys(seed=3, count=10)
    run(written, ACTIVITY_FEED)
    shown = {row[0] for row in written.rows("activity_feed")}
    bad = sorted(shown)[5::40]
    with written.database.tenant_tx(written.tenant) as curs:
        for table in ("tracking", "activity_feed"):
            curs.execute(SQL("DELETE FROM {}").format(_table(written, table)))
    run(written, failing(ACTIVITY_FEED, bad, ValueError("cannot")), page_max=page_max)
    assert {row[0] for row in written.rows("activity_feed")} == shown - {*bad}
    found = poisoned(written.database, written.tenant)
    assert [(each.position, each.error) for each in found] == [
        (place, "ValueError: cannot") for place in bad
    ]
    assert tracked(written) == [("activity_feed", last)]


def test_a_stored_event_that_cannot_be_read_is_set_aside_with_its_place(
    written: Written,
) -> None:
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED), (STREAM, planned())])
    written.spoil(2)
    run(written, ACTIVITY_FEED)
    (found,) = poisoned(written.database, written.tenant)
    assert (found.projection, found.position, found.stream) == ("activity_feed", 2, STREAM)
    assert found.topic == topic_of(STARTED)
    assert re.match("UnreadableEvent: event 'campaign_started'", found.error)
    assert [row[0] for row in written.rows("activity_feed")] == [1, 3]


def test_where_order_matters_what_follows_in_its_stream_is_set_aside_as_well(
    written: Written,
) -> None:
    other = replace(ACCEPTED_PLAN, contact_id=ContactId(OTHER), run=2)
    written.write([(STREAM, ACCEPTED_PLAN), (OTHER, other)])
    written.write([(STREAM, STARTED), (STREAM, planned()), (OTHER, STARTED)])
    broken = failing(CONTACT_CAMPAIGNS, [3], ValueError("cannot"))
    run(written, broken)
    run(written, broken)
    written.write([(STREAM, planned())])
    run(written, CONTACT_CAMPAIGNS)
    found = poisoned(written.database, written.tenant)
    assert [(each.position, each.error) for each in found] == [
        (3, "ValueError: cannot"),
        (4, "follows position 3 of the same stream"),
        (6, "follows position 3 of the same stream"),
    ]
    assert {row[0]: row[5] for row in written.rows("contact_campaigns")} == {
        STREAM: "draft",
        OTHER: "active",
    }


def test_where_each_fact_stands_for_itself_only_the_one_is_missing(written: Written) -> None:
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED), (STREAM, planned())])
    run(written, failing(METRICS, [2], KeyError("cannot")))
    assert [totals(written, name) for name in ("enrolled", "started", "planned")] == [1, 0, 1]


def test_poison_of_one_projection_stops_no_other(written: Written) -> None:
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED)])
    run(written, failing(METRICS, [1, 2], ValueError("cannot")), ACTIVITY_FEED)
    assert len(written.rows("activity_feed")) == 2
    assert {each.projection for each in poisoned(written.database, written.tenant)} == {"metrics"}


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
