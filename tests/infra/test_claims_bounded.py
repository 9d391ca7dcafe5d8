"""A claim looks for its rows once and takes no more than it asked for, whatever the planner knows.

`id IN (SELECT ... LIMIT n FOR UPDATE SKIP LOCKED)` may be planned as a join that runs the inner
query for each row once the table was analysed while it was empty: throughput falls to a tenth.
"""

from collections.abc import Iterator, Mapping
from typing import Any, LiteralString, NamedTuple

import pytest
from psycopg.sql import SQL, Identifier

from domain.ids import schema_of
from handlers.ports import Report
from infra.claims import errands, gates, inbox, outbox, timers
from infra.statements import written
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

ROWS = 600
TAKEN = 5
READ_MAX = 10 * TAKEN
"""Rows that one step of a plan may read of a table that the planner knows."""


class Claim(NamedTuple):
    table: str
    key: str
    state: str
    text: LiteralString
    ids: SQL = SQL("gen_random_uuid()")


CLAIMS = {
    "to render": Claim("send_queue", "message_id", "PLANNED", outbox._HEAD),
    "to send": Claim("send_queue", "message_id", "QUEUED", gates.DUE),
    "timers": Claim("timers", "timer_id", "due", timers._CLAIM),
    "reports": Claim("webhook_inbox", "inbox_id", "new", inbox._CLAIM, SQL("1000 + n")),
    "errands": Claim("errands", "errand_id", "due", errands._CLAIM),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_rows_are_looked_for_once_where_the_planner_takes_the_table_for_empty(
    house: House, name: str
) -> None:
    claim = CLAIMS[name]
    _analyse(house, claim)
    _fill(house, claim)
    steps = _explained(house, claim)
    assert steps[0]["Actual Rows"] == TAKEN
    assert {step["Actual Loops"] for step in steps if step["Node Type"] == "LockRows"} == {1}


@pytest.mark.parametrize("name", CLAIMS)
def test_about_as_many_rows_are_read_as_taken_where_it_knows_better(
    house: House, name: str
) -> None:
    claim = CLAIMS[name]
    _fill(house, claim)
    _analyse(house, claim)
    for step in _explained(house, claim):
        read = step["Actual Rows"] + step.get("Rows Removed by Filter", 0)
        assert read * step["Actual Loops"] <= READ_MAX, step


def _fill(house: House, claim: Claim) -> None:
    """One row as the product writes it, and many like it."""
    notice = {"id": "tell", "type": "notify", "text": "A new one", "next": "hello"}
    letter = send("hello", way("no_reply", "end", after="P2D"))
    house.started(plan(letter, stop()))
    house.work()  # leaves a timer
    house.started(plan(notice, letter, stop()))  # leaves an errand and a planned message
    report = Report(provider="sendgrid", kind="open", raw=b"{}", key=b"1")
    house.ports.inbox.keep("sendgrid", {}, b"", [report], late=False)
    table = Identifier(schema_of(house.tenant), claim.table)
    many = SQL(
        "INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, to_jsonb(q) ||"
        " jsonb_build_object({key}, {id}, 'state', {state}, 'item', n, 'semantic_key', n,"
        " 'dedupe_key', n, 'visit', n))).*"
        " FROM (SELECT * FROM {table} LIMIT 1) q, generate_series(10, {rows}) n"
    ).format(table=table, key=claim.key, id=claim.ids, state=claim.state, rows=ROWS)
    with house.system.database.tenant_tx(house.tenant) as curs:
        curs.execute(many)


def _analyse(house: House, claim: Claim) -> None:
    with house.system.database.direct() as owner:
        owner.execute(SQL("ANALYZE {}").format(Identifier(schema_of(house.tenant), claim.table)))


def _explained(house: House, claim: Claim) -> list[Mapping[str, Any]]:
    """Every step of the plan, the first one on top, with what it did."""
    later = house.clock.now().replace(year=2027)
    params = {"now": later, "graced": later, "lead": later, "limit": TAKEN, "lease": 60, "busy": 5}
    text = b"EXPLAIN (ANALYZE, FORMAT JSON) " + written(schema_of(house.tenant), claim.text)
    with house.system.database.tenant_tx(house.tenant) as curs:
        row = curs.execute(text, params | {"kinds": ["notify", "update", "webhook"]}).fetchone()
    assert row is not None
    return list(_steps(row[0][0]["Plan"]))


def _steps(step: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield step
    for inner in step.get("Plans", ()):
        yield from _steps(inner)
