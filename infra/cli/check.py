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

EXAMPLES_SHOWN = 2
POISON_SHOWN = 5


@click.command(epilog="Example: antiphon check acme")
@click.argument("tenant")
@json_option
@click.pass_obj
def check(settings: Settings, tenant: str, *, as_json: bool) -> None:
    """Count what breaks an invariant; 1 when any is broken."""
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
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for head in ("id", "what", "examined", "broken", "first examples"):
        table.add_column(head, justify="right" if head in {"examined", "broken"} else "left")
    for finding in findings:
        table.add_row(*_cells(finding), style="red" if finding.broken else "")
    shown.print(table)
    for fact in aside[:POISON_SHOWN]:
        shown.print(
            f"set aside by {fact.projection}: {fact.topic} at position {fact.position}: "
            f"{fact.error}",
            style="yellow",
        )
    if len(aside) > POISON_SHOWN:
        shown.print(f"... and {len(aside) - POISON_SHOWN} more set aside", style="yellow")
    if aside:
        shown.print("`antiphon rebuild` takes them in again once the cause is mended")
    checked = sum(not finding.skipped for finding in findings)
    verdict = ("all hold", "bold green") if holds else ("not all hold", "bold red")
    shown.print(Text.assemble(f"{checked} invariants checked: ", verdict))


def _cells(finding: Finding) -> tuple[str, ...]:
    if finding.skipped:
        return (finding.id, finding.title, "", "", f"not checked: {finding.skipped}")
    examples = "; ".join(str(example) for example in finding.examples[:EXAMPLES_SHOWN])
    return (finding.id, finding.title, str(finding.examined), str(finding.broken), examples)
