"""Rules of the house that no linter knows."""

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from domain.events import Event

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("domain", "plans", "projections", "handlers", "infra")
HOUSE = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
ALL = sorted({*HOUSE, *(ROOT / "tests").rglob("*.py"), *(ROOT / "docs").rglob("*.py")})

LINES_MAX = 400
WORDS_IN_FACTS = {
    *("body_mac", "context_digest", "dedupe_key", "evidence", "key", "plan_hash", "provider_id"),
    *("domain", "dsl_version", "on", "reason", "sender", "signal", "snapshot", "tzdata"),
    *("author", "diff", "endpoint", "experiment", "new_hash", "old_hash", "url_tags", "variant"),
    *("reader", "was_reader"),
}
"""Texts in facts: hashes, ids of others, versions and words of lists that tenants or we close."""
SAY_NOTHING = {"base", "common", "data", "helper", "helpers", "manager", "misc", "process", "utils"}
IGNORE = re.compile(r"#\s*(noqa|type:\s*ignore|nosec|pragma|ruff:)")
WITH_REASON = re.compile(
    r"#\s*(noqa: [A-Z]+\d+(, [A-Z]+\d+)*|type: ignore\[[a-z, -]+\])\s+(-|#) \w.{4,}"
)
CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "localtime"),
    ("time", "gmtime"),
}
READS_THE_CLOCK = {"infra/clock.py", "infra/sandbox/clock.py"}
"""`infra/clock.py` asks the database, and this machine only for the date of public holidays; the
sandbox is a provider with a clock of its own."""
WRITES_THE_LOG = {"infra/recorder.py"}
CHANGES_THE_LOG = re.compile(
    r"\b(insert\s+into|update|delete\s+from|truncate(\s+table)?)\s+(\S+\.)?(\{events\}|events\b)"
    r"|\binsert\s+into\s+\S+\s*\([^)]*\boriginator_version\b",
    re.IGNORECASE,
)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def comments(path: Path) -> Iterator[tuple[int, str]]:
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def clock_readings(source: str) -> list[tuple[str, str]]:
    """Uses of a wall clock as `module_or_class.function`, and imports of such functions."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else None
            owner = node.value.id if isinstance(node.value, ast.Name) else owner
            found.append((owner or "", node.attr))
        elif isinstance(node, ast.ImportFrom):
            found += [(node.module or "", alias.name) for alias in node.names]
    return [use for use in found if use in CLOCKS]


def test_no_file_of_the_house_is_longer_than_the_limit() -> None:
    lengths = {name(path): len(path.read_text("utf-8").splitlines()) for path in HOUSE}
    assert lengths, "the packages were not found"
    assert {path: length for path, length in lengths.items() if length > LINES_MAX} == {}


def test_facts_have_no_field_for_free_text() -> None:
    texts = {
        name
        for fact in get_args(Event)
        for name, hint in get_type_hints(fact).items()
        if name in fact.__struct_fields__ and str in {hint, *get_args(hint)}
    }
    assert texts == WORDS_IN_FACTS


def test_no_module_has_a_name_that_says_nothing() -> None:
    names = {part for path in HOUSE for part in path.relative_to(ROOT).with_suffix("").parts}
    assert names & SAY_NOTHING == set()


def test_every_ignore_is_for_named_codes_and_carries_its_reason() -> None:
    bare = [
        f"{name(path)}:{line}: {comment}"
        for path in ALL
        for line, comment in comments(path)
        if IGNORE.match(comment) and not WITH_REASON.match(comment)
    ]
    assert bare == []


def test_only_the_clock_reads_the_time_of_day() -> None:
    readers = {name(path) for path in HOUSE if clock_readings(path.read_text("utf-8"))}
    assert readers == READS_THE_CLOCK


@pytest.mark.parametrize(
    "source",
    [
        "datetime.now(UTC)",
        "dt.datetime.now()",
        "date.today()",
        "time.time()",
        "from time import time",
    ],
)
def test_a_reading_of_the_clock_is_found_however_it_is_spelled(source: str) -> None:
    assert clock_readings(source)


def test_only_the_recorder_writes_to_the_log() -> None:
    sources = [*HOUSE, *(path for p in PACKAGES for path in (ROOT / p).rglob("*.sql"))]
    writers = {name(p) for p in sources if CHANGES_THE_LOG.search(p.read_text("utf-8"))}
    assert writers == WRITES_THE_LOG


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {s}.events (originator_id)",
        "insert into events values",
        "UPDATE {events} SET state",
        "DELETE FROM t_demo.events WHERE",
        "INSERT INTO {}.{} (originator_id, originator_version)",
    ],
)
def test_a_write_to_the_log_is_found_however_it_is_spelled(statement: str) -> None:
    assert CHANGES_THE_LOG.search(statement)
