"""What the bells of a worker are for: each finds the work of a tenant in its rows."""

from collections.abc import Mapping

from domain.accounts import PauseReason
from domain.ids import TenantId
from handlers.actors import Batch
from handlers.composing import Composer
from handlers.dispatch.sender import Sender
from handlers.errands.running import ErrandRunner
from handlers.signals import Ingest
from handlers.timeouts import Timeouts
from infra.bootstrap import System
from infra.restore_guard import Server


class Work:
    """The work of one process."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._cleared: dict[TenantId, Server] = {}

    def bells(self) -> Mapping[str, Batch]:
        """Every kind of bell and what it starts."""
        return {
            "ingest": self._ingest,
            "dispatch": self._dispatch,
            "timers": self._fire,
            "errands": self._run_errands,
        }

    def _ingest(self, tenant: TenantId) -> int:
        ports = self._system.ports(tenant)
        return Ingest(ports, self._system.readers(), self._system.thresholds[tenant]).take_batch()

    def _fire(self, tenant: TenantId) -> int:
        return Timeouts(self._system.ports(tenant)).fire_batch()

    def _run_errands(self, tenant: TenantId) -> int:
        system = self._system
        return ErrandRunner(system.ports(tenant), system.caller, system.errand_executor).run_batch()

    def _dispatch(self, tenant: TenantId) -> int:
        if not self._is_cleared(tenant):
            return 0
        system, ports = self._system, self._system.ports(tenant)
        composer = Composer(ports, system.links(ports.tag))
        at_once = system.settings.call_threads
        sender = Sender(ports, system.provider, system.executor, at_once=at_once)
        return sender.send(meanwhile=composer.compose_batch)

    def _is_cleared(self, tenant: TenantId) -> bool:
        """Whether no backup was restored while nobody looked: before the ticker does, bells ring.

        Whoever restores one starts the server anew, or the database, and so asks for another look.
        """
        guard = self._system.restore_guard
        server = guard.server()
        if self._cleared.get(tenant) != server:
            paused = self._system.accounts(tenant).rules().paused
            if guard.look(tenant) and paused != PauseReason.RESTORED:
                return False  # another pause is lifted by somebody who knows nothing of this
            self._cleared[tenant] = server
        return True
