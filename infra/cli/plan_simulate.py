"""`antiphon plan simulate`: what a plan would do with so many people, before it does it."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import click
import msgspec
from pydantic import Field, RootModel

from domain.plan import Plan, Policy
from domain.timing import parse_duration, wall_to_instant
from infra.cli.outcome import WrongUse, end_unless
from infra.cli.plan_places import sheet
from infra.cli.plan_report import print_report
from infra.cli.printing import bar, console, json_option, print_json
from infra.cli.reading import FILE, Instant, M, read_model, read_policy
from infra.cli.simulation_report import print_simulation, print_timeline
from infra.settings import Settings
from plans.context import ContactContext, TenantPolicy
from plans.intake import read_json
from plans.normalise import normalise
from plans.simulate import (
    FIRST,
    LAST,
    RUNS_MAX,
    Course,
    Drawn,
    RatesGiven,
    Script,
    TooMuchWork,
    Trial,
    channels_of,
    guard_values,
    rates_from,
    rates_from_counts,
    timeline,
)
from plans.simulate import simulate as simulated
from plans.verify.check import Checked, check
from plans.verify.report import refused, to_json

MONDAY, NINE = date(2026, 1, 5), 9 * 60
"""When everybody starts unless told: fixed, so that the same command has the same answer."""


class ScriptFile(RootModel[Script]):
    """What happens, in a file."""


class CapsFile(RootModel[dict[str, Annotated[int, Field(ge=0)]]]):
    """What senders may send in a day; `default` is the campaign's own."""


class _Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line gives besides the plan."""

    context: Path | None
    policy: Path | None
    runs: int
    seed: int
    start: datetime | None
    rates: Path | None
    history: str | None
    contacts: int
    caps: Path | None
    script: Path | None
    as_json: bool


@click.command(
    "simulate", epilog="Example: antiphon plan simulate plans/examples/reactive_click.json"
)
@click.argument("file", type=FILE)
@click.option("--context", type=FILE, help="The contact that the plan is for, as JSON.")
@click.option("--policy", type=FILE, help="What the tenant rules for all its plans, as JSON.")
@click.option("--runs", type=click.IntRange(1, RUNS_MAX), default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True)
@click.option("--start", type=Instant(), help="When everybody starts. [default: a Monday, 09:00]")
@click.option("--rates", type=FILE, help="How often people do what, as JSON.")
@click.option("--history", metavar="TENANT", help="Rates of what this tenant sent so far.")
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
@click.pass_obj
def simulate(settings: Settings, /, file: Path, **given: Any) -> None:  # noqa: ANN401  # the options, typed by their struct
    """Run an accepted plan for many simulated people, or once by a script.

    The interpreter itself runs it, in virtual time. Rates are guesses unless a file or a tenant's
    history gives them.
    """
    options = _Options(**given)
    if options.start is not None and not FIRST <= options.start < LAST:
        raise WrongUse(f"--start: give an instant from {FIRST:%Y} to before {LAST:%Y}")
    context = _read(ContactContext, options.context)
    raw = file.read_bytes()
    submitted = read_json(raw)
    policy = read_policy(options.policy, submitted.document) or TenantPolicy()
    result = (
        Checked(refused(*submitted.issues))
        if submitted.issues
        else check(submitted.document, context, policy)
    )
    if not result.report.ok:
        _tell_refused(file, raw, submitted.document, result, as_json=options.as_json)
    end_unless(result.report.ok)
    plan = result.runnable
    assert plan is not None
    trial = _trial(options, policy, context, result, _drawn(options, plan, settings))
    if options.script is not None:
        _follow(options, plan, trial)
    else:
        _run(options, result, plan, trial)


def _follow(options: _Options, plan: Plan, trial: Trial) -> None:
    """The timeline of a script."""
    assert options.script is not None
    course = Course(plan=plan, start=trial.start, policy=trial.policy, values=trial.values)
    lines = timeline(course, read_model(ScriptFile, options.script).root)
    if options.as_json:
        print_json(lines)
    else:
        print_timeline(console(), lines, plan.zone)


def _run(options: _Options, result: Checked, plan: Plan, trial: Trial) -> None:
    """All runs, and what they come to."""
    try:
        with bar("simulating", trial.runs) as tell:
            found = simulated(plan, trial, lambda done: tell(done, trial.runs))
    except TooMuchWork as too_much:
        raise WrongUse(f"--runs: {too_much}") from None
    if options.as_json:
        print_json(found)
    else:
        assert result.plan is not None
        print_simulation(console(), found, result.plan)


def _tell_refused(
    file: Path, raw: bytes, submitted: object, result: Checked, *, as_json: bool
) -> None:
    if as_json:
        print_json(to_json(result.report))
    else:
        canonical = result.document or (normalise(submitted).document if submitted else None)
        print_report(console(), sheet(str(file), raw, submitted, canonical), result.report)


def _trial(
    options: _Options,
    policy: TenantPolicy,
    context: ContactContext | None,
    result: Checked,
    drawn: Drawn,
) -> Trial:
    assert result.plan is not None
    caps = _read(CapsFile, options.caps)
    return Trial(
        start=options.start or wall_to_instant(MONDAY, NINE, result.plan.timezone),
        runs=options.runs,
        seed=options.seed,
        drawn=drawn,
        policy=Policy(
            timer_grace_s=parse_duration(policy.timer_grace).nominal_s,
            machine_events_count=policy.machine_events_count,
        ),
        values=guard_values(context),
        costs=policy.costs,
        contacts=options.contacts,
        caps=caps.root if caps else {},
        bounds=result.report.facts,
    )


def _drawn(options: _Options, plan: Plan, settings: Settings) -> Drawn:
    given = _read(RatesGiven, options.rates)
    if given is not None:
        return Drawn(rates_from(given), "given")
    if options.history is None:
        return Drawn()
    from infra.cli.session import system  # noqa: PLC0415  # most simulations need no server
    from infra.read_models import SqlReadModels  # noqa: PLC0415  # as above

    with system(settings) as found:
        reads = SqlReadModels(found.database, found.tenant(options.history).name)
        return rates_from_counts(reads.engagement(), channels_of(plan))


def _read(model: type[M], path: Path | None) -> M | None:
    return None if path is None else read_model(model, path)
