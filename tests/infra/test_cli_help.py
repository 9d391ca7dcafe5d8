"""Every command explains itself, and the list of them costs nothing."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from infra.cli import CONTENTS, main

RUN_UNTIL_STOPPED = {"mcp", "web", "worker", "projector", "ticker", "sandbox"}
"""They answer nothing, so there is nothing that could be JSON."""
LOADED = (
    "import sys; from click.testing import CliRunner; from infra.cli import main; "
    "result = CliRunner().invoke(main, sys.argv[2:]); "
    "assert result.exit_code == 0, result.output; "
    "print([name for name in sys.argv[1].split(',') if name in sys.modules])"
)


def leaves(group: click.Group, *above: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, *above, name)
        else:
            yield (*above, name), command


COMMANDS = dict(leaves(main))
every = pytest.mark.parametrize("words", COMMANDS, ids=" ".join)


@every
def test_every_command_has_help_with_an_example_and_json(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*words, "--help"])
    assert result.exit_code == 0
    assert f"antiphon {' '.join(words)}" in result.output.partition("Example")[2]
    assert ("--json" in result.output) != (words[0] in RUN_UNTIL_STOPPED)


def test_the_list_of_commands_says_what_each_command_says_of_itself() -> None:
    context = click.Context(main)
    for name, entry in CONTENTS.items():
        command = main.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(200).rstrip(".") == entry.short_help.rstrip("."), name


def test_a_misspelt_command_is_answered_with_the_nearest() -> None:
    result = CliRunner().invoke(main, ["timelin"])
    assert result.exit_code == 2
    assert "Did you mean 'timeline'" in result.stderr


def test_a_misspelt_option_is_wrong_use() -> None:
    assert CliRunner().invoke(main, ["tenant", "list", "--jsn"]).exit_code == 2


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        (["--help"], "pydantic,rich,psycopg,redis,starlette"),
        (["plan", "schema"], "psycopg,redis,dramatiq,eventsourcing,sendgrid"),
    ],
)
def test_what_needs_no_server_loads_no_driver(words: list[str], heavy: str) -> None:
    program = [sys.executable, "-c", LOADED, heavy, *words]
    result = subprocess.run(program, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout.strip()) == (0, "[]"), result.stderr
