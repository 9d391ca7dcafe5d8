"""Whether a pattern can be searched in linear time, told from its structure.

Each endless repeat must be of one class of characters, none of which may follow it or begin the
pattern: then a failed attempt is never tried again from within, and attempts do not overlap.
"""

import re
from collections.abc import Iterator
from re import _constants as codes  # type: ignore[attr-defined]  # the parser that re itself uses
from re import _parser as parser  # type: ignore[attr-defined]  # the same
from typing import Any

LETTERS = frozenset(map(chr, range(256)))
_CATEGORIES = {
    codes.CATEGORY_DIGIT: r"\d",
    codes.CATEGORY_NOT_DIGIT: r"\D",
    codes.CATEGORY_SPACE: r"\s",
    codes.CATEGORY_NOT_SPACE: r"\S",
    codes.CATEGORY_WORD: r"\w",
    codes.CATEGORY_NOT_WORD: r"\W",
}
_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT)
_EMPTY = (codes.AT, codes.ASSERT, codes.ASSERT_NOT)
Items = list[tuple[Any, Any]]
ENDLESS = 1_000
"""A repeat that may go on for longer than this counts as endless."""


def can_backtrack(pattern: str) -> bool:
    """Whether some text can make a search of this pattern take more than linear time."""
    items = list(parser.parse(pattern))
    anchored = bool(items) and items[0][0] is codes.AT
    begins = frozenset() if anchored else _first(items)
    *before, last = items
    cannot_fail = last[0] in _REPEATS and not list(_endless(list(last[1][2]), frozenset()))
    return any(
        letters is None or letters & (following | begins)
        for letters, following in _endless(before, _first([last]))
    ) or any(
        letters is None or letters & (following if cannot_fail else following | begins)
        for letters, following in _endless([last], frozenset())
    )


def _endless(items: Items, after: frozenset[str]) -> Iterator[tuple[Any, frozenset[str]]]:
    """Each endless repeat: its letters (None where it is not one class), and what may follow."""
    for index, (code, given) in enumerate(items):
        following = _first(items[index + 1 :], after)
        if code in _REPEATS:
            most, inside = given[1], list(given[2])
            if most is codes.MAXREPEAT or most > ENDLESS:
                yield (_first(inside) if _is_one_letter(inside) else None), following
            again = following if most == 1 else following | _first(inside)
            yield from _endless(inside, again)
        for inside in _groups(code, given):
            yield from _endless(inside, following)


def _is_one_letter(items: Items) -> bool:
    if len(items) != 1:
        return False
    code, given = items[0]
    if code is codes.SUBPATTERN:
        return _is_one_letter(list(given[3]))
    return code in (codes.LITERAL, codes.NOT_LITERAL, codes.IN, codes.ANY)


def _groups(code: Any, given: Any) -> list[Items]:
    if code is codes.SUBPATTERN:
        return [list(given[3])]
    if code in (codes.ASSERT, codes.ASSERT_NOT):
        return [list(given[1])]
    return [list(way) for way in given[1]] if code is codes.BRANCH else []


def _first(items: Items, after: frozenset[str] = frozenset()) -> frozenset[str]:
    """The letters that a match of these items, then of what comes after, can begin with."""
    found: frozenset[str] = frozenset()
    for code, given in items:
        if code in _EMPTY:
            continue
        found |= _letters(code, given)
        if not _may_be_empty(code, given):
            return found
    return found | after


def _may_be_empty(code: Any, given: Any) -> bool:
    if code in _REPEATS:
        return bool(given[0] == 0)
    groups = _groups(code, given)
    return any(all(code in _EMPTY or _may_be_empty(code, g) for code, g in way) for way in groups)


def _letters(code: Any, given: Any) -> frozenset[str]:
    if code is codes.LITERAL:
        return frozenset((chr(given), chr(given).swapcase()))
    if code is codes.NOT_LITERAL:
        return LETTERS - {chr(given)}
    if code is codes.IN:
        return _class(given)
    if code in _REPEATS:
        return _first(list(given[2]))
    groups = _groups(code, given)
    return frozenset().union(*map(_first, groups)) if groups else LETTERS


def _class(given: Items) -> frozenset[str]:
    found: set[str] = set()
    for code, what in given:
        if code is codes.RANGE:
            found |= {chr(each) for each in range(what[0], min(what[1], 255) + 1)}
        elif code is codes.LITERAL:
            found |= {chr(what), chr(what).swapcase()}
        elif code is codes.CATEGORY:
            found |= {each for each in LETTERS if re.match(_CATEGORIES[what], each)}
    return LETTERS - found if given[0][0] is codes.NEGATE else frozenset(found)
