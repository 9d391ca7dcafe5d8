"""What runs by itself every so often, for each tenant: one table (trust.md 1.5)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from domain.accounts import PauseReason, pause_sending
from domain.accounts.facts import SendingPaused
from domain.ids import TenantId
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.accounts.provider import probe_credentials, pull_verified
from handlers.accounts.sweeping import AccountSweeper
from handlers.ports import Why
from handlers.suppression_sync import SuppressionSync
from handlers.sweeping import IDLE_AFTER, Sweeper
from infra.accounts import SqlSenderAccounts
from infra.accounts.deliverability import SqlDeliverability
from infra.assignees import look_up
from infra.bootstrap import System
from infra.claims.waking import go_on
from infra.erased_again import finish_erasures
from infra.retention import forget, forget_processes, keep_up, periods_of
from infra.vault.pulls import SqlPullBook

Sweep = Callable[[System, TenantId], int]
"""Does its work for one tenant, safe to repeat and to run twice at once; how much there was."""
GUARD = "restored"
RESTORED = Why(Cause(CauseKind.SWEEP, "restored"), "restore_guard")


def sweeper(system: System, tenant: TenantId) -> Sweeper:
    """The sweeps of the send queue."""
    idle_after = IDLE_AFTER * system.settings.clock_factor  # people wait by their own clock
    return Sweeper(system.ports(tenant), idle_after=idle_after)


def _guard_restored(system: System, tenant: TenantId) -> int:
    """A log that came back from a backup sends nothing until a person says that it may."""
    guard, book = system.restore_guard, system.accounts(tenant)
    if not guard.look(tenant):
        return 0
    finish_erasures(system, tenant)
    told_at = system.restored.get(tenant)
    if told_at is not None and not book.rules().paused and _was_paused(book, told_at):
        del system.restored[tenant]  # somebody has resumed it since
        return int(guard.acknowledge(tenant))
    now = system.clock.now()
    paused = book.order_sending(
        partial(pause_sending, reason=PauseReason.RESTORED, at=now), RESTORED
    )
    if paused:
        system.restored[tenant] = now
    return len(paused)


def _was_paused(book: SqlSenderAccounts, at: datetime) -> bool:
    """Whether our pause is in the log still; a second restore may have taken it away."""
    facts = (each.fact for each in book.history(None))
    return any(isinstance(fact, SendingPaused) and fact.at == at for fact in facts)


def _look_after_accounts(system: System, tenant: TenantId) -> int:
    """S9: health, rates, warm-up, and what is over by time."""
    deliverability = SqlDeliverability(system.database, tenant)
    return AccountSweeper(system.accounts(tenant), deliverability, system.clock).score_daily()


def _probe_credentials(system: System, tenant: TenantId) -> int:
    """Close circuits that only good credentials close, by a call that sends nothing."""
    if system.settings.sendgrid_api_key is None:
        return 0
    return probe_credentials(system.accounts(tenant), system.provider_account, system.clock.now())


def _pull_verified(system: System, tenant: TenantId) -> int:
    """What the provider says of the senders' addresses."""
    if system.settings.sendgrid_api_key is None:
        return 0
    ports = system.ports(tenant)
    senders = ports.vault.senders()
    return pull_verified(ports.accounts, senders, system.provider_account, system.clock.now())


def _pull_suppressions(system: System, tenant: TenantId) -> int:
    """S8: step with the provider's own lists."""
    if system.settings.sendgrid_api_key is None:
        return 0
    book = SqlPullBook(system.database, tenant)
    bans = system.ports(tenant).suppressions
    done = SuppressionSync(system.suppression_lists, book, bans, system.clock).run()
    return sum(done.read.values()) + done.pushed


def _check_addresses(system: System, tenant: TenantId) -> int:
    days = system.accounts(tenant).rules().validate_max_age_days
    return system.addresses(tenant).check_batch(days)


def _go_on_waking(system: System, tenant: TenantId) -> int:
    """More of what an order let go, where it was too much for one transaction."""
    return go_on(system.database, tenant, system.clock.now())


def _drop_old_counts(system: System, tenant: TenantId) -> int:
    """Counts that no limit needs any more: of the tenant, and of all together."""
    ports, now = system.ports(tenant), system.clock.now()
    return ports.limits.drop_old(now) + ports.global_share.drop_old(now)


def _keep_partitions(system: System, tenant: TenantId) -> int:
    """S13: raw deliveries have partitions ahead of time, and none that is too old."""
    done = keep_up(system.database, tenant, periods_of(system.tenant(tenant)).raw)
    return len(done.made) + len(done.dropped)


def _forget(system: System, tenant: TenantId) -> int:
    """S13: what its period is over for goes, and the names of processes that are no more."""
    periods = periods_of(system.tenant(tenant))
    processes = forget_processes(system.database)  # first: the other may end in an error
    gone = forget(system.database, tenant, periods, system.clock.now())
    return sum(gone.values()) + processes


SWEEPS: Mapping[str, tuple[float, Sweep]] = {
    "doubts": (10.0, lambda system, tenant: sweeper(system, tenant).doubts()),
    "leases": (10.0, lambda system, tenant: sweeper(system, tenant).leases()),
    "wakings": (1.0, _go_on_waking),
    "assignees": (1.0, lambda system, tenant: look_up(system.database, tenant)),
    "expired": (60.0, lambda system, tenant: sweeper(system, tenant).expired()),
    GUARD: (5.0, _guard_restored),
    "idle": (60.0, lambda system, tenant: sweeper(system, tenant).idle()),
    "lost": (3600.0, lambda system, tenant: sweeper(system, tenant).lost()),
    "accounts": (60.0, _look_after_accounts),
    "credentials": (60.0, _probe_credentials),
    "verified": (3600.0, _pull_verified),
    "suppressions": (3600.0, _pull_suppressions),
    "addresses": (5.0, _check_addresses),
    "counts": (3600.0, _drop_old_counts),
    "partitions": (3600.0, _keep_partitions),
    "forgetting": (60.0, _forget),
    "erasures": (60.0, finish_erasures),
    "checkpoints": (10.0, lambda system, tenant: system.checkpoints(tenant).sweep()),
}
"""Every sweep and how often it runs, real seconds."""

OUTSIDE = frozenset(
    {
        "credentials",
        "verified",
        "suppressions",
        "addresses",
        "partitions",
        "forgetting",
        "erasures",
        "checkpoints",
    }
)
"""Sweeps that ask somebody outside, who may be slow to answer, or that may have much to do: no bell
waits for them."""
