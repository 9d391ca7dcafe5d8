"""`antiphon contact-campaign`: one contact in one campaign: looked at, paused, resumed, stopped."""

from collections.abc import Callable, Iterator
from typing import get_args
from uuid import UUID

import click

from handlers.api import journey_calls
from handlers.api.bodies import checked
from handlers.api.calls import Call, Reason
from handlers.api.journey_calls import ContactCampaignShown, Status, WhichJourneys
from handlers.services import ContactCampaignRow
from infra.cli.operations import call_of
from infra.cli.paging import page_options, print_page
from infra.cli.printing import json_option, print_json, reason_option
from infra.cli.session import system, with_campaign_id
from infra.settings import Settings

EXAMPLE_ID = "6a1f0c9e-2b7d-5e43-9a57-0d4c1b8e2f10"
EPILOG = f"Example: antiphon contact-campaign pause acme {EXAMPLE_ID} --reason holiday"


@click.group("contact-campaign", epilog=EPILOG)
def contact_campaign() -> None:
    """Look at one contact in one campaign; pause, resume, stop it."""


@contact_campaign.command(
    "list", epilog="Example: antiphon contact-campaign list acme --campaign autumn --status paused"
)
@click.argument("tenant")
@click.option("--campaign", help="Of this campaign only, by its name or id.")
@click.option("--status", type=click.Choice(get_args(Status)), help="Only these.")
@page_options()
@json_option
@click.pass_obj
def list_(settings: Settings, /, tenant: str, *, as_json: bool, **given: str | int | None) -> None:
    """List contact-campaigns in the order of their ids."""
    with system(settings) as found:
        query = checked(WhichJourneys, with_campaign_id(found, tenant, given), part="options")
        page = journey_calls.page(call_of(found, tenant, query=query))
    print_page(page, ("id", "status", "node", "outcome", "changed (UTC)"), _row, as_json=as_json)


@contact_campaign.command(epilog=f"Example: antiphon contact-campaign show acme {EXAMPLE_ID}")
@click.argument("tenant")
@click.argument("id_", metavar="CONTACT_CAMPAIGN", type=click.UUID)
@json_option
@click.pass_obj
def show(settings: Settings, tenant: str, id_: UUID, *, as_json: bool) -> None:
    """Show where it stands; `timeline` tells how it came there."""
    with system(settings) as found:
        shown = journey_calls.one(call_of(found, tenant, about=id_))
    _tell(shown, as_json=as_json)


@contact_campaign.command(epilog=EPILOG)
@click.argument("tenant")
@click.argument("id_", metavar="CONTACT_CAMPAIGN", type=click.UUID)
@reason_option
@json_option
@click.pass_obj
def pause(settings: Settings, tenant: str, id_: UUID, reason: str, *, as_json: bool) -> None:
    """Stop its clock: nothing leaves and no timer fires. Safe to repeat."""
    _tell(_ordered(settings, tenant, id_, (journey_calls.do_pause, reason)), as_json=as_json)


@contact_campaign.command(epilog=f"Example: antiphon contact-campaign resume acme {EXAMPLE_ID}")
@click.argument("tenant")
@click.argument("id_", metavar="CONTACT_CAMPAIGN", type=click.UUID)
@reason_option
@json_option
@click.pass_obj
def resume(settings: Settings, tenant: str, id_: UUID, reason: str, *, as_json: bool) -> None:
    """Let its clock run again: all that waited moves by the pause. Safe to repeat."""
    _tell(_ordered(settings, tenant, id_, (journey_calls.do_resume, reason)), as_json=as_json)


@contact_campaign.command(epilog=f"Example: antiphon contact-campaign stop acme {EXAMPLE_ID}")
@click.argument("tenant")
@click.argument("id_", metavar="CONTACT_CAMPAIGN", type=click.UUID)
@reason_option
@json_option
@click.pass_obj
def stop(settings: Settings, tenant: str, id_: UUID, reason: str, *, as_json: bool) -> None:
    """End it for good. Safe to repeat."""
    _tell(_ordered(settings, tenant, id_, (journey_calls.do_stop, reason)), as_json=as_json)


_Order = tuple[Callable[[Call], ContactCampaignShown], str]


def _ordered(settings: Settings, tenant: str, id_: UUID, order: _Order) -> ContactCampaignShown:
    perform, reason = order
    given = checked(Reason, {"reason": reason}, part="options")
    with system(settings) as found:
        return perform(call_of(found, tenant, about=id_, body=given))


def _row(row: ContactCampaignRow) -> tuple[object, ...]:
    return row.id, row.status, row.node, row.outcome, f"{row.changed_at:%Y-%m-%d %H:%M}"


def _tell(shown: ContactCampaignShown, *, as_json: bool) -> None:
    if as_json:
        print_json(shown)
        return
    click.echo(f"{shown.id} is {shown.status}")
    for word, text in _facts(shown):
        click.echo(f"  {word:<9}{text}")


def _facts(shown: ContactCampaignShown) -> Iterator[tuple[str, object]]:
    yield "campaign", shown.campaign_id
    yield "contact", f"{shown.contact_id}, run {shown.run}"
    if shown.node:
        yield "node", f"{shown.node}, {shown.phase}" if shown.phase else shown.node
    if shown.outcome:
        yield "outcome", shown.outcome
    if shown.paused_at:
        yield "paused", f"since {shown.paused_at:%Y-%m-%d %H:%M} UTC"
    if shown.waiting_message_id:
        yield "message", f"{shown.waiting_message_id} waits"
    yield "sent", shown.sends
