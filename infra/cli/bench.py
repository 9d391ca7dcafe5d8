"""`antiphon bench`: figures, each with its limit measured in the same run."""

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from infra.cli.printing import json_option, print_json, print_table, say

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "bench"
SHARED = "measuring"
"""The one file there that is no benchmark; what only some share is in folders."""
ROUNDS = 9
"""For benchmarks that name no number of their own."""


@click.command(epilog="Example: antiphon bench plans")
@click.argument("name", required=False)
@click.option("--rounds", type=click.IntRange(min=1), help="How often; each has a default.")
@click.option(
    "--size",
    type=click.IntRange(min=1),
    help="How many contacts, messages or events, where a benchmark has some.",
)
@json_option
def bench(name: str | None, rounds: int | None, size: int | None, *, as_json: bool) -> None:
    """Run one benchmark; without a name, list them."""
    names = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != SHARED)
    if name is None:
        _list(names, as_json=as_json)
        return
    if name not in names:
        listed = ", ".join(names) or "none here: benchmarks are run from a checkout"
        raise click.UsageError(f"there is no benchmark {name!r}; there is: {listed}")
    found = _run(name, rounds, size)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _list(names: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"benchmarks": names})
    else:
        click.echo("\n".join(names))


def _run(name: str, rounds: int | None, size: int | None) -> dict[str, Any]:
    sys.path.insert(0, str(ROOT))  # benchmarks are no part of the installed packages
    module = importlib.import_module(f"bench.{name}")
    measuring = importlib.import_module("bench.measuring")
    count = rounds or int(getattr(module, "ROUNDS", ROUNDS))
    say(f"{name}: {count} rounds …")
    rows = [row._asdict() for row in module.run(*_asked(name, module.run, count, size))]
    return {"bench": name, "machine": measuring.machine(), "rounds": count, "rows": rows}


def _asked(name: str, run: Callable[..., object], rounds: int, size: int | None) -> Sequence[int]:
    if size is None:
        return (rounds,)
    if len(inspect.signature(run).parameters) == 1:
        raise click.UsageError(f"{name} has nothing that --size would change; leave it out")
    return rounds, size


def _print(found: dict[str, Any]) -> None:
    head = ("measure", "median", "lowest", "highest", "floor", "ratio", "peers")
    print_table(head, [_cells(row) for row in found["rows"]])
    told = found["machine"]
    click.echo(f"{told['cpu']}, {told['cores']} cores, Python {told['python']}")


def _cells(row: dict[str, Any]) -> list[str]:
    values = (row[name] for name in ("ours", "lowest", "highest", "floor", "ratio"))
    peers = ", ".join(f"{name} {value:.3g}" for name, value in row["peers"].items())
    return [row["measure"], *("" if value is None else f"{value:.3g}" for value in values), peers]
