"""What an HTML source is made of: its tags with their places, and the words between them."""

import re
from html import unescape
from html.parser import HTMLParser
from itertools import accumulate
from typing import Final, NamedTuple

import msgspec
from typing_extensions import override

_SPACE: Final = r"[ \t\n\r\f]"
_NAME: Final = r"[a-zA-Z][-a-zA-Z0-9_:]*+"
_VALUE: Final = r"""(?:"[^"]*+"|'[^']*+')"""
_ATTRIBUTE: Final = re.compile(rf"({_NAME})(?:=({_VALUE}))?+")
_TOKEN: Final = re.compile(
    rf"""([^<]*+)(?:
        <({_NAME})((?:{_SPACE}++{_NAME}(?:={_VALUE})?+)*+){_SPACE}*+(/?)>
        |</({_NAME}){_SPACE}*+>
        |<!--(?!-?>)(?:[^-]++|-(?!-))*+-->
        |\Z)""",
    re.VERBOSE,
)
"""Words, and then a tag or a comment as nearly all are written: there is one way to read them."""
_TAKES_WORDS: Final = frozenset(
    {
        *("script", "style", "title", "textarea", "noscript", "iframe", "xmp", "noembed"),
        *("noframes", "plaintext", "svg", "math"),
    }
)
"""Elements in which a tag may be no tag."""

_OPENS: Final = True
_CLOSES: Final = False


class Tag(msgspec.Struct, frozen=True, gc=False):
    """A tag; of one that opens an element also how it is written, of an `a` where it leads."""

    name: str
    opens: bool
    at: int
    written: str = ""
    href: str = ""


class Markup(NamedTuple):
    """A source in the order of its parts; `unfinished` where its end would swallow what follows."""

    source: str
    parts: list[str | Tag]
    unfinished: bool = False


def markup_of(source: str) -> Markup:
    """The parts of a source, however it is written."""
    return plain_markup(source) or parsed_markup(source)


def parsed_markup(source: str) -> Markup:
    """The parts as the library's parser understands them."""
    parser = _Parser(source)
    return Markup(source, parser.parts, parser.unfinished)


def plain_markup(source: str) -> Markup | None:
    """The same in a fifth of the time; None for what is left to the parser."""
    parts: list[str | Tag] = []
    at, end = 0, len(source)
    while at < end:
        found = _TOKEN.match(source, at)
        if found is None:
            return None
        words, opened, attributes, empty, closed = found.groups()
        if words:
            parts.append(unescape(words))
            at += len(words)
        name = (opened or closed or "").lower()
        if name in _TAKES_WORDS:
            return None
        if opened:
            href = _href(attributes) if name == "a" else ""
            parts.append(Tag(name, _OPENS, at, source[at : found.end()], href))
        if closed or empty:
            parts.append(Tag(name, _CLOSES, at))
        at = found.end()
    return Markup(source, parts)


def _href(attributes: str) -> str:
    values = [value for name, value in _ATTRIBUTE.findall(attributes) if name.lower() == "href"]
    return unescape(values[-1][1:-1]) if values else ""


class _Parser(HTMLParser):
    """The library's own understanding of a source."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.parts: list[str | Tag] = []
        self._lines = [0, *accumulate(len(line) + 1 for line in source.split("\n"))]
        self.feed(source)
        self.unfinished = self.rawdata.startswith("<") or self.cdata_elem is not None
        if not self.unfinished:
            self.feed("\n")  # and no close(): it takes quadratic time over what was left open

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href") or "" if tag == "a" else ""
        self.parts.append(Tag(tag, _OPENS, self._at(), self.get_starttag_text() or "", href))

    @override
    def handle_endtag(self, tag: str) -> None:
        self.parts.append(Tag(tag, _CLOSES, self._at()))

    @override
    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column
