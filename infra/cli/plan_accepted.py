"""`antiphon plan accepted`: what a contact-campaign's plans were accepted with."""

from uuid import UUID

import click
from rich.console import Console
from rich.text import Text

from domain.ids import StreamId
from handlers.taken_plans import TakenPlan, taken_plans
from infra.cli.outcome import WrongUse
from infra.cli.plan_report import issue_lines
from infra.cli.plan_witness import fact_rows
from infra.cli.printing import console, json_option, print_json
from infra.settings import Settings

EPILOG = "Example: antiphon plan accepted acme 6a1f0c9e-2b7d-5e43-9a57-0d4c1b8e2f10"


@click.command(epilog=EPILOG)
@click.argument("tenant")
@click.argument("contact_campaign", type=click.UUID)
@json_option
@click.pass_obj
def accepted(settings: Settings, tenant: str, contact_campaign: UUID, *, as_json: bool) -> None:
    """Tell what each plan of a contact-campaign was accepted with.

    With --json also the plans themselves and the whole reports.
    """
    from infra.cli.session import system  # noqa: PLC0415  # the other plan commands need no server
    from infra.log import Log  # noqa: PLC0415  # as above

    with system(settings) as found:
        name = found.tenant(tenant).name
        history = Log(found.database, name).history
        told = taken_plans(history, found.ports(name).vault, StreamId(contact_campaign))
    if told is None:
        raise WrongUse(f"{tenant} has no contact-campaign {contact_campaign}")
    if as_json:
        print_json(told)
        return
    for each in told.plans:
        _print(console(), each)


def _print(shown: Console, one: TakenPlan) -> None:
    word = one.kind.removeprefix("plan_")
    shown.print(f"{one.at:%Y-%m-%d %H:%M:%S} UTC, {word} by {one.cause}", style="bold")
    rows = [("plan", one.plan_hash), ("report", _kept(one))]
    if one.report is not None:
        rows += fact_rows(one.report.get("facts") or {})
        rows += [("warning", line) for line in issue_lines(one.report.get("issues", ()))]
    for name, told in rows:
        if told:
            shown.print(Text.assemble((f"  {name:<11}", "grey58"), told), soft_wrap=True)
    shown.print()


def _kept(one: TakenPlan) -> str:
    """Whether the report is there, and the one that the log means."""
    if one.report_sha256 is None:
        return "none was kept"
    if one.intact is None:
        return f"sha256:{one.report_sha256}, erased since"
    return f"sha256:{one.report_sha256}, " + ("intact" if one.intact else "NOT the one accepted")
