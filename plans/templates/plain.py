"""Words with bare variables, as most templates are: filled in without the library.

What is filled in here the library would have written letter for letter. A template that is more
than that, and a value that is not a text, are left to the library.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from liquid import escape

from plans.templates.context import LOOKUP, OUTPUT_CHARACTERS_MAX, Purse

CHARACTERS_MAX: Final = 16_384
VARIABLES_MAX: Final = 200
KEPT_MAX: Final = 1_024

_NAME: Final = r"[a-z_][a-z0-9_]{0,40}"
_VARIABLE: Final = re.compile(rf"\{{\{{ {{0,3}}({_NAME}(?:\.{_NAME}){{0,3}}) {{0,3}}\}}\}}")
_MARKUP: Final = re.compile(r"\{[{%]")
_WORDS: Final = frozenset(
    {
        *("true", "false", "nil", "null", "empty", "blank", "and", "or", "not", "contains", "in"),
        *("if", "else", "for", "as", "with", "cols", "limit", "offset", "reversed", "continue"),
        *("required", "first", "last", "size"),
    }
)
"""Names by which the library may mean something else than the value of that name."""


class PlainTemplate(NamedTuple):
    """The words of a template with the names of its variables between them."""

    parts: tuple[str, ...]
    paths: tuple[tuple[str, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The variables as dotted paths."""
        return self.parts[1::2]

    def filled(
        self, values: Mapping[str, object], purse: Purse | None, *, html: bool
    ) -> str | None:
        """The text for these values, as they were given; None where the library has a say."""
        cost = LOOKUP * len(self.paths)
        if purse is not None and purse.left < cost:
            return None
        parts = list(self.parts)
        for index, path in enumerate(self.paths):
            text = _text_at(values, path)
            if text is None:
                return None
            parts[2 * index + 1] = escape(text) if html else text
        shown = "".join(parts)
        if "\r" in shown or len(shown) > OUTPUT_CHARACTERS_MAX:
            return None  # the library makes other line ends of it, or refuses it
        if purse is not None:
            purse.spend(cost)
        return shown


def plain_template(source: str) -> PlainTemplate | None:
    """The template, if it is nothing but words and variables."""
    return _read(source) if len(source) <= CHARACTERS_MAX else None


@lru_cache(maxsize=KEPT_MAX)
def _read(source: str) -> PlainTemplate | None:
    parts = tuple(_VARIABLE.split(source))
    words, names = parts[::2], parts[1::2]
    paths = tuple(tuple(name.split(".")) for name in names)
    plain = (
        len(names) <= VARIABLES_MAX
        and not any(map(_MARKUP.search, words))
        and not any(text.endswith("{") for text in words[:-1])  # would open a markup earlier
        and all(map(_WORDS.isdisjoint, paths))
    )
    return PlainTemplate(parts, paths) if plain else None


def _text_at(values: Mapping[str, object], path: tuple[str, ...]) -> str | None:
    """The text of this name; what is blank, or no plain text, is for the library to judge."""
    found: object = values
    for name in path:
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found if type(found) is str and found and not found.isspace() else None
