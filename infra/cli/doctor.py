"""`antiphon doctor`: what may go wrong in the long run, seen early."""

from collections import Counter
from collections.abc import Sequence

import click
from rich.table import Table
from rich.text import Text

from infra.bootstrap import opened
from infra.cli.outcome import end_unless
from infra.cli.printing import console, json_option, print_json
from infra.cli.session import POOL
from infra.doctor import Finding, Word, examine
from infra.settings import Settings

STYLES = {Word.OK: "green", Word.WARN: "yellow", Word.BAD: "bold red"}


@click.command(epilog="Example: antiphon doctor --json")
@json_option
@click.pass_obj
def doctor(settings: Settings, *, as_json: bool) -> None:
    """Look at what grows, lags and waits, and say what mends it; 1 when anything is bad.

    Nothing is changed. Looks at the server once and at every tenant.
    """
    with opened(settings, worker="cli", pool=POOL) as found:
        findings = examine(found)
    well = not any(finding.word is Word.BAD for finding in findings)
    if as_json:
        print_json({"well": well, "findings": findings})
    else:
        _print(findings, well=well)
    end_unless(well)


def _print(findings: Sequence[Finding], *, well: bool) -> None:
    shown = console()
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for head in ("", "tenant", "what", "number", "bound", "seen"):
        table.add_column(head, justify="right" if head in {"number", "bound"} else "left")
    for finding in findings:
        seen = Text(" ".join(part for part in (finding.unit, finding.seen) if part))
        if finding.mend:
            seen.append(f"\n{finding.mend}", style="grey58")
        word = Text(finding.word, style=STYLES[finding.word])
        numbers = (_told(finding.number), _told(finding.bound))
        table.add_row(word, finding.tenant, finding.name, *numbers, seen)
    shown.print(table)
    counted = Counter(finding.word for finding in findings)
    told = ", ".join(f"{counted[word]} {word}" for word in Word)
    verdict = ("well", "bold green") if well else ("not well", "bold red")
    shown.print(Text.assemble(f"{told}: ", verdict))


def _told(number: float | None) -> str:
    return "-" if number is None else f"{number:,.3f}".rstrip("0").rstrip(".")
