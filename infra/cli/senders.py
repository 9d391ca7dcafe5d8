"""`antiphon sender`: identities that messages leave from, and their accounts."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace
from pydantic import BaseModel

from handlers.api import sender_calls
from handlers.api.bodies import checked
from handlers.api.calls import LIMIT_MAX, Call, Page
from handlers.api.sender_calls import (
    Absence,
    NewSender,
    NewWarmup,
    RemovedSender,
    SenderReason,
    SetHealth,
)
from handlers.sender_accounts import SenderShown, sender_told
from infra.cli.operations import call_of
from infra.cli.outcome import WrongUse
from infra.cli.paging import page_options, print_page
from infra.cli.printing import json_option, print_json, print_table, reason_option, why_option
from infra.cli.reading import FILE, Instant, read_model
from infra.cli.sender_shown import event_row, print_orders, print_sender, row_of
from infra.cli.session import system
from infra.settings import Settings

EPILOG = """Example: antiphon sender add acme sam.json

\b
sam.json: {"sender": "sam", "from_email": "sam@mail.acme.example", "from_name": "Sam Okello",
           "reply_domain": "reply.acme.example", "verified": true,
           "postal_address": "Acme Ltd, 1 Harbour Street, Lisbon",
           "first_name": "Sam", "calendar_url": "https://cal.acme.example/sam",
           "profile": "mailbox", "zone": "Europe/Lisbon", "day_max": 40, "warmup": "default"}
Plans may use {{ sender.first_name }} and {{ sender.calendar_url }}."""


@click.group(epilog=EPILOG)
def sender() -> None:
    """Add the identities that messages leave from, look at them, give them orders."""


@sender.command(epilog=EPILOG)
@click.argument("tenant")
@click.argument("file", type=FILE)
@json_option
@click.pass_obj
def add(settings: Settings, tenant: str, file: Path, *, as_json: bool) -> None:
    """Write a sender account; one of the same name is overwritten."""
    given = read_model(NewSender, file)
    with system(settings) as found:
        written = sender_calls.put_sender(call_of(found, tenant, body=given))
    if as_json:
        print_json(written)
    else:
        state = "verified" if written.verified else "not verified: nothing leaves from it yet"
        click.echo(f"{written.sender} <{written.from_email}>, {state}")


@sender.command("list", epilog="Example: antiphon sender list acme")
@click.argument("tenant")
@json_option
@click.pass_obj
def list_(settings: Settings, tenant: str, *, as_json: bool) -> None:
    """List senders: whether they send, health, use of the day, warm-up."""
    with system(settings) as found:
        listed = sender_calls.senders(call_of(found, tenant))
    if as_json:
        print_json(listed)
    else:
        head = ("sender", "from", "state", "health", "hour", "day", "warm-up")
        print_table(head, [row_of(one) for one in listed.items])


@sender.command(epilog="Example: antiphon sender show acme sam")
@click.argument("tenant")
@click.argument("name")
@json_option
@click.pass_obj
def show(settings: Settings, tenant: str, name: str, *, as_json: bool) -> None:
    """Show one sender: caps and their use, health and how it came about, pauses, circuit, orders.

    Of orders the latest, with who gave them and the reason: `sender events` has all.
    """
    with system(settings) as found:
        call = call_of(found, tenant)
        listed = sorted(call.tenant.ports.vault.senders())
        if name not in listed:
            known = ", ".join(listed) or "none yet"
            raise WrongUse(f"{tenant} has no sender {name}; there is {known}")
        told = sender_told(call.tenant.ports, name, call.services.clock.now())
    _tell(told, as_json=as_json)
    if not as_json:
        print_orders(told.orders)


@sender.command(epilog="Example: antiphon sender events acme sam")
@click.argument("tenant")
@click.argument("name")
@page_options(LIMIT_MAX)
@json_option
@click.pass_obj
def events(
    settings: Settings, /, tenant: str, name: str, *, as_json: bool, **given: str | int | None
) -> None:
    """Tell all that happened to a sender account, oldest first, and who ordered it."""
    query = checked(Page, given, part="options")
    with system(settings) as found:
        page = sender_calls.told(_named(call_of(found, tenant, query=query), name))
    print_page(page, ("at (UTC)", "what", "how", "by", "reason"), event_row, as_json=as_json)


@sender.command(epilog='Example: antiphon sender pause acme sam --reason "on leave"')
@click.argument("tenant")
@click.argument("name")
@reason_option
@json_option
@click.pass_obj
def pause(settings: Settings, tenant: str, name: str, reason: str, *, as_json: bool) -> None:
    """Let nothing leave from a sender, at once."""
    _order(settings, (tenant, name), sender_calls.do_pause, SenderReason, as_json, reason=reason)


@sender.command(epilog='Example: antiphon sender resume acme sam --reason "list cleaned"')
@click.argument("tenant")
@click.argument("name")
@reason_option
@json_option
@click.pass_obj
def resume(settings: Settings, tenant: str, name: str, reason: str, *, as_json: bool) -> None:
    """Let messages leave from it again; a stop for complaints is lifted only with a reason."""
    _order(settings, (tenant, name), sender_calls.do_resume, SenderReason, as_json, reason=reason)


@sender.command(epilog="Example: antiphon sender verify acme sam")
@click.argument("tenant")
@click.argument("name")
@reason_option
@json_option
@click.pass_obj
def verify(settings: Settings, tenant: str, name: str, reason: str, *, as_json: bool) -> None:
    """Say that its address may be sent from."""
    _order(settings, (tenant, name), sender_calls.do_verify, SenderReason, as_json, reason=reason)


@sender.command(epilog='Example: antiphon sender health acme sam 80 --reason "one bad list"')
@click.argument("tenant")
@click.argument("name")
@click.argument("score", type=int, required=False)
@click.option("--until", type=Instant(), help="An instant; without it, until it is lifted.")
@why_option
@json_option
@click.pass_obj
def health(
    settings: Settings, /, tenant: str, name: str, *, as_json: bool, **given: int | datetime | str
) -> None:
    """Set its health by hand, 0 to 100; without a SCORE the reckoned one counts again."""
    _order(settings, (tenant, name), sender_calls.do_health, SetHealth, as_json, **given)


@sender.command(epilog="Example: antiphon sender away acme sam --until 2026-09-07T05:00:00Z")
@click.argument("tenant")
@click.argument("name")
@click.option("--until", type=Instant(), help="An instant; without it, until further notice.")
@reason_option
@json_option
@click.pass_obj
def away(
    settings: Settings, /, tenant: str, name: str, *, as_json: bool, **given: datetime | str
) -> None:
    """Say that nobody is there to read answers: nothing leaves meanwhile."""
    _order(settings, (tenant, name), sender_calls.do_away, Absence, as_json, **given)


@sender.command(epilog="Example: antiphon sender back acme sam")
@click.argument("tenant")
@click.argument("name")
@reason_option
@json_option
@click.pass_obj
def back(settings: Settings, tenant: str, name: str, reason: str, *, as_json: bool) -> None:
    """Say that somebody is there again."""
    _order(settings, (tenant, name), sender_calls.do_back, SenderReason, as_json, reason=reason)


@sender.command(epilog="Example: antiphon sender warmup acme sam 50 100 200 400")
@click.argument("tenant")
@click.argument("name")
@click.argument("caps", type=int, nargs=-1)
@click.option("--end", is_flag=True, help="End the warm-up that is under way.")
@click.option("--restart", is_flag=True, help="Begin anew at day 1, though one is under way.")
@reason_option
@json_option
@click.pass_obj
def warmup(
    settings: Settings,
    /,
    tenant: str,
    name: str,
    *,
    caps: Sequence[int],
    as_json: bool,
    **given: bool | str,
) -> None:
    """Raise its volume day by day: CAPS of the first day, the second ...; else the usual ones.

    A warm-up that is under way goes on: one of other caps is refused (1) without --restart.
    """
    end = given.pop("end")
    if end and (caps or given["restart"]):
        raise WrongUse("give the caps of the days to begin a warm-up, or --end to end one")
    table = [{"day": day, "cap": cap} for day, cap in enumerate(caps, 1)]
    schedule = "end" if end else table or "default"
    order = sender_calls.do_warmup
    _order(settings, (tenant, name), order, NewWarmup, as_json, schedule=schedule, **given)


@sender.command("reset-circuit", epilog="Example: antiphon sender reset-circuit acme sam")
@click.argument("tenant")
@click.argument("name")
@reason_option
@json_option
@click.pass_obj
def reset_circuit(
    settings: Settings, tenant: str, name: str, reason: str, *, as_json: bool
) -> None:
    """Have its provider called again, after what made it fail was mended."""
    order = sender_calls.do_reset_circuit
    _order(settings, (tenant, name), order, SenderReason, as_json, reason=reason)


@sender.command(epilog='Example: antiphon sender remove acme sam --reason "left the company"')
@click.argument("tenant")
@click.argument("name")
@why_option
@json_option
@click.pass_obj
def remove(settings: Settings, tenant: str, name: str, reason: str, *, as_json: bool) -> None:
    """Take a sender account away; what was to leave from it waits."""
    _order(settings, (tenant, name), sender_calls.remove, RemovedSender, as_json, reason=reason)


def _order(
    settings: Settings,
    about: tuple[str, str],
    perform: Callable[[Call], SenderShown],
    model: type[BaseModel],
    as_json: bool,  # noqa: FBT001  # inside
    **given: Any,  # noqa: ANN401  # fields of the model
) -> None:
    tenant, name = about
    body = checked(model, given, part="options")
    with system(settings) as found:
        shown = perform(_named(call_of(found, tenant, body=body), name))
    _tell(shown, as_json=as_json)


def _named(call: Call, name: str) -> Call:
    return replace(call, path={"name": name})


def _tell(shown: SenderShown, *, as_json: bool) -> None:
    if as_json:
        print_json(shown)
    else:
        print_sender(shown)
