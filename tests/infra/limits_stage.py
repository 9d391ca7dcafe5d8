"""A desk that claims as T1 does, under every limit at once, and checks of what it let through."""

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from domain.limits import WINDOWS, Counter, counter
from domain.taxonomy import CapName
from handlers.ports.limits import Bucket, GlobalShare, Limits, Reserved, Smoothing
from infra.entropy import SystemRng
from infra.limits.counters import SqlLimits
from infra.limits.global_share import SqlGlobalShare
from infra.migrations.run import create_tenant, migrate
from infra.statements import Statements, transaction
from infra.tenancy import Database, analyst_of, role_of

ZONE = "America/Santiago"


class Message(NamedTuple):
    """What limits a message counts against."""

    tenant: TenantId
    sender: str = "sam"
    campaign: str = "autumn"
    domain: str = "d1"


KEY_OF = {
    CapName.SENDER_MINUTE: Message._fields.index("sender"),
    CapName.SENDER_HOUR: Message._fields.index("sender"),
    CapName.SENDER_DAY: Message._fields.index("sender"),
    CapName.WARMUP_DAY: Message._fields.index("sender"),
    CapName.CAMPAIGN_DAY: Message._fields.index("campaign"),
    CapName.DOMAIN_HOUR: Message._fields.index("domain"),
}


def key_of(name: CapName, message: Message) -> str:
    return message[KEY_OF[name]] if name in KEY_OF else ""


def whose(name: CapName, message: Message) -> tuple[str, str]:
    """The limit of all tenants is nobody's; every other one is a tenant's own."""
    owner = "" if name == CapName.GLOBAL_HOUR else message.tenant
    return owner, key_of(name, message)


class Desk:
    """One process of a tenant: its limits, its turn of the buckets, its part of all sends."""

    def __init__(
        self,
        database: Database,
        tenant: TenantId,
        caps: Mapping[CapName, int],
        smoothing: Smoothing,
    ) -> None:
        self.tenant = tenant
        self.sent: list[tuple[datetime, Message]] = []
        self._caps = caps
        self._durable = [name for name in caps if name != CapName.GLOBAL_HOUR]
        self._database = database
        self._limits: Limits = SqlLimits(database, tenant)
        self._share: GlobalShare = SqlGlobalShare(database)
        self._smoothing = smoothing

    def claim(self, messages: Sequence[Message], now: datetime) -> int:
        """Let through what every limit has room for; how many."""
        reserved = self._share.reserve(len(messages), now)
        with self._database.tenant_tx(self.tenant) as curs:
            tx = transaction(curs)
            self._limits.lock(tx)
            counters = list(dict.fromkeys(c for m in messages for c in self._counters(m, now)))
            used = {
                counted: each.used
                for counted, each in zip(counters, self._limits.used(tx, counters), strict=True)
            }
            passed = self._under(messages[: reserved.granted], used, now)
            asks = [self._buckets(m, used, reserved, now) for m in passed]
            turns = self._smoothing.take(asks, tenant=self.tenant, now=now)
            leaving = [m for m, short in zip(passed, turns, strict=True) if short is None]
            self._limits.take(tx, Tally(c for m in leaving for c in self._counters(m, now)))
        self._share.give_back(reserved, reserved.granted - len(leaving))
        self.sent += [(now, m) for m in leaving]
        return len(leaving)

    def _counters(self, message: Message, now: datetime) -> list[Counter]:
        return [counter(name, key_of(name, message), now, ZONE) for name in self._durable]

    def _under(
        self, messages: Sequence[Message], used: Mapping[Counter, int], now: datetime
    ) -> list[Message]:
        taken, passed = Tally(used), []
        for message in messages:
            counters = self._counters(message, now)
            if all(taken[counted] < self._caps[counted.name] for counted in counters):
                taken.update(counters)
                passed.append(message)
        return passed

    def _buckets(
        self, message: Message, used: Mapping[Counter, int], reserved: Reserved, now: datetime
    ) -> list[Bucket]:
        left = {c.name: self._caps[c.name] - used[c] for c in self._counters(message, now)}
        left[CapName.GLOBAL_HOUR] = reserved.limit - reserved.used
        return [
            Bucket(name, key_of(name, message), cap, cap / span.total_seconds(), left[name])
            for name, cap in self._caps.items()
            if (span := WINDOWS[name].span) is not None
        ]


def most_sent(name: CapName, sent: Sequence[tuple[datetime, Message]]) -> int:
    """The most that one of these limits let through in any of its windows or local days."""
    times: defaultdict[tuple[str, str], list[datetime]] = defaultdict(list)
    for now, message in sent:
        times[whose(name, message)].append(now)
    span = WINDOWS[name].span
    return max(_in_a_day(at) if span is None else most_in_any(at, span) for at in times.values())


def most_in_any(instants: Sequence[datetime], span: timedelta) -> int:
    """The most that left in any window of this length, both ends counted."""
    ordered = sorted(instants)
    most = first = 0
    for last, at in enumerate(ordered):
        while ordered[first] < at - span:
            first += 1
        most = max(most, last - first + 1)
    return most


def _in_a_day(instants: Sequence[datetime]) -> int:
    days = Tally(counter(CapName.SENDER_DAY, "", at, ZONE).since for at in instants)
    return max(days.values())


@contextmanager
def own_database(url: str, hour_max: int = 20_000) -> Iterator[Database]:
    """A migrated database of its own: the limit of all tenants is one row for a whole database."""
    name = f"l{SystemRng().new_id().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    database = Database(make_conninfo(url, dbname=name), size=8)
    migrate(database)
    allow_in_all(database, hour_max)
    tenants: list[TenantId] = []
    try:
        yield database
        tenants = [each.name for each in database.tenants()]
    finally:
        database.close()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
            for tenant in tenants:
                for role in (role_of(tenant), analyst_of(tenant)):
                    connection.execute(SQL("DROP ROLE {}").format(Identifier(role)))


def allow_in_all(database: Database, hour_max: int) -> None:
    with database.control_tx() as curs:
        curs.execute("UPDATE control.sending SET hour_max = %s", (hour_max,))


def made_tenant(database: Database) -> TenantId:
    name = TenantId(f"x{SystemRng().new_id().hex[:12]}")
    create_tenant(database, name, tag=f"tag-{name}")
    return name


def forget_usage(database: Database, tenants: Sequence[TenantId]) -> None:
    """Nobody has sent anything yet."""
    with database.control_tx() as curs:
        curs.execute("DELETE FROM control.usage")
    for tenant in tenants:
        with database.tenant_tx(tenant) as curs:
            Statements(schema_of(tenant)).run(transaction(curs), "DELETE FROM {s}.usage")
