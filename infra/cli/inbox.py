"""`antiphon inbox`: reports of providers that came to nothing, and another try."""

import click
from msgspec.structs import replace

from handlers.api import queue_calls
from handlers.api.bodies import checked
from handlers.api.queue_calls import WhichLetters
from handlers.dead_letters import DeadLetter
from infra.cli.operations import call_of
from infra.cli.paging import page_options, print_page
from infra.cli.printing import json_option, print_json
from infra.cli.session import system
from infra.settings import Settings

EPILOG = "Example: antiphon inbox list acme --state orphan"
STATES = ("parked", "orphan", "new", "claimed")


@click.group(epilog=EPILOG)
def inbox() -> None:
    """Look at reports of providers that came to nothing, and have them tried again."""


@inbox.command("list", epilog=EPILOG)
@click.argument("tenant")
@click.option("--state", type=click.Choice(STATES), default="parked", show_default=True)
@page_options()
@json_option
@click.pass_obj
def list_(settings: Settings, /, tenant: str, *, as_json: bool, **given: str | int | None) -> None:
    """List reports, oldest first: set aside (parked), or about no message we know (orphan)."""
    query = checked(WhichLetters, given, part="options")
    with system(settings) as found:
        page = queue_calls.letters(call_of(found, tenant, query=query))
    head = ("id", "received (UTC)", "provider", "kind", "why", "tries", "next try (UTC)")
    print_page(page, head, _row, as_json=as_json)


@inbox.command(epilog="Example: antiphon inbox release acme 1203")
@click.argument("tenant")
@click.argument("number", metavar="ID", type=click.IntRange(1))
@json_option
@click.pass_obj
def release(settings: Settings, tenant: str, number: int, *, as_json: bool) -> None:
    """Have a report tried again; what mended it since decides what becomes of it."""
    with system(settings) as found:
        call = replace(call_of(found, tenant), path={"number": number})
        released = queue_calls.do_release_letter(call)
    if as_json:
        print_json(released)
    else:
        click.echo(f"{released.id} ({released.kind}) is {released.state}")


def _row(one: DeadLetter) -> tuple[object, ...]:
    again = "" if one.next_try_at is None else f"{one.next_try_at:%Y-%m-%d %H:%M}"
    received = f"{one.received_at:%Y-%m-%d %H:%M}"
    return one.id, received, one.provider, one.kind, one.reason, one.tries, again
