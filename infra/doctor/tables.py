"""How the tables of a tenant have grown: what is dead in them, and how far vacuum is behind."""

from collections.abc import Iterator

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.ids import TenantId, schema_of
from infra.doctor.finding import Bounds, Finding, judged

ROWS_MIN = 10_000
"""Smaller tables are as they are: a vacuum of them takes no time."""
INDEX_BYTES_MIN = 32 * 2**20


def looks(connection: Connection[TupleRow], tenant: TenantId) -> Iterator[Finding]:
    """The worst table or index of each kind."""
    schema = schema_of(tenant)
    yield _dead_rows(connection, tenant, schema)
    yield _vacuum_lag(connection, tenant, schema)
    yield _index_bloat(connection, tenant, schema)


def _dead_rows(connection: Connection[TupleRow], tenant: TenantId, schema: str) -> Finding:
    row = connection.execute(_DEAD, (schema, ROWS_MIN)).fetchone()
    share, name, dead = row or (0.0, "none", 0)
    return judged(
        "dead rows",
        share,
        Bounds(warn=0.2, bad=0.5),
        unit="of a table",
        seen=f"{name}: {dead} dead rows",
        mend=f"VACUUM (ANALYZE) {schema}.{name}; end long transactions, which hold vacuum back",
        tenant=tenant,
    )


def _vacuum_lag(connection: Connection[TupleRow], tenant: TenantId, schema: str) -> Finding:
    row = connection.execute(_LATE, (schema, ROWS_MIN)).fetchone()
    times, name, last = row or (0.0, "none", "")
    return judged(
        "autovacuum",
        times,
        Bounds(warn=3, bad=10),
        unit="times what calls for a vacuum",
        seen=f"{name}, last {last}" if row else "keeps up",
        mend=f"is autovacuum on? more autovacuum_max_workers; now: VACUUM {schema}.{name}",
        tenant=tenant,
    )


def _index_bloat(connection: Connection[TupleRow], tenant: TenantId, schema: str) -> Finding:
    row = connection.execute(_INDEXES, (schema, INDEX_BYTES_MIN)).fetchone()
    times, name, size = row or (1.0, "none", "")
    return judged(
        "index bloat",
        times,
        Bounds(warn=3, bad=8),
        unit="times its reckoned size",
        seen=f"{name}: {size}" if row else "no big index",
        mend=f"REINDEX INDEX CONCURRENTLY {schema}.{name}",
        tenant=tenant,
    )


_DEAD = """
SELECT n_dead_tup::float8 / (n_live_tup + n_dead_tup), relname, n_dead_tup
  FROM pg_stat_user_tables WHERE schemaname = %s AND n_dead_tup >= %s
 ORDER BY 1 DESC LIMIT 1
"""

# By the settings of the table where it has its own, else by those of the server.
_LATE = """
SELECT s.n_dead_tup / (coalesce(own.threshold, g.threshold)
                       + coalesce(own.scale, g.scale) * s.n_live_tup),
       s.relname,
       coalesce(to_char(greatest(s.last_autovacuum, s.last_vacuum), 'YYYY-MM-DD HH24:MI'), 'never')
  FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
 CROSS JOIN (SELECT current_setting('autovacuum_vacuum_threshold')::float8 AS threshold,
                    current_setting('autovacuum_vacuum_scale_factor')::float8 AS scale) AS g
 CROSS JOIN LATERAL (
    SELECT max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_threshold')::float8
               AS threshold,
           max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_scale_factor')::float8
               AS scale
      FROM pg_options_to_table(c.reloptions)) AS own
 WHERE s.schemaname = %s AND s.n_dead_tup >= %s
 ORDER BY 1 DESC LIMIT 1
"""

# An entry has its columns, 8 bytes of head and 4 of place; pages are filled to nine tenths.
_INDEXES = """
SELECT pg_relation_size(c.oid) / greatest(8192, c.reltuples * (12 + w.width) / 0.9)::float8,
       c.relname, pg_size_pretty(pg_relation_size(c.oid))
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
  JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (
    SELECT coalesce(sum(coalesce(p.avg_width, 16)), 16)::float8 AS width
      FROM pg_attribute k
      LEFT JOIN pg_stats p ON p.schemaname = n.nspname AND p.tablename = t.relname
                          AND p.attname = k.attname
     WHERE k.attrelid = c.oid) AS w
 WHERE n.nspname = %s AND a.amname = 'btree' AND c.relkind = 'i' AND c.reltuples >= 0
   AND pg_relation_size(c.oid) >= %s
 ORDER BY 1 DESC LIMIT 1
"""
