"""The check result (plan-dsl.md 12): issues with pointer, mend and witness, in their order."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import takewhile
from typing import Any

import msgspec

from plans.verify.codes import CODES, Severity

DSL_VERSION = "1.0"
ISSUES_MAX = 100
"""Issues that one stage reports; a hostile plan must not make the report grow without end."""
_WORD_MAX = 64
"""Words longer than any id are not compared; the comparison is quadratic in their length."""
_LONG_WORD = 24
_LONG_COMPARED_MAX = 10
_QUOTE_MAX = 120

PatchStep = Mapping[str, Any]
"""One operation of RFC 6902."""


class Issue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One problem: a code, where it is, and where possible how to mend it."""

    code: str
    severity: Severity
    path: str
    message: str
    node: str | None = None
    expected: Any = None
    got: Any = None
    suggestion: str | None = None
    patch: tuple[PatchStep, ...] | None = None
    witness: Mapping[str, Any] | None = None


class Note(msgspec.Struct, frozen=True):
    """A rule of the normaliser that was applied, and to what."""

    path: str
    rule: str


class Findings(msgspec.Struct, frozen=True):
    """What a stage found; `facts` only from the stage that proves the bounds."""

    issues: tuple[Issue, ...] = ()
    facts: Mapping[str, Any] | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a plan is accepted or refused with."""

    ok: bool
    dsl_version: str = DSL_VERSION
    plan_hash: str | None = None
    normalized: tuple[Note, ...] = ()
    issues: tuple[Issue, ...] = ()
    facts: Mapping[str, Any] | None = None


def issue(code: str, path: str, message: str, **details: Any) -> Issue:  # noqa: ANN401  # fields of Issue
    """An issue with the severity that the table of codes gives it."""
    return Issue(code=code, severity=CODES[code].severity, path=path, message=message, **details)


def refused(*issues: Issue) -> Report:
    """The report of a plan that is refused for reasons found outside its check."""
    return Report(ok=False, issues=in_order(issues))


def in_order(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Errors before warnings, then by path as a string; stable."""
    return tuple(sorted(issues, key=lambda each: (each.severity != "error", each.path)))


def to_json(report: Report) -> dict[str, Any]:
    """The report as plain JSON values; fields of an issue without a value are left out."""
    return msgspec.json.decode(msgspec.json.encode(report), type=dict[str, Any])


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that was most likely meant, if any is close."""
    folded = {each.lower(): each for each in reversed(comparable(word, known))}
    close = get_close_matches(word.lower(), list(folded), n=1)
    return folded[close[0]] if close else None


def comparable(word: str, known: Sequence[str]) -> Sequence[str]:
    """The known words worth comparing: all; few for a long word, none for an endless one."""
    if len(word) > _WORD_MAX:
        return ()
    if len(word) <= _LONG_WORD:
        return known
    return sorted(known, key=lambda each: -_shared(word, each))[:_LONG_COMPARED_MAX]


def _shared(one: str, two: str) -> int:
    """How many letters two words begin with alike."""
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=False))
    return sum(1 for _ in alike)


def did_you_mean(word: str | None) -> str | None:
    """The suggestion to write that word, if there is one."""
    return f'did you mean "{word}"?' if word else None


def quoted(value: object) -> object:
    """The value as a report may repeat it: scalars, cut to a length; of the rest only the kind."""
    if isinstance(value, str):
        return value if len(value) <= _QUOTE_MAX else value[:_QUOTE_MAX] + "…"
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else value
