"""`antiphon tenant`."""

import click

from domain.ids import TenantId, schema_of
from infra.cli.printing import json_option, print_json, print_table, say
from infra.cli.session import system
from infra.migrations.run import create_tenant
from infra.settings import Settings

TAG_CHARACTERS = 12
"""Short enough for the local part of an address together with a message's id."""


@click.group(epilog="Example: antiphon tenant add acme")
def tenant() -> None:
    """Add and list tenants."""


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
