"""`antiphon key`: API keys, each shown once."""

import click

from domain.acts import Act
from domain.ids import TenantId
from handlers.access import Role
from infra.cli.operations import acting
from infra.cli.outcome import end_unless
from infra.cli.printing import json_option, print_json, say
from infra.cli.session import system
from infra.keys import add_key, new_key_id, revoke_key, tenant_of_key
from infra.settings import Settings


@click.group(epilog="Example: antiphon key add acme --role admin")
def key() -> None:
    """Add and revoke API keys."""


@key.command(epilog="Example: antiphon key add acme --role planner")
@click.argument("tenant")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@json_option
@click.pass_obj
def add(settings: Settings, tenant: str, role: str, *, as_json: bool) -> None:
    """Make a key and print it, this once."""
    with system(settings) as found:
        name: TenantId = found.tenant(tenant).name
        known = new_key_id()
        with acting(found, name, Act.KEY_ADD, known, ({}, {"role": role})):
            made = add_key(found.database, name, role, pepper=found.pepper, key_id=known)
    if as_json:
        print_json({"id": made.key_id, "tenant": name, "role": role, "key": made.text})
    else:
        click.echo(made.text)
        say(f"keep it: it is not shown again (to revoke it: antiphon key revoke {made.key_id})")


@key.command(epilog="Example: antiphon key revoke 3f9c0a1b2c3d")
@click.argument("key_id", metavar="ID")
@json_option
@click.pass_obj
def revoke(settings: Settings, key_id: str, *, as_json: bool) -> None:
    """Let a key open nothing any more; 1 when no such key is in force."""
    with system(settings) as found:
        tenant = tenant_of_key(found.database, key_id)
        revoked = tenant is not None
        if tenant is not None:
            with acting(found, tenant, Act.KEY_REVOKE, key_id):
                revoked = revoke_key(found.database, key_id)
    if as_json:
        print_json({"id": key_id, "revoked": revoked})
    elif revoked:
        click.echo(f"revoked {key_id}")
    else:
        say(f"no key {key_id} is in force")
    end_unless(revoked)
