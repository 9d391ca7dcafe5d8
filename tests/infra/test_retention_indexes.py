"""What is to be forgotten is found by an index, also when tables have lived for long."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, LiteralString

import pytest

from domain.ids import TenantId, schema_of
from infra.retention import Periods
from infra.retention.rules import RULES
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database

pytestmark = pytest.mark.postgres

RULE = {rule.table: rule for rule in RULES}
DAYS_KEPT, DAYS_MORE, ROWS_A_DAY = 30, 45, 300
INDEXES = {
    "webhook_inbox": "webhook_inbox_time_idx",
    "bodies": "bodies_time_idx",
    "replies": "replies_time_idx",
    "notices": "notices_words_idx",
    "notes": "notes_time_idx",
    "outreach": "outreach_time_idx",
    "idempotency_keys": "idempotency_keys_time_idx",
}


class Explained:
    """How the server finds the rows of a rule."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database, self._tenant = database, tenant
        self._sql = Statements(schema_of(tenant))

    def rows(
        self, text: LiteralString, *, settings: LiteralString = "", **given: object
    ) -> list[Row]:
        with self._database.tenant_tx(self._tenant) as curs:
            curs.execute(settings or "SELECT 1")
            return self._sql.rows(transaction(curs), text, given)

    def plan(
        self,
        table: str,
        before: datetime,
        *,
        options: LiteralString = "",
        settings: LiteralString = "",
    ) -> dict[str, Any]:
        text: LiteralString = "EXPLAIN (FORMAT JSON{options}) SELECT t.ctid FROM {rows} LIMIT 2000"
        asked = text.replace("{options}", options).replace("{rows}", RULE[table].rows)
        found = self.rows(asked, settings=settings, before=before, now=before)
        plan: dict[str, Any] = found[0][0][0]["Plan"]
        return plan


@pytest.fixture
def explained(database: Database, tenant: TenantId) -> Explained:
    return Explained(database, tenant)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


@pytest.mark.parametrize("table", INDEXES)
def test_the_rows_of_a_rule_are_found_by_its_index(
    explained: Explained, database: Database, table: str
) -> None:
    """Small tables would be read as a whole, so that is switched off."""
    long_ago = database.now() - Periods().texts
    plan = explained.plan(table, long_ago, settings="SET LOCAL enable_seqscan = off")
    (found,) = (node for node in _nodes(plan) if node.get("Index Name") == INDEXES[table])
    assert re.search(r"\b(at|created_at|received_at) <", found["Index Cond"])


def test_a_table_that_has_lived_for_long_is_not_read_as_a_whole(
    explained: Explained, database: Database, tenant: TenantId
) -> None:
    """Each day the oldest reports go and others fill their pages, so that time is in no order."""
    table = f"{schema_of(tenant)}.webhook_inbox"
    begins = database.now() - timedelta(days=100)

    def add(day: int) -> None:
        explained.rows(_DAY, day=begins + timedelta(days=day), number=ROWS_A_DAY)

    def vacuum() -> None:
        with database.direct() as connection:
            connection.execute(f"VACUUM (ANALYZE) {table}")

    for day in range(DAYS_KEPT):
        add(day)
    vacuum()
    for day in range(DAYS_KEPT, DAYS_KEPT + DAYS_MORE):
        until = begins + timedelta(days=day - DAYS_KEPT + 1)
        assert len(explained.rows(_FORGET, until=until)) == ROWS_A_DAY
        vacuum()
        add(day)
    vacuum()
    ((pages,),) = explained.rows(
        "SELECT pg_relation_size('{s}.webhook_inbox') / current_setting('block_size')::bigint"
    )
    oldest = begins + timedelta(days=DAYS_MORE)
    plan = explained.plan("webhook_inbox", oldest, options=", ANALYZE, BUFFERS")
    assert plan["Actual Rows"] == 0
    assert pages > 100
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < pages / 10


_DAY: LiteralString = """
INSERT INTO {s}.webhook_inbox (delivery_id, item, provider, kind, semantic_key, raw, received_at,
                               state, settled_at)
SELECT gen_random_uuid(), n, 'sendgrid', 'open', uuid_send(gen_random_uuid()),
       decode(repeat('ab', 300), 'hex'), %(day)s::timestamptz + n * interval '1 minute',
       'recorded', now()
  FROM generate_series(1, %(number)s::bigint) AS n RETURNING 1
"""
_FORGET: LiteralString = "DELETE FROM {s}.webhook_inbox WHERE received_at < %(until)s RETURNING 1"
