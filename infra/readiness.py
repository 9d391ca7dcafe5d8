"""Probes of `/readyz`: each says how something does, or raises when it does not."""

from collections.abc import Callable

from domain.ids import TenantId, schema_of
from handlers.services import Probe
from infra.limits.stop_of_all import stopped
from infra.statements import Statements, transaction
from infra.tenancy import Database
from projections.registry import READ

SILENT_S_MAX = 30
"""A process beats every few seconds; after this it is taken for dead."""

_PLPGSQL = "DO $$ BEGIN PERFORM 1; END $$"
_AGE = """
SELECT extract(epoch FROM now() - max(beat_at))::float8 FROM control.heartbeats WHERE role = %s
"""
_LAG = """
SELECT (SELECT coalesce(max(notification_id), 0) FROM {s}.events)
       - min(coalesce(t.notification_id, 0))
  FROM unnest(%(names)s::text[]) AS n (name)
  LEFT JOIN {s}.tracking t ON t.application_name = n.name
"""


class NotWell(Exception):
    """Something that is needed does not work."""


def database_probe(database: Database) -> Probe:
    """That statements run, also in plpgsql: after an upgrade of a running server those fail."""

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


def stop_probe(database: Database) -> Probe:
    """Whether everything is stopped by order; that is no fault of ours."""

    def probe() -> str:
        stop = stopped(database)
        return "runs" if stop is None else f"stopped for all tenants: {stop.reason}"

    return probe


def lag_probe(database: Database) -> Probe:
    """How many facts the slowest read model has still to take; late pages are no reason to fail."""

    def probe() -> str:
        lags = [behind(database, tenant.name) for tenant in database.tenants()]
        return f"{max(lags, default=0)} facts behind"

    return probe


def behind(database: Database, tenant: TenantId) -> int:
    """How many facts of a tenant its slowest read model has still to take."""
    params = {"names": [projection.name for projection in READ]}
    with database.tenant_tx(tenant) as curs:
        return int(Statements(schema_of(tenant)).rows(transaction(curs), _LAG, params)[0][0])
