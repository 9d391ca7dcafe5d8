"""`antiphon plan explain`: what a code of a report means, with a wrong and a right plan."""

from collections.abc import Iterator, Mapping
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from infra.cli.outcome import WrongUse
from infra.cli.printing import console, json_option, print_json, print_table
from plans.catalogue import ENTRIES, Entry, UnknownCode
from plans.catalogue import explain as entry_of
from plans.catalogue.telling import explanation, laid_out
from plans.verify.report import did_you_mean

_TONES = {"error": "bold red", "warning": "bold yellow"}


@click.command(epilog="Example: antiphon plan explain E_STUCK")
@click.argument("code", required=False)
@json_option
def explain(code: str | None, *, as_json: bool) -> None:
    """Tell what a code means, with a plan that gets it and the same plan mended.

    Without a code: all codes, a line each.
    """
    if code is None:
        _list(as_json=as_json)
        return
    try:
        entry = entry_of(code)
    except UnknownCode as unknown:
        meant = did_you_mean(unknown.meant)
        raise WrongUse(f"{unknown}; {meant or 'antiphon plan explain lists all'}") from unknown
    told = explanation(entry)
    if as_json:
        print_json(told)
    else:
        _print_entry(console(), entry, told)


def _list(*, as_json: bool) -> None:
    rows = [
        {"code": each.code, "severity": each.row.severity, "meaning": each.row.meaning}
        for each in ENTRIES.values()
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(("code", "meaning"), [(row["code"], row["meaning"]) for row in rows])


def _print_entry(to: Console, entry: Entry, told: Mapping[str, Any]) -> None:
    severity, stages = entry.row.severity, " and ".join(map(str, entry.row.stages))
    stage = f", stage {stages}" if stages else ", of a revision"
    to.print(Text.assemble((severity, _TONES[severity]), f" {entry.code}{stage}"))
    to.print(f"  {entry.row.meaning}\n  at {entry.where}\n\n{entry.why}", soft_wrap=True)
    for example in told["examples"]:
        for part in _parts(example):
            to.print()
            to.print(part, soft_wrap=True)


def _parts(example: Mapping[str, Any]) -> Iterator[Text]:
    stage = f"In stage {example['stage']}. " if "stage" in example else ""
    if stage or "note" in example:
        yield Text(stage + example.get("note", ""))
    for name in ("wrong", "issue", "right"):
        yield Text.assemble((f"{name}\n", "bold"), laid_out(example[name]))
