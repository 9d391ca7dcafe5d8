"""`antiphon tenant`."""

import click
import msgspec
from msgspec.structs import asdict, replace

from domain.acts import Act
from domain.ids import TenantId, schema_of
from infra.cli.operations import acting
from infra.cli.printing import json_option, print_json, print_table, say
from infra.cli.session import system
from infra.migrations.run import create_tenant
from infra.retention import Periods, periods_of, set_periods
from infra.settings import Settings
from infra.tenancy import Tenant

TAG_CHARACTERS = 12
"""Short enough for the local part of an address together with a message's id."""


@click.group(epilog="Example: antiphon tenant add acme")
def tenant() -> None:
    """Add and list tenants; say how long what is kept."""


@tenant.command(epilog="Example: antiphon tenant add acme")
@click.argument("name")
@json_option
@click.pass_obj
def add(settings: Settings, name: str, *, as_json: bool) -> None:
    """Make a tenant with a schema and a database role of its own. Safe to repeat."""
    with system(settings) as found:
        tag = found.rng.new_id().hex[:TAG_CHARACTERS]
        created = create_tenant(found.database, TenantId(name), tag=tag)
        made = found.tenant(name)
    if as_json:
        schema = schema_of(made.name)
        print_json({"name": name, "tag": made.tag, "schema": schema, "created": created})
    elif created:
        click.echo(f"added {name}; next: antiphon key add {name} --role admin")
    else:
        say(f"{name} is there already; nothing changed")


@tenant.command(name="list", epilog="Example: antiphon tenant list")
@json_option
@click.pass_obj
def list_(settings: Settings, *, as_json: bool) -> None:
    """Show all tenants; the tag is what a tenant is called in mails and links."""
    with system(settings) as found:
        tenants = found.database.tenants()
    if as_json:
        print_json({"items": [{"name": t.name, "tag": t.tag, "policy": t.policy} for t in tenants]})
    elif tenants:
        print_table(("name", "tag"), [(each.name, each.tag) for each in tenants])
    else:
        say("there is no tenant yet; add one with: antiphon tenant add NAME")


@tenant.command(epilog="Example: antiphon tenant retention acme --raw-days 14")
@click.argument("name")
@click.option(
    "--raw-days",
    type=click.IntRange(7, 90),
    help="Of raw webhook deliveries and the reports in them.",
)
@click.option(
    "--texts-days",
    type=click.IntRange(60, 3650),
    help="Of rendered mails, replies, notices and answers of providers.",
)
@json_option
@click.pass_obj
def retention(
    settings: Settings, name: str, *, raw_days: int | None, texts_days: int | None, as_json: bool
) -> None:
    """Show how long what is kept, and change it; the log of facts is never forgotten."""
    with system(settings) as found:
        before = found.tenant(name)
        old = _periods(before)
        periods = _changed(old or Periods(), raw_days, texts_days)
        if raw_days is not None or texts_days is not None:
            changes = ({} if old is None else asdict(old)), asdict(periods)
            with acting(found, before.name, Act.RETENTION_SET, changes=changes):
                set_periods(found.database, before.name, periods)
    if as_json:
        print_json(periods)
    else:
        click.echo(f"raw deliveries {periods.raw_days} days, texts {periods.texts_days} days")


def _periods(tenant: Tenant) -> Periods | None:
    """The periods as they are; None where they cannot be read."""
    try:
        return periods_of(tenant)
    except msgspec.ValidationError:
        return None


def _changed(before: Periods, raw_days: int | None, texts_days: int | None) -> Periods:
    """The periods as they were but for what was given."""
    return replace(
        before,
        raw_days=before.raw_days if raw_days is None else raw_days,
        texts_days=before.texts_days if texts_days is None else texts_days,
    )
