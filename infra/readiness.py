"""Probes of `/readyz`: each says how something does, or raises when it does not."""

from collections.abc import Callable

from psycopg.sql import SQL, Identifier

from domain.ids import schema_of
from handlers.services import Probe
from infra.tenancy import Database

SILENT_S_MAX = 30
"""A process beats every few seconds; after this it is taken for dead."""

_PLPGSQL = "DO $$ BEGIN PERFORM 1; END $$"
_AGE = """
SELECT extract(epoch FROM now() - max(beat_at))::float8 FROM control.heartbeats WHERE role = %s
"""
_LAG = SQL("""
SELECT coalesce((SELECT max(notification_id) FROM {s}.events), 0)
     - coalesce((SELECT min(notification_id) FROM {s}.tracking), 0)
""")


class NotWell(Exception):
    """Something that is needed does not work."""


def database_probe(database: Database) -> Probe:
    """That statements run, also one in plpgsql: after an upgrade under a running server they fail."""

    def probe() -> str:
        with database.control_tx() as curs:
            curs.execute(_PLPGSQL)
        return "answers"

    return probe


def ping_probe(ping: Callable[[], object]) -> Probe:
    """That a server answers a ping."""

    def probe() -> str:
        ping()
        return "answers"

    return probe


def beat_probe(database: Database, role: str) -> Probe:
    """That a process of this role is alive."""

    def probe() -> str:
        with database.control_tx() as curs:
            row = curs.execute(_AGE, (role,)).fetchone()
        if row is None or row[0] is None or row[0] > SILENT_S_MAX:
            raise NotWell(f"no sign of life of a {role}")
        return f"{row[0]:.1f} s ago"

    return probe


def lag_probe(database: Database) -> Probe:
    """How many facts the slowest projection of any tenant has still to take; it never fails alone."""

    def probe() -> str:
        lags = {tenant.name: _lag(database, schema_of(tenant.name), tenant.name) for tenant in database.tenants()}
        return f"{max(lags.values(), default=0)} facts behind"

    return probe
