"""`antiphon rules`: the tenant's rules of sending."""

from collections.abc import Sequence

import click
from msgspec.structs import asdict

from handlers.api import sending_calls
from handlers.api.bodies import checked
from handlers.api.sending_calls import NewRules
from handlers.sender_accounts import SendingShown, sending_orders
from infra.cli.operations import call_of
from infra.cli.outcome import WrongUse
from infra.cli.printing import json_option, print_json, print_table, reason_option
from infra.cli.sender_shown import print_orders
from infra.cli.session import system
from infra.settings import Settings

EPILOG = "Example: antiphon rules set acme tenant_hour_max=2000 weekend=reduced"


@click.group(epilog=EPILOG)
def rules() -> None:
    """Show and change the rules of a tenant's sending: limits, weekend, gaps, pace."""


@rules.command(epilog="Example: antiphon rules show acme")
@click.argument("tenant")
@json_option
@click.pass_obj
def show(settings: Settings, tenant: str, *, as_json: bool) -> None:
    """Show the rules in force, how much of the tenant's own limit is used, and the latest orders.

    Orders are changes of rules, and pauses of all sending: who gave them, and the reason.
    """
    with system(settings) as found:
        call = call_of(found, tenant)
        shown, orders = sending_calls.rules(call), sending_orders(call.tenant.ports)
    if as_json:
        print_json({**asdict(shown), "orders": orders})
        return
    _print(shown, as_json=False)
    print_orders(orders)


@rules.command("set", epilog=EPILOG)
@click.argument("tenant")
@click.argument("changes", nargs=-1, required=True, metavar="NAME=VALUE...")
@reason_option
@json_option
@click.pass_obj
def set_(
    settings: Settings, tenant: str, changes: Sequence[str], reason: str, *, as_json: bool
) -> None:
    """Change rules: all that are given, or none where one of them cannot be.

    NAME is one that `rules show` shows, all but paused. `weekend` takes hard_stop (nothing leaves
    on Saturdays and Sundays), reduced (weekend_percent of the limits of a day) or none (no rule:
    as on any day). Limits end with _max, days, hours and seconds with _days, _h and _s.
    """
    given = checked(NewRules, {**dict(map(_pair, changes)), "reason": reason}, part="rules")
    with system(settings) as found:
        shown = sending_calls.change_rules(call_of(found, tenant, body=given))
    _print(shown, as_json=as_json)


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not value or name == "reason":
        raise WrongUse(f"{text!r}: give NAME=VALUE, such as tenant_hour_max=2000")
    return name, value


def _print(shown: SendingShown, *, as_json: bool) -> None:
    if as_json:
        print_json(shown)
        return
    print_table(("rule", "value"), [(name, _word(v)) for name, v in asdict(shown.rules).items()])
    for used in shown.usage:
        click.echo(f"{used.limit_name}: {used.used} of {used.limit} used")
    for full in shown.reached:
        of = f" of {full.key}" if full.key else ""
        click.echo(f"{full.limit_name}{of}: used up until {full.until:%Y-%m-%d %H:%M} UTC")


def _word(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value == "" else value
