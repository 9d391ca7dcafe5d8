"""`antiphon check`: all invariants, counted on what is stored."""

from collections.abc import Sequence

import click
from rich.table import Table
from rich.text import Text

from infra.cli.outcome import end_unless
from infra.cli.printing import console, json_option, print_json
from infra.cli.session import system
from infra.invariants import Finding
from infra.invariants import check as findings_of
from infra.poison import Poisoned, poisoned
from infra.settings import Settings

EXAMPLES_SHOWN = 3
POISON_SHOWN = 5


@click.command(epilog="Example: antiphon check acme --go-live")
@click.argument("tenant")
@click.option(
    "--go-live",
    is_flag=True,
    help="Look instead at all that must be so in the running system before mails go to strangers.",
)
@json_option
@click.pass_obj
def check(settings: Settings, tenant: str, *, go_live: bool, as_json: bool) -> None:
    """Count what breaks an invariant; 1 when any is broken."""
    if go_live:
        from infra.cli.going_live import going_live  # noqa: PLC0415  # DNS and all, only for this

        going_live(settings, tenant, as_json=as_json)
        return
    with system(settings) as found:
        name = found.tenant(tenant).name
        findings = findings_of(
            found.database, name, clock_now=found.clock.now(), clock_factor=settings.clock_factor
        )
        aside = poisoned(found.database, name)
    holds = not any(finding.broken for finding in findings)
    if as_json:
        print_json({"tenant": name, "holds": holds, "invariants": findings, "poisoned": aside})
    else:
        _print(findings, aside, holds=holds)
    end_unless(holds)


def _print(findings: Sequence[Finding], aside: Sequence[Poisoned], *, holds: bool) -> None:
    shown = console()
    shown.print(_table(findings))
    for finding in findings:
        for example in finding.examples[:EXAMPLES_SHOWN]:
            shown.print(f"{finding.id}: {example}", style="red")
    for finding in findings:
        if finding.skipped:
            shown.print(f"{finding.id} is not checked: {finding.skipped}", style="grey58")
    for fact in aside[:POISON_SHOWN]:
        place = f"set aside by {fact.projection}: {fact.topic} at position {fact.position}"
        shown.print(f"{place}: {fact.error}", style="yellow")
    if aside:
        told = "antiphon rebuild takes them in again once the cause is mended"
        shown.print(f"{len(aside)} facts set aside; {told}", style="yellow")
    checked = sum(not finding.skipped for finding in findings)
    verdict = ("all hold", "bold green") if holds else ("not all hold", "bold red")
    shown.print(Text.assemble(f"{checked} invariants checked: ", verdict))


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for head in ("id", "what", "examined", "broken"):
        table.add_column(head, justify="right" if head in {"examined", "broken"} else "left")
    for finding in findings:
        counts = ("-", "-") if finding.skipped else (str(finding.examined), str(finding.broken))
        table.add_row(finding.id, finding.title, *counts, style="red" if finding.broken else "")
    return table
