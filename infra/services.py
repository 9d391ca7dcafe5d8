"""What the web process is given: every port and store of a tenant, probes, the table of errors."""

from http import HTTPStatus
from threading import Lock
from time import monotonic
from urllib.parse import urlsplit

import psycopg
import redis

from domain.ids import TenantId
from handlers.accounts.orders import AccountOrders
from handlers.errors import Problem
from handlers.services import Probe, Services, TenantServices
from handlers.web.console.stock import Stock
from infra.accounts.deliverability import SqlDeliverability
from infra.acts import SqlActLog
from infra.bootstrap import System
from infra.claims.dead_letters import SqlDeadLetters
from infra.claims.deliveries import SqlDeliveries
from infra.clock import SystemClock, tzdata_version
from infra.console_reads import SqlConsoleReads
from infra.keys import check_key
from infra.log import Log
from infra.metrics import SqlMetrics
from infra.prometheus import PrometheusMeter, StoredNumbers
from infra.providers.sendgrid import SendGridInbound
from infra.read_models import SqlReadModels
from infra.readiness import beat_probe, database_probe, lag_probe, ping_probe, stop_probe
from infra.redis import connect
from infra.settings import Settings
from infra.task_list import SqlTaskList
from infra.tenancy import Tenant, UnknownTenant
from infra.users import SqlUsers
from infra.vault import SqlNotices, SqlRegister, SqlSuppressions
from infra.vault.register import NameTaken

KEPT_S = 5.0
"""How long a tenant's keys and settings are kept before they are read again."""
AWAY = Problem(HTTPStatus.SERVICE_UNAVAILABLE, "out_of_reach", retry_after_s=2)


class TenantDirectory:
    """The services of each tenant, made when they are asked for and again after some seconds."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._lock = Lock()
        self._kept: dict[TenantId, tuple[float, TenantServices]] = {}
        self._tags: dict[str, TenantId] = {}

    def by_name(self, name: TenantId) -> TenantServices | None:
        """The services of a tenant, or None when there is no such tenant."""
        kept = self._fresh(name)
        if kept is not None:
            return kept
        with self._lock:
            kept = self._fresh(name)  # of many that come at once the first makes it for all
            if kept is not None:
                return kept
            try:
                made = self._made(self._system.tenant(name))
            except UnknownTenant:
                return None
            self._kept[name] = (monotonic(), made)
        return made

    def _fresh(self, name: TenantId) -> TenantServices | None:
        made_at, made = self._kept.get(name, (0.0, None))
        return made if monotonic() - made_at < KEPT_S else None

    def by_tag(self, tag: str) -> TenantServices | None:
        """The services of the tenant with this tag."""
        if tag not in self._tags:
            self._tags = {one.tag: one.name for one in self._system.database.tenants()}
        name = self._tags.get(tag)
        return None if name is None else self.by_name(name)

    def _made(self, tenant: Tenant) -> TenantServices:
        system, name = self._system, tenant.name
        ports = system.ports(name)
        keys = system.webhook_keys(name, "sendgrid")
        senders = ports.vault.senders().values()
        return TenantServices(
            ports=ports,
            contacts=system.contacts(name),
            campaigns=SqlRegister(system.database, name, system.accounts(name)),
            suppressions=SqlSuppressions(system.database, name, system.address_mac(name)),
            acts=SqlActLog(system.database, name),
            tasks=SqlTaskList(system.database, name),
            notices=SqlNotices(system.database, name),
            orders=AccountOrders(
                name,
                ports.accounts,
                SqlDeliverability(system.database, name),
                SqlNotices(system.database, name),
            ),
            dead_letters=SqlDeadLetters(system.database, name),
            erasures=system.erasures(name),
            copies=system.copies(name),
            endpoints=system.endpoints(name),
            reads=SqlReadModels(system.database, name),
            metrics=SqlMetrics(system.database, name),
            history=Log(system.database, name).history,
            deliveries=SqlDeliveries(system.database, name),
            memory=system.memory(name),
            webhooks=system.sendgrid_webhook(name),
            inbound=SendGridInbound(keys, own=[sender.from_email for sender in senders]),
            inbound_secret=str(tenant.settings.get("inbound_secret", "")),
        )


def make_services(system: System) -> Services:
    """Everything the web process works with."""
    directory = TenantDirectory(system)
    return Services(
        check_key=lambda text: check_key(system.database, text, pepper=system.pepper),
        tenant=directory.by_name,
        tenant_by_tag=directory.by_tag,
        link_keys=lambda tag: (system.link_key(tag),),
        clock=system.clock,
        real_now=SystemClock(system.database).now,
        rng=system.rng,
        tzdata=tzdata_version(),
        probes=_probes(system),
        problems={
            NameTaken: Problem(HTTPStatus.CONFLICT, "name_taken"),
            psycopg.OperationalError: AWAY,
            psycopg.InterfaceError: AWAY,
            redis.RedisError: AWAY,
        },
        webhook_per_minute=system.settings.webhook_per_minute,
        hosts=_hosts(system.settings),
        calls_per_minute=system.settings.api_calls_per_minute,
        meter=PrometheusMeter(StoredNumbers(system.database, system.clock.now)),
    )


def make_stock(system: System) -> Stock:
    """What the console works with besides."""
    return Stock(
        users=SqlUsers(system.database, pepper=system.pepper),
        reads=lambda tenant: SqlConsoleReads(system.database, tenant),
        secure=(system.settings.public_url or "").startswith("https://"),
    )


def _hosts(settings: Settings) -> frozenset[str]:
    """The name in the public address, and the address that is listened on."""
    public = urlsplit(settings.public_url or "").hostname
    return frozenset({public or settings.web_host, settings.web_host})


def _probes(system: System) -> dict[str, Probe]:
    database = system.database
    return {
        "database": database_probe(database),
        "redis": ping_probe(connect(system.redis_url).ping),
        "projector": beat_probe(database, "projector"),
        "projector lag": lag_probe(database),
        "sending": stop_probe(database),
        "ticker": beat_probe(database, "ticker"),
    }
