"""`antiphon queue`: the messages that are to leave, and orders to single ones."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from pydantic import BaseModel

from handlers.api import queue_calls, reading_calls
from handlers.api.bodies import checked
from handlers.api.calls import LIMIT, LIMIT_MAX, Call
from handlers.api.queue_calls import HeldMessage, ReleasedMessage, ResentMessage, SkippedMessage
from handlers.api.reading_calls import WhichMessages
from handlers.services import QueueRow
from infra.cli.operations import call_of
from infra.cli.outcome import end_unless
from infra.cli.printing import json_option, print_json, print_table, say, why_option
from infra.cli.reading import Instant
from infra.cli.session import campaign_of, system
from infra.settings import Settings

EPILOG = "Example: antiphon queue list acme --state PRESUMED_LOST"
STATES = (
    "PLANNED",
    "QUEUED",
    "SENDING",
    "ACCEPTED",
    "FAILED",
    "UNKNOWN",
    "PRESUMED_LOST",
    "CANCELLED",
)
LAST_YEAR = 8000


@click.group(epilog=EPILOG)
def queue() -> None:
    """Look at the messages that are to leave; skip, hold, release, resend single ones."""


@queue.command("list", epilog=EPILOG)
@click.argument("tenant")
@click.option(
    "--state",
    type=click.Choice(STATES),
    help="Only these; else all that are not settled. FAILED, UNKNOWN and PRESUMED_LOST are those "
    "that somebody may have to look at.",
)
@click.option("--campaign", help="Of this campaign only, by its name or id.")
@click.option("--limit", type=click.IntRange(1, LIMIT_MAX), default=LIMIT, show_default=True)
@json_option
@click.pass_obj
def list_(settings: Settings, /, tenant: str, *, as_json: bool, **given: str | int | None) -> None:
    """List messages in the order in which they may leave."""
    with system(settings) as found:
        name = given.pop("campaign")
        campaign = campaign_of(found, tenant, str(name)).campaign_id if name else None
        query = checked(WhichMessages, {**given, "campaign": campaign}, part="options")
        page = reading_calls.queue(call_of(found, tenant, query=query))
    if as_json:
        print_json(page)
        return
    head = ("id", "not before (UTC)", "state", "node", "why")
    print_table(head, [_row(one) for one in page.items])
    if page.next_cursor is not None:
        say(f"there are more than these {len(page.items)}: give a higher --limit")


@queue.command(
    epilog='Example: antiphon queue skip acme 9daf8cf4-9e70-53ca-bed1-5ee40f5c9881 --reason "met"'
)
@click.argument("tenant")
@click.argument("message", type=click.UUID)
@why_option
@json_option
@click.pass_obj
def skip(settings: Settings, tenant: str, message: UUID, reason: str, *, as_json: bool) -> None:
    """Do not send a waiting message; its plan goes on as after any skip.

    Safe to repeat; 1 when it was cancelled for another reason before.
    """
    order = (queue_calls.do_skip, SkippedMessage, {"reason": reason})
    row = _ordered(settings, tenant, message, order)
    _tell(row, as_json=as_json)
    end_unless(row.reason == "operator")


@queue.command(
    epilog="Example: antiphon queue hold acme 9daf8cf4-9e70-53ca-bed1-5ee40f5c9881 "
    "--until 2026-09-07T05:00:00Z --reason holiday"
)
@click.argument("tenant")
@click.argument("message", type=click.UUID)
@click.option("--until", type=Instant(), help="An instant; without it, until it is released.")
@why_option
@json_option
@click.pass_obj
def hold(
    settings: Settings, /, tenant: str, message: UUID, *, as_json: bool, **given: datetime | str
) -> None:
    """Keep a waiting message back; what waits any longer than its plan runs is cancelled then."""
    row = _ordered(settings, tenant, message, (queue_calls.do_hold, HeldMessage, given))
    _tell(row, as_json=as_json)


@queue.command(
    epilog="Example: antiphon queue release acme 9daf8cf4-9e70-53ca-bed1-5ee40f5c9881 "
    '--reason "agreed"'
)
@click.argument("tenant")
@click.argument("message", type=click.UUID)
@why_option
@json_option
@click.pass_obj
def release(settings: Settings, tenant: str, message: UUID, reason: str, *, as_json: bool) -> None:
    """Let a message go that was held by order: when its plan wants it, now at the earliest."""
    order = (queue_calls.do_release, ReleasedMessage, {"reason": reason})
    _tell(_ordered(settings, tenant, message, order), as_json=as_json)


@queue.command(
    epilog="Example: antiphon queue resend acme 9daf8cf4-9e70-53ca-bed1-5ee40f5c9881 "
    '--reason "the provider lost it" --confirm'
)
@click.argument("tenant")
@click.argument("message", type=click.UUID)
@why_option
@click.option("--confirm", is_flag=True, help="You know that the person may get it twice.")
@json_option
@click.pass_obj
def resend(
    settings: Settings, /, tenant: str, message: UUID, *, as_json: bool, **given: str | bool
) -> None:
    """Send a message once more that is presumed lost, or in doubt for 72 hours."""
    row = _ordered(settings, tenant, message, (queue_calls.do_resend, ResentMessage, given))
    _tell(row, as_json=as_json)


_Ordered = tuple[Callable[[Call], QueueRow], type[BaseModel], dict[str, Any]]


def _ordered(settings: Settings, tenant: str, message: UUID, order: _Ordered) -> QueueRow:
    perform, model, given = order
    body = checked(model, given, part="options")
    with system(settings) as found:
        return perform(call_of(found, tenant, about=message, body=body))


def _tell(row: QueueRow, *, as_json: bool) -> None:
    if as_json:
        print_json(row)
        return
    why = _why(row)
    click.echo(f"{row.id} is {row.state}{f' ({why})' if why else ''}, {_when(row)}")


def _row(row: QueueRow) -> tuple[object, ...]:
    return row.id, _when(row), row.state, row.node, _why(row)


def _why(row: QueueRow) -> str:
    return row.reason or row.hold_reason or ""


def _when(row: QueueRow) -> str:
    far = row.not_before.year >= LAST_YEAR
    return "when it is let go" if far else f"{row.not_before:%Y-%m-%d %H:%M}"
