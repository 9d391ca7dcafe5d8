"""`antiphon plan`: what can be said of a plan without a server."""

from pathlib import Path
from typing import get_args

import click

from infra.cli.outcome import end_unless
from infra.cli.plan_report import print_report
from infra.cli.printing import console, json_option, print_json, say
from infra.cli.reading import FILE, M, read_model
from plans.context import ContactContext, TenantPolicy
from plans.graph import mermaid, svg
from plans.intake import read_json
from plans.normalise import normalise as normalised
from plans.schema import Flavour, json_schema
from plans.verify.check import Checked
from plans.verify.check import check as checked
from plans.verify.report import refused, to_json


@click.group(epilog="Example: antiphon plan check plans/examples/two_step.json")
def plan() -> None:
    """Check, draw, normalise plans; print their schema."""


@plan.command(epilog="Example: antiphon plan check my.json --policy policy.json")
@click.argument("file", type=FILE)
@click.option("--context", type=FILE, help="The contact that the plan is for, as JSON.")
@click.option("--policy", type=FILE, help="What the tenant rules for all its plans, as JSON.")
@json_option
def check(file: Path, context: Path | None, policy: Path | None, *, as_json: bool) -> None:
    """Tell whether a plan is accepted (0) or refused (1), and what mends it."""
    raw = file.read_bytes()
    result = _checked(raw, _read(ContactContext, context), _read(TenantPolicy, policy))
    if as_json:
        print_json(to_json(result.report))
    else:
        document = normalised(read_json(raw).document).document
        print_report(console(), str(file), result.report, document)
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
@json_option
def graph(file: Path, form: str, *, as_json: bool) -> None:
    """Draw a plan; it needs the right shape, it need not be accepted."""
    result = _checked(file.read_bytes(), None, None)
    if result.plan is None:
        say(f"{file} has not the shape of a plan; antiphon plan check {file} tells why")
    else:
        drawing = svg(result.plan) if form == "svg" else mermaid(result.plan)
        if as_json:
            print_json({"format": form, "drawing": drawing})
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
    submitted = read_json(file.read_bytes())
    if submitted.issues:
        print_report(console(stderr=True), str(file), refused(*submitted.issues), None)
    else:
        found = normalised(submitted.document)
        for note in found.notes:
            say(f"{note.path or '/'}: {note.rule}")
        print_json(
            {"plan": found.document, "normalized": found.notes} if as_json else found.document
        )
    end_unless(not submitted.issues)


def _checked(raw: bytes, context: ContactContext | None, policy: TenantPolicy | None) -> Checked:
    submitted = read_json(raw)
    if submitted.issues:
        return Checked(refused(*submitted.issues))
    return checked(submitted.document, context, policy)


def _read(model: type[M], path: Path | None) -> M | None:
    return None if path is None else read_model(model, path)
