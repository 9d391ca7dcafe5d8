"""What a reply says by itself: its own words, a wish to be left alone, a day of return."""

import re
from contextlib import suppress
from datetime import date, datetime
from html.parser import HTMLParser

from typing_extensions import override

LOOKED_AT_CHARACTERS_MAX = 20_000
"""A person's own words stand at the top; what comes after is not looked at for wishes."""

_QUOTE_BEGINS = re.compile(
    r"^[ \t]*(?:(?:on|am|le)\b[^\n]{1,300}(?:\n[^\n]{1,150}){0,2}?"
    r"(?:wrote|schrieb|a écrit)[^\n]{0,100}:"
    r"|-{2,}\s*(?:original message|forwarded message|ursprüngliche nachricht)[^\n]*|_{10,}"
    r"|(?:from|von|de):\s[^\n]*@[^\n]*)[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTED = (">", "|")
_OPT_OUT_LINE = re.compile(
    r"\W*(?:please\s+)?(stop|remove me|unsubscribe)(?:\s+please)?\W*", re.IGNORECASE
)
_OPT_OUT = re.compile(
    r"\b(unsubscribe|remove me|stop (?:e-?mail|mail|contact|messag|writ|send)ing)\b", re.IGNORECASE
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?:{'|'.join(_MONTHS)})[a-z]*"
_TH = r"(?:st|nd|rd|th)?"
_AWAY_UNTIL = re.compile(
    r"\b(?:until|till|back|return(?:ing)?|through)\s+(?:in the office\s+)?(?:on\s+)?(?:the\s+)?"
    r"(?:[a-z]+day,?\s+)?(?:the\s+)?"
    rf"(?:(?P<iso>\d{{4}}-\d\d-\d\d)|(?P<day>\d\d?{_TH}\s+(?:of\s+)?{_MONTH}|{_MONTH}\s+\d\d?{_TH}\b)"
    r"(?:,?\s+(?P<year>20\d\d))?)",
    re.IGNORECASE,
)


def own_words(text: str) -> str:
    """The lines of a plain text that its writer added, above, between or below the quoted ones."""
    whole = text[:LOOKED_AT_CHARACTERS_MAX].replace("\r\n", "\n")
    quote = _QUOTE_BEGINS.search(whole)
    if quote is not None:
        after = whole[quote.end() :]
        marked = any(line.lstrip().startswith(_QUOTED) for line in after.splitlines())
        whole = whole[: quote.start()] + (after if marked else "")
    lines = (line.strip() for line in whole.splitlines())
    return "\n".join(line for line in lines if not line.startswith(_QUOTED)).strip()


def opt_out_words(subject: str, words: str) -> str:
    """The words by which a person asks for no more mail, in lower case; empty when there are none.

    "Stop" alone must be all of a line or of the subject, since one also stops by; the subject of an
    answer ("Re: ...") is ours and is not looked at.
    """
    for line in (subject, *words.splitlines()):
        if found := _OPT_OUT_LINE.fullmatch(line):
            return found[1].lower()
    found = _OPT_OUT.search(words)
    return found[1].lower() if found else ""


def returns_on(words: str, *, at: datetime) -> date | None:
    """The day until which the writer says to be away, counted from the day of writing."""
    found = _AWAY_UNTIL.search(words[:LOOKED_AT_CHARACTERS_MAX])
    if found is None:
        return None
    try:
        if found["iso"]:
            return date.fromisoformat(found["iso"])
        return _day(found["day"].lower(), found["year"], at.date())
    except ValueError:
        return None


def text_of_html(html: str) -> str:
    """The words of an HTML mail without quoted blocks; good enough to look for wishes."""
    reader = _Words()
    # The parser asserts on some malformed declarations; what it read before stays.
    with suppress(AssertionError):
        reader.feed(html[: 10 * LOOKED_AT_CHARACTERS_MAX])
    return "".join(reader.words).strip()


def _day(text: str, year: str | None, today: date) -> date:
    """A day and a month by name; without a year the next such day."""
    number = next(int(digits) for digits in re.findall(r"\d+", text))
    month = next(_MONTHS.index(word[:3]) + 1 for word in re.findall(r"[a-z]{3,}", text))
    if year:
        return date(int(year), month, number)
    day = date(today.year, month, number)
    return day if day >= today else day.replace(year=today.year + 1)


class _Words(HTMLParser):
    _SILENT = frozenset({"script", "style", "head", "title", "blockquote"})
    _BREAKS = frozenset({"p", "br", "div", "li", "tr", "h1", "h2", "h3"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._silent = 0

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self._SILENT
        if tag in self._BREAKS:
            self.words.append("\n")

    @override
    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in self._SILENT))
        if tag in self._BREAKS:
            self.words.append("\n")

    @override
    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)
