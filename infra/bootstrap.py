"""From settings to everything: the only place where adapters meet the use cases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property

import msgspec
from dramatiq import Broker

from domain.ids import TenantId, schema_of
from domain.plan import Policy
from domain.taxonomy import Channel
from domain.timing import parse_duration
from handlers.ports import Clock, TenantPorts
from handlers.webhooks.verdicts import Thresholds
from infra.accounts.book import SqlSenderAccounts
from infra.audit.checkpoints import Checkpoints
from infra.audit.files import AuditFiles
from infra.calendars import LibraryCalendars
from infra.campaigns import LogCampaigns, TenantTransactions
from infra.claims import Claimant, SqlErrands, SqlInbox, SqlOutbox, SqlTimers
from infra.claims.matching import Matcher
from infra.clock import ScaledClock, SystemClock
from infra.embedded.home import Home
from infra.embedded.servers import ServerUrls, running_servers
from infra.endpoints.register import SqlEndpoints
from infra.entropy import SystemRng
from infra.erasure_list import ErasureList
from infra.grounds import GroundsOf
from infra.idempotency import SqlMemory
from infra.limits.counters import SqlLimits
from infra.limits.global_share import SqlGlobalShare
from infra.limits.smoothing import RedisSmoothing
from infra.log import Log
from infra.outside import Outside
from infra.redis import RedisDoorbell, connect, make_broker, probe
from infra.restore_guard import RestoreGuard
from infra.settings import Settings
from infra.tenancy import Database, Tenant, UnknownTenant
from infra.vault import (
    AddressMac,
    Contacts,
    SqlNotices,
    SqlRegister,
    SqlSuppressions,
    SqlVault,
)
from infra.vault.copies import SqlCopies
from infra.vault.erasing import SqlErasures
from infra.watched import watched_doorbell, watched_ports, watched_transactions
from plans.context import TenantPolicy
from projections.registry import WORK

PROVIDED = (Channel.EMAIL,)
"""Channels that a provider is there for."""
CALLS_REAL_S = 2.0
"""Real seconds that a call of an endpoint gets where simulated hours are over at once."""


class System(Outside):
    """Everything of one process, made once and kept; tenants are added as they are asked for."""

    def __init__(
        self, settings: Settings, servers: ServerUrls, *, worker: str, pool: int = 10
    ) -> None:
        self.settings = settings
        self.redis_url = servers.redis_url
        self.worker = worker
        self.database = Database(servers.database_url, size=pool)
        self.rng = SystemRng()
        self.clock: Clock = _clock(settings, self.database)
        self.pepper = _pepper(settings)
        self.restored: dict[TenantId, datetime] = {}
        """Tenants whose log came back from a backup, and when they were paused for that."""
        self._tenants: dict[TenantId, TenantPorts] = {}
        self.thresholds: dict[TenantId, Thresholds] = {}

    @cached_property
    def broker(self) -> Broker:
        """The broker of the actors; made at first use, for not every command needs it."""
        return make_broker(self.redis_url)

    @cached_property
    def doorbell(self) -> RedisDoorbell:
        """The doorbell of this process."""
        return watched_doorbell(RedisDoorbell(connect(self.redis_url)))

    @cached_property
    def smoothing(self) -> RedisSmoothing:
        """The buckets that all processes share."""
        return RedisSmoothing(self.redis_url)

    @cached_property
    def executor(self) -> ThreadPoolExecutor:
        """Threads for provider calls: one slow call blocks no other."""
        return ThreadPoolExecutor(self.settings.call_threads, thread_name_prefix="call")

    @cached_property
    def restore_guard(self) -> RestoreGuard:
        """Remembers outside of the database how far its logs were."""
        return RestoreGuard(self.settings.home, self.database)

    @cached_property
    def audit_files(self) -> AuditFiles:
        """The signing key and the signed checkpoints, outside of the database."""
        return AuditFiles(self.settings.home, self.settings.audit_copy)

    def close(self) -> None:
        """Give connections and threads back."""
        for name in ("executor", "errand_executor"):
            if name in self.__dict__:
                self.__dict__[name].shutdown()
        if "smoothing" in self.__dict__:
            self.smoothing.close()
        self.database.close()

    # --- tenants ----------------------------------------------------------------------------------

    def tenant(self, name: str) -> Tenant:
        """A tenant by name; raises UnknownTenant."""
        for tenant in self.database.tenants():
            if tenant.name == name:
                return tenant
        raise UnknownTenant(f"there is no tenant {name!r}; `antiphon tenant list` shows all")

    def ports(self, name: str) -> TenantPorts:
        """Everything the use cases need for one tenant; raises UnknownTenant."""
        tenant = TenantId(name)
        if tenant not in self._tenants:
            self._tenants[tenant] = watched_ports(self._made(self.tenant(name)))
        return self._tenants[tenant]

    def _made(self, tenant: Tenant) -> TenantPorts:
        database, name = self.database, tenant.name
        self.thresholds[name] = msgspec.convert(tenant.settings.get("verdicts", {}), Thresholds)
        plan_policy = _sendable(TenantPolicy.model_validate(tenant.policy))
        policy = Policy(
            timer_grace_s=parse_duration(plan_policy.timer_grace).nominal_s,
            machine_events_count=plan_policy.machine_events_count,
        )
        vault = SqlVault(database, name)
        transactions = watched_transactions(TenantTransactions(database, name))
        mac = self.address_mac(name)
        limits = SqlLimits(database, name)
        return TenantPorts(
            tenant=name,
            tag=tenant.tag,
            policy=policy,
            plan_policy=plan_policy,
            campaigns=LogCampaigns(
                Log(database, name),
                transactions,
                clock=self.clock,
                rng=self.rng,
                grounds_of=GroundsOf(name, vault, policy),
                work=WORK,
            ),
            transactions=transactions,
            register=SqlRegister(database, name, self.accounts(name)),
            vault=vault,
            outbox=SqlOutbox(
                database,
                name,
                self._claimant(),
                matcher=Matcher(schema_of(name), mac),
                limits=limits,
                clock=self.clock,
            ),
            accounts=self.accounts(name),
            addresses=self.addresses(name),
            limits=limits,
            smoothing=self.smoothing,
            global_share=SqlGlobalShare(database),
            timers=SqlTimers(database, name),
            errands=SqlErrands(database, name, patience=self._call_patience()),
            people=self.contacts(name),
            endpoints=self.endpoints(name),
            notices=SqlNotices(database, name),
            inbox=SqlInbox(database, name, self.rng),
            suppressions=SqlSuppressions(database, name, mac),
            calendars=LibraryCalendars(),
            clock=self.clock,
            rng=self.rng,
            doorbell=self.doorbell,
        )

    def _claimant(self) -> Claimant:
        settings = self.settings
        return Claimant(
            worker=self.worker,
            call_guard_s=settings.call_guard_s,
            sweep_s=settings.sweep_after_s,
            unchecked_is="unchecked" if self.checks_addresses else "valid",
        )

    def _call_patience(self) -> timedelta:
        """Endpoints answer in real time: none on a real clock, more on one that runs faster."""
        return timedelta(seconds=CALLS_REAL_S * max(self.settings.clock_factor - 1.0, 0.0))

    def contacts(self, name: str) -> Contacts:
        """The contacts of a tenant."""
        tenant = TenantId(name)
        return Contacts(self.database, tenant, self.address_mac(tenant), self.rng)

    def erasures(self, name: str) -> SqlErasures:
        """Who was erased in a tenant, in its tables and on the list beside them."""
        return SqlErasures(self.database, TenantId(name), ErasureList(self.settings.home))

    def copies(self, name: str) -> SqlCopies:
        """What is kept of the contacts of a tenant, to be handed out."""
        return SqlCopies(
            self.database, TenantId(name), per_day=self.settings.contact_exports_per_day
        )

    def accounts(self, name: str) -> SqlSenderAccounts:
        """The sender accounts of a tenant."""
        return SqlSenderAccounts(self.database, TenantId(name), clock=self.clock, rng=self.rng)

    def checkpoints(self, name: str) -> Checkpoints:
        """The signed states of a tenant's logs."""
        return Checkpoints(self.database, TenantId(name), self.audit_files)

    def endpoints(self, name: str) -> SqlEndpoints:
        """The registered endpoints of a tenant."""
        return SqlEndpoints(
            self.database,
            TenantId(name),
            pepper=self.pepper,
            rng=self.rng,
            allow_private=self.settings.endpoints_allow_private,
        )

    def memory(self, name: str) -> SqlMemory:
        """The answers of a tenant by idempotency key."""
        return SqlMemory(self.database, TenantId(name), self.pepper)

    def address_mac(self, tenant: TenantId) -> AddressMac:
        """The key of a tenant's suppressions."""
        return AddressMac(self.pepper, tenant)


def _sendable(policy: TenantPolicy) -> TenantPolicy:
    """The policy without channels that nobody could send on: their plans are refused, not late."""
    allowed = policy.allowed_channels
    wanted = [each for each in PROVIDED if allowed is None or each in allowed]
    return policy.model_copy(update={"allowed_channels": wanted})


@contextmanager
def opened(settings: Settings, *, worker: str = "cli", pool: int = 10) -> Iterator[System]:
    """A system on the servers that the settings name, or on embedded ones meanwhile."""
    with _servers(settings) as servers:
        system = System(settings, servers, worker=worker, pool=pool)
        try:
            yield system
        finally:
            system.close()


@contextmanager
def _servers(settings: Settings) -> Iterator[ServerUrls]:
    database = settings.database_url.get_secret_value() if settings.database_url else None
    redis = settings.redis_url.get_secret_value() if settings.redis_url else None
    if redis is not None:
        probe(redis)
    if database is not None and redis is not None:
        yield ServerUrls(database, redis)
        return
    with running_servers(settings.home) as embedded:
        yield ServerUrls(database or embedded.database_url, redis or embedded.redis_url)


def _clock(settings: Settings, database: Database) -> Clock:
    origins = settings.scaled
    if origins is None:
        return SystemClock(database)
    return ScaledClock(
        database,
        origin_real=origins[0],
        origin_simulated=origins[1],
        factor=settings.clock_factor,
    )


def _pepper(settings: Settings) -> bytes:
    if settings.pepper is not None:
        return settings.pepper.get_secret_value().encode()
    home = Home(settings.home)
    home.create()
    return home.secret("pepper").encode()
