"""`antiphon queue`: the messages that are to leave, and orders to single ones."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from pydantic import BaseModel

from domain.taxonomy import HoldReason, MessageState
from handlers.api import queue_calls, reading_calls
from handlers.api.bodies import checked
from handlers.api.calls import Call
from handlers.api.queue_calls import HeldMessage, ReleasedMessage, ResentMessage, SkippedMessage
from handlers.api.reading_calls import WhichMessages
from handlers.queue_shown import QueuedMessage
from handlers.services import QueueRow
from infra.cli.operations import call_of
from infra.cli.outcome import end_unless
from infra.cli.paging import page_options, tell_more
from infra.cli.plan_excerpt import shown_as
from infra.cli.printing import json_option, print_json, why_option
from infra.cli.reading import Instant
from infra.cli.session import system, with_campaign_id
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
BY_PEOPLE = (HoldReason.OPERATOR, HoldReason.PAUSED)
WAITING = (MessageState.PLANNED, MessageState.QUEUED)


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
@page_options()
@json_option
@click.pass_obj
def list_(settings: Settings, /, tenant: str, *, as_json: bool, **given: str | int | None) -> None:
    """List messages in the order in which they may leave: when, who, of what, held by what.

    The time is when it is due; of one that is held, until when, or when its gate is asked again:
    `explain` tells when its plan wanted it.
    """
    with system(settings) as found:
        query = checked(WhichMessages, with_campaign_id(found, tenant, given), part="options")
        page = reading_calls.queue(call_of(found, tenant, query=query))
    if as_json:
        print_json(page)
        return
    for one in page.items:
        for line in _lines(one):
            click.echo(line)
    tell_more(page)


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


def _lines(row: QueuedMessage) -> Iterator[str]:
    """A message in two lines: where it stands, and who and what it is about."""
    words = (str(row.id), _when(row), row.state, _held_by(row))
    yield "  ".join(word for word in words if word)
    campaign = "-" if row.campaign is None else shown_as(row.campaign.name)
    sender = row.sender or ("" if row.campaign is None else row.campaign.sender)
    yield f"    {_who(row)}; {campaign}, node {row.node}, from {sender or '-'}"


def _who(row: QueuedMessage) -> str:
    one = row.contact
    if one is None:
        return f"contact {row.contact_id}"
    address = f"<{one.email}>" if one.email else ""
    parts = (one.external_id, one.first_name, one.last_name, address)
    return shown_as(" ".join(part for part in parts if part))


def _held_by(row: QueuedMessage) -> str:
    """What came of it, or what keeps it back: also a campaign that nobody has looked at since."""
    if row.reason:
        return row.reason
    if row.hold_reason in BY_PEOPLE:
        return f"held by {row.hold_reason}"
    if row.hold_reason:
        return f"held by {row.hold_reason}, looked at again then"
    status = "active" if row.campaign is None else row.campaign.status
    return f"held by its campaign: {status}" if row.state in WAITING and status != "active" else ""


def _why(row: QueueRow) -> str:
    return row.reason or row.hold_reason or ""


def _when(row: QueueRow) -> str:
    far = row.not_before.year >= LAST_YEAR
    return "when it is let go" if far else f"{row.not_before:%Y-%m-%d %H:%M}"
