"""`antiphon endpoint`: where webhook nodes may call."""

import click

from handlers.api import endpoint_calls
from handlers.api.bodies import checked
from handlers.api.endpoint_calls import AddedEndpoint, RemovedEndpoint
from handlers.api.paging import Listed
from handlers.errors import NotHere
from infra.cli.operations import call_of
from infra.cli.outcome import end_unless
from infra.cli.printing import json_option, print_json, print_table, say
from infra.cli.session import system
from infra.settings import Settings

EPILOG = "Example: antiphon endpoint add acme crm https://hooks.acme.example/antiphon"


@click.group(epilog=EPILOG)
def endpoint() -> None:
    """Register the addresses that webhook nodes may call."""


@endpoint.command(epilog=EPILOG)
@click.argument("tenant")
@click.argument("name")
@click.argument("url")
@json_option
@click.pass_obj
def add(settings: Settings, tenant: str, name: str, url: str, *, as_json: bool) -> None:
    """Register an address and print the secret that signs its calls, this once.

    NAME is what plans call it by.
    """
    given = checked(AddedEndpoint, {"name": name, "url": url})
    with system(settings) as found:
        made = endpoint_calls.add(call_of(found, tenant, body=given))
    if as_json:
        print_json(made)
    else:
        click.echo(made.secret)
        say("keep it: it is not shown again; the receiver verifies webhook-signature with it")


@endpoint.command("list", epilog="Example: antiphon endpoint list acme")
@click.argument("tenant")
@json_option
@click.pass_obj
def list_(settings: Settings, tenant: str, *, as_json: bool) -> None:
    """List the registered endpoints."""
    with system(settings) as found:
        endpoints = call_of(found, tenant).tenant.endpoints.all()
    listed = Listed([endpoint_calls.shown(one) for one in endpoints])
    if as_json:
        print_json(listed)
    else:
        rows = [(one.name, one.url, f"{one.created_at:%Y-%m-%d}") for one in listed.items]
        print_table(("name", "url", "added"), rows)


@endpoint.command(epilog="Example: antiphon endpoint remove acme crm")
@click.argument("tenant")
@click.argument("name")
@json_option
@click.pass_obj
def remove(settings: Settings, tenant: str, name: str, *, as_json: bool) -> None:
    """Take an endpoint away; calls that are due for it fail. 1 when there was none."""
    given = checked(RemovedEndpoint, {"name": name})
    with system(settings) as found:
        try:
            removed = endpoint_calls.remove(call_of(found, tenant, body=given)).removed
        except NotHere:
            removed = False
    if as_json:
        print_json({"name": name, "removed": removed})
    elif removed:
        click.echo(f"removed {name}")
    else:
        say(f"{tenant} has no endpoint {name}")
    end_unless(removed)
