"""Writes the parts of the documents that are read from the code; a test compares them.

Run `.venv/bin/python docs/generate.py` after a change to facts, settings, commands or files.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click
from dramatiq.brokers.stub import StubBroker

from docs.plan_errors import page as plan_errors_page
from docs.plan_pictures import mended, stuck
from docs.tools import page as tools_page
from docs.views import page as views_page
from domain.events import Event, Fact, topic_of
from handlers.actors import QUEUE_OF, declare_actors
from infra.cli import main
from infra.settings import Settings, described
from projections.registry import READ, WORK

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("domain", "plans", "projections", "handlers", "infra")
TREE_BEGINS = "<!-- The tree: written by docs/generate.py -->\n"
TREE_ENDS = "<!-- The tree ends -->\n"
CONSOLE_WIDTH = 100
FOLDERS = {
    "plans/examples": "Plans that are used by the documents, the demo and the tests.",
    "plans/sequences": "Sequences of messages that plans are written from without a model.",
}
"""What is in folders that are no packages."""

EVENTS_HEAD = """# Facts

What the log holds: a closed list, in the order of `domain/events/`. The stored name is the topic.
Fields with a default may be absent in the stored JSON.
"""
SETTINGS_HEAD = """# Settings

Environment variables, or keys without the prefix and in small letters in the TOML file that
`ANTIPHON_CONFIG` names; a variable goes before the file. `antiphon settings` prints what is in
force.
"""
COMMANDS_HEAD = """# Commands

As `--help` prints it. Exit codes: 0 done, 1 the answer is no, 2 wrong use, 3 a needed service is
out of reach.
"""
WORK_HEAD = """# Projections, actors, queues

## Projections

Rows of work move in the transaction of their facts, the others are written by the runner.
"""
ACTORS_HEAD = """## Actors

A bell carries the name of a tenant and no work.
"""


def table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


# --- reference pages ------------------------------------------------------------------------------


def events_page() -> str:
    """Every fact of the log with its fields."""
    parts = [EVENTS_HEAD]
    for fact in get_args(Event):
        parts.append(f"## {topic_of(fact)}\n\n`{fact.__name__}`: {first_line(fact.__doc__)}\n")
        parts.append(table(("field", "type", "default"), fields_of(fact)))
    return "\n".join(parts)


def fields_of(fact: type[Fact]) -> Iterator[tuple[str, str, str]]:
    """Name, type and default of each field."""
    hints = get_type_hints(fact)
    required = len(fact.__struct_fields__) - len(fact.__struct_defaults__)
    optional = dict(zip(fact.__struct_fields__[required:], fact.__struct_defaults__, strict=True))
    for name in fact.__struct_fields__:
        default = f"`{optional[name]!r}`" if name in optional else ""
        yield f"`{name}`", f"`{type_name(hints[name])}`", default


def type_name(hint: Any) -> str:  # noqa: ANN401  # what get_type_hints gives
    """A type as it is written in the code, without modules."""
    text = hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)
    bare = re.sub(r"[\w.]+\.(\w+)", r"\1", text)
    return re.sub(r"^Optional\[(.+)\]$", r"\1 | None", bare)  # as newer Pythons print it


def settings_page() -> str:
    """Every setting with default and meaning."""
    rows = (
        (f"`{name}`", "" if default is None else f"`{default}`", meaning)
        for name, _, default, meaning in (each.values() for each in described(Settings()))
    )
    return f"{SETTINGS_HEAD}\n{table(('setting', 'default', 'meaning'), rows)}"


def commands_page() -> str:
    """The help of every command."""
    parts = [COMMANDS_HEAD]
    for name, command in commands(main, "antiphon"):
        context = click.Context(
            command,
            info_name=name,
            terminal_width=CONSOLE_WIDTH,
            help_option_names=main.context_settings["help_option_names"],
        )
        parts.append(f"## {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """A command and all below it, with their full names."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from commands(found, f"{name} {child}")


def work_page() -> str:
    """Projections, actors and queues."""
    written = [(each, "with its facts") for each in WORK] + [(each, "runner") for each in READ]
    projections = (
        (f"`{each.name}`", names(t.name for t in each.tables), how, names(each.topics))
        for each, how in written
    )
    broker = StubBroker()
    declare_actors(broker, dict.fromkeys(QUEUE_OF, lambda _: 0))
    found = (broker.get_actor(name) for name in sorted(broker.get_declared_actors()))
    actors = ((f"`{each.actor_name}`", f"`{each.queue_name}`") for each in found)
    return "\n".join(
        (
            WORK_HEAD,
            table(("projection", "tables", "written", "facts"), projections),
            ACTORS_HEAD,
            table(("actor", "queue"), actors),
            f"Queues: {names(sorted(set(QUEUE_OF.values())))}.\n",
        )
    )


def names(words: Iterable[str]) -> str:
    """Words as code, separated by commas."""
    return ", ".join(f"`{word}`" for word in words)


# --- the tree -------------------------------------------------------------------------------------


def tree() -> str:
    """The packages with the first line of each docstring."""
    lines: list[str] = []
    for package in PACKAGES:
        folder = ROOT / package
        lines += [entry(folder, indent=""), *(entry(each, "  ") for each in members(folder)), ""]
    return "\n".join(lines)


def members(folder: Path) -> list[Path]:
    """Modules and folders of a package in order of their names."""
    return sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith("__") and (path.suffix == ".py" or has_files(path))
    )


def has_files(path: Path) -> bool:
    """Whether this is a folder with more in it than what Python left of deleted modules."""
    return path.is_dir() and any(
        each.is_file() and each.suffix != ".pyc" for each in path.rglob("*")
    )


def entry(path: Path, indent: str) -> str:
    """One line of the tree."""
    name = f"{indent}{path.name}{'/' if path.is_dir() else ''}"
    return f"{name:<24}{promise(path)}".rstrip()


def promise(path: Path) -> str:
    """The first line of a module's docstring; for a folder that of its __init__."""
    source = path / "__init__.py" if path.is_dir() else path
    if not source.exists():
        name = path.relative_to(ROOT).as_posix()
        assert name in FOLDERS, f"{name} needs an __init__.py with a docstring, or its line here"
        return FOLDERS[name]
    return first_line(ast.get_docstring(ast.parse(source.read_text("utf-8"))))


def first_line(text: str | None) -> str:
    """The sentence that a docstring begins with."""
    return (text or "").strip().split("\n", maxsplit=1)[0]


def architecture() -> str:
    """ARCHITECTURE.md with its tree as it is now."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    before, rest = text.split(TREE_BEGINS)
    after = rest.split(TREE_ENDS)[1]
    return f"{before}{TREE_BEGINS}```text\n{tree()}```\n{TREE_ENDS}{after}"


PAGES: dict[str, Callable[[], str]] = {
    "ARCHITECTURE.md": architecture,
    "docs/pictures/mended.svg": mended,
    "docs/pictures/stuck.svg": stuck,
    "docs/plan-errors.md": plan_errors_page,
    "docs/reference/commands.md": commands_page,
    "docs/reference/events.md": events_page,
    "docs/reference/settings.md": settings_page,
    "docs/reference/views.md": views_page,
    "docs/reference/tools.md": tools_page,
    "docs/reference/work.md": work_page,
}


if __name__ == "__main__":
    for page, text_of in PAGES.items():
        (ROOT / page).write_text(text_of(), encoding="utf-8")
