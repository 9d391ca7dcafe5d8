"""`antiphon bench`: figures, each with its limit measured in the same run, and a page of them."""

import ast
import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import click
from typing_extensions import override

from infra.cli.printing import json_option, print_json, print_table, say

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "bench"
SHARED = "measuring"
"""The one file there that is no benchmark; what only some share is in folders."""
ROUNDS = 9
"""For benchmarks that name no number of their own."""
ELSEWHERE = "none here: benchmarks are run from a checkout"


def benchmarks() -> list[str]:
    """The names of all benchmarks, where this is a checkout."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != SHARED)


class Benchmarks(click.Group):
    """A command for each benchmark of the checkout, before those that are written here."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*benchmarks(), *super().list_commands(ctx)]

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in benchmarks():
            return _command(cmd_name)
        return super().get_command(ctx, cmd_name)

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None:
            listed = ", ".join(benchmarks()) or ELSEWHERE
            raise click.UsageError(f"there is no benchmark {args[0]!r}; there is: {listed}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=Benchmarks,
    invoke_without_command=True,
    subcommand_metavar="[NAME] [OPTIONS]",
    epilog="Example: antiphon bench plans",
)
@json_option
@click.pass_context
def bench(context: click.Context, *, as_json: bool) -> None:
    """Run one benchmark; without a name, list them."""
    if context.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError("--json goes behind the name")
    elif as_json:
        print_json({"benchmarks": benchmarks()})
    else:
        click.echo("\n".join(benchmarks()))


@bench.command(epilog="Example: antiphon bench report")
@click.option(
    "--from",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=FOLDER / "results",
    help="Where the results are, NAME.json for each; bench/results of the checkout if not given.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=ROOT / "docs" / "performance.md",
    help="The page; its pictures go to a folder of its name. docs/performance.md if not given.",
)
@json_option
def report(folder: Path, out: Path, *, as_json: bool) -> None:
    """Write the page on performance from kept results, with plots; nothing is measured.

    Keep a result by antiphon bench NAME --json > bench/results/NAME.json. What has no result is
    said to be missing. What bounds the figures is taken from bounds.md in the same folder.
    """
    reporting = of_checkout("bench.reporting.report")
    try:
        made = reporting.made(
            folder, {name: FOLDER / f"{name}.py" for name in benchmarks()}, out.stem
        )
    except of_checkout("bench.reporting.results").BadResult as error:
        raise click.UsageError(str(error)) from error
    written = reporting.write(made, out)
    if as_json:
        goals = [
            {
                "bench": each.goal.bench,
                "goal": each.goal.text,
                "sign": each.goal.sign,
                "limit": each.goal.limit,
                "of": each.goal.of,
                "value": each.value,
                "verdict": each.verdict,
            }
            for each in made.goals
        ]
        files = [str(path) for path in written]
        print_json({"files": files, "missing": made.missing, "goals": goals})
        return
    for each in made.goals:
        if each.verdict == "missed":
            say(f"missed: {each.goal.bench}, {each.goal.text}")
    if made.missing:
        say(f"missing: {', '.join(made.missing)}")
    click.echo(f"wrote {out}, pictures: {len(written) - 1}")


# --- running one ----------------------------------------------------------------------------------


def _command(name: str) -> click.Command:
    """The command of a benchmark; its help is what its file says of itself."""
    told = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text("utf-8")))
    rounds = click.Option(
        ["--rounds"], type=click.IntRange(min=1), help="How often; each has a default."
    )
    size = click.Option(
        ["--size"],
        type=click.IntRange(min=1),
        help="How many contacts, messages or events, where a benchmark has some.",
    )

    @json_option
    def run(rounds: int | None, size: int | None, *, as_json: bool) -> None:
        (print_json if as_json else _print)(_run(name, rounds, size))

    epilog = f"Example: antiphon bench {name} --json > bench/results/{name}.json"
    return click.command(name, help=told, epilog=epilog, params=[rounds, size])(run)


def _run(name: str, rounds: int | None, size: int | None) -> dict[str, Any]:
    module, measuring = of_checkout(f"bench.{name}"), of_checkout("bench.measuring")
    asked = _asked(name, module.run, rounds or int(getattr(module, "ROUNDS", ROUNDS)), size)
    say(f"{name}: {asked[0]} rounds …")
    begun = {"bench": name, "machine": measuring.machine(), **measuring.origin()}
    rows = [row._asdict() for row in module.run(*asked)]
    return {**begun, "rounds": asked[0], **_size(module.run, size), "rows": rows}


def of_checkout(module: str) -> ModuleType:
    """A module of the benchmarks, which are no part of the installed packages."""
    if not FOLDER.exists():
        raise click.UsageError(ELSEWHERE)
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return importlib.import_module(module)


def _asked(name: str, run: Callable[..., object], rounds: int, size: int | None) -> tuple[int, ...]:
    """What a benchmark is called with."""
    if size is None:
        return (rounds,)
    if not _sizes(run):
        raise click.UsageError(f"{name} has nothing that --size would change; leave it out")
    return rounds, size


def _size(run: Callable[..., object], asked: int | None) -> dict[str, int | bool | None]:
    """The size of a run, and whether it was less than the benchmark does of itself."""
    own: int | None = next((each.default for each in _sizes(run)), None)
    less = asked is not None and (own is None or asked < own)
    return {"size": own if asked is None else asked, "cut_short": less}


def _sizes(run: Callable[..., object]) -> list[inspect.Parameter]:
    """The parameter that --size gives, where a benchmark has one: the second, when a number."""
    second = list(inspect.signature(run).parameters.values())[1:2]
    return [each for each in second if each.annotation in {int, int | None}]


def _print(found: dict[str, Any]) -> None:
    head = ("measure", "median", "lowest", "highest", "floor", "ratio", "peers")
    print_table(head, [_cells(row) for row in found["rows"]])
    told = found["machine"]
    click.echo(f"{told['cpu']}, {told['cores']} cores, Python {told['python']}")


def _cells(row: dict[str, Any]) -> list[str]:
    values = (row[name] for name in ("ours", "lowest", "highest", "floor", "ratio"))
    peers = ", ".join(f"{name} {value:.3g}" for name, value in row["peers"].items())
    return [row["measure"], *("" if value is None else f"{value:.3g}" for value in values), peers]
