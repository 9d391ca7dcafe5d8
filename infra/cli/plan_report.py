"""The report of a plan for people: where it is, what stands there, why not, and the mend."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from infra.cli.plan_excerpt import excerpt, shown_as
from infra.cli.plan_places import Sheet, located
from infra.cli.plan_witness import fact_rows, story, words
from plans.verify.report import Issue, Note, PatchStep, Report

NOTES_MAX = 20
_WORD = 8
_FACT = 11
_TONES = {"error": "bold red", "warning": "bold yellow"}
_VALUED: Mapping[str, str] = {"add": ": ", "replace": " with "}


def print_report(console: Console, paper: Sheet, report: Report) -> None:
    """All of a report: the issues with their places, the facts, the notes, the verdict."""
    for each in report.issues:
        _print_issue(console, paper, each)
        console.print()
    if report.facts:
        for name, told in fact_rows(report.facts):
            _print_row(console, name, told, _FACT)
        console.print()
    _print_notes(console, paper.name, report.normalized)
    console.print(_verdict(paper.name, report), soft_wrap=True)


def issue_lines(issues: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Issues of a report in its JSON form, one line each."""
    for each in issues:
        mend = f"; {each['suggestion']}" if each.get("suggestion") else ""
        yield f"{each['path'] or '/'}: {each['message']} ({each['code']}){mend}"


def _print_issue(console: Console, paper: Sheet, each: Issue) -> None:
    node = f' in node "{shown_as(each.node)}"' if each.node else ""
    head = f" {each.code} at {shown_as(each.path) or '/'}{node}"
    console.print(Text.assemble((each.severity, _TONES[each.severity]), head))
    place = located(paper, each.path, each.got)
    if place is not None:
        # on one line, so that a terminal can open it
        console.print(Text(f"  in      {place.name}:{place.line}:{place.column}"), soft_wrap=True)
        for line, is_caret in excerpt(place, console.width - 2):
            style = _TONES[each.severity] if is_caret else ""
            console.print(Text(f"  {line}", style=style), soft_wrap=True)
        _print_row(console, "note", place.remark)
    for word, told in _lines(each, "" if place is None else place.shown):
        _print_row(console, word, told)


def _lines(each: Issue, shown: str) -> Iterator[tuple[str, str]]:
    """The rows of an issue; nothing is said twice."""
    yield "why", each.message
    got, expected = words(each.got), words(each.expected)
    yield "got", "" if got in each.message or got in shown else got
    listed = isinstance(each.expected, list | tuple)
    yield "known" if listed else "wanted", "" if expected in each.message else expected
    for index, told in enumerate(story(each)):
        yield "" if index else "seen", told
    yield "mend", each.suggestion or ""
    for step in each.patch or ():
        yield "patch", _patch(step)


def _patch(step: PatchStep) -> str:
    op, path = step["op"], step["path"]
    if op == "move":
        return f"move {step['from']} to {path}"
    value = json.dumps(step.get("value"), ensure_ascii=False)
    return f"{op} {path}" + (f"{_VALUED[op]}{value}" if op in _VALUED else "")


def _print_notes(console: Console, name: str, notes: Sequence[Note]) -> None:
    if not notes:
        return
    places = "1 place" if len(notes) == 1 else f"{len(notes)} places"
    console.print(Text(f"The normaliser rewrote {places} of {name}:"), soft_wrap=True)
    for note in notes[:NOTES_MAX]:
        _print_row(console, "", f"{note.path or '/'}: {note.rule}", 0)
    if len(notes) > NOTES_MAX:
        _print_row(console, "", f"and {len(notes) - NOTES_MAX} more; --json has them all", 0)
    console.print()


def _print_row(console: Console, word: str, told: str, width: int = _WORD) -> None:
    """A word and its text, as many lines as it takes; nothing for an empty text."""
    if told:
        start = f"  {word:<{width}}"
        lines = Text(shown_as(told)).wrap(console, max(1, console.width - len(start)))
        for index, line in enumerate(lines):
            line.rstrip()
            console.print(Text.assemble(" " * len(start) if index else start, line))


def _verdict(name: str, report: Report) -> Text:
    errors = sum(each.severity == "error" for each in report.issues)
    counts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for word, count in (("error", errors), ("warning", len(report.issues) - errors))
        if count
    ]
    verdict = ("accepted", "bold green") if report.ok else ("refused", "bold red")
    shown = [*counts, report.plan_hash or ""] if report.ok else counts
    return Text.assemble(f"{name}: ", verdict, *(f", {each}" for each in shown if each))
