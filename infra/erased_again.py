"""Erasures that broke off, and contacts that a restored backup brought back: erased again."""

import logging

from domain.ids import TenantId
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.erasure import Eraser
from infra.bootstrap import System

LOG = logging.getLogger("antiphon.erasure")
AGAIN = Cause(CauseKind.SWEEP, "erasures")


def finish_erasures(system: System, tenant: TenantId) -> int:
    """Erase whoever should be gone and is not; how many that were. Safe to repeat."""
    eraser = Eraser(system.ports(tenant), system.erasures(tenant))
    return eraser.finish(cause=AGAIN, correlation=system.rng.new_id())


def replay_erasures(system: System) -> None:
    """The same for every tenant, before a process opens: a backup may have been restored."""
    for tenant in system.database.tenants():
        again = finish_erasures(system, tenant.name)
        if again:
            LOG.warning("%d erased contacts of %s were there again: erased", again, tenant.name)
