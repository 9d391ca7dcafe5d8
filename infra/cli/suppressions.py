"""`antiphon suppressions`: addresses that must not be written to."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from domain.taxonomy import Family
from handlers.api import setting_calls
from handlers.api.bodies import checked
from handlers.api.calls import Page
from handlers.api.setting_calls import (
    ITEMS_MAX,
    LiftedSuppression,
    NewSuppressions,
    Suppressed,
    SuppressionShown,
)
from infra.cli.operations import call_of
from infra.cli.outcome import WrongUse
from infra.cli.paging import page_options, print_page
from infra.cli.printing import json_option, print_json, why_option
from infra.cli.reading import FILE
from infra.cli.session import system
from infra.settings import Settings

EPILOG = "Example: antiphon suppressions add acme ada@home.example --reason asked_by_phone"
WORD = "A word of small letters and underscores, kept with the ban."
family_option = click.option(
    "--family",
    type=click.Choice([one.value for one in Family]),
    default=Family.EMAIL.value,
    show_default=True,
    help="What kind of address it is.",
)


@click.group(epilog=EPILOG)
def suppressions() -> None:
    """Say whom nobody may write to, lift that, list who is on the list."""


@suppressions.command("list", epilog="Example: antiphon suppressions list acme --limit 500")
@click.argument("tenant")
@page_options()
@json_option
@click.pass_obj
def list_(settings: Settings, /, tenant: str, *, as_json: bool, **given: str | int | None) -> None:
    """List bans by the keyed digests of their addresses: the addresses are not kept."""
    query = checked(Page, given, part="options")
    with system(settings) as found:
        page = setting_calls.suppressions(call_of(found, tenant, query=query))
    head = ("digest of the address", "kind", "reason", "source", "since (UTC)")
    print_page(page, head, _row, as_json=as_json)


@suppressions.command(epilog=EPILOG)
@click.argument("tenant")
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
@click.option("--file", type=FILE, help="A text file with an address on each line.")
@family_option
@click.option("--reason", default="manual", show_default=True, help=WORD)
@json_option
@click.pass_obj
def add(
    settings: Settings,
    /,
    tenant: str,
    addresses: Sequence[str],
    *,
    file: Path | None,
    as_json: bool,
    **given: str,
) -> None:
    """Ban addresses, from the next claim on. Safe to repeat: the first reason stays."""
    wanted = [*addresses, *(_lines(file) if file else ())]
    if not wanted:
        raise WrongUse("give one or more addresses, or a --file of them")
    bodies = [
        checked(
            NewSuppressions, {"items": [{**given, "address": one} for one in some]}, part="list"
        )
        for some in _batches(wanted)
    ]
    with system(settings) as found:
        done = [setting_calls.suppress(call_of(found, tenant, body=body)) for body in bodies]
    banned = Suppressed(sum(one.suppressed for one in done))
    if as_json:
        print_json(banned)
    else:
        noun = "address" if banned.suppressed == 1 else "addresses"
        click.echo(f"{banned.suppressed} {noun} suppressed")


@suppressions.command(
    epilog="Example: antiphon suppressions remove acme ada@home.example "
    '--reason "asked to be written to again"'
)
@click.argument("tenant")
@click.argument("address")
@family_option
@why_option
@json_option
@click.pass_obj
def remove(settings: Settings, /, tenant: str, *, as_json: bool, **given: str) -> None:
    """Lift a ban, whatever it came from; the provider's own list is not touched."""
    body = checked(LiftedSuppression, given, part="options")
    with system(settings) as found:
        lifted = setting_calls.lift(call_of(found, tenant, body=body))
    if as_json:
        print_json(lifted)
    else:
        click.echo("lifted: it may be written to again")


def _row(one: SuppressionShown) -> tuple[object, ...]:
    since = f"{one.suppressed_at:%Y-%m-%d %H:%M}"
    return one.address_hmac, one.family, one.reason, one.source, since


def _lines(file: Path) -> Iterator[str]:
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise WrongUse(f"{file} is not in UTF-8") from None
    return (line.strip() for line in text.splitlines() if line.strip())


def _batches(wanted: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(wanted), ITEMS_MAX):
        yield wanted[start : start + ITEMS_MAX]
