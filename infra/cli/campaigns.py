"""`antiphon campaign`: the operations of the API, called by an operator."""

from collections.abc import Callable
from pathlib import Path

import click

from handlers.api import campaign_calls
from handlers.api.bodies import checked
from handlers.api.calls import Call, Page, Reason
from handlers.api.campaign_calls import CampaignShown, CampaignTold, NewCampaign, Ordered
from handlers.errors import NotAcceptable
from infra.cli.notes_shown import note_words
from infra.cli.operations import call_of
from infra.cli.paging import page_options, print_page
from infra.cli.plan_excerpt import shown_as
from infra.cli.printing import json_option, print_json, reason_option
from infra.cli.reading import FILE, read_model
from infra.cli.session import campaign_of, system
from infra.settings import Settings

EPILOG = """Example: antiphon campaign add acme autumn.json

\b
autumn.json: {"name": "autumn", "sender": "sam", "daily_limit": 50}"""


@click.group(epilog=EPILOG)
def campaign() -> None:
    """Add, list, show, launch, pause, resume, stop campaigns."""


@campaign.command(epilog=EPILOG)
@click.argument("tenant")
@click.argument("file", type=FILE)
@json_option
@click.pass_obj
def add(settings: Settings, tenant: str, file: Path, *, as_json: bool) -> None:
    """Make a campaign; it is a draft until it is launched."""
    given = read_model(NewCampaign, file)
    with system(settings) as found:
        try:
            made = campaign_calls.create(call_of(found, tenant, body=given))
        except NotAcceptable as error:
            raise NotAcceptable(f"{file} cannot be taken", error.errors) from None
    if as_json:
        print_json(made)
    else:
        click.echo(f"added {made.name} ({made.id}), a {made.status}: {_limit(made)}")


@campaign.command("list", epilog="Example: antiphon campaign list acme")
@click.argument("tenant")
@page_options()
@json_option
@click.pass_obj
def list_(settings: Settings, /, tenant: str, *, as_json: bool, **given: str | int | None) -> None:
    """List campaigns in the order of their ids."""
    query = checked(Page, given, part="options")
    with system(settings) as found:
        page = campaign_calls.page(call_of(found, tenant, query=query))
    head = ("id", "name", "status", "sender", "a day at most")
    print_page(page, head, _row, as_json=as_json)


@campaign.command(epilog="Example: antiphon campaign show acme autumn")
@click.argument("tenant")
@click.argument("campaign")
@json_option
@click.pass_obj
def show(settings: Settings, tenant: str, campaign: str, *, as_json: bool) -> None:
    """Show a campaign as configured, and the reasons of the orders to it."""
    with system(settings) as found:
        row = campaign_of(found, tenant, campaign)
        told = campaign_calls.one_told(call_of(found, tenant, campaign=row))
    if as_json:
        print_json(told)
    else:
        _print(told)


@campaign.command(epilog="Example: antiphon campaign launch acme autumn")
@click.argument("tenant")
@click.argument("campaign")
@reason_option
@json_option
@click.pass_obj
def launch(settings: Settings, tenant: str, campaign: str, reason: str, *, as_json: bool) -> None:
    """Let it run: what was enrolled starts. CAMPAIGN is a name or an id, here and below."""
    _told(_ordered(settings, tenant, campaign, campaign_calls.do_launch, reason), as_json=as_json)


@campaign.command(epilog="Example: antiphon campaign pause acme autumn")
@click.argument("tenant")
@click.argument("campaign")
@reason_option
@json_option
@click.pass_obj
def pause(settings: Settings, tenant: str, campaign: str, reason: str, *, as_json: bool) -> None:
    """Stop its sends at once; what is on the wire arrives."""
    _told(_ordered(settings, tenant, campaign, campaign_calls.do_pause, reason), as_json=as_json)


@campaign.command(epilog="Example: antiphon campaign resume acme autumn")
@click.argument("tenant")
@click.argument("campaign")
@reason_option
@json_option
@click.pass_obj
def resume(settings: Settings, tenant: str, campaign: str, reason: str, *, as_json: bool) -> None:
    """Let it send again."""
    _told(_ordered(settings, tenant, campaign, campaign_calls.do_resume, reason), as_json=as_json)


@campaign.command(epilog="Example: antiphon campaign stop acme autumn")
@click.argument("tenant")
@click.argument("campaign")
@reason_option
@json_option
@click.pass_obj
def stop(settings: Settings, tenant: str, campaign: str, reason: str, *, as_json: bool) -> None:
    """End it and every contact-campaign in it, for good."""
    _told(_ordered(settings, tenant, campaign, campaign_calls.do_stop, reason), as_json=as_json)


def _ordered(
    settings: Settings, tenant: str, campaign: str, order: Callable[[Call], Ordered], reason: str
) -> Ordered:
    given = checked(Reason, {"reason": reason})
    with system(settings) as found:
        row = campaign_of(found, tenant, campaign)
        return order(call_of(found, tenant, campaign=row, body=given))


def _row(shown: CampaignShown) -> tuple[object, ...]:
    mark = " (default)" if shown.daily_limit_is_default else ""
    return shown.id, shown_as(shown.name), shown.status, shown.sender, f"{shown.daily_limit}{mark}"


def _limit(shown: CampaignShown) -> str:
    default = " (the default; daily_limit in its file sets another)"
    return f"{shown.daily_limit} messages a day{default if shown.daily_limit_is_default else ''}"


def _print(told: CampaignTold) -> None:
    click.echo(f"{shown_as(told.name)} ({told.id}) is {told.status}")
    if told.description:
        click.echo(f"  {shown_as(told.description)}")
    click.echo(f"  {'sender':<9}{told.sender or 'of each message'}")
    click.echo(f"  {'at most':<9}{_limit(told)}")
    click.echo(f"  {'made':<9}{told.created_at:%Y-%m-%d %H:%M} UTC")
    for note in told.notes:
        click.echo(f"  {'order':<9}{note_words(note)}")


def _told(ordered: Ordered, *, as_json: bool) -> None:
    if as_json:
        print_json(ordered)
    else:
        noun = "contact-campaign" if ordered.changed == 1 else "contact-campaigns"
        # a pause holds the campaign and touches none of them
        changed = f"; {ordered.changed} {noun} changed" if ordered.changed else ""
        click.echo(f"{ordered.campaign.name} is {ordered.campaign.status}{changed}")
