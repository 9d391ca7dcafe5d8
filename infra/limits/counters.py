"""The hard counters of a tenant: rows of its schema, counted in the transaction of the claim."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from typing_extensions import override

from domain.ids import TenantId, schema_of
from domain.limits import WINDOWS, Counter, needless_before
from handlers.ports.limits import Limits, Used
from handlers.ports.streams import Transaction
from infra.statements import Statements, transaction
from infra.tenancy import Database


class SqlLimits(Limits):
    """Implements handlers.ports.limits.Limits for one tenant."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant
        self._sql = Statements(schema_of(tenant))

    @override
    def lock(self, tx: Transaction) -> None:
        # Advisory locks belong to the whole database, hence the name of the schema.
        self._sql.rows(tx, CLAIM_LOCK, {"claims": f"{self._sql.schema}.claims"})

    @override
    def used(self, tx: Transaction, counters: Sequence[Counter]) -> list[Used]:
        if not counters:
            return []
        params = {
            "names": [counter.name.value for counter in counters],
            "keys": [counter.key for counter in counters],
            "sinces": [counter.since for counter in counters],
        }
        return [Used(*row) for row in self._sql.rows(tx, _USED, params)]

    @override
    def take(self, tx: Transaction, taken: Mapping[Counter, int]) -> None:
        if taken:
            self._sql.run(tx, _TAKE, _columns(taken))

    @override
    def give_back(self, tx: Transaction, taken: Mapping[Counter, int]) -> None:
        if taken:
            self._sql.run(tx, _GIVE_BACK, _columns(taken))

    @override
    def drop_old(self, now: datetime) -> int:
        params = {
            "names": [name.value for name in WINDOWS],
            "before": [needless_before(name, now) for name in WINDOWS],
        }
        with self._database.tenant_tx(self._tenant) as curs:
            return self._sql.run(transaction(curs), _DROP_OLD, params)


def _columns(taken: Mapping[Counter, int]) -> dict[str, list[Any]]:
    assert all(count >= 0 for count in taken.values()), "what is taken or given back is counted"
    return {
        "names": [counter.name.value for counter in taken],
        "keys": [counter.key for counter in taken],
        "buckets": [counter.bucket for counter in taken],
        "counts": list(taken.values()),
    }


CLAIM_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%(claims)s, 0))"

_USED = """
SELECT w.used, w.oldest
  FROM unnest(%(names)b::text[], %(keys)b::text[], %(sinces)b::timestamptz[])
       WITH ORDINALITY AS c (name, key, since, place)
 CROSS JOIN LATERAL (
    SELECT coalesce(sum(u.used), 0)::bigint, min(u.bucket) FROM {s}.usage u
     WHERE u.name = c.name AND u.key = c.key AND u.bucket >= c.since AND u.used > 0
 ) AS w (used, oldest)
 ORDER BY c.place
"""

# Two counters may share a bucket and differ in their day; rows are locked in one order by all.
_TAKE = """
INSERT INTO {s}.usage AS u (name, key, bucket, used)
SELECT t.name, t.key, t.bucket, sum(t.count)
  FROM unnest(%(names)b::text[], %(keys)b::text[], %(buckets)b::timestamptz[],
              %(counts)b::integer[]) AS t (name, key, bucket, count)
 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (name, key, bucket) DO UPDATE SET used = u.used + excluded.used
"""

_GIVE_BACK = """
WITH given AS (
    SELECT t.name, t.key, t.bucket, sum(t.count) AS count
      FROM unnest(%(names)b::text[], %(keys)b::text[], %(buckets)b::timestamptz[],
                  %(counts)b::integer[]) AS t (name, key, bucket, count)
     GROUP BY 1, 2, 3
), locked AS MATERIALIZED (
    SELECT u.name, u.key, u.bucket FROM {s}.usage u JOIN given USING (name, key, bucket)
     ORDER BY 1, 2, 3 FOR UPDATE OF u
)
UPDATE {s}.usage u SET used = greatest(0, u.used - given.count)
  FROM locked JOIN given USING (name, key, bucket)
 WHERE (u.name, u.key, u.bucket) = (locked.name, locked.key, locked.bucket)
"""

_DROP_OLD = """
DELETE FROM {s}.usage WHERE (name, key, bucket) IN (
    SELECT u.name, u.key, u.bucket FROM {s}.usage u
      JOIN unnest(%(names)b::text[], %(before)b::timestamptz[]) AS w (name, before) USING (name)
     WHERE u.bucket < w.before FOR UPDATE OF u SKIP LOCKED
)
"""
