"""A group whose commands are loaded when they are called, and whose errors become exit codes."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click
from typing_extensions import override

from infra.cli.outcome import failure_of


class Entry(NamedTuple):
    """Where a command is, as `module:name`, and its line in the list of commands."""

    place: str
    short_help: str


class TableOfContents(click.Group):
    """Lists its commands from a table; only the one that is called is imported."""

    def __init__(self, *, contents: Mapping[str, Entry], **kwargs: Any) -> None:  # noqa: ANN401  # what click passes
        # stand-ins in the order of the table: enough for lists and for "did you mean"
        listed = {
            name: click.Command(name, short_help=entry.short_help)
            for name, entry in contents.items()
        }
        super().__init__(commands=listed, **kwargs)
        self._contents = contents

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._contents)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self._contents.get(cmd_name)
        if entry is None:
            return None
        module, _, name = entry.place.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.short_help) for name, entry in self._contents.items()])

    @override
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            failure = failure_of(error)
            if failure is None:
                raise
            raise failure from error
