"""`antiphon explain`: why one message was sent, held, skipped or cancelled."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.campaign.releasing import UNTIL_RELEASED, WAITING
from handlers.api import queue_calls
from handlers.errors import NotHere
from handlers.explain import DecisionTold, Explained, GateTold, Link
from infra.cli.notes_shown import note_words
from infra.cli.operations import call_of
from infra.cli.outcome import WrongUse
from infra.cli.printing import console, json_option, print_json
from infra.cli.session import system
from infra.settings import Settings

EPILOG = "Example: antiphon explain acme 9daf8cf4-9e70-53ca-bed1-5ee40f5c9881"
_TONES = {"passed": "green", "held": "yellow", "never": "red", "not_reached": "grey58"}


@click.command(epilog=EPILOG)
@click.argument("tenant")
@click.argument("message", type=click.UUID)
@json_option
@click.pass_obj
def explain(settings: Settings, tenant: str, message: UUID, *, as_json: bool) -> None:
    """Tell why a message was sent, held, skipped or cancelled: every gate with its inputs."""
    with system(settings) as found:
        try:
            told = queue_calls.told(call_of(found, tenant, about=message))
        except NotHere:
            raise WrongUse(f"{tenant} has no message {message}") from None
    if as_json:
        print_json(told)
    else:
        _print(console(), told)


def _print(shown: Console, told: Explained) -> None:
    shown.print(f"message {told.message.id}, {told.message.state}", style="bold")
    shown.print(told.answer)
    shown.print()
    for word, text in _facts(told):
        shown.print(Text.assemble((f"  {word:<17}", "grey58"), text))
    shown.print("\nPlanned because of", style="bold")
    _print_links(shown, told.because)
    shown.print("\nDecisions", style="bold")
    for decision in told.decisions:
        _print_decision(shown, decision)
    if told.now is not None:
        shown.print("\nWhat the gates say now", style="bold")
        _print_gates(shown, told.now)
    if told.notes:
        shown.print("\nNotes", style="bold")
        for note in told.notes:
            shown.print(Text(f"  {note_words(note)}"), soft_wrap=True)


def _facts(told: Explained) -> Iterator[tuple[str, str]]:
    row = told.message
    yield "contact-campaign", str(row.contact_campaign_id)
    yield "campaign", str(row.campaign_id)
    yield "contact", str(row.contact_id)
    yield "node", row.node + (f", visit {row.visit}" if row.visit > 1 else "")
    if row.variant:
        yield "variant", row.variant
    yield "sender", row.sender or "of the campaign"
    yield "planned for", f"{_time(told.planned_at)} UTC"
    yield from _waiting(told)
    yield "plan", told.plan_hash
    yield "rules", f"version {told.rules}"


def _waiting(told: Explained) -> Iterator[tuple[str, str]]:
    """Of one that waits, when something happens to it next, and why not sooner."""
    row = told.message
    if told.looked_at_again_at is not None:
        yield "looked at again", f"{_time(told.looked_at_again_at)} UTC, held by {row.hold_reason}"
    elif row.hold_reason is not None and row.state in WAITING:
        far = row.not_before >= UNTIL_RELEASED
        until = "until somebody lets it go" if far else f"until {_time(row.not_before)} UTC"
        yield "held", f"{until}, by {row.hold_reason}"
    elif row.state in WAITING and row.not_before != told.planned_at:
        yield "due", f"{_time(row.not_before)} UTC"
    for ban in told.banned:
        yield "suppressed", f"since {_time(ban.since)} UTC as {ban.reason}, by {ban.cause}"


def _print_links(shown: Console, links: Sequence[Link]) -> None:
    table = _grid()
    for link in links:
        table.add_row("", _time(link.at), Text(link.told))
        if link.raw is not None:
            table.add_row("", "", Text(f"its raw body: sha256 {link.raw.body_sha256}", "grey58"))
    shown.print(table)


def _print_decision(shown: Console, decision: DecisionTold) -> None:
    table = _grid()
    table.add_row(
        str(decision.version),
        _time(decision.at),
        Text.assemble((decision.told, "cyan"), (f"  ({decision.cause})", "grey58")),
    )
    shown.print(table)
    if decision.because:
        _print_links(shown, decision.because)
    _print_gates(shown, decision.gates)
    if decision.differs:
        shown.print(f"      not as recorded: {decision.differs}", style="yellow")


def _print_gates(shown: Console, gates: Sequence[GateTold]) -> None:
    if not gates:
        return
    if all(_unasked(gate) for gate in gates):
        _print_unasked(shown, gates)
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, width=4)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for gate in gates:
        table.add_row(
            "",
            Text(gate.verdict.replace("_", " "), style=_TONES[gate.verdict]),
            gate.name,
            Text(_told(gate)),
        )
    shown.print(table)


def _unasked(gate: GateTold) -> bool:
    return gate.verdict == "not_reached" and not any(gate.inputs.values())


def _print_unasked(shown: Console, gates: Sequence[GateTold]) -> None:
    """Somebody decided before a gate was asked: their names are enough, there are no inputs."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, width=4)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    names = ", ".join(gate.name for gate in gates)
    table.add_row("", Text("not asked", style=_TONES["not_reached"]), Text(names))
    shown.print(table)


def _told(gate: GateTold) -> str:
    inputs = ", ".join(f"{name} {_shown(value)}" for name, value in gate.inputs.items())
    if gate.reason is None:
        return inputs
    until = "" if gate.until is None else f" until {_time(gate.until)} UTC"
    return f"{gate.reason}{until}: {inputs}"


def _shown(value: Any) -> str:  # noqa: ANN401  # any input of a gate
    """One input in a few letters: what is empty is a dash, a limit is how much of it is used."""
    match value:
        case None | "" | [] | ():
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return _time(value)
        case Mapping():
            return f"{value['name']} {value['used']}/{value['limit']}"
        case list() | tuple():
            return " ".join(map(_shown, value))
        case _:
            return str(value)


def _grid() -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, width=3)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    return table


def _time(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}"
