"""How rows are found that facts move, while the statistics know nothing of their state yet."""

from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import pytest
from psycopg import Cursor
from psycopg.rows import tuple_row

from domain.ids import TenantId, schema_of
from infra.row_texts import move_text, named
from infra.statements import Statements, transaction
from infra.tenancy import Database
from projections.send_queue import TABLE

pytestmark = pytest.mark.postgres

ROWS, MOVED = 4_000, 100
NOON = datetime(2026, 9, 7, 12, 0, tzinfo=UTC)
COLUMNS = ("message_id", "state", "not_before")
EXPECTED = (("state", "text"), ("attempt", "integer"))


def test_a_move_compares_no_row_with_every_key(database: Database, tenant: TenantId) -> None:
    sql = Statements(schema_of(tenant))
    with database.tenant_tx(tenant) as curs:
        tx = transaction(curs)
        sql.run(tx, _ROWS, {"rows": ROWS})
        sql.run(tx, "ANALYZE {s}.send_queue")
        sql.run(tx, "UPDATE {s}.send_queue SET state = 'QUEUED'")
        plan = _plan_of_a_move(curs.connection.cursor(row_factory=tuple_row), sql.schema)
    assert plan["Actual Rows"] == MOVED
    assert _dropped(plan) < ROWS


def _plan_of_a_move(curs: Cursor[Any], schema: str) -> dict[str, Any]:
    ids = [UUID(int=number) for number in range(1, MOVED + 1)]
    values = [ids, ["SENDING"] * MOVED, [NOON + timedelta(hours=1)] * MOVED, ["QUEUED"], [0]]
    text = move_text(named(schema, TABLE, COLUMNS), EXPECTED)
    curs.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + text, values)
    row = curs.fetchone()
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


def _dropped(plan: dict[str, Any]) -> int:
    """Pairs of a row and a key that were compared and did not match."""
    below = sum(_dropped(part) for part in plan.get("Plans", ()))
    return below + int(plan.get("Rows Removed by Join Filter", 0))


_ROWS: LiteralString = """
INSERT INTO {s}.send_queue (message_id, stream_id, campaign_id, contact_id, dedupe_key, node, visit,
                            channel, state, due_at, not_before, expires_at, planned_at)
SELECT id, id, id, id, id::text, 'hello', 1, 'email', 'PLANNED', now(), now(), now(), now()
  FROM generate_series(1, %(rows)s) AS n
 CROSS JOIN LATERAL (SELECT lpad(to_hex(n), 32, '0')::uuid AS id) AS made
"""
