from contextlib import closing
from typing import Any

import pytest
from msgspec.structs import replace
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from infra.leadership import Leadership
from infra.poison import poisoned
from infra.projector import Runner
from infra.rebuild import RebuildUnderWay, Rebuilt, rebuild
from infra.tenancy import Database, role_of
from projections.activity_feed import ACTIVITY_FEED
from projections.contact_campaigns import CONTACT_CAMPAIGNS
from projections.metrics import METRICS
from projections.projection import Projection
from projections.registry import ALL, READ, WORK
from tests.infra.log_written import Written
from tests.projections.facts_given import ACCEPTED_PLAN, STARTED, STREAM, planned

pytestmark = pytest.mark.postgres


@pytest.fixture
def written(database: Database, tenant: TenantId) -> Written:
    return Written(database, tenant)


def rebuilt(written: Written, projection: Projection) -> Rebuilt:
    return rebuild(written.database, written.tenant, projection)


def tell(written: Written, text: str, table: str = "activity_feed") -> list[tuple[Any, ...]]:
    """A statement of the owner; `{t}` is the table, `{s}` its schema, `{role}` the tenant's."""
    schema = schema_of(written.tenant)
    parts = {
        "t": Identifier(schema, table),
        "s": Identifier(schema),
        "role": Identifier(role_of(written.tenant)),
    }
    with written.database.direct() as owner:
        found = owner.execute(SQL(text).format(**parts))
        return found.fetchall() if found.description else []


def tables(written: Written) -> set[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = %s"
    with written.database.direct() as owner:
        return {name for (name,) in owner.execute(query, (schema_of(written.tenant),))}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("projection", ALL, ids=[each.name for each in ALL])
def test_rebuilt_from_zero_equals_live_row_for_row(
    written: Written, projection: Projection, seed: int
) -> None:
    last = written.write_journeys(seed, 25)
    written.run(*READ)
    before = [written.rows(table.name) for table in projection.tables]
    result = rebuilt(written, projection)
    assert (result.differences, result.examples, result.set_aside) == (0, (), 0)
    assert (result.position, result.rows) == (last, sum(map(len, before)))
    assert result.events > 0
    assert [written.rows(table.name) for table in projection.tables] == before
    assert all(before)


@pytest.mark.parametrize("projection", READ, ids=[each.name for each in READ])
def test_a_rebuilt_projection_goes_on_from_where_it_stands(
    written: Written, projection: Projection
) -> None:
    written.write_journeys(1, 10)
    written.run(*READ)
    rebuilt(written, projection)
    written.write_journeys(2, 10)
    written.run(projection)
    assert rebuilt(written, projection).differences == 0


def test_a_live_projection_that_nobody_runs_is_brought_to_the_head(written: Written) -> None:
    last = written.write_journeys(1, 10)
    result = rebuilt(written, METRICS)
    assert (result.position, result.differences) == (last, 0)
    assert written.rows("tracking") == [("metrics", last)]


def test_a_live_projection_that_somebody_runs_is_compared_where_it_stands(
    written: Written,
) -> None:
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED), (STREAM, planned())])
    with closing(Leadership(written.database)) as leads:
        live = Runner(written.database, written.tenant, ACTIVITY_FEED, leads, page_max=2)
        live.step()
        result = rebuilt(written, ACTIVITY_FEED)
        assert (result.position, result.rows, result.differences) == (2, 2, 0)
        assert live.step() == 1
    assert len(written.rows("activity_feed")) == 3


def test_differences_are_shown_with_both_rows_and_mended_by_the_swap(written: Written) -> None:
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED), (STREAM, planned())])
    written.run(ACTIVITY_FEED)
    right = written.rows("activity_feed")
    tell(written, "UPDATE {t} SET kind = 'wrong' WHERE position = 1")
    tell(written, "DELETE FROM {t} WHERE position = 2")
    tell(
        written,
        "INSERT INTO {t} SELECT 99, at, kind, category, stream_id, campaign_id, contact_id"
        " FROM {t} WHERE position = 3",
    )
    result = rebuilt(written, ACTIVITY_FEED)
    assert result.differences == 3
    kinds = [
        (each.live and each.live["kind"], each.rebuilt and each.rebuilt["kind"])
        for each in result.examples
    ]
    assert kinds == [
        ("wrong", "campaign.enrolled"),
        (None, "campaign.started"),
        ("message.scheduled", None),
    ]
    assert written.rows("activity_feed") == right


def test_a_work_table_is_compared_and_stays(written: Written) -> None:
    written.write_journeys(1, 5)
    (send_queue,) = (each for each in WORK if each.name == "send_queue")
    first = tell(written, "SELECT min(message_id::text) FROM {t}", "send_queue")
    tell(written, "UPDATE {t} SET since = now(), worker = 'w1'", "send_queue")
    assert rebuilt(written, send_queue).differences == 0
    tell(
        written,
        "UPDATE {t} SET attempt = 7"
        " WHERE message_id::text = (SELECT min(message_id::text) FROM {t})",
        "send_queue",
    )
    result = rebuilt(written, send_queue)
    assert (result.differences, result.swapped) == (1, False)
    (example,) = result.examples
    assert example.live is not None
    assert (example.live["message_id"], example.live["attempt"]) == (first[0][0], 7)
    assert tell(written, "SELECT count(*) FROM {t} WHERE attempt = 7", "send_queue") == [(1,)]


def test_a_timer_that_was_settled_is_no_difference_and_one_too_many_is(written: Written) -> None:
    written.write_journeys(1, 5)
    (timers,) = (each for each in WORK if each.name == "timers")
    tell(written, "DELETE FROM {t} WHERE timer_id = (SELECT timer_id FROM {t} LIMIT 1)", "timers")
    assert rebuilt(written, timers).differences == 0
    tell(
        written,
        "UPDATE {t} SET timer_id = gen_random_uuid()"
        " WHERE timer_id = (SELECT timer_id FROM {t} LIMIT 1)",
        "timers",
    )
    assert rebuilt(written, timers).differences == 1


def test_nothing_is_left_beside(written: Written) -> None:
    written.write_journeys(1, 5)
    before = tables(written)
    for projection in ALL:
        rebuilt(written, projection)
    assert tables(written) == before
    assert {name for name, _ in written.rows("tracking")} == {each.name for each in READ}


def test_what_a_rebuild_that_was_cut_off_left_is_taken_away(written: Written) -> None:
    written.write_journeys(1, 5)
    written.run(METRICS)
    calls: list[tuple[int, int]] = []

    def stop(reached: int, aim: int) -> None:
        calls.append((reached, aim))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(written.database, written.tenant, METRICS, stop)
    assert calls
    assert "metrics_hourly_next" in tables(written)
    assert rebuilt(written, METRICS).differences == 0
    assert "metrics_hourly_next" not in tables(written)


def test_two_rebuilds_of_one_projection_do_not_meet(written: Written) -> None:
    written.write([(STREAM, ACCEPTED_PLAN)])

    def again(_reached: int, _aim: int) -> None:
        with pytest.raises(RebuildUnderWay):
            rebuilt(written, METRICS)

    assert rebuild(written.database, written.tenant, METRICS, again).differences == 0


def test_indexes_options_and_rights_are_those_of_the_live_table(written: Written) -> None:
    written.write_journeys(1, 5)
    described = """
    SELECT relname, reloptions, relkind::text, relowner, relacl FROM pg_class
    WHERE relname LIKE 'metrics%' AND relnamespace = {s}::text::regnamespace ORDER BY 1
    """.replace("{s}", f"'{schema_of(written.tenant)}'")
    before = tell(written, described)
    defined = "SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'metrics%' ORDER BY 1"
    indexes = tell(written, defined)
    rebuilt(written, METRICS)
    assert tell(written, described) == before
    assert tell(written, defined) == indexes


def test_views_follow_to_the_rebuilt_table_with_their_rights(written: Written) -> None:
    written.write([(STREAM, ACCEPTED_PLAN)])
    tell(
        written,
        "CREATE VIEW {s}.v_feed WITH (security_barrier = true) AS SELECT kind FROM {t};"
        "GRANT SELECT ON {s}.v_feed TO {role}",
    )
    options = "SELECT relacl::text, reloptions FROM pg_class WHERE relname = 'v_feed'"
    before = tell(written, options)
    rebuilt(written, ACTIVITY_FEED)
    written.write([(STREAM, STARTED)])
    written.run(ACTIVITY_FEED)
    assert written.rows("v_feed") == [("campaign.enrolled",), ("campaign.started",)]
    assert tell(written, options) == before


def test_a_rebuild_replays_what_was_set_aside(written: Written) -> None:
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED), (STREAM, planned())])

    def broken(_recorded: object) -> list[Any]:
        raise ValueError("cannot")

    written.run(replace(CONTACT_CAMPAIGNS, changes=broken))
    assert len(poisoned(written.database, written.tenant)) == 3
    result = rebuilt(written, CONTACT_CAMPAIGNS)
    assert (result.differences, result.set_aside) == (1, 0)
    assert poisoned(written.database, written.tenant) == []
    assert [row[5] for row in written.rows("contact_campaigns")] == ["active"]


def test_a_rebuild_says_what_it_had_to_set_aside_itself(written: Written) -> None:
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED)])
    written.run(METRICS)
    written.spoil(2)
    result = rebuilt(written, METRICS)
    assert (result.set_aside, result.differences) == (1, 2)
    assert [
        (each.projection, each.position) for each in poisoned(written.database, written.tenant)
    ] == [("metrics", 2)]
