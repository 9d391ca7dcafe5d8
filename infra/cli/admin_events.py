"""`antiphon admin-events`: what administrators did."""

import click

from handlers.api import act_calls
from handlers.api.act_calls import AdminEventShown
from handlers.api.bodies import checked
from handlers.api.calls import Page
from infra.cli.operations import call_of
from infra.cli.paging import page_options, print_page
from infra.cli.printing import json_option
from infra.cli.session import system
from infra.settings import Settings


@click.command("admin-events", epilog="Example: antiphon admin-events acme --limit 20")
@click.argument("tenant")
@page_options()
@json_option
@click.pass_obj
def admin_events(
    settings: Settings, /, tenant: str, *, as_json: bool, **given: str | int | None
) -> None:
    """List what administrators did, newest first: who, when, to what.

    Orders that failed are among them.
    """
    query = checked(Page, given, part="options")
    with system(settings) as found:
        page = act_calls.page(call_of(found, tenant, query=query))
    head = ("no.", "at (UTC)", "who", "what", "to", "before and after")
    print_page(page, head, _row, as_json=as_json)


def _row(one: AdminEventShown) -> tuple[object, ...]:
    at = f"{one.at:%Y-%m-%d %H:%M:%S}"
    return one.number, at, one.actor, _what(one), one.subject or one.key_id, _changes(one)


def _what(one: AdminEventShown) -> str:
    if one.kind == "failed":
        return f"no. {one.ordered} failed: {one.code}"
    return "signing key" if one.act is None else one.act


def _changes(one: AdminEventShown) -> str:
    names = [*one.before, *(name for name in one.after if name not in one.before)]
    told = [f"{name} {_change(one, name)}" for name in names]
    return "; ".join([*told, one.reason] if one.reason else told)


def _change(one: AdminEventShown, name: str) -> str:
    values = [str(side[name]) for side in (one.before, one.after) if name in side]
    return " -> ".join(values)
