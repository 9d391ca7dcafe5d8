"""The documents are true: what is read from the code is current, what they name exists."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from docs.generate import PAGES, commands
from handlers.access import PERMISSION_OF
from infra.cli import main
from infra.settings import CONFIG, PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
BY_HAND = {REFERENCE / "plan-dsl.md"}
"""The pages of the reference that no program could write."""
WRITTEN = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if REFERENCE not in path.parents or path in BY_HAND
)
ADRS = sorted((ROOT / "docs" / "adr").glob("*.md"))

FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"\.?\w[\w.-]*/(?:[\w.-]+/)*[\w.-]*")
LINK = re.compile(r"\]\(([^)#]+)")
COMMAND = re.compile(r"(?:^|\./| )antiphon((?: +[^ #`\n]+)*)")
MADE_WHEN_USED = {
    *(".venv/", ".antiphon/", "audit/signing_key.pem", "audit/public_keys"),
    *("audit/acme.notes", "audit/TENANT.notes"),
}

COMMANDS: dict[str, click.Command] = dict(commands(main, "antiphon"))


def spans(text: str) -> list[str]:
    """Inline code."""
    return SPAN.findall(FENCE.sub("", text))


def code_lines(text: str) -> Iterator[str]:
    """Inline code, and the lines of shell blocks."""
    yield from spans(text)
    for block in SHELL.findall(text):
        yield from block.splitlines()


def wrong_command(words: list[str]) -> str | None:
    """What is wrong with a command line of ours, as far as names of commands and options go."""
    name, rest = "antiphon", list(words)
    while rest and f"{name} {rest[0]}" in COMMANDS:
        name = f"{name} {rest.pop(0)}"
    command = COMMANDS[name]
    if isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        return f"{name} has no command {rest[0]}"
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    unknown = [word for word in rest if word.startswith("--") and word not in known]
    return f"{name} has no option {', '.join(unknown)}" if unknown else None


def by_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


written = pytest.mark.parametrize("path", WRITTEN, ids=by_name)


@pytest.mark.parametrize("page", PAGES)
def test_what_is_read_from_the_code_is_current(page: str) -> None:
    assert (ROOT / page).read_text("utf-8") == PAGES[page](), (
        f"{page} is not what the code says; run .venv/bin/python docs/generate.py"
    )


def test_every_other_page_of_the_reference_is_read_from_the_code() -> None:
    read = {by_name(path) for path in REFERENCE.iterdir() if path not in BY_HAND}
    assert read == {page for page in PAGES if (ROOT / page).parent == REFERENCE}


@written
def test_every_path_that_is_named_exists(path: Path) -> None:
    named = {span for span in spans(path.read_text("utf-8")) if PATH.fullmatch(span)}
    assert {name for name in named - MADE_WHEN_USED if not (ROOT / name).exists()} == set()


@written
def test_every_link_leads_somewhere(path: Path) -> None:
    targets = {t for t in LINK.findall(path.read_text("utf-8")) if "://" not in t}
    assert {target for target in targets if not (path.parent / target).exists()} == set()


@written
def test_every_setting_that_is_named_exists(path: Path) -> None:
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+", path.read_text("utf-8")))
    assert named - {CONFIG} - {PREFIX + name.upper() for name in Settings.model_fields} == set()


@written
def test_every_command_that_is_named_exists_with_its_options(path: Path) -> None:
    found = [
        match[1].split()
        for line in code_lines(path.read_text("utf-8"))
        for match in COMMAND.finditer(line)
    ]
    wrong = [wrong_command(words) for words in found if words[:1] != ["test"]]
    assert [each for each in wrong if each is not None] == []


def test_a_command_or_option_that_does_not_exist_is_found() -> None:
    assert wrong_command(["dem"]) == "antiphon has no command dem"
    assert wrong_command(["demo", "--contact", "3"]) == "antiphon demo has no option --contact"
    assert wrong_command(["demo", "--contacts", "3"]) is None


@pytest.mark.parametrize("page", ["README.md", "docs/how-to/tasks-and-endpoints.md"])
def test_every_route_that_is_called_is_served(page: str) -> None:
    called = re.findall(r'"\$base(/[^"?]+)', (ROOT / page).read_text("utf-8"))
    paths = {"/v1" + re.sub(r"\$[A-Z]+", "{id}", path) for path in called}
    assert paths
    assert paths - {path for _, path in PERMISSION_OF} == set()


def test_the_readme_begins_with_the_two_commands() -> None:
    first = SHELL.findall((ROOT / "README.md").read_text("utf-8"))[0].splitlines()
    assert [line.split("#")[0].strip() for line in first] == ["./antiphon demo", "./antiphon test"]


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:4]) for path in ADRS] == list(range(1, len(ADRS) + 1))


@pytest.mark.parametrize("path", ADRS, ids=by_name)
def test_every_decision_says_what_was_given_up_and_how_an_error_would_show(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith(f"# {int(path.name[:4])}. ")
    assert re.search(r"^\d{4}-\d\d-\d\d, (accepted|replaced by \d{4})\.$", text, re.MULTILINE)
    parts = ("**Question.**", "**Choice.**", "**Reasons.**", "**Given up.**", "**We would notice**")
    assert [part for part in parts if part not in text] == []
