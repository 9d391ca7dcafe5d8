"""`antiphon timeline`: one contact-campaign at any instant."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

import click
from msgspec.structs import asdict
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.ids import StreamId
from handlers.noted import notes_of
from handlers.ports import Note
from handlers.timeline import Difference, Moment, Standing, Timeline
from handlers.timeline import timeline as timeline_of
from infra.cli.notes_shown import note_words
from infra.cli.outcome import WrongUse
from infra.cli.printing import console, json_option, print_json
from infra.cli.reading import Instant
from infra.cli.session import system
from infra.log import Log
from infra.settings import Settings

EPILOG = """\b
Example: antiphon timeline acme 6a1f0c9e-2b7d-5e43-9a57-0d4c1b8e2f10 \\
           --as-of 2026-09-07T05:00:00Z"""
ID_SHOWN = 8
_TONES = {
    "completed": "bold",
    "exited": "bold",
    "signal_recorded": "green",
    "message_accepted": "cyan",
    "message_failed": "red",
    "message_unknown": "yellow",
}


@click.command(epilog=EPILOG)
@click.argument("tenant")
@click.argument("contact_campaign", type=click.UUID)
@click.option("--as-of", type=Instant(), help="An instant such as 2026-09-07T05:00:00Z.")
@click.option(
    "--diff",
    type=Instant(),
    nargs=2,
    metavar="T0 T1",
    help="Tell what has changed between two instants, and which events did it.",
)
@json_option
@click.pass_obj
def timeline(
    settings: Settings,
    tenant: str,
    contact_campaign: UUID,
    *,
    as_of: datetime | None,
    diff: tuple[datetime, datetime] | None,
    as_json: bool,
) -> None:
    """Tell the state and the events of a contact-campaign, now or at an instant.

    Now also what was noted: reasons of orders, and what providers answered.
    """
    stream = StreamId(contact_campaign)
    if diff and as_of:
        raise WrongUse("give --as-of or --diff, not both")
    diff_from, as_of = diff or (None, as_of)
    with system(settings) as found:
        name = found.tenant(tenant).name
        log = Log(found.database, name)
        told = timeline_of(log.history, stream, as_of, diff_from)
        noted = None
        if as_of is None:  # nobody knows which of them would have been there at an instant
            noted = notes_of(log.history, found.ports(name).vault, stream)
    if told is None:
        raise WrongUse(f"{tenant} has no contact-campaign {contact_campaign}")
    notes = None if noted is None else noted.notes
    if as_json:
        print_json({**asdict(told), "notes": notes})
        return
    _print(console(), told)
    _print_notes(console(), notes or ())


def _print(shown: Console, told: Timeline) -> None:
    when = "now" if told.as_of is None else f"as of {_time(told.as_of)} UTC"
    shown.print(f"contact-campaign {told.contact_campaign_id}, {when}", style="bold")
    names = (("contact", str(told.contact_id)), ("campaign", str(told.campaign_id)))
    for word, text in (*names, *_state(told.state)):
        shown.print(Text.assemble((f"  {word:<9}", "grey58"), text))
    if told.difference is not None:
        _print_difference(shown, told.difference)
    shown.print()
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(no_wrap=True, style="grey58")
    for moment in told.events:
        tone = _TONES.get(moment.kind, "")
        table.add_row(
            str(moment.version), _time(moment.at), Text(moment.told, style=tone), _cause(moment)
        )
    shown.print(table)


def _print_difference(shown: Console, difference: Difference) -> None:
    shown.print(f"\nchanged since {_time(difference.diff_from)} UTC", style="bold")
    if not difference.changed:
        shown.print("  nothing")
    for one in difference.changed:
        by = ", ".join(f"no. {version}" for version in one.by)
        values = f"{_value(one.before)} -> {_value(one.after)}"
        shown.print(
            Text.assemble((f"  {one.field:<11}", "grey58"), values, (f"  by {by}", "grey58"))
        )


def _value(value: object) -> str:
    """A part of the state in a few words."""
    match value:
        case None | "" | []:
            return "-"
        case datetime():
            return f"{_time(value)} UTC"
        case {"due_at": datetime() as due, **rest}:
            words = (str(word) for name, word in rest.items() if name in {"kind", "state"})
            return f"{' '.join(words)}, due {_time(due)} UTC"
        case list():
            return "; ".join(map(_value, value))
        case _:
            return str(value)


def _print_notes(shown: Console, notes: Sequence[Note]) -> None:
    if not notes:
        return
    shown.print("\nNotes", style="bold")
    for note in notes:
        shown.print(Text(f"  {note_words(note)}"), soft_wrap=True)


def _state(state: Standing) -> Iterator[tuple[str, str]]:
    if not state.plan_hash:
        yield "stage", "not begun"
        return
    yield "stage", f"{state.stage}, {state.phase}" if state.phase else state.stage
    if state.node:
        yield "node", state.node + (f", visit {state.visit}" if state.visit > 1 else "")
    if state.outcome:
        yield "outcome", state.outcome
    if state.started_at and state.expires_at:
        yield "runs", f"from {_time(state.started_at)} until {_time(state.expires_at)} UTC"
    if state.pending:
        due = _time(state.pending["due_at"])
        yield "message", f"{state.pending['state']}, due {due} UTC"
    for timer in state.timers:
        yield "timer", f"{timer['kind']}, due {_time(timer['due_at'])} UTC"
    if state.latched:
        yield "latched", ", ".join(state.latched)
    yield "sent", str(state.sends)
    yield "plan", state.plan_hash


def _cause(moment: Moment) -> str:
    """What caused it; of an id as much as people compare."""
    kind, _, known_as = moment.cause.partition(":")
    return f"{kind} {known_as[:ID_SHOWN]}"


def _time(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}"
