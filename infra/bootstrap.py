"""From settings to everything: the only place where adapters meet the use cases."""

import hmac
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version

from dramatiq import Broker

from domain.ids import TenantId, schema_of
from domain.plan import Policy
from domain.taxonomy import Channel
from domain.timing import parse_duration
from handlers.actors import Batch
from handlers.addresses import Addresses
from handlers.composing import Composer
from handlers.dispatch.sender import Sender
from handlers.errands.running import ErrandRunner
from handlers.links import Links
from handlers.ports import Clock, TenantPorts, WebhookReader
from handlers.signals import Ingest
from handlers.sweeping import Sweeper
from handlers.timeouts import Timeouts
from handlers.web.link_reports import LinkReports
from handlers.webhooks.inbound import InboundReports
from infra.accounts.book import SqlSenderAccounts
from infra.calendars import LibraryCalendars
from infra.campaigns import LogCampaigns, TenantTransactions
from infra.claims import Claimant, SqlErrands, SqlInbox, SqlOutbox, SqlTimers
from infra.claims.matching import Matcher
from infra.clock import ScaledClock, SystemClock
from infra.embedded.home import Home
from infra.embedded.servers import ServerUrls, running_servers
from infra.endpoints.caller import HttpCaller
from infra.endpoints.register import SqlEndpoints
from infra.entropy import SystemRng
from infra.grounds import GroundsOf
from infra.idempotency import SqlMemory
from infra.limits.counters import SqlLimits
from infra.limits.global_share import SqlGlobalShare
from infra.limits.smoothing import RedisSmoothing
from infra.log import Log
from infra.providers.dns import DnsDomains
from infra.providers.sendgrid import SendGridProvider, SendGridWebhook
from infra.providers.sendgrid.validation import SendGridValidation
from infra.redis import RedisDoorbell, connect, make_broker, probe
from infra.settings import Settings
from infra.tenancy import Database, Tenant, UnknownTenant
from infra.vault import (
    AddressMac,
    Contacts,
    SqlAddressChecks,
    SqlNotices,
    SqlRegister,
    SqlSuppressions,
    SqlVault,
)
from plans.context import TenantPolicy
from projections.registry import WORK

PROVIDED = (Channel.EMAIL,)
"""Channels that a provider is there for."""
CALLS_REAL_S = 2.0
"""Real seconds that a call of an endpoint gets where simulated hours are over at once."""


class MissingKey(Exception):
    """A key that is needed for what was asked is not set."""


class System:
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
        self._tenants: dict[TenantId, TenantPorts] = {}

    @cached_property
    def broker(self) -> Broker:
        """The broker of the actors; made at first use, for not every command needs it."""
        return make_broker(self.redis_url)

    @cached_property
    def doorbell(self) -> RedisDoorbell:
        """The doorbell of this process."""
        return RedisDoorbell(self.broker, connect(self.redis_url))

    @cached_property
    def domains(self) -> DnsDomains | None:
        """Who knows whether a domain takes mail; one for all tenants, since it remembers."""
        return DnsDomains() if self.settings.check_domains else None

    @cached_property
    def smoothing(self) -> RedisSmoothing:
        """The buckets that all processes share."""
        return RedisSmoothing(self.redis_url)

    @cached_property
    def executor(self) -> ThreadPoolExecutor:
        """Threads for provider calls: one slow call blocks no other."""
        return ThreadPoolExecutor(self.settings.call_threads, thread_name_prefix="call")

    @cached_property
    def errand_executor(self) -> ThreadPoolExecutor:
        """Threads for calls of endpoints: no tenant's slow endpoint keeps mails from leaving."""
        return ThreadPoolExecutor(self.settings.call_threads, thread_name_prefix="errand")

    @cached_property
    def provider(self) -> SendGridProvider:
        """The provider of e-mail; raises MissingKey."""
        key = self.settings.sendgrid_api_key
        if key is None:
            raise MissingKey(
                "ANTIPHON_SENDGRID_API_KEY is not set: give the key for Mail Send, or for a trial "
                "run `antiphon demo`, which brings a provider of its own"
            )
        return SendGridProvider(
            key.get_secret_value(),
            self.settings.sendgrid_base_url,
            connect_s=self.settings.connect_timeout_s,
            total_s=self.settings.call_timeout_s,
            open_tracking=self.settings.sendgrid_open_tracking,
        )

    @cached_property
    def caller(self) -> HttpCaller:
        """Who calls registered endpoints; dated by the real time, which receivers compare with."""
        return HttpCaller(
            SystemClock(self.database).now, allow_private=self.settings.endpoints_allow_private
        )

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
            self._tenants[tenant] = self._made(self.tenant(name))
        return self._tenants[tenant]

    def _made(self, tenant: Tenant) -> TenantPorts:
        database, name = self.database, tenant.name
        plan_policy = _sendable(TenantPolicy.model_validate(tenant.policy))
        policy = Policy(
            timer_grace_s=parse_duration(plan_policy.timer_grace).nominal_s,
            machine_events_count=plan_policy.machine_events_count,
        )
        vault = SqlVault(database, name)
        transactions = TenantTransactions(database, name)
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
            unchecked_is="unchecked" if self._checks_addresses else "valid",
        )

    @property
    def _checks_addresses(self) -> bool:
        return self.domains is not None or self.settings.sendgrid_validation_key is not None

    def _call_patience(self) -> timedelta:
        """Endpoints answer in real time: none on a real clock, more on one that runs faster."""
        return timedelta(seconds=CALLS_REAL_S * max(self.settings.clock_factor - 1.0, 0.0))

    def contacts(self, name: str) -> Contacts:
        """The contacts of a tenant."""
        tenant = TenantId(name)
        return Contacts(self.database, tenant, self.address_mac(tenant), self.rng)

    def accounts(self, name: str) -> SqlSenderAccounts:
        """The sender accounts of a tenant."""
        return SqlSenderAccounts(self.database, TenantId(name), clock=self.clock, rng=self.rng)

    def addresses(self, name: str) -> Addresses:
        """What is known of the addresses of a tenant's contacts, and who looks at them."""
        settings, key = self.settings, self.settings.sendgrid_validation_key
        validation = key and SendGridValidation(
            key.get_secret_value(),
            settings.sendgrid_base_url,
            connect_s=settings.connect_timeout_s,
            total_s=settings.call_timeout_s,
        )
        return Addresses(
            SqlAddressChecks(self.database, TenantId(name)),
            self.clock,
            self.errand_executor,
            domains=self.domains,
            validation=validation or None,
        )

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

    def link_key(self, tag: str) -> bytes:
        """The key that signs the links in a tenant's mails."""
        return hmac.digest(self.pepper, b"links:" + tag.encode(), sha256)

    def links(self, tag: str) -> Links:
        """The addresses that are written into a tenant's mails."""
        return Links(self.public_url, tag, self.link_key(tag))

    @property
    def public_url(self) -> str:
        """Address of the web process as recipients see it."""
        settings = self.settings
        if settings.public_url is not None:
            return settings.public_url
        port = settings.web_port or Home(settings.home).port("web") or 8000
        return f"http://127.0.0.1:{port}"

    def webhook_keys(self, tenant: TenantId, provider: str) -> list[str]:
        """The public keys that a tenant's webhooks may be signed with."""
        with self.database.control_tx() as curs:
            curs.execute(
                "SELECT public_key FROM control.webhook_keys"
                " WHERE tenant = %s AND provider = %s ORDER BY created_at",
                (tenant, provider),
            )
            return [row[0] for row in curs.fetchall()]

    def sendgrid_webhook(self, tenant: TenantId) -> SendGridWebhook:
        """The reader of a tenant's event webhooks with its keys as they are now."""
        return SendGridWebhook(
            self.webhook_keys(tenant, "sendgrid"),
            pepper=self.pepper,
            trust_s=self.settings.webhook_trust_s,
            accept_s=self.settings.webhook_accept_s,
        )

    def readers(self) -> Mapping[str, WebhookReader]:
        """Who translates the inbox rows of which provider; keys are not needed for that."""
        return {
            "sendgrid": SendGridWebhook((), pepper=self.pepper),
            "sendgrid_inbound": InboundReports(),
            "link": LinkReports(),
        }

    # --- work -------------------------------------------------------------------------------------

    def work(self) -> Mapping[str, Batch]:
        """What the bells of a worker are for."""
        return {
            "ingest": self._ingest,
            "dispatch": self._dispatch,
            "timers": self._fire,
            "errands": self._run_errands,
        }

    def _ingest(self, tenant: TenantId) -> int:
        return Ingest(self.ports(tenant), self.readers()).take_batch()

    def _fire(self, tenant: TenantId) -> int:
        return Timeouts(self.ports(tenant)).fire_batch()

    def _run_errands(self, tenant: TenantId) -> int:
        return ErrandRunner(self.ports(tenant), self.caller, self.errand_executor).run_batch()

    def _dispatch(self, tenant: TenantId) -> int:
        ports = self.ports(tenant)
        composed = Composer(ports, self.links(ports.tag)).compose_batch()
        return composed + Sender(ports, self.provider, self.executor).send_batch()

    def drop_old_counts(self, tenant: TenantId) -> int:
        """Counts that no limit needs any more: of the tenant, and of all together."""
        ports, now = self.ports(tenant), self.clock.now()
        return ports.limits.drop_old(now) + ports.global_share.drop_old(now)

    def check_addresses(self, tenant: TenantId) -> int:
        """Look at addresses that are due."""
        days = self.ports(tenant).accounts.rules().validate_max_age_days
        return self.addresses(tenant).check_batch(days)

    def sweeper(self, tenant: TenantId) -> Sweeper:
        """The sweeps of a tenant."""
        return Sweeper(self.ports(tenant))


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


def tzdata_version() -> str:
    """The release of the time zone database that due times are reckoned with."""
    return version("tzdata")
