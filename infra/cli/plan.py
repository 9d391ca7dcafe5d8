"""`antiphon plan`: what can be said of a plan without a server."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import click

from domain.ids import TenantId
from handlers.passages import Passage, counted
from infra.cli.listing import WholeSentences
from infra.cli.outcome import end_unless
from infra.cli.plan_accepted import accepted
from infra.cli.plan_explain import explain
from infra.cli.plan_places import sheet
from infra.cli.plan_report import print_report
from infra.cli.plan_simulate import simulate
from infra.cli.plan_write import rounds, write
from infra.cli.printing import console, json_option, print_json, say
from infra.cli.reading import FILE, read_model, read_policy
from infra.settings import Settings
from plans.context import ContactContext
from plans.graph import Worst, marks_of, mermaid, svg
from plans.intake import Submitted, read_json
from plans.normalise import normalise as normalised
from plans.schema import Flavour, json_schema
from plans.verify.check import Checked
from plans.verify.check import check as checked
from plans.verify.report import refused, to_json

_context_option = click.option(
    "--context", type=FILE, help="The contact that the plan is for, as JSON."
)
_policy_option = click.option(
    "--policy", type=FILE, help="What the tenant rules for all its plans, as JSON."
)


@click.group(cls=WholeSentences, epilog="Example: antiphon plan check plans/examples/two_step.json")
def plan() -> None:
    """Check, explain, draw, simulate, write plans; print their schema."""


plan.add_command(accepted)
plan.add_command(explain)
plan.add_command(simulate)
plan.add_command(write)
plan.add_command(rounds)


@plan.command(epilog="Example: antiphon plan check my.json --policy policy.json")
@click.argument("file", type=FILE)
@_context_option
@_policy_option
@json_option
def check(file: Path, context: Path | None, policy: Path | None, *, as_json: bool) -> None:
    """Tell whether a plan is accepted (0) or refused (1), and what mends it."""
    raw = file.read_bytes()
    submitted = read_json(raw)
    result = _checked(submitted, context, policy)
    if as_json:
        print_json(to_json(result.report))
    else:
        canonical = result.document or normalised(submitted.document).document
        paper = sheet(str(file), raw, submitted.document, canonical)
        print_report(console(), paper, result.report)
    end_unless(result.report.ok)


@plan.command(epilog="Example: antiphon plan graph my.json --format svg > my.svg")
@click.argument("file", type=FILE)
@click.option(
    "--format",
    "form",
    type=click.Choice(["mermaid", "svg"]),
    default="mermaid",
    show_default=True,
)
@click.option(
    "--worst",
    type=click.Choice(list(get_args(Worst))),
    default="sends",
    show_default=True,
    help="What the marked path of an accepted plan has most of.",
)
@click.option(
    "--counts",
    nargs=2,
    metavar="TENANT CAMPAIGN",
    help="Write how many contacts of this campaign went which way.",
)
@_context_option
@_policy_option
@json_option
@click.pass_obj
def graph(settings: Settings, /, file: Path, *, as_json: bool, **given: Any) -> None:  # noqa: ANN401  # the options
    """Draw a plan that has the right shape, and mark what its check found.

    That is the worst path of an accepted plan; the faulty places and a counterexample of a refused
    one.
    """
    submitted = read_json(file.read_bytes())
    result = _checked(submitted, given["context"], given["policy"])
    if result.plan is None:
        say(f"{file} has not the shape of a plan; antiphon plan check {file} tells why")
    else:
        marks = marks_of(result.report, given["worst"])
        if given["counts"]:
            marks = counted(marks, result.plan, _passages(settings, *given["counts"]))
        drawing = (svg if given["form"] == "svg" else mermaid)(result.plan, marks)
        if as_json:
            print_json({"format": given["form"], "drawing": drawing})
        else:
            click.echo(drawing, nl=not drawing.endswith("\n"))
    end_unless(result.plan is not None)


@plan.command(epilog="Example: antiphon plan schema --flavour strict")
@click.option(
    "--flavour",
    type=click.Choice(list(get_args(Flavour))),
    default="full",
    show_default=True,
    help="strict and lite are for back ends with grammars.",
)
@json_option
def schema(flavour: Flavour, *, as_json: bool) -> None:
    """Print the JSON Schema of the plan language, with or without --json."""
    del as_json  # it is JSON anyhow
    print_json(json_schema(flavour))


@plan.command(epilog="Example: antiphon plan normalise old.json > new.json")
@click.argument("file", type=FILE)
@json_option
def normalise(file: Path, *, as_json: bool) -> None:
    """Rewrite accepted older shapes as the language has them now; the notes go to stderr.

    With --json one document: the plan and the notes.
    """
    raw = file.read_bytes()
    submitted = read_json(raw)
    if submitted.issues:
        paper = sheet(str(file), raw, None, None)
        print_report(console(stderr=True), paper, refused(*submitted.issues))
    else:
        found = normalised(submitted.document)
        for note in found.notes:
            say(f"{note.path or '/'}: {note.rule}")
        print_json(
            {"plan": found.document, "normalized": found.notes} if as_json else found.document
        )
    end_unless(not submitted.issues)


def _passages(settings: Settings, tenant: str, campaign: str) -> Sequence[Passage]:
    from infra.cli.session import campaign_of, system  # noqa: PLC0415  # most plans need no server
    from infra.read_models import SqlReadModels  # noqa: PLC0415  # as above

    with system(settings) as found:
        row = campaign_of(found, tenant, campaign)
        return SqlReadModels(found.database, TenantId(tenant)).passages(row.campaign_id)


def _checked(submitted: Submitted, context: Path | None, policy: Path | None) -> Checked:
    if submitted.issues:
        return Checked(refused(*submitted.issues))
    person = None if context is None else read_model(ContactContext, context)
    return checked(submitted.document, person, read_policy(policy, submitted.document))
