"""`antiphon sending`: everything of a tenant, or of all tenants, stopped and let go."""

from typing import Any

import click
import psycopg

from domain.acts import Act
from handlers.api import sending_calls
from handlers.api.bodies import checked
from handlers.api.sending_calls import NeededReason
from handlers.sender_accounts import SendingShown
from infra.bootstrap import System
from infra.cli.operations import acting, call_of
from infra.cli.outcome import WrongUse
from infra.cli.printing import json_option, print_json, say, why_option
from infra.cli.session import system
from infra.limits.stop_of_all import Stop, let_all_go, stop_all, stopped
from infra.settings import Settings

EPILOG = 'Example: antiphon sending pause acme --reason "wrong prices in the mails"'

tenant_or_all = click.argument("tenant", required=False)
all_option = click.option(
    "--all", "everybody", is_flag=True, help="Of all tenants of this installation."
)


@click.group(epilog=EPILOG)
def sending() -> None:
    """Stop all sending of a tenant, or of all tenants, at once, and let it go on."""


@sending.command(epilog="Example: antiphon sending show acme")
@tenant_or_all
@all_option
@json_option
@click.pass_obj
def show(settings: Settings, tenant: str | None, *, everybody: bool, as_json: bool) -> None:
    """Show whether a tenant, or all of them, may send."""
    with system(settings) as found:
        if _of_all(tenant, everybody=everybody):
            _tell_all(stopped(found.database), as_json=as_json)
        else:
            _tell(found, str(tenant), sending_calls.rules(call_of(found, str(tenant))), as_json)


@sending.command(epilog=EPILOG)
@tenant_or_all
@all_option
@why_option
@json_option
@click.pass_obj
def pause(settings: Settings, /, tenant: str | None, reason: str, **how: bool) -> None:
    """Let nothing leave from this instant on; what is on the wire arrives. Nothing expires by it.

    With --all the reason is kept beside the stop, not in a tenant's vault: name no people in it.
    """
    given = checked(NeededReason, {"reason": reason}, part="options")
    with system(settings) as found:
        if _of_all(tenant, everybody=how["everybody"]):
            stop_all(found.database, reason, found.clock.now())
            _record_for_all(found, Act.ALL_SENDING_PAUSE)
            _tell_all(stopped(found.database), as_json=how["as_json"])
        else:
            shown = sending_calls.pause_sending(call_of(found, str(tenant), body=given))
            _tell(found, str(tenant), shown, how["as_json"])


@sending.command(epilog='Example: antiphon sending resume acme --reason "prices are right now"')
@tenant_or_all
@all_option
@why_option
@json_option
@click.pass_obj
def resume(settings: Settings, /, tenant: str | None, reason: str, **how: bool) -> None:
    """Let it send again: what waited leaves now, as its limits allow.

    With --all each tenant that was paused by itself stays so.
    """
    given = checked(NeededReason, {"reason": reason}, part="options")
    with system(settings) as found:
        if _of_all(tenant, everybody=how["everybody"]):
            let_all_go(found.database, found.clock.now())
            _record_for_all(found, Act.ALL_SENDING_RESUME)
            _tell_all(stopped(found.database), as_json=how["as_json"])
        else:
            shown = sending_calls.resume_sending(call_of(found, str(tenant), body=given))
            _tell(found, str(tenant), shown, how["as_json"])


def _record_for_all(found: System, act: Act) -> None:
    """In each tenant's log; afterwards, for what stops everything waits for no record."""
    for tenant in found.database.tenants():
        try:
            with acting(found, tenant.name, act):
                pass
        except psycopg.Error as error:
            say(f"not recorded for {tenant.name}: {type(error).__name__}")


def _of_all(tenant: str | None, *, everybody: bool) -> bool:
    if everybody == (tenant is not None):
        raise WrongUse("name a tenant, or give --all for all of them")
    return everybody


def _tell_all(stop: Stop | None, *, as_json: bool) -> None:
    if as_json:
        told: dict[str, Any] = {"paused": stop is not None}
        print_json(told if stop is None else {**told, "since": stop.since, "reason": stop.reason})
    else:
        click.echo(_stop_told(stop) if stop else "all tenants may send")


def _tell(found: System, tenant: str, shown: SendingShown, as_json: bool) -> None:  # noqa: FBT001  # private
    if as_json:
        print_json(shown)
        return
    paused, stop = shown.rules.paused, stopped(found.database)
    if paused:
        click.echo(f"{tenant} sends nothing ({paused})")
    if stop is not None:
        click.echo(_stop_told(stop))
    if not paused and stop is None:
        click.echo(f"{tenant} sends")


def _stop_told(stop: Stop) -> str:
    since = f" since {stop.since:%Y-%m-%d %H:%M} UTC" if stop.since else ""
    return f"nothing is sent for any tenant{since} ({stop.reason})"
