"""The emergency stop: nothing of any tenant leaves until it is let go."""

from datetime import datetime

import msgspec

from domain.ids import schema_of
from domain.taxonomy import HoldReason
from infra.claims.waking import lock_claims, wake
from infra.statements import Statements, transaction
from infra.tenancy import Database


class Stop(msgspec.Struct, frozen=True):
    """Everything is stopped: since when, and why."""

    since: datetime | None
    reason: str


def stopped(database: Database) -> Stop | None:
    """The stop in force; None while tenants may send."""
    with database.control_tx() as curs:
        row = curs.execute(_LOOK).fetchone()
    if row is None:
        return Stop(None, "the row of the limit of all is gone")  # claims take it for a stop
    return Stop(*row[1:]) if row[0] else None


def stop_all(database: Database, reason: str, now: datetime) -> bool:
    """Stop every tenant from this instant on, also what is claimed and not called yet.

    False where everything is stopped already; that stop is left as it is.
    """
    with database.control_tx() as curs:
        return curs.execute(_STOP, (now, reason)).rowcount > 0


def let_all_go(database: Database, now: datetime) -> int:
    """End the stop and make due what it held; the number of messages."""
    with database.control_tx() as curs:
        curs.execute(_LET_GO)
    woken = 0
    for tenant in database.tenants():
        with database.tenant_tx(tenant.name) as curs:
            sql, tx = Statements(schema_of(tenant.name)), transaction(curs)
            lock_claims(sql, tx)
            woken += wake(sql, tx, (HoldReason.GLOBAL_PAUSED,), now)
    return woken


_LOOK = "SELECT paused, paused_at, paused_because FROM control.sending"
_STOP = """
UPDATE control.sending SET paused = true, paused_at = %s, paused_because = %s WHERE NOT paused
"""
_LET_GO = """
UPDATE control.sending SET paused = false, paused_at = NULL, paused_because = '' WHERE paused
"""
