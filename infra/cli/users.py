"""`antiphon user`: who may sign in to the console."""

import sys

import click

from domain.ids import TenantId
from handlers.access import Role
from infra.bootstrap import System
from infra.cli.outcome import WrongUse, end_unless
from infra.cli.printing import json_option, print_json, print_table, say
from infra.cli.session import system
from infra.settings import Settings
from infra.users import SqlUsers, UserRefused, drawn_password


@click.group(epilog="Example: antiphon user add acme ada@example.com --role agent")
def user() -> None:
    """Add, list and remove those who may sign in to the console."""


@user.command(epilog="Example: antiphon user add acme ada@example.com --role agent")
@click.argument("tenant")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--ask", is_flag=True, help="Ask for the password, twice.")
@click.option("--stdin", is_flag=True, help="Read the password from the first line of stdin.")
@json_option
@click.pass_obj
def add(  # noqa: PLR0913  # one argument an option
    settings: Settings, tenant: str, name: str, role: str, *, ask: bool, stdin: bool, as_json: bool
) -> None:
    """Let somebody sign in; without --ask or --stdin a password is drawn and printed, this once."""
    given = _given(ask=ask, stdin=stdin)
    password = given or drawn_password()
    with system(settings) as found:
        owner: TenantId = found.tenant(tenant).name
        try:
            made = _users(found).add(owner, name, role, password)
        except UserRefused as refused:
            raise WrongUse(str(refused)) from None
    shown = {} if given else {"password": password}
    if as_json:
        print_json({"id": made.user_id, "name": made.name, "tenant": owner, "role": role} | shown)
    elif given:
        click.echo(f"{made.name} may sign in")
    else:
        click.echo(password)
        say(f"the password of {made.name}; keep it: it is not shown again")


@user.command(name="list", epilog="Example: antiphon user list acme")
@click.argument("tenant")
@json_option
@click.pass_obj
def list_(settings: Settings, tenant: str, *, as_json: bool) -> None:
    """Show who may sign in for a tenant."""
    with system(settings) as found:
        users = _users(found).all(found.tenant(tenant).name)
    if as_json:
        print_json({"items": users})
    elif users:
        rows = [(one.name, one.role.value, one.user_id, one.signed_in_at) for one in users]
        print_table(("name", "role", "id", "last signed in"), rows)
    else:
        say(f"nobody may sign in; add one with: antiphon user add {tenant} NAME --role admin")


@user.command(epilog="Example: antiphon user remove acme ada@example.com")
@click.argument("tenant")
@click.argument("name")
@json_option
@click.pass_obj
def remove(settings: Settings, tenant: str, name: str, *, as_json: bool) -> None:
    """Let somebody sign in no more and end their sessions; 1 where nobody could."""
    with system(settings) as found:
        removed = _users(found).remove(found.tenant(tenant).name, name)
    if as_json:
        print_json({"name": name, "removed": removed})
    elif removed:
        click.echo(f"{name} may not sign in any more")
    else:
        say(f"no user {name} may sign in for {tenant}")
    end_unless(removed)


def _users(found: System) -> SqlUsers:
    return SqlUsers(found.database, pepper=found.pepper)


def _given(*, ask: bool, stdin: bool) -> str:
    """The password as it was given; empty where one is to be drawn."""
    if ask and stdin:
        raise WrongUse("give --ask or --stdin, not both")
    if ask:
        asked: str = click.prompt("password", hide_input=True, confirmation_prompt=True)
        return asked
    if not stdin:
        return ""
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise WrongUse("there is no password on stdin")
    return line
