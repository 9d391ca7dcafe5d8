"""The plain text part: made from HTML, its links found and replaced."""

import re
from collections.abc import Callable
from typing import Final

from handlers.rendering.markup import Markup, Tag

Rewrite = Callable[[str], str]
"""The address to show or to lead to in place of a link's own."""

URL_CHARACTERS_MAX: Final = 2_000

_URL: Final = re.compile(rf'https?://[^\s<>"]{{1,{URL_CHARACTERS_MAX}}}', re.IGNORECASE)
_DROPPED: Final = re.compile(r"[\x00-\x1f\x7f]")
_UNREAD: Final = frozenset({"script", "style", "title", "template"})
_LINE: Final = "\x01"
_PARAGRAPH: Final = "\x02"
_BLANK: Final = f" \n{_LINE}{_PARAGRAPH}"
_BREAK_OF: Final = {
    **dict.fromkeys(("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table"), _PARAGRAPH),
    **dict.fromkeys(("div", "tr", "hr", "li", "blockquote", "section", "header", "pre"), _LINE),
}
_MARK_OF: Final = {"br": "\n", "li": "- ", "td": " ", "th": " "}
_BLANKS: Final = re.compile(r"[\s\x00-\x1f]+")
_SPACES: Final = re.compile(" +")
_GAP: Final = re.compile(rf" ?[\n{_LINE}{_PARAGRAPH}][{_BLANK}]*")


def address_in(href: str) -> str:
    """The address that an attribute leads to, without line breaks: redirects put it in a header."""
    return _DROPPED.sub("", href).strip()


def is_web(url: str) -> bool:
    """Whether an address is one that we follow and count."""
    return url.lower().startswith(("http://", "https://"))


def web_links(text: str) -> list[tuple[int, int]]:
    """Where the web addresses of a text stand, without the punctuation that follows them."""
    return [(found.start(), found.start() + _length(found[0])) for found in _URL.finditer(text)]


def relinked(text: str, rewrite: Rewrite) -> str:
    """The same text with each web address replaced."""
    pieces, end = [], 0
    for start, stop in web_links(text):
        pieces += [text[end:start], rewrite(text[start:stop])]
        end = stop
    return "".join([*pieces, text[end:]])


def text_of(markup: Markup, shown: Rewrite) -> str:
    """A readable text of an HTML part, each link as `text (address)`."""
    text = _SPACES.sub(" ", "".join(_Reader(markup, shown).pieces))
    return _GAP.sub(_gap, text).strip()


def _gap(found: re.Match[str]) -> str:
    marks = found[0]
    return "\n\n" if _PARAGRAPH in marks or marks.count("\n") > 1 else "\n"


def _length(url: str) -> int:
    """How much of what was found is address: trailing punctuation and unopened brackets are not."""
    while url[-1] in ".,;:!?'" or (url[-1] in ")]" and _closes_nothing(url)):
        url = url[:-1]
    return len(url)


def _closes_nothing(url: str) -> bool:
    closing = url[-1]
    return url.count(closing) > url.count({")": "(", "]": "["}[closing])


class _Reader:
    """Collects what a person would read."""

    def __init__(self, markup: Markup, shown: Rewrite) -> None:
        self.pieces: list[str] = []
        self._shown = shown
        self._unread = 0
        self._links: list[tuple[int, str]] = []
        for part in markup.parts:
            if isinstance(part, Tag):
                self._take(part)
            elif not self._unread:
                self.pieces.append(_BLANKS.sub(" ", part))

    def _take(self, tag: Tag) -> None:
        if tag.name in _UNREAD:
            self._unread = self._unread + 1 if tag.opens else max(0, self._unread - 1)
        if tag.name in _BREAK_OF:
            self.pieces.append(_BREAK_OF[tag.name])
        if tag.opens and tag.name in _MARK_OF:
            self.pieces.append(_MARK_OF[tag.name])
        elif tag.name == "a" and tag.opens:
            self._links.append((len(self.pieces), address_in(tag.href)))
        elif tag.name == "a" and self._links:
            start, url = self._links.pop()
            self.pieces[start:] = [self._link("".join(self.pieces[start:]), url)]

    def _link(self, label: str, url: str) -> str:
        if not is_web(url):
            return label
        said = label.strip(_BLANK)
        if said in {"", url}:
            return label.removesuffix(url) + self._shown(url)
        return label.replace(said, f"{said} ({self._shown(url)})")
