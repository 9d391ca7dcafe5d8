"""What finds the mutants that only a real database can show; each says what it found, or nothing.

Every find is asked twice: with its mutant it must find something, without it nothing.
"""

import threading
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from unittest.mock import patch
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from handlers.ports import Result, Transaction
from infra.leadership import Leadership
from infra.log import Log
from infra.projector import Runner
from infra.recorder import TrackingRecorder
from infra.tenancy import Database
from projections.metrics import METRICS
from tests.infra.cutting_proxy import CuttingProxy
from tests.infra.log_cases import Sales
from tests.infra.log_written import Written

POLL_S = 0.02


class Died(BaseException):
    """The process is gone at this very point."""


def gap_filled_later(database: Database, tenant: TenantId) -> str:
    """4: of two appends at once the first comes to its end last; a reader looks in between."""
    log = Log(database, tenant)
    with ExitStack() as first:
        curs = first.enter_context(database.tenant_tx(tenant))
        log.recorder.append(curs, [_event(1)])
        second = threading.Thread(target=_append, args=(database, tenant, log, 2))
        second.start()
        while second.is_alive() and not _somebody_waits(database):
            second.join(POLL_S)
        seen = _positions(database, tenant, 0)
    second.join()
    seen += _positions(database, tenant, seen[-1] if seen else 0)
    stored = _positions(database, tenant, 0)
    return "" if seen == stored else f"I21: a reader saw {seen} of {stored}"


def _append(database: Database, tenant: TenantId, log: Log, number: int) -> None:
    with database.tenant_tx(tenant) as curs:
        log.recorder.append(curs, [_event(number)])


def _event(number: int) -> StoredEvent:
    return StoredEvent(UUID(int=number), 1, "x", b"{}")


def _somebody_waits(database: Database) -> bool:
    with database.control_tx() as curs:
        row = curs.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)").fetchone()
    assert row is not None
    return bool(row[0])


def _positions(database: Database, tenant: TenantId, after: int) -> list[int]:
    query = SQL("SELECT notification_id FROM {} WHERE notification_id > %s ORDER BY 1")
    with database.tenant_tx(tenant) as curs:
        table = Identifier(schema_of(tenant), "events")
        return [position for (position,) in curs.execute(query.format(table), (after,))]


def counted_twice(database: Database, tenant: TenantId) -> str:
    """7: a projection dies between its rows and its position, and another one goes on."""
    written = Written(database, tenant)
    written.write_journeys(seed=1, count=5)
    with closing(Leadership(database)) as leads:
        dying = Runner(database, tenant, METRICS, leads)
        dying.step(0)
        with patch.object(TrackingRecorder, "_insert_tracking", _die), suppress(Died):
            dying.step()
    written.run(METRICS)
    live = _numbers(written)
    with database.tenant_tx(tenant) as curs:
        for name in ("tracking", *(table.name for table in METRICS.tables)):
            curs.execute(SQL("DELETE FROM {}").format(Identifier(schema_of(tenant), name)))
    written.run(METRICS)
    again = _numbers(written)
    return "" if live == again else "I22: facts were counted twice"


def _die(*_: object, **__: object) -> None:
    raise Died


def _numbers(written: Written) -> Sequence[object]:
    return [written.rows(table.name) for table in METRICS.tables]


def stored_but_not_told(database_url: str, tenant: TenantId) -> str:
    """10: the answer to a commit is lost; what was stored must be told as stored."""
    with CuttingProxy(database_url) as proxy:
        database = Database(proxy.url, size=3)
        try:
            return _told(proxy, Sales(database, tenant))
        finally:
            database.close()


def _told(proxy: CuttingProxy, sales: Sales) -> str:
    sales.enrolled(1)
    cuts = ["after"]

    def cut(_: Transaction, __: Sequence[Result]) -> None:
        proxy.cut = cuts.pop() if cuts else None

    (result,) = sales.campaigns.transact_many([sales.hearing(1, "a")], cut)
    heard = sales.heard(1)
    told = [type(fact).__name__ for fact in result.facts]
    assert proxy.cuts == 1
    return "" if told else f"I20: {heard} is stored, and the caller was told of nothing"
