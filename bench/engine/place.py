"""A tenant to be measured: real stores, wide limits, a clock that is moved by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import msgspec
from psycopg.sql import SQL, Identifier
from pydantic import SecretStr

from bench.running.tenant import BY_BENCH, MANY, SAM, WIDE
from domain import accounts
from domain.ids import CampaignId, ContactId, TenantId, schema_of
from handlers.contacts import ContactRow
from handlers.ports import CampaignRow
from infra.bootstrap import System
from infra.clock import VirtualClock
from infra.embedded.servers import ServerUrls
from infra.migrations.run import create_tenant, migrate
from infra.sandbox.keys import SigningKey
from infra.settings import Settings
from infra.statements import Row, Statements, transaction
from infra.tenancy import analyst_of, role_of
from infra.vault.register import SqlRegister

BEGINS = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
"""A Monday morning."""
PEPPER = "a pepper for benchmarks, no secret"
TAG_LENGTH = 10
CHUNK = 500


class Place(msgspec.Struct, frozen=True):
    """Where a tenant is; enough for another process to work on it."""

    servers: ServerUrls
    home: str
    tenant: TenantId
    campaign: CampaignId
    contacts: tuple[ContactId, ...] = ()
    signing_pem: bytes = b""


def settings_of(home: Path | str, servers: ServerUrls, **given: Any) -> Settings:  # noqa: ANN401  # whatever settings there are
    """The settings of every process that is measured."""
    return Settings(
        home=Path(home),
        database_url=SecretStr(servers.database_url),
        redis_url=SecretStr(servers.redis_url),
        pepper=SecretStr(PEPPER),
        public_url="http://antiphon.example",
        sendgrid_api_key=SecretStr("key"),
        **given,
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """The same settings for a process of ours that is started by its command."""
    values = settings.model_dump(exclude_defaults=True)
    revealed = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in values.items()
    }
    return {f"ANTIPHON_{name.upper()}": value for name, value in revealed.items()}


@contextmanager
def opened(place: Place, *, worker: str = "bench", pool: int = 10) -> Iterator[System]:
    """Everything of one process, on a virtual clock."""
    system = System(settings_of(place.home, place.servers), place.servers, worker=worker, pool=pool)
    system.clock = VirtualClock(BEGINS)
    try:
        yield system
    finally:
        system.close()


def make_place(servers: ServerUrls, home: Path | str, name: str, contacts: int) -> Place:
    """A new tenant with an active campaign and so many contacts."""
    tenant = TenantId(name)
    key = SigningKey.generate()
    bare = Place(servers, str(home), tenant, _NOBODY)
    with opened(bare) as system:
        migrate(system.database)
        create_tenant(system.database, tenant, tag=uuid5(_NOBODY, name).hex[:TAG_LENGTH])
        _open_wide(system, tenant, key)
        row = _campaign(system, tenant)
        people = _people(system, tenant, contacts)
    return Place(servers, str(home), tenant, row.campaign_id, tuple(people), key.pem())


def with_contacts(place: Place, contacts: int, first: int) -> Place:
    """The same tenant, with so many new contacts that come after others."""
    with opened(place) as system:
        people = _people(system, place.tenant, contacts, first)
    return msgspec.structs.replace(place, contacts=tuple(people))


def drop_place(place: Place) -> None:
    """Leave nothing of a tenant, so that the next round begins as the first did."""
    schema = Identifier(schema_of(place.tenant))
    with opened(place) as system, system.database.direct() as owner:
        owner.execute("SET statement_timeout = 0")
        owner.execute("SET lock_timeout = '60s'")
        owner.execute(SQL("DROP SCHEMA {} CASCADE").format(schema))
        for role in (role_of(place.tenant), analyst_of(place.tenant)):
            owner.execute(SQL("DROP OWNED BY {}").format(Identifier(role)))
        owner.execute("DELETE FROM control.webhook_keys WHERE tenant = %s", (place.tenant,))
        owner.execute("DELETE FROM control.tenants WHERE name = %s", (place.tenant,))


def rows(system: System, tenant: TenantId, text: Any, **params: Any) -> list[Row]:  # noqa: ANN401  # a literal and its values
    """What a query of the tenant's schema finds."""
    with system.database.tenant_tx(tenant) as curs:
        curs.execute("SET LOCAL statement_timeout = 0")
        return Statements(schema_of(tenant)).rows(transaction(curs), text, params)


_NOBODY = CampaignId(UUID(int=0))


def _open_wide(system: System, tenant: TenantId, key: SigningKey) -> None:
    ports = system.ports(tenant)
    SqlRegister(system.database, tenant, system.accounts(tenant)).put_sender(SAM)
    decide = partial(accounts.change_rules, changes=WIDE, at=BEGINS)
    ports.accounts.order_sending(decide, BY_BENCH)
    with system.database.control_tx() as curs:
        curs.execute("DELETE FROM control.usage")  # every round begins on the same Monday
        curs.execute("UPDATE control.sending SET hour_max = %s, paused = false", (MANY,))
        curs.execute(
            "INSERT INTO control.webhook_keys (tenant, provider, public_key)"
            " VALUES (%s, 'sendgrid', %s)",
            (tenant, key.public_key_base64()),
        )


def _campaign(system: System, tenant: TenantId) -> CampaignRow:
    row = CampaignRow(
        campaign_id=CampaignId(system.rng.new_id()),
        name="benchmark",
        description="",
        status="active",
        sender=SAM.sender,
        daily_limit=MANY,
        created_at=BEGINS,
    )
    SqlRegister(system.database, tenant, system.accounts(tenant)).add_campaign(row)
    return row


def _people(system: System, tenant: TenantId, count: int, first: int = 0) -> list[ContactId]:
    book, found = system.contacts(tenant), list[ContactId]()
    for start in range(first, first + count, CHUNK):
        given = [_person(number) for number in range(start, min(start + CHUNK, first + count))]
        found += [one.contact_id for one in book.put(given)]
    return found


def _person(number: int) -> ContactRow:
    return ContactRow(
        external_id=str(uuid5(_NOBODY, f"crm-{number}")),
        email=address(number),
        first_name="Dana",
        last_name=f"Okafor {number}",
        title="Head of Operations",
        company=f"Harbor Freightways {number % 977}",
        city="Lisbon",
        timezone="UTC",
    )


def address(number: int) -> str:
    """The address of a contact; some share a domain."""
    return f"dana.{number}@harbor{number % 977}.example"
