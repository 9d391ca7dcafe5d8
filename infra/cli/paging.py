"""A page of a list on the command line: how much of it, from where on, and how to see the rest."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from handlers.api.calls import LIMIT, LIMIT_MAX
from handlers.api.paging import Listed
from infra.cli.printing import print_json, print_table, say

F = TypeVar("F", bound=Callable[..., object])
T = TypeVar("T")


def page_options(default: int = LIMIT) -> Callable[[F], F]:
    """The options --limit and --cursor of a command that lists."""
    limit = click.option(
        "--limit", type=click.IntRange(1, LIMIT_MAX), default=default, show_default=True
    )
    cursor = click.option("--cursor", help="Where the page before said that the next one begins.")
    return lambda command: limit(cursor(command))


def print_page(
    page: Listed[T],
    head: Sequence[str],
    row: Callable[[T], Sequence[object]],
    *,
    as_json: bool,
) -> None:
    """The page as one document, or as a table and on stderr whether there is more."""
    if as_json:
        print_json(page)
        return
    print_table(head, [row(one) for one in page.items])
    tell_more(page)


def tell_more(page: Listed[T]) -> None:
    """On stderr, how to see what comes behind this page."""
    if page.next_cursor is not None:
        say(
            f"there are more than these {len(page.items)}: "
            f"give a higher --limit, or --cursor {page.next_cursor}"
        )
