"""Everything that the checklist looks at, read once from the running system."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import redis

from domain.accounts import Rules
from domain.ids import ContactId, MessageId, TenantId, schema_of
from domain.plan import Send
from domain.timing.opening import Hours
from handlers.links import Links
from handlers.ports import AccountRow, ListsOutOfReach, Mail, Person, Sender
from handlers.rendering import Content, RenderFailed, render
from infra.bootstrap import System
from infra.go_live.names import Names, NotAsked
from infra.providers.sendgrid.suppression_lists import SendGridApi
from infra.providers.sendgrid.webhook_settings import Hook, read_webhooks
from infra.readiness import behind
from infra.redis import RedisOutOfReach, probe
from infra.settings import Settings
from infra.statements import Row, Statements, transaction
from plans.compile import compile_plan

ROLES = ("web", "worker", "ticker", "projector")
LETTER_OLD = timedelta(days=1)
PLANS_MAX = 200
DKIM_SELECTORS = ("s1", "s2")
"""Those that SendGrid gives to a domain it has authenticated."""


class DomainSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The records of one domain; None: nobody could be asked."""

    spf: tuple[str, ...] | None = ()
    dkim: tuple[str, ...] | None = ()
    dmarc: tuple[str, ...] | None = ()


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant and the system that sends for it, as they were a moment ago."""

    settings: Settings
    public_url: str
    webhook_url: str
    rules: Rules
    senders: tuple[Sender, ...]
    accounts: tuple[AccountRow, ...]
    mails: Mapping[str, Mail | str]
    """A mail of each sender as it would leave, or why it cannot be rendered."""
    hours: Mapping[str, Hours]
    """Of every send of the newest plans, by plan and node."""
    domains: Mapping[str, DomainSeen]
    global_paused: bool
    global_hour_max: int
    admin_keys: int
    webhook_keys: tuple[str, ...]
    hooks: tuple[Hook, ...] | str
    """The webhooks of the provider's account, or why they could not be read."""
    beats: Mapping[str, float]
    """The newest sign of life of each role, seconds ago."""
    lag: int
    redis_fault: str
    letters: int
    contacts: int
    without_country: int
    unchecked: int


def look(system: System, tenant: TenantId, names: Names) -> Running:
    """Look at everything once; what cannot be reached is told as such."""
    ports = system.ports(tenant)
    rows = _Rows(system, tenant)
    accounts = ports.accounts.rows()
    gone = {row.sender for row in accounts if row.deleted}
    senders = tuple(each for each in ports.vault.senders().values() if each.sender not in gone)
    letters, contacts, without_country, unchecked = rows.of_tenant(_NUMBERS, letter_old=LETTER_OLD)[
        0
    ]
    paused, hour_max = rows.of_all(_GLOBAL)[0]
    links = system.links(ports.tag)
    return Running(
        settings=system.settings,
        public_url=system.public_url,
        webhook_url=f"{system.public_url}/webhooks/sendgrid/{tenant}",
        rules=ports.accounts.rules(),
        senders=senders,
        accounts=tuple(row for row in accounts if not row.deleted),
        mails={sender.sender: sample(sender, links) for sender in senders},
        hours=_hours(rows.of_tenant(_PLANS, limit=PLANS_MAX)),
        domains={name: _domain(names, name) for name in sorted(_domains(senders))},
        global_paused=paused,
        global_hour_max=hour_max,
        admin_keys=rows.of_all(_ADMINS, tenant=tenant)[0][0],
        webhook_keys=tuple(system.webhook_keys(tenant, "sendgrid")),
        hooks=_hooks(system.settings),
        beats={role: float(age) for role, age in rows.of_all(_BEATS)},
        lag=behind(system.database, tenant),
        redis_fault=_redis_fault(system.redis_url),
        letters=letters,
        contacts=contacts,
        without_country=without_country,
        unchecked=unchecked,
    )


class _Rows:
    def __init__(self, system: System, tenant: TenantId) -> None:
        self._database = system.database
        self._tenant = tenant

    def of_tenant(self, text: Any, **params: Any) -> list[Row]:  # noqa: ANN401  # a literal, values
        with self._database.tenant_tx(self._tenant) as curs:
            return Statements(schema_of(self._tenant)).rows(transaction(curs), text, params)

    def of_all(self, text: Any, **params: Any) -> list[Row]:  # noqa: ANN401  # a literal, values
        with self._database.control_tx() as curs:
            return list(curs.execute(text, params).fetchall())


def sample(sender: Sender, links: Links) -> Mail | str:
    """A mail of this sender to nobody, made by the code that makes all mails."""
    person = Person(
        contact_id=ContactId(_NOBODY), snapshot=1, vault_key=bytes(32), email="somebody@example.com"
    )
    content = Content(subject="A sample", text="Hello")
    try:
        return render(content, person, sender, message_id=MessageId(_NOBODY), links=links).mail
    except RenderFailed as error:
        return str(error) or type(error).__name__


def _hours(plans: Sequence[Row]) -> dict[str, Hours]:
    found: dict[str, Hours] = {}
    for plan_hash, document in plans:
        plan = compile_plan(json.loads(bytes(document)), plan_hash)
        sends = (node for node in plan.nodes.values() if isinstance(node, Send))
        found |= {f"{plan_hash[:15]}/{node.id}": node.hours for node in sends}
    return found


def _domains(senders: Sequence[Sender]) -> set[str]:
    return {sender.from_email.rpartition("@")[2].lower() for sender in senders}


def _domain(names: Names, domain: str) -> DomainSeen:
    return DomainSeen(
        spf=_texts(names, [domain], "v=spf1"),
        dkim=_texts(names, [f"{one}._domainkey.{domain}" for one in DKIM_SELECTORS], "p="),
        dmarc=_texts(names, [f"_dmarc.{one}" for one in _and_parents(domain)], "v=dmarc1"),
    )


def _texts(names: Names, asked: Sequence[str], mark: str) -> tuple[str, ...] | None:
    """The records of the first name that has such; None where an answer is missing."""
    missing = False
    for name in asked:
        try:
            found = tuple(text for text in names.texts(name) if mark in text.lower())
        except NotAsked:
            missing = True
            continue
        if found:
            return found
    return None if missing else ()


def _and_parents(domain: str) -> list[str]:
    """The domain and those above it down to two labels: where a policy may stand for it."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]


def _hooks(settings: Settings) -> tuple[Hook, ...] | str:
    key = settings.sendgrid_api_key
    if key is None:
        return "no API key is set"
    api = SendGridApi(
        key.get_secret_value(),
        settings.sendgrid_base_url,
        connect_s=settings.connect_timeout_s,
        total_s=settings.call_timeout_s,
    )
    try:
        return tuple(read_webhooks(api))
    except (ListsOutOfReach, msgspec.DecodeError) as error:
        return f"the account's webhooks could not be read: {error}"
    finally:
        api.close()


def _redis_fault(url: str) -> str:
    try:
        probe(url)
    except (RedisOutOfReach, redis.RedisError) as error:
        return str(error)
    return ""


_NOBODY = UUID(int=0)
_NUMBERS = """
SELECT (SELECT count(*) FROM {s}.webhook_inbox
         WHERE state IN ('orphan', 'parked') AND received_at < now() - %(letter_old)s),
       (SELECT count(*) FROM {s}.contacts),
       (SELECT count(*) FROM {s}.contacts WHERE country IS NULL),
       (SELECT count(*) FROM {s}.address_checks WHERE verdict = 'unchecked' AND due_at IS NOT NULL)
"""
_PLANS = "SELECT plan_hash, document FROM {s}.plans ORDER BY created_at DESC LIMIT %(limit)s"
_GLOBAL = "SELECT paused, hour_max FROM control.sending"
_ADMINS = """
SELECT count(*) FROM control.api_keys
 WHERE tenant = %(tenant)s AND role = 'admin' AND revoked_at IS NULL
   AND (expires_at IS NULL OR expires_at > now())
"""
_BEATS = """
SELECT role, extract(epoch FROM now() - max(beat_at))::float8 FROM control.heartbeats GROUP BY role
"""
