"""What commands print: JSON documents, tables and bars; stdout is for the answer alone."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

PLAIN_WIDTH = 100

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_WHY = "Why; kept for those who read it later."
reason_option = click.option("--reason", default="", help=_WHY)
why_option = click.option("--reason", required=True, help=_WHY)
"""The reason of an order: where it may be given, and where it must be."""


def print_json(value: Any) -> None:  # noqa: ANN401  # whatever has a JSON form
    """One JSON document on stdout."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def say(text: str) -> None:
    """A message for people, on stderr."""
    click.echo(text, err=True)


def console(*, stderr: bool = False) -> Console:
    """A console that prints texts as they are: none of them is markup."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr,
        width=None if stream.isatty() else PLAIN_WIDTH,
        markup=False,
        emoji=False,
        highlight=False,
    )


def print_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rows under their heads, without lines around them."""
    table = Table(*head, box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console().print(table)


@contextmanager
def bar(label: str, total: int | None = None) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on stderr, told how far it is and of how much; nothing where nobody looks."""
    shown = console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(30), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=shown, disable=not shown.is_terminal
    ) as bars:
        task = bars.add_task(label, total=total)

        def tell(done: int, of: int | None) -> None:
            bars.update(task, completed=done, total=of)

        yield tell
