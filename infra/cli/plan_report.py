"""The report of a plan for people: where it is, what stands there, why not, and the mend."""

import json
from collections.abc import Iterator, Mapping, Sequence
from textwrap import fill
from typing import Any

from rich.console import Console
from rich.text import Text

from plans.verify.report import Issue, Report

EXCERPT_MAX = 90
ABSENT = object()
_TONES = {"error": "bold red", "warning": "bold yellow"}


def print_report(console: Console, name: str, report: Report, document: object) -> None:
    """All of a report; `document` is what its pointers point into."""
    for note in report.normalized:
        console.print(Text(f"{note.path or '/'}: {note.rule}", style="grey58"))
    for each in report.issues:
        console.print(_headline(each))
        for word, text in _lines(each, document):
            if text:
                start = f"  {word:<6}"
                told = fill(f"{start}{text}", console.width, subsequent_indent=" " * len(start))
                console.print(Text(told))
        for step in each.patch or ():  # on one line, to be copied
            console.print(Text(f"  patch {_json(step)}"), soft_wrap=True)
        console.print()
    for key, value in (report.facts or {}).items():
        console.print(Text(f"  {key}: {_words(value)}"))
    console.print(_verdict(name, report), soft_wrap=True)


def issue_lines(issues: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Issues of a report in its JSON form, one line each."""
    for each in issues:
        mend = f"; {each['suggestion']}" if each.get("suggestion") else ""
        yield f"{each['path'] or '/'}: {each['message']} ({each['code']}){mend}"


def excerpt(document: object, path: str) -> str:
    """What stands at a pointer; where nothing does, the nearest thing around it."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
    value, key = document, ""
    for part in parts:
        inner = _inner(value, part)
        if inner is ABSENT:
            break
        value, key = inner, part
    text = _json(value)
    text = text if len(text) <= EXCERPT_MAX else text[: EXCERPT_MAX - 1] + "…"
    return text if not key or key.isdecimal() else f'"{key}": {text}'


def _inner(value: object, part: str) -> object:
    if isinstance(value, dict):
        return value.get(part, ABSENT)
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]
    return ABSENT


def _headline(each: Issue) -> Text:
    node = f" (node {each.node})" if each.node else ""
    return Text.assemble(
        (each.severity, _TONES[each.severity]), f" {each.code} at {each.path or '/'}{node}"
    )


def _lines(each: Issue, document: object) -> Iterator[tuple[str, str]]:
    yield "here", excerpt(document, each.path)
    yield "why", each.message
    yield "known", _words(each.expected)
    yield "mend", each.suggestion or ""
    yield "seen", "" if each.witness is None else _json(each.witness)


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


def _words(value: object) -> str:
    """A value as people write it: words without quotes, lists without brackets."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value))
    if value is None:
        return ""
    return value if isinstance(value, str) else _json(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
