"""`antiphon sending`: everything of a tenant, stopped and let go."""

import click

from handlers.api import sending_calls
from handlers.api.bodies import checked
from handlers.api.sending_calls import NeededReason
from handlers.sender_accounts import SendingShown
from infra.cli.operations import call_of
from infra.cli.printing import json_option, print_json, why_option
from infra.cli.session import system
from infra.settings import Settings

EPILOG = 'Example: antiphon sending pause acme --reason "wrong prices in the mails"'


@click.group(epilog=EPILOG)
def sending() -> None:
    """Stop all sending of a tenant at once, and let it go on."""


@sending.command(epilog=EPILOG)
@click.argument("tenant")
@why_option
@json_option
@click.pass_obj
def pause(settings: Settings, tenant: str, reason: str, *, as_json: bool) -> None:
    """Let nothing of the tenant leave from this instant on; what is on the wire arrives."""
    given = checked(NeededReason, {"reason": reason}, part="options")
    with system(settings) as found:
        shown = sending_calls.pause_sending(call_of(found, tenant, body=given))
    _tell(tenant, shown, as_json=as_json)


@sending.command(epilog='Example: antiphon sending resume acme --reason "prices are right now"')
@click.argument("tenant")
@why_option
@json_option
@click.pass_obj
def resume(settings: Settings, tenant: str, reason: str, *, as_json: bool) -> None:
    """Let the tenant send again; what is late by more than three days is skipped."""
    given = checked(NeededReason, {"reason": reason}, part="options")
    with system(settings) as found:
        shown = sending_calls.resume_sending(call_of(found, tenant, body=given))
    _tell(tenant, shown, as_json=as_json)


def _tell(tenant: str, shown: SendingShown, *, as_json: bool) -> None:
    if as_json:
        print_json(shown)
    else:
        paused = shown.rules.paused
        click.echo(f"{tenant} sends nothing ({paused})" if paused else f"{tenant} sends")
