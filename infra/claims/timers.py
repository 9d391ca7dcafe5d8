"""Timers: leased when due, taken away in the transaction of their facts."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from typing_extensions import override

from domain.ids import StreamId, TenantId, schema_of
from handlers.ports import DueTimer, Timers, Transaction
from infra.statements import Statements, transaction
from infra.tenancy import Database

LEASE_S = 60


class SqlTimers(Timers):
    """The timers of one tenant, in PostgreSQL."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant
        self._sql = Statements(schema_of(tenant))

    @override
    def claim(self, now: datetime, *, grace_s: int, limit: int) -> list[DueTimer]:
        params = {
            "now": now,
            "graced": now - timedelta(seconds=grace_s),
            "limit": limit,
            "lease": LEASE_S,
        }
        with self._database.tenant_tx(self._tenant) as curs:
            found = self._sql.rows(transaction(curs), _CLAIM, params)
        timers = [DueTimer(row[0], StreamId(row[1]), *row[2:]) for row in found]
        return sorted(timers, key=lambda timer: (timer.due_at, timer.index))

    @override
    def settle(self, tx: Transaction, timers: Sequence[DueTimer]) -> None:
        params = {
            "ids": [timer.timer_id for timer in timers],
            "fences": [timer.fence for timer in timers],
            "times": [timer.due_at for timer in timers],
        }
        self._sql.run(tx, _SETTLE, params)
        self._sql.run(tx, _SET_ANEW, params)

    @override
    def free_expired(self) -> int:
        with self._database.tenant_tx(self._tenant) as curs:
            return self._sql.run(transaction(curs), _FREE)


# The rows to take are an array, so that the planner never joins past the LIMIT.
_CLAIM = """
UPDATE {s}.timers t SET state = 'claimed', fence = fence + 1,
       lease_until = now() + make_interval(secs => %(lease)s)
 WHERE t.timer_id = ANY(ARRAY(
       SELECT timer_id FROM {s}.timers
        WHERE state = 'due' AND due_at <= CASE scope WHEN 'node' THEN %(graced)s ELSE %(now)s END
          AND due_at <= %(now)s
        ORDER BY due_at, timer_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
RETURNING timer_id, stream_id, kind, node, visit, index, due_at, fence
"""

_SETTLE = """
DELETE FROM {s}.timers t
 USING unnest(%(ids)b::uuid[], %(fences)b::bigint[], %(times)b::timestamptz[])
       AS u (id, fence, due_at)
 WHERE t.timer_id = u.id AND t.fence = u.fence AND t.state = 'claimed' AND t.due_at = u.due_at
"""

# A timer whose due time was set anew meanwhile is another timer, and nobody's yet.
_SET_ANEW = """
UPDATE {s}.timers t SET state = 'due', lease_until = NULL, fence = t.fence + 1
  FROM unnest(%(ids)b::uuid[], %(fences)b::bigint[], %(times)b::timestamptz[])
       AS u (id, fence, due_at)
 WHERE t.timer_id = u.id AND t.fence = u.fence AND t.state = 'claimed' AND t.due_at <> u.due_at
"""

_FREE = """
UPDATE {s}.timers SET state = 'due', lease_until = NULL, fence = fence + 1
 WHERE state = 'claimed' AND lease_until < now()
"""
