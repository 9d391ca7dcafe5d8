import re
from collections.abc import Iterable, Iterator
from uuid import UUID

import pytest
from msgspec.structs import replace
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from domain.events import topic_of
from domain.ids import ContactId, StreamId, TenantId, schema_of
from domain.recorded import Recorded
from infra.poison import poisoned
from infra.tenancy import Database
from projections.activity_feed import ACTIVITY_FEED
from projections.contact_campaigns import CONTACT_CAMPAIGNS
from projections.metrics import METRICS
from projections.projection import Change, Projection
from tests.infra.log_written import Written
from tests.projections.facts_given import ACCEPTED_PLAN, STARTED, STREAM, planned

pytestmark = pytest.mark.postgres

OTHER = StreamId(UUID(int=5))


@pytest.fixture
def written(database: Database, tenant: TenantId) -> Written:
    return Written(database, tenant)


def failing(projection: Projection, at: Iterable[int], error: Exception) -> Projection:
    """The same projection that cannot take the facts at these positions."""
    bad = set(at)

    def changes(recorded: Recorded) -> Iterator[Change]:
        if recorded.position in bad:
            raise error
        yield from projection.changes(recorded)

    return replace(projection, changes=changes)


def counted(written: Written) -> TupleRow | None:
    query = SQL("SELECT sum(enrolled), sum(started), sum(planned) FROM {}")
    with written.database.tenant_tx(written.tenant) as curs:
        table = Identifier(schema_of(written.tenant), "metrics_daily")
        return curs.execute(query.format(table)).fetchone()


@pytest.mark.parametrize("page_max", [1, 2, 64])
def test_a_fact_that_cannot_be_taken_is_set_aside_and_the_others_go_on(
    written: Written, page_max: int
) -> None:
    last = written.write_journeys(seed=3, count=10)
    written.run(ACTIVITY_FEED)
    shown = {row[0] for row in written.rows("activity_feed")}
    bad = sorted(shown)[5::40]
    with written.database.tenant_tx(written.tenant) as curs:
        for table in ("tracking", "activity_feed"):
            curs.execute(SQL("DELETE FROM {}").format(Identifier(schema_of(written.tenant), table)))
    written.run(failing(ACTIVITY_FEED, bad, ValueError("cannot")), page_max=page_max)
    assert {row[0] for row in written.rows("activity_feed")} == shown - {*bad}
    found = poisoned(written.database, written.tenant)
    assert [(each.position, each.error) for each in found] == [
        (place, "ValueError: cannot") for place in bad
    ]
    assert written.rows("tracking") == [("activity_feed", last)]


def test_a_stored_event_that_cannot_be_read_is_set_aside_with_its_place(
    written: Written,
) -> None:
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED), (STREAM, planned())])
    written.spoil(2)
    written.run(ACTIVITY_FEED)
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
    written.run(broken)
    written.run(broken)
    written.write([(STREAM, planned())])
    written.run(CONTACT_CAMPAIGNS)
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
    written.run(failing(METRICS, [2], KeyError("cannot")))
    assert counted(written) == (1, 0, 1)


def test_poison_of_one_projection_stops_no_other(written: Written) -> None:
    written.write([(STREAM, ACCEPTED_PLAN), (STREAM, STARTED)])
    written.run(failing(METRICS, [1, 2], ValueError("cannot")), ACTIVITY_FEED)
    assert len(written.rows("activity_feed")) == 2
    assert {each.projection for each in poisoned(written.database, written.tenant)} == {"metrics"}
