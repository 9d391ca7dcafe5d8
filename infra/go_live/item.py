"""One item of the checklist: what was seen, whether that will do, and what mends it."""

from enum import StrEnum

import msgspec


class Word(StrEnum):
    """Whether an item lets a tenant go live."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Item(msgspec.Struct, frozen=True):
    """An item with its verdict; `mend` is empty where nothing has to be done."""

    name: str
    verdict: Word
    seen: str
    mend: str = ""


def ok(name: str, seen: str) -> Item:
    """Nothing to do."""
    return Item(name, Word.OK, seen)


def warn(name: str, seen: str, mend: str) -> Item:
    """A person should look at it, and may go live."""
    return Item(name, Word.WARN, seen, mend)


def fail(name: str, seen: str, mend: str) -> Item:
    """Nobody may go live before it is mended."""
    return Item(name, Word.FAIL, seen, mend)
