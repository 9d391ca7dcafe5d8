"""The ticker: rings for due rows, so that a lost bell costs one tick, and runs the sweeps."""

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Event

import psycopg

from domain.ids import TenantId, schema_of
from handlers.ports import Conflict
from infra.bootstrap import System, opened
from infra.heartbeat import Heartbeat
from infra.roles.signals import stop_requested
from infra.settings import Settings
from infra.statements import Statements, transaction
from infra.sweeps import GUARD, OUTSIDE, SWEEPS
from infra.tenancy import DatabaseOutOfReach

LOG = logging.getLogger("antiphon.ticker")
KINDS = ("ingest", "dispatch", "timers", "errands")
TENANTS_S = 2.0


class Ticker:
    """Looks at the due rows of every tenant each tick."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._tenants: list[TenantId] = []
        self._looked_at = float("-inf")
        self._swept: dict[tuple[TenantId, str], float] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outside")
        self._asking: Future[None] | None = None
        self._closing = False

    def tick(self) -> None:
        """One round: bells for what is due, sweeps whose time has come; none stops another."""
        tenants = self._known()
        for tenant in tenants:
            with _alone("ringing", tenant):
                self._sweep(tenant, GUARD)  # first: what was restored must not be rung for
                for kind in self._due(tenant):
                    self._system.doorbell.ring(kind, tenant)
            for name in SWEEPS:
                if name not in OUTSIDE:
                    with _alone(f"sweep {name}", tenant):
                        self._sweep(tenant, name)
        if self._asking is None or self._asking.done():
            self._asking = self._thread.submit(self._ask_outside, tenants)

    def close(self) -> None:
        """Wait for what is being done beside the ticks; it needs the database still."""
        self._closing = True
        self._thread.shutdown()

    def _ask_outside(self, tenants: Sequence[TenantId]) -> None:
        """The sweeps that may have to wait for others, beside the ticks."""
        for tenant in tenants:
            for name in sorted(OUTSIDE):
                if self._closing:
                    return
                with _alone(f"sweep {name}", tenant):
                    self._sweep(tenant, name)

    def _known(self) -> list[TenantId]:
        if time.monotonic() - self._looked_at > TENANTS_S:
            self._tenants = [tenant.name for tenant in self._system.database.tenants()]
            self._looked_at = time.monotonic()
        return self._tenants

    def _due(self, tenant: TenantId) -> list[str]:
        params = {"now": self._system.clock.now()}
        with self._system.database.tenant_tx(tenant) as curs:
            row = Statements(schema_of(tenant)).rows(transaction(curs), _DUE, params)[0]
        return [kind for kind, due in zip(KINDS, row, strict=True) if due]

    def _sweep(self, tenant: TenantId, name: str) -> None:
        every_s, sweep = SWEEPS[name]
        if time.monotonic() - self._swept.get((tenant, name), float("-inf")) < every_s:
            return
        self._swept[tenant, name] = time.monotonic()
        try:
            settled = sweep(self._system, tenant)
        except Exception:
            if name == GUARD:  # nothing is rung for before it has looked
                del self._swept[tenant, name]
            raise
        if settled:
            LOG.info("sweep %s of %s settled %d", name, tenant, settled)


@contextmanager
def _alone(what: str, tenant: TenantId) -> Iterator[None]:
    try:
        yield
    except DatabaseOutOfReach:
        raise  # no other would fare better
    except Exception as error:  # noqa: BLE001  # what fails for one tenant is due again, for it only
        LOG.warning("%s of %s failed: %s", what, tenant, type(error).__name__)


def run(settings: Settings, name: str = "ticker") -> None:
    """Tick until told to stop."""
    stop = stop_requested()
    with (
        opened(settings, worker=name, pool=4) as system,
        Heartbeat(system.database, name, "ticker"),
        closing(Ticker(system)) as ticker,
    ):
        tick_until(stop, ticker, settings.tick_ms / 1000)


def tick_until(stop: Event, ticker: Ticker, every_s: float) -> None:
    """Tick on; what fails now is due again at the next tick."""
    while not stop.wait(every_s):
        try:
            ticker.tick()
        except (psycopg.Error, Conflict) as error:
            LOG.warning("a tick failed: %s", type(error).__name__)


# The first row of each in the order of its index, not whether there is any: for that, statistics of
# a busier hour would have the whole table read four times a second, to find none.
_DUE = """
SELECT (SELECT true FROM {s}.webhook_inbox WHERE state = 'new' ORDER BY inbox_id LIMIT 1)
       OR (SELECT true FROM {s}.webhook_inbox WHERE state = 'orphan' AND next_try_at <= now()
            ORDER BY next_try_at LIMIT 1),
       (SELECT true FROM {s}.send_queue WHERE state = 'QUEUED' AND not_before <= %(now)s
         ORDER BY not_before, message_id LIMIT 1)
       OR (SELECT true FROM {s}.send_queue
            WHERE state = 'PLANNED' AND due_at <= %(now)s + interval '1 hour'
              AND (hold_reason IS NULL OR hold_reason NOT IN ('gate_error', 'sender_paused')
                   OR not_before <= %(now)s)
            ORDER BY due_at, message_id LIMIT 1),
       (SELECT true FROM {s}.timers WHERE state = 'due' AND due_at <= %(now)s
         ORDER BY due_at, timer_id LIMIT 1),
       (SELECT true FROM {s}.errands WHERE state = 'due' AND not_before <= %(now)s
         ORDER BY not_before, requested_at, errand_id LIMIT 1)
"""
