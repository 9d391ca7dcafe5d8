"""What the send queue pays for its indexes."""

from typing import LiteralString
from uuid import UUID

import pytest

from domain.ids import TenantId, schema_of
from infra.claims.outbox import _MARK
from infra.statements import Statements, transaction
from infra.tenancy import Database

pytestmark = pytest.mark.postgres


def test_the_mark_of_a_claim_needs_no_new_entry_in_any_index(
    database: Database, tenant: TenantId
) -> None:
    sql = Statements(schema_of(tenant))
    with database.tenant_tx(tenant) as curs:
        tx = transaction(curs)
        sql.run(tx, _MESSAGE)
        marked = sql.run(tx, _MARK, {"ids": [UUID(int=1)], "worker": "w", "claim": "c"})
        ((without_entries,),) = sql.rows(tx, _WITHOUT_ENTRIES)
    assert marked == without_entries == 1


_MESSAGE: LiteralString = """
INSERT INTO {s}.send_queue (message_id, stream_id, campaign_id, contact_id, dedupe_key, node, visit,
                            channel, state, due_at, not_before, expires_at, planned_at)
SELECT id, id, id, id, 'd', 'hello', 1, 'email', 'SENDING', now(), now(), now(), now()
  FROM (SELECT '00000000-0000-0000-0000-000000000001'::uuid AS id) AS made
"""
_WITHOUT_ENTRIES: LiteralString = """
SELECT pg_stat_get_xact_tuples_hot_updated('{s}.send_queue'::regclass)
"""
