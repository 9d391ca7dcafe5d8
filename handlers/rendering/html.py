"""The HTML part: made from plain text, or the plan's own with nothing but its links changed."""

import re
from collections.abc import Callable, Iterable
from html import escape, unescape
from typing import Final

from handlers.rendering.failed import RenderFailed
from handlers.rendering.markup import Markup, Tag
from handlers.rendering.text import Rewrite, address_in, is_web, web_links

_LINK_TAGS: Final = frozenset({"a", "area"})
_ATTRIBUTE: Final = re.compile(
    r"""(?<![^\s"'/])(?P<name>[^\s"'>/=]++)\s*+=\s*(?P<value>"[^"]*"|'[^']*'|[^\s>"'][^\s>]*)"""
)
_BETWEEN_PARAGRAPHS: Final = re.compile(r"\n\s*\n")
_SWALLOWS: Final = frozenset(
    {
        *("script", "style", "title", "textarea", "noscript", "template", "select", "iframe"),
        *("object", "svg", "math", "xmp", "noembed", "noframes", "plaintext", "details", "dialog"),
    }
)
"""Elements that would hide the footer if they were left open."""
_CLOSED_BY_SLASH: Final = frozenset({"svg", "math"})
"""Those that `<svg/>` closes; browsers leave `<title/>` open."""
_FONT: Final = "font-family:Helvetica,Arial,sans-serif;font-size:15px;line-height:1.5;color:#222"

Edit = tuple[int, int, str]


def html_of(text: str, rewrite: Rewrite) -> str:
    """An HTML part that looks like the plain text: paragraphs, line breaks, links to click on.

    What they lead to is replaced; nothing in it is left open.
    """
    paragraphs = _BETWEEN_PARAGRAPHS.split(text.strip())
    shown = (_clickable(one, rewrite).replace("\n", "<br>\n") for one in paragraphs)
    return f'<div style="{_FONT}">\n' + "".join(f"<p>{one}</p>\n" for one in shown) + "</div>\n"


def finished(markup: Markup, rewrite: Rewrite, *, opening: str, closing: Callable[[], str]) -> str:
    """The source with web links replaced, `opening` first and `closing` last in its body.

    What closes it is made when all links are known.

    Raises RenderFailed for a source that leaves something open that would swallow the end.
    """
    page = _Page(markup)
    if page.swallows_what_follows():
        raise RenderFailed("html")
    links = [(start, stop, f'"{escape(rewrite(url))}"') for start, stop, url in page.links]
    return _edited(
        markup.source,
        [
            (page.body_start, page.body_start, opening),
            *links,
            (page.body_end, page.body_end, closing()),
        ],
    )


def pixel(address: str) -> str:
    """The image that tells of an open."""
    return (
        f'<img src="{escape(address)}" width="1" height="1" alt=""'
        ' style="width:1px;height:1px;border:0;opacity:0">\n'
    )


def trap(address: str) -> str:
    """A link that only programs follow: not shown, not read out, not reached by the keyboard."""
    style = "display:none;max-height:0;overflow:hidden;mso-hide:all"
    return f'<a href="{escape(address)}" style="{style}" aria-hidden="true" tabindex="-1"></a>\n'


def hidden_preheader(text: str) -> str:
    """The line that mail programs show beside the subject."""
    style = "display:none;max-height:0;overflow:hidden;opacity:0;mso-hide:all"
    return f'<div style="{style}">{escape(text)}</div>\n'


def footer(postal_address: str, opt_out: str) -> str:
    """Who writes, from where, and the way out."""
    address = escape(postal_address).replace("\n", "<br>\n")
    style = "margin-top:32px;font-family:Helvetica,Arial,sans-serif;font-size:12px;color:#666"
    link = f'<a href="{escape(opt_out)}" style="color:#666">Unsubscribe</a>'
    return f'\n<div style="{style}">{address}<br>\n{link}</div>\n'


def _clickable(text: str, rewrite: Rewrite) -> str:
    pieces, end = [], 0
    for start, stop in web_links(text):
        url = text[start:stop]
        link = f'<a href="{escape(rewrite(address_in(url)))}">{escape(url)}</a>'
        pieces += [escape(text[end:start]), link]
        end = stop
    return "".join([*pieces, escape(text[end:])])


def _edited(source: str, edits: Iterable[Edit]) -> str:
    pieces, end = [], 0
    for start, stop, text in sorted(edits, key=lambda edit: edit[:2]):
        pieces += [source[end:start], text]
        end = stop
    return "".join([*pieces, source[end:]])


class _Page:
    """Where the links of an HTML source stand, and where its body begins and ends."""

    def __init__(self, markup: Markup) -> None:
        self.links: list[tuple[int, int, str]] = []
        self.body_start = 0
        self.body_end = len(markup.source)
        self._unfinished = markup.unfinished
        self._open: dict[str, int] = {}
        self._opened_at = -1
        for part in markup.parts:
            if isinstance(part, Tag):
                self._take(part)

    def swallows_what_follows(self) -> bool:
        """Whether text after the source would be inside a comment, a tag or a hidden element."""
        return self._unfinished or any(count > 0 for count in self._open.values())

    def _count(self, tag: Tag) -> None:
        count = self._open.get(tag.name, 0)
        if tag.opens:
            self._open[tag.name], self._opened_at = count + 1, tag.at
        elif tag.at != self._opened_at or tag.name in _CLOSED_BY_SLASH:
            self._open[tag.name] = max(0, count - 1)

    def _take(self, tag: Tag) -> None:
        if tag.name in _SWALLOWS:
            self._count(tag)
        if tag.name == "body" and tag.opens:
            self.body_start = tag.at + len(tag.written)
        elif tag.name == "body":
            self.body_end = tag.at
        elif tag.opens and tag.name in _LINK_TAGS:
            self.links += _web_hrefs(tag.written, tag.at)


def _web_hrefs(tag: str, at: int) -> Iterable[tuple[int, int, str]]:
    for found in _ATTRIBUTE.finditer(tag):
        value = found["value"]
        quoted = value[0] in "\"'"
        url = address_in(unescape(value[1:-1] if quoted else value))
        if found["name"].lower() == "href" and is_web(url):
            yield at + found.start("value"), at + found.end("value"), url
