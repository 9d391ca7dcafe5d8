"""How a migration waits for locks: shortly and often, so that nobody who works waits for long."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

LOCK = "hashtextextended('antiphon.migrations', 0)"
TURN_S = 0.1
SHOWN = 3


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long a step waits for a lock, how long it lets go before the next try, and how often.

    While a step waits for its lock, everybody who comes after waits behind it. So the time is below
    `lock_timeout` of those who work (infra/tenancy.py); it is above `deadlock_timeout` of the
    server, after which a vacuum that was not asked for gives way.
    """

    lock_timeout_s: float = 2.0
    pauses_s: tuple[float, ...] = (0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5, 5, 10, 10, 10, 10, 10)
    turn_s: float = 600.0
    """How long one run waits for the end of another one."""
    pause: Callable[[float], None] = time.sleep


PATIENT = Patience()


class MigrationBlocked(Exception):
    """Somebody holds a lock longer than migrations wait; the text says who, and what mends it."""


def settle(
    connection: Connection[TupleRow],
    schema: str,
    what: str,
    act: Callable[[], None],
    patience: Patience,
) -> None:
    """Do a step that may be repeated; let go and try again while others hold its locks."""
    wait_s = f"{patience.lock_timeout_s * 1000:.0f}ms"
    connection.execute("SELECT set_config('lock_timeout', %s, false)", (wait_s,))
    for pause_s in patience.pauses_s:
        try:
            act()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            patience.pause(pause_s)
        else:
            return
    try:
        act()
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
        raise MigrationBlocked(_told(connection, schema, what)) from error


@contextmanager
def alone(connection: Connection[TupleRow], patience: Patience = PATIENT) -> Iterator[None]:
    """One run at a time in a database.

    Asks again and again instead of waiting inside of a statement: an index that is built beside the
    work waits for every statement that began before it, and so both would wait for each other.
    """
    asked = max(1, round(patience.turn_s / TURN_S))
    for _ in range(asked):
        row = connection.execute(f"SELECT pg_try_advisory_lock({LOCK})").fetchone()
        if row is not None and row[0]:
            break
        patience.pause(TURN_S)
    else:
        raise MigrationBlocked("another run of migrations is under way; wait for its end")
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(f"SELECT pg_advisory_unlock({LOCK})")


def _told(connection: Connection[TupleRow], schema: str, what: str) -> str:
    rows = connection.execute(_HOLDERS, (schema, SHOWN)).fetchall()
    if not rows:
        return f"{what}: its locks were held by others in every try; run it again when less is done"
    held = "; ".join(
        f"session {pid} ({name or 'unnamed'}, {state}, its transaction is {age_s:.0f} s old) "
        f"uses {tables}"
        for pid, name, state, age_s, tables in rows
    )
    return (
        f"{what}: others held its locks in every try. {held}. Let it end, or end it by "
        f"SELECT pg_terminate_backend({rows[0][0]}), and run this again; what is done stays done"
    )


# The oldest transaction first: most likely it is the one that does not end.
_HOLDERS = """
SELECT a.pid, a.application_name, coalesce(a.state, a.backend_type),
       extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.backend_start))::float8,
       string_agg(DISTINCT c.relname, ', ')
  FROM pg_locks l
  JOIN pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'p')
  JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = %s
  JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.granted AND l.pid <> pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
 GROUP BY a.pid, a.application_name, a.state, a.backend_type, a.xact_start, a.backend_start
 ORDER BY a.xact_start NULLS LAST LIMIT %s
"""
