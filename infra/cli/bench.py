"""`antiphon bench`: figures, each with its limit measured in the same run."""

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from infra.cli.printing import json_option, print_json, print_table, say

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "bench"
SHARED = "measuring"


@click.command(epilog="Example: antiphon bench plans")
@click.argument("name", required=False)
@click.option("--rounds", default=9, show_default=True, type=click.IntRange(min=1))
@json_option
def bench(name: str | None, rounds: int, *, as_json: bool) -> None:
    """Run one benchmark; without a name, list them."""
    names = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != SHARED)
    if name is None:
        _list(names, as_json=as_json)
        return
    if name not in names:
        listed = ", ".join(names) or "none here: benchmarks are run from a checkout"
        raise click.UsageError(f"there is no benchmark {name!r}; there is: {listed}")
    say(f"{name}: {rounds} rounds …")
    found = _run(name, rounds)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _list(names: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"benchmarks": names})
    else:
        click.echo("\n".join(names))


def _run(name: str, rounds: int) -> dict[str, Any]:
    sys.path.insert(0, str(ROOT))  # benchmarks are no part of the installed packages
    module = importlib.import_module(f"bench.{name}")
    measuring = importlib.import_module("bench.measuring")
    rows = [row._asdict() for row in module.run(rounds)]
    return {"bench": name, "machine": measuring.machine(), "rounds": rounds, "rows": rows}


def _print(found: dict[str, Any]) -> None:
    head = ("measure", "median", "lowest", "highest", "floor", "ratio")
    print_table(head, [_cells(row) for row in found["rows"]])
    told = found["machine"]
    click.echo(f"{told['cpu']}, {told['cores']} cores, Python {told['python']}")


def _cells(row: dict[str, Any]) -> list[str]:
    values = (row[name] for name in ("ours", "lowest", "highest", "floor", "ratio"))
    return [row["measure"], *("" if value is None else f"{value:.3g}" for value in values)]
