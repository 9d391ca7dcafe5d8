"""A group that lists its commands with whole sentences."""

import click
from typing_extensions import override

_SENTENCE_MAX = 1000


class WholeSentences(click.Group):
    """Wraps the sentence of a command where click would cut it off."""

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        listed = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, command.get_short_help_str(_SENTENCE_MAX))
                    for name, command in listed
                    if command is not None and not command.hidden
                ]
            )
