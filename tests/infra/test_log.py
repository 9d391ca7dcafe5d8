import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from psycopg.sql import SQL, Identifier

from domain.campaign import INITIAL
from domain.errors import StreamTooLong
from domain.events import PlanAccepted, SignalRecorded
from domain.ids import TenantId, schema_of
from domain.recorded import Envelope
from infra.codec import UnreadableEvent
from infra.draft import LENGTH_MAX, LONG
from infra.log import Entry, Log
from infra.recorder import BorrowingDatastore
from infra.tenancy import Database
from tests.infra.log_cases import (
    CAMPAIGN,
    CAUSE,
    CORRELATION,
    NOON,
    Sales,
    contact,
)

pytestmark = pytest.mark.postgres


@pytest.fixture
def sales(database: Database, tenant: TenantId) -> Sales:
    return Sales(database, tenant)


def test_functions_of_the_library_stay_off_whatever_the_environment_says(
    database: Database, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", "y")
    monkeypatch.setenv("AGGREGATE_CACHE_FASTFORWARD", "n")
    monkeypatch.setenv("COMPRESSOR_TOPIC", "zlib")
    log = Log(database, tenant)
    assert isinstance(log.recorder.datastore, BorrowingDatastore)
    assert log.recorder.datastore.enable_db_functions is False
    assert log.mapper.compressor is None
    assert log.repository.cache is None


def test_an_unknown_stream_is_empty(sales: Sales) -> None:
    assert sales.campaigns.load(sales.stream(1)) == INITIAL


def test_history_has_place_time_cause_and_whose_it_is(sales: Sales) -> None:
    sales.enrolled(1)
    sales.clock.advance(timedelta(hours=1))
    sales.campaigns.transact(sales.hearing(1, "a", "b"))
    history = sales.log.history(sales.stream(1))
    assert [type(each.fact) for each in history] == [PlanAccepted, SignalRecorded, SignalRecorded]
    assert [each.version for each in history] == [1, 2, 3]
    assert [each.position for each in history] == [1, 2, 3]
    assert [each.at - NOON for each in history] == [
        timedelta(0),
        timedelta(hours=1),
        timedelta(hours=1),
    ]
    assert {(each.tenant, each.campaign_id, each.contact_id) for each in history} == {
        (sales.tenant, CAMPAIGN, contact(1))
    }
    assert {(each.cause, each.correlation) for each in history} == {(CAUSE, CORRELATION)}


def test_history_as_of_a_time_ends_there(sales: Sales) -> None:
    sales.enrolled(1)
    sales.clock.advance(timedelta(hours=1))
    sales.campaigns.transact(sales.hearing(1, "a"))
    history = sales.log.history(sales.stream(1), upto=NOON)
    assert [type(each.fact) for each in history] == [PlanAccepted]


def test_pages_follow_the_log_and_can_be_filtered(sales: Sales) -> None:
    sales.enrolled(1, 2)
    sales.campaigns.transact_many([sales.hearing(2, "a"), sales.hearing(1, "b")])
    assert [each.position for each in sales.log.page(0, 3)] == [1, 2, 3]
    assert [each.position for each in sales.log.page(3, 3)] == [4]
    heard = sales.log.page(0, 10, topics=["signal_recorded"])
    assert [(each.position, each.stream) for each in heard] == [
        (3, sales.stream(2)),
        (4, sales.stream(1)),
    ]


def test_what_cannot_be_read_is_an_error_with_its_place(sales: Sales) -> None:
    sales.enrolled(1)
    with sales.database.direct() as connection:
        events = Identifier(schema_of(sales.tenant), "events")
        connection.execute(SQL("UPDATE {} SET topic = 'os.system'").format(events))
    with pytest.raises(UnreadableEvent, match=r"os\.system") as caught:
        sales.log.page(0, 10)
    assert (caught.value.stream, caught.value.position) == (sales.stream(1), 1)
    with pytest.raises(UnreadableEvent) as caught:
        sales.campaigns.load(sales.stream(1))
    assert caught.value.stream == sales.stream(1)


def test_a_stream_without_directory_row_is_an_error_of_its_events(sales: Sales) -> None:
    sales.enrolled(1)
    with sales.database.direct() as connection:
        connection.execute(
            SQL("DELETE FROM {}").format(Identifier(schema_of(sales.tenant), "streams"))
        )
    with pytest.raises(UnreadableEvent, match="directory"):
        sales.log.history(sales.stream(1))


def test_an_append_rings_once_on_the_channel_of_its_tenant(
    sales: Sales, new_tenant: Callable[[], TenantId]
) -> None:
    other = Sales(sales.database, new_tenant())
    with sales.database.direct() as connection:
        connection.execute(SQL("LISTEN {}").format(Identifier(f"t_{sales.tenant}_events")))
        sales.enrolled(1, 2, 3)
        other.enrolled(1)
        heard = list(connection.notifies(timeout=0.2))
    assert [each.channel for each in heard] == [f"t_{sales.tenant}_events"]


def test_a_long_stream_is_told_once(sales: Sales, caplog: pytest.LogCaptureFixture) -> None:
    sales.enrolled(1)
    _lengthen(sales, LONG - 1)
    with caplog.at_level(logging.WARNING, logger="infra.draft"):
        sales.campaigns.transact(sales.hearing(1, "a"))
        sales.campaigns.transact(sales.hearing(1, "b"))
    assert [record.getMessage() for record in caplog.records] == [
        f"stream {sales.stream(1)} has {LONG} facts"
    ]


def test_a_stream_grows_to_its_bound_and_no_further(sales: Sales) -> None:
    sales.enrolled(1, 2)
    _lengthen(sales, LENGTH_MAX - 1)
    given = [sales.hearing(1, "a", "b"), sales.hearing(1, "c"), sales.hearing(1, "d")]
    results = sales.campaigns.transact_many([*given, sales.hearing(2, "a")])
    assert [type(each.refused) for each in results] == [
        StreamTooLong,
        type(None),
        StreamTooLong,
        type(None),
    ]
    assert sales.log.load(sales.stream(1)).version == LENGTH_MAX


def _lengthen(sales: Sales, version: int) -> None:
    """Stream 1 gets signals up to a version, by one append."""
    stream = sales.stream(1)
    fact = SignalRecorded(signal="x_test", at=NOON)
    body = Envelope(fact=fact, at=NOON, append="", cause=CAUSE, correlation=CORRELATION)
    start = sales.log.load(stream).version + 1
    with sales.database.tenant_tx(sales.tenant) as curs:
        sales.log.append(curs, [Entry(stream, each, body) for each in range(start, version + 1)])


def test_only_the_recorder_inserts_into_the_log() -> None:
    root = Path(__file__).parents[2]
    packages = ["domain", "plans", "projections", "handlers", "infra", "bench"]
    sources = [path for name in packages for path in (root / name).rglob("*") if path.is_file()]
    kinds = {".py", ".sql"}
    found = {
        str(path.relative_to(root))
        for path in sources
        if path.suffix in kinds and _inserts_into_events(path.read_text(encoding="utf-8"))
    }
    assert found == set()
    recorder = (root / "infra" / "recorder.py").read_text(encoding="utf-8")
    assert recorder.count("INSERT INTO") == 1


def _inserts_into_events(text: str) -> bool:
    flat = " ".join(text.replace('"', " ").split())
    return any(
        f"{verb} {{{schema}}}.{rest}" in flat or f"{verb} {rest}" in flat
        for verb in ("INSERT INTO", "COPY")
        for schema in ("schema", "s", "", "0")
        for rest in ("events ", "events(", "{events} ", "{events}(")
    )


def test_the_library_reads_rows_by_their_names_so_the_chain_column_does_no_harm(
    sales: Sales,
) -> None:
    sales.enrolled(1)
    (stored,) = sales.log.recorder.select_events(sales.stream(1))
    assert stored.topic == "plan_accepted"
    entry = cast(Entry, sales.log.mapper.to_domain_event(stored))
    assert isinstance(entry.body.fact, PlanAccepted)
