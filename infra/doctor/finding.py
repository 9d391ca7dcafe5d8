"""One finding: what was measured, what is the bound, and what mends it."""

from enum import StrEnum

import msgspec


class Word(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at; `tenant` is empty where it concerns all."""

    name: str
    word: Word
    number: float | None
    """None: it could not be measured; `seen` says why."""
    bound: float | None
    unit: str
    seen: str
    mend: str = ""
    tenant: str = ""


class Bounds(msgspec.Struct, frozen=True):
    """From where on a number is worth a look, and from where on it is bad."""

    warn: float
    bad: float


def judged(  # noqa: PLR0913  # a finding has so many parts
    name: str,
    number: float,
    bounds: Bounds,
    *,
    unit: str,
    mend: str,
    seen: str = "",
    tenant: str = "",
) -> Finding:
    """The finding of a number that should be small; the bound told is the one it is held to."""
    word = Word.OK
    if number >= bounds.bad:
        word = Word.BAD
    elif number >= bounds.warn:
        word = Word.WARN
    return Finding(
        name=name,
        word=word,
        number=round(number, 3),
        bound=bounds.bad if word is Word.BAD else bounds.warn,
        unit=unit,
        seen=seen,
        mend="" if word is Word.OK else mend,
        tenant=tenant,
    )


def unseen(name: str, seen: str, mend: str) -> Finding:
    """What cannot be measured here is no fault; the mend says how it could be."""
    return Finding(name=name, word=Word.OK, number=None, bound=None, unit="", seen=seen, mend=mend)
