"""`antiphon what-if`: a recorded history against another plan, side by side with what happened."""

from collections.abc import Iterator
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.ids import StreamId
from handlers.what_if import Compared, compare
from infra.cli.outcome import end_unless
from infra.cli.plan_places import sheet
from infra.cli.plan_report import print_report
from infra.cli.printing import console, json_option, print_json
from infra.cli.reading import FILE
from infra.cli.session import system
from infra.log import Log
from infra.settings import Settings
from plans.intake import read_json
from plans.normalise import normalise
from plans.verify.report import refused
from plans.what_if import Course, Step, WhatIf

EPILOG = """\b
Example: antiphon what-if acme 6a1f0c9e-2b7d-5e43-9a57-0d4c1b8e2f10 \\
           --plan plans/examples/reactive_click.json"""
_PARTED, _AFTER = "bold yellow", "grey58"


@click.command("what-if", epilog=EPILOG)
@click.argument("tenant")
@click.argument("contact_campaign", type=click.UUID)
@click.option("--plan", "file", type=FILE, required=True, help="The other plan, as JSON.")
@json_option
@click.pass_obj
def what_if(
    settings: Settings, tenant: str, contact_campaign: UUID, file: Path, *, as_json: bool
) -> None:
    """Run what was recorded of a contact against another plan, side by side.

    Nothing is changed. Shows where both courses part and why, and what had to be assumed; a plan
    that is refused for this contact is not run (1).
    """
    raw, stream = file.read_bytes(), StreamId(contact_campaign)
    submitted = read_json(raw)
    if submitted.issues:
        told = Compared("refused", stream, report=refused(*submitted.issues))
    else:
        with system(settings) as found:
            name = found.tenant(tenant).name
            history = Log(found.database, name).history
            told = compare(found.ports(name), history, stream, submitted.document)
    if as_json:
        print_json(told)
    elif told.what_if is not None:
        _print(console(), told.what_if)
    elif told.report is not None:
        canonical = normalise(submitted.document).document if not submitted.issues else None
        paper = sheet(str(file), raw, submitted.document, canonical)
        print_report(console(), paper, told.report)
    end_unless(told.status == "compared")


def _print(shown: Console, told: WhatIf) -> None:
    parted = told.parted
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", expand=True)
    table.add_column("", no_wrap=True, width=2)
    table.add_column("what happened", ratio=1)
    table.add_column("the other plan", ratio=1)
    for number, (one, two) in enumerate(zip_longest(told.happened.steps, told.other.steps)):
        here = parted is not None and parted.step == number
        tone = _AFTER if parted is not None and number > parted.step else ""
        mark = Text(">>" if here else "", style=_PARTED)
        table.add_row(mark, Text(_step(one), style=tone), Text(_step(two), style=tone))
    table.add_row("", Text(_end(told.happened)), Text(_end(told.other)))
    shown.print(table)
    shown.print()
    if parted is None:
        shown.print("They part nowhere.", style="bold green")
    else:
        shown.print(Text.assemble((">> They part: ", _PARTED), f"{parted.why}."))
    if told.assumed:
        shown.print()
        shown.print("Assumed", style="bold")
        for each in told.assumed:
            _print_row(shown, each.told)


def _print_row(shown: Console, told: str) -> None:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=3, justify="right")
    grid.add_column(ratio=1)
    grid.add_row("-", Text(told))
    shown.print(grid)


def _step(step: Step | None) -> str:
    return "" if step is None else "\n".join((*_lines(step), ""))


def _lines(step: Step) -> Iterator[str]:
    """A visit in three lines: where and since when, its message, how it was left."""
    visit = f" (visit {step.visit})" if step.visit > 1 else ""
    yield f"{step.node}{visit}, {_time(step.entered_at)}"
    if step.sent_at is not None:
        yield f"  sent {_time(step.sent_at)}"
    elif step.unsent is not None:
        yield f"  not sent: {step.unsent}"
    elif step.due_at is not None:
        yield f"  due {_time(step.due_at)}"
    if step.left is None:
        yield "  waits there"
        return
    number = "" if step.left.index is None else f" {step.left.index + 1}"
    way = f"  {step.left.on}{number if step.left.on in ('case', 'arm') else ''}"
    to = "" if step.next is None else f" -> {step.next}"
    yield f"{way}{to}, {_time(step.left.at)}"


def _end(course: Course) -> str:
    sends = f"{course.sends} sent"
    if course.ended_at is None:
        return f"goes on, {sends}"
    return f"{course.outcome}, {_time(course.ended_at)}, {sends}"


def _time(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}"
