"""What concerns the whole server: sessions, vacuum, statements, disk."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from infra.doctor.finding import Bounds, Finding, judged, unseen

GIB = 2.0**30
SHOWN = 80
STATEMENTS = "pg_stat_statements"
PRELOAD = f"set shared_preload_libraries = '{STATEMENTS}'"
WRAPAROUND = Bounds(warn=1.0e9, bad=1.6e9)
"""Transactions since the oldest row was frozen; at 2.1e9 the server stops taking writes."""


def looks(connection: Connection[TupleRow], data: Path | None) -> Iterator[Finding]:
    """All of them; `data` is the directory of an embedded server."""
    yield _long_transactions(connection)
    yield _connections(connection)
    yield _wraparound(connection)
    yield _invalid_indexes(connection)
    yield _closing_tables(connection)
    yield _slow_statements(connection)
    yield _disk(data)


def _long_transactions(connection: Connection[TupleRow]) -> Finding:
    rows = connection.execute(_OLDEST).fetchall()
    age_s, pid, name, state = rows[0] if rows else (0.0, 0, "", "")
    return judged(
        "long transactions",
        age_s,
        Bounds(warn=60, bad=600),
        unit="s",
        seen=f"session {pid} ({name or 'unnamed'}, {state})" if rows else "none",
        mend=f"they hold vacuum back; end it: SELECT pg_terminate_backend({pid})",
    )


def _connections(connection: Connection[TupleRow]) -> Finding:
    used, most = _row(connection, _CONNECTIONS)
    return judged(
        "connections",
        used / most,
        Bounds(warn=0.7, bad=0.9),
        unit="of max_connections",
        seen=f"{used} of {most}",
        mend="fewer processes or ANTIPHON_WORKER_THREADS, a pooler, or a higher max_connections",
    )


def _wraparound(connection: Connection[TupleRow]) -> Finding:
    age, name = _row(connection, _FROZEN)
    return judged(
        "wraparound age",
        float(age),
        WRAPAROUND,
        unit="transactions",
        seen=f"the oldest is in {name}",
        mend=f"VACUUM (FREEZE) {name}, and end long transactions first",
    )


def _invalid_indexes(connection: Connection[TupleRow]) -> Finding:
    names = [name for (name,) in connection.execute(_INVALID)]
    return judged(
        "invalid indexes",
        len(names),
        Bounds(warn=1, bad=1),
        unit="indexes",
        seen=", ".join(names) or "none",
        mend="their building was cut off: run antiphon migrate again, or DROP INDEX and build anew",
    )


def _closing_tables(connection: Connection[TupleRow]) -> Finding:
    """Looked for before migrations are: a run that was given up is what leaves them."""
    found = connection.execute(_CLOSING).fetchall()
    return judged(
        "deliveries soon refused",
        len(found),
        Bounds(warn=1, bad=1),
        unit="tables",
        seen=", ".join(f"{table} takes none from {bound} on" for table, bound in found) or "none",
        mend="a migration is under way or was given up: run antiphon migrate again, to its end",
    )


def _slow_statements(connection: Connection[TupleRow]) -> Finding:
    name, mend = "slow statements", f"{PRELOAD} and restart, then CREATE EXTENSION {STATEMENTS}"
    place = connection.execute(_WHERE_STATEMENTS, (STATEMENTS,)).fetchone()
    if place is None:
        return unseen(name, f"{STATEMENTS} is not there", mend)
    query = SQL(_SLOWEST).format(Identifier(place[0], STATEMENTS))
    try:
        rows = connection.execute(query).fetchall()
    except psycopg.errors.ObjectNotInPrerequisiteState:
        return unseen(name, f"{STATEMENTS} is not loaded", f"{PRELOAD} and restart")
    mean_ms, calls, text = rows[0] if rows else (0.0, 0, "none")
    return judged(
        name,
        float(mean_ms),
        Bounds(warn=100, bad=1000),
        unit="ms on average",
        seen=f"{calls} calls: {' '.join(text.split())[:SHOWN]}",
        mend="EXPLAIN it; ANALYZE its tables; look for a missing index",
    )


def _disk(data: Path | None) -> Finding:
    name = "disk"
    if data is None or not data.exists():
        return unseen(name, "the server is not ours to look into", "look at its data directory")
    space = shutil.disk_usage(data)
    return judged(
        name,
        1 - space.free / space.total,
        Bounds(warn=0.8, bad=0.9),
        unit="of the data directory's disk",
        seen=f"{space.free / GIB:.1f} GiB free",
        mend="a full disk stops everything: add space, or shorten the retention of tenants",
    )


def _row(connection: Connection[TupleRow], text: str) -> TupleRow:
    row = connection.execute(text).fetchone()
    assert row is not None
    return row


_OLDEST = """
SELECT extract(epoch FROM clock_timestamp() - xact_start)::float8, pid, application_name, state
  FROM pg_stat_activity
 WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend'
   AND datname = current_database()
 ORDER BY xact_start LIMIT 1
"""
_CONNECTIONS = """
SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
       current_setting('max_connections')::integer
"""
_FROZEN = """
SELECT greatest(age(c.relfrozenxid), mxid_age(c.relminmxid)), c.oid::regclass::text
  FROM pg_class c WHERE c.relkind IN ('r', 'm', 't')
 ORDER BY 1 DESC LIMIT 1
"""
_INVALID = """
SELECT i.indexrelid::regclass::text FROM pg_index i
 WHERE NOT i.indisvalid
   AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
 ORDER BY 1
"""
# The bound of a first partition on a table that has not become one (0018_long_life).
_CLOSING = """
SELECT t.oid::regclass::text, to_date(right(c.conname, 8), 'YYYYMMDD')
  FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
 WHERE c.contype = 'c' AND t.relkind = 'r' AND NOT t.relispartition
   AND c.conname ~ '^received_before_[0-9]{8}$'
 ORDER BY 1
"""
_WHERE_STATEMENTS = """
SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
 WHERE e.extname = %s
"""
# The slowest of those that matter: what was called once may have been a migration.
_SLOWEST = """
SELECT s.mean_exec_time, s.calls, s.query
  FROM {} s JOIN pg_database d ON d.oid = s.dbid
 WHERE d.datname = current_database() AND s.calls >= 10
 ORDER BY s.mean_exec_time DESC LIMIT 1
"""
