"""Entries told: as JSON for programs, and laid out so that a page or a terminal can show them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from plans.catalogue.entry import Entry, Example
from plans.catalogue.sample import Document
from plans.catalogue.trial import tried
from plans.patch import at
from plans.verify.report import Issue

WIDTH: Final = 92
TEXT_MAX: Final = 96
_SHOWN_OF_ISSUE: Final = ("path", "message", "suggestion", "patch", "witness")


def explanation(entry: Entry) -> Mapping[str, Any]:
    """An entry as JSON values; of the plans only the parts that matter, by their pointers."""
    return {
        "code": entry.code,
        "severity": entry.row.severity,
        "stages": list(entry.row.stages),
        "meaning": entry.row.meaning,
        "where": entry.where,
        "why": entry.why,
        "examples": [_example(entry, example) for example in entry.examples],
    }


def _example(entry: Entry, example: Example) -> Mapping[str, Any]:
    given = {"stage": example.stage, "note": example.note, "policy": example.policy}
    return {
        **{name: value for name, value in given.items() if value},
        "wrong": fragment(example.wrong, example.shown),
        "issue": told_issue(issue_of(entry, example)),
        "right": fragment(example.right, example.shown),
        "mend": list(example.mend),
    }


def issue_of(entry: Entry, example: Example) -> Issue:
    """The issue that the wrong plan of an example really gets."""
    report = tried(example, example.wrong).report
    found = [each for each in report.issues if (each.code, each.path) == (entry.code, example.path)]
    assert found, f"{entry.code} is not found at {example.path}"
    return found[0]


def told_issue(issue: Issue) -> Mapping[str, Any]:
    """What a writer needs of an issue besides its code."""
    fields = msgspec.json.decode(msgspec.json.encode(issue), type=dict[str, Any])
    return {name: fields[name] for name in _SHOWN_OF_ISSUE if name in fields}


def fragment(document: Document, shown: Sequence[str]) -> Mapping[str, Any]:
    """The values at these pointers, long texts cut; one that leads nowhere is left out."""
    found = {}
    for path in shown:
        try:
            found[path] = _cut(at(document, path))
        except LookupError:
            continue
    return found


def _cut(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    if isinstance(value, str) and len(value) > TEXT_MAX:
        return f"{value[:TEXT_MAX]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {key: _cut(each) for key, each in value.items()}
    return [_cut(each) for each in value] if isinstance(value, list) else value


def laid_out(value: Any, indent: int = 0, used: int = 0) -> str:  # noqa: ANN401  # any JSON value
    """JSON of which short parts stay on one line; `used` is how much of it is taken before."""
    text = json.dumps(value, ensure_ascii=False)
    if used + len(text) <= WIDTH or not isinstance(value, dict | list) or not value:
        return text
    inner = indent + 2
    if not isinstance(value, dict):
        lines, (first, last) = [laid_out(each, inner, inner + 1) for each in value], "[]"
    else:
        keys = [json.dumps(key, ensure_ascii=False) + ": " for key in value]
        pairs = zip(keys, value.values(), strict=True)
        lines = [key + laid_out(each, inner, inner + len(key) + 1) for key, each in pairs]
        first, last = "{}"
    newline = "\n" + " " * inner
    return first + newline + ("," + newline).join(lines) + newline[:-2] + last
