"""`antiphon demo`: the main job end to end in accelerated time."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from infra.cli.plan_report import issue_lines
from infra.demo import progress
from infra.demo.figures import Figures
from infra.demo.own import own_contacts
from infra.demo.people import contacts as made_up
from infra.demo.plans import examples
from infra.demo.report import print_report
from infra.demo.run import Wish, run
from infra.demo.stage import Stage
from infra.embedded.child import ChildEvent
from infra.settings import Settings
from plans.verify.check import check
from plans.verify.report import to_json

REPORT_COLUMNS = 110
EPILOG = """Example: antiphon demo --contacts 50 --days 14

\b
Your own: antiphon demo --contacts my.csv --plans my/
(columns of the CSV as for `contacts import`; one plan in each *.json file)"""


@click.command(epilog=EPILOG)
@click.option("--contacts", default="300", show_default=True, help="How many, or a CSV file.")
@click.option(
    "--plans",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of *.json; each contact gets one of them. [default: our examples]",
)
@click.option(
    "--days",
    default=21,
    show_default=True,
    type=click.IntRange(1, 365),
    help="Simulated days; however many, they take about a minute.",
)
@click.option("--seed", default=7, show_default=True, help="Of the people and of what they do.")
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for data and logs. [default: demo below ANTIPHON_HOME]",
)
@click.option("--serve", is_flag=True, help="Keep it up afterwards and print the address.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON document.")
@click.pass_obj
def demo(  # noqa: PLR0913  # one argument an option
    settings: Settings,
    contacts: str,
    plans: Path | None,
    days: int,
    seed: int,
    home: Path | None,
    *,
    serve: bool,
    as_json: bool,
) -> None:
    """Run everything end to end in accelerated time, and check every invariant."""
    wish = Wish(
        home=home or settings.home / "demo",
        contacts=_people(contacts, seed),
        plans=_plans(plans),
        days=days,
        seed=seed,
        serve=serve,
        workers=settings.workers,
    )
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    console = Console(stderr=True)
    with _bars(console) as tell:

        def told(figures: Figures, stage: Stage) -> None:
            show(figures, stage, as_json=as_json, serve=serve)

        figures = asyncio.run(run(wish, tell, told, on_event=_note(console), stop=stop))
    sys.exit(0 if (figures.holds and not stop.is_set()) or serve else 1)


def _people(given: str, seed: int) -> Sequence[Mapping[str, Any]]:
    if given.isdigit():
        count = int(given)
        if not count:
            raise click.BadParameter("give at least one contact", param_hint="--contacts")
        return made_up(count, seed)
    return own_contacts(Path(given))


def _plans(folder: Path | None) -> Sequence[Mapping[str, Any]]:
    """The plans; what will be refused is told now, a minute before the report."""
    found = examples(folder)
    for name, document in found.items():
        report = check(document).report
        for line in () if report.ok else issue_lines(to_json(report)["issues"]):
            click.echo(f"{folder}/{name}: {line}", err=True)
    return list(found.values())


def show(figures: Figures, stage: Stage, *, as_json: bool, serve: bool) -> None:
    """Print the figures, and where what stays up is served."""
    if as_json:
        click.echo(json.dumps(figures.to_json(), indent=1))
    else:
        print_report(Console(width=None if sys.stdout.isatty() else REPORT_COLUMNS), figures)
    if serve:
        click.echo(f"Served at {stage.web_url} (key: {stage.key}); Ctrl-C ends it.", err=True)
        click.echo(
            f"Console: {stage.web_url}/ (name: {stage.user}, password: {stage.password})", err=True
        )


def _note(console: Console) -> Callable[[ChildEvent], None]:
    def note(event: ChildEvent) -> None:
        if event.what == "died":
            console.print(f"{event.name} died and is started again", style="yellow")

    return note


@contextmanager
def _bars(console: Console) -> Iterator[progress.Tell]:
    """A progress bar a step; on something that is no terminal, one line a step."""
    columns = (
        TextColumn("{task.description:<32}"),
        BarColumn(30),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[simulated]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def tell(now: progress.Progress) -> None:
            if now.step not in tasks:
                tasks[now.step] = bars.add_task(now.step, total=now.of or 1, simulated="")
                if not console.is_terminal:
                    console.print(now.step)
            shown = f"{now.simulated:%a %d %b %H:%M}" if now.simulated else ""
            bars.update(
                tasks[now.step],
                completed=now.done if now.of else 1,
                total=now.of or 1,
                simulated=shown,
            )

        yield tell
