"""Where the pointers of a report lead: in the submitted file, else in the canonical plan."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from plans.intake import BYTES_MAX

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")
_ABSENT = object()


class Span(msgspec.Struct, frozen=True):
    """A stretch of a text."""

    start: int
    end: int


class Located(msgspec.Struct, frozen=True):
    """Where something is: in which text, and what is to be known about that."""

    name: str
    text: str
    span: Span
    remark: str = ""

    @property
    def line(self) -> int:
        """The line, from 1."""
        return self.text.count("\n", 0, self.span.start) + 1

    @property
    def column(self) -> int:
        """The column, from 1."""
        return self.span.start - self.text.rfind("\n", 0, self.span.start)

    @property
    def shown(self) -> str:
        """What is pointed at."""
        return self.text[self.span.start : self.span.end]


class Sheet(msgspec.Struct, frozen=True):
    """A submitted file with what became of it; `canonical` is what pointers lead into.

    Neither text nor canonical plan is there for a file that cannot be read.
    """

    name: str
    text: str | None = None
    submitted: Any = None
    canonical: Any = None


def sheet(name: str, raw: bytes, submitted: object, canonical: object) -> Sheet:
    """The sheet of these bytes; without the text when it is too large or no UTF-8."""
    try:
        text = raw.decode() if len(raw) <= BYTES_MAX else None
    except UnicodeDecodeError:
        text = None
    return Sheet(name, text, submitted, canonical)


def located(paper: Sheet, path: str, got: object = None) -> Located | None:
    """The place that the pointer is about, or the nearest one around something that is missing.

    Where the text has what the issue got, it is that part of the place.
    """
    parts = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
    if paper.canonical is None:
        return None if paper.text is None else _in_unread(paper.name, paper.text, parts)
    reached = parts
    while reached and _at(paper.canonical, reached) is _ABSENT:
        reached = reached[:-1]
    absent = f'"{parts[len(reached)]}" is missing here' if len(reached) < len(parts) else ""
    if paper.text is not None and _same(paper.submitted, paper.canonical, reached):
        return _in_text(paper.name, paper.text, reached, got, absent)
    told = f"not in {paper.name}: the normaliser moved it, or it is a default"
    text = json.dumps(paper.canonical, ensure_ascii=False, indent=2)
    remark = f"{absent}; {told}" if absent else told
    return _in_text("canonical plan", text, reached, got, remark)


def _in_text(
    name: str, text: str, parts: Sequence[str], got: object, remark: str
) -> Located | None:
    span = span_of(text, parts)
    return Located(name, text, _part(text, span, got), remark) if span else None


def _part(text: str, span: Span, got: object) -> Span:
    if not isinstance(got, str) or not got:
        return span
    written = json.dumps(got, ensure_ascii=False)[1:-1]
    start = text.rfind(written, span.start, span.end)
    return Span(start, start + len(written)) if start >= 0 else span


def _in_unread(name: str, text: str, parts: Sequence[str]) -> Located | None:
    """In a text that is no plan: where it stops to be JSON, or what is not allowed in it."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return Located(name, text, Span(error.pos, error.pos + 1), "no JSON from here on")
    except (ValueError, RecursionError):
        return None
    span = span_of(text, parts) if parts else None
    return Located(name, text, span) if span else None


def _at(document: object, parts: Sequence[str]) -> object:
    for part in parts:
        document = _inner(document, part)
    return document


def _inner(value: object, part: str) -> object:
    if isinstance(value, dict):
        return value.get(part, _ABSENT)
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]
    return _ABSENT


def _same(submitted: object, canonical: object, parts: Sequence[str]) -> bool:
    """Whether the parts lead to the same thing in both; defaults may have been filled in."""
    for part in parts:
        if not _alike(submitted, canonical):
            return False
        submitted, canonical = _inner(submitted, part), _inner(canonical, part)
    return _alike(submitted, canonical)


def _alike(submitted: object, canonical: object) -> bool:
    if isinstance(submitted, dict) and isinstance(canonical, dict):
        return submitted.get("id") == canonical.get("id")
    if isinstance(submitted, list) and isinstance(canonical, list):
        return len(submitted) == len(canonical)
    return type(submitted) is type(canonical) and submitted == canonical


def span_of(text: str, parts: Sequence[str]) -> Span | None:
    """Where the parts lead in a JSON text, the key included; of a key given twice the last one."""
    try:
        value = Span(_after_space(text, 0), len(text.rstrip()))
        found = value
        for part in parts:
            matches = [each for key, *each in _members(text, value.start) if key == part]
            if not matches:
                return None
            found, value = matches[-1]
    except (ValueError, IndexError, RecursionError):  # no JSON, or too deep to be a plan
        return None
    return found


def _members(text: str, at: int) -> Iterator[tuple[str, Span, Span]]:
    """Key or index, the stretch with the key, and the stretch of the value, of each member."""
    opened = text[at]
    if opened not in "{[":
        return
    at, index = _after_space(text, at + 1), 0
    while text[at] not in "}]":
        start, key = at, str(index)
        if opened == "{":
            key, end = _DECODER.raw_decode(text, at)
            at = _after_space(text, _after_space(text, end) + 1)
        _, end = _DECODER.raw_decode(text, at)
        yield key, Span(start, end), Span(at, end)
        index += 1
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
