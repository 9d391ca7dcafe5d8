"""`antiphon plan simulate`: what a plan would do with so many people, before it does it."""

from datetime import UTC, date, datetime
from pathlib import Path

import click
from pydantic import Field, RootModel, TypeAdapter

from domain.plan import Plan, Policy
from domain.timing import parse_duration, wall_to_instant
from infra.cli.outcome import WrongUse, end_unless
from infra.cli.plan_places import sheet
from infra.cli.plan_report import print_report
from infra.cli.printing import bar, console, json_option, print_json
from infra.cli.reading import FILE, Instant, read_model
from infra.cli.simulation_report import print_simulation, print_timeline
from plans.compile import compile_plan
from plans.context import ContactContext, TenantPolicy
from plans.intake import read_json
from plans.normalise import normalise
from plans.simulate import (
    RUNS_MAX,
    Course,
    Drawn,
    RatesGiven,
    Scripted,
    TooMuchWork,
    Trial,
    guard_values,
    rates_from,
    simulate as simulated,
    timeline,
)
from plans.verify.check import Checked, check
from plans.verify.report import refused, to_json

MONDAY, NINE = date(2026, 1, 5), 9 * 60
"""When everybody starts unless told: fixed, so that the same command has the same answer."""


class Script(RootModel[list[Scripted]]):
    """What happens, in a file."""


class Caps(RootModel[dict[str, int]]):
    """What senders may send in a day; `default` is the campaign's own."""


@click.command(
    "simulate", epilog="Example: antiphon plan simulate plans/examples/reactive_click.json"
)
@click.argument("file", type=FILE)
@click.option("--context", type=FILE, help="The contact that the plan is for, as JSON.")
@click.option("--policy", type=FILE, help="What the tenant rules for all its plans, as JSON.")
@click.option("--runs", type=click.IntRange(1, RUNS_MAX), default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--start", type=Instant(), help="When everybody starts. [default: a Monday, 09:00]")
@click.option("--rates", type=FILE, help="How often people do what, as JSON.")
@click.option(
    "--contacts",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="How many start together, for the load of senders.",
)
@click.option("--caps", type=FILE, help='What senders may send in a day: {"default": 50}.')
@click.option("--script", type=FILE, help="Tell what happens when just these events come, as JSON.")
@json_option
def simulate(file: Path, *, as_json: bool, script: Path | None, **given: Any) -> None:
    """Run an accepted plan for many simulated people, or once by a script."""
