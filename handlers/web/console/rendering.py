"""Renders pages: templates that escape, times and numbers in one form, a strict content policy."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from domain.timing.zones import known_zone, local
from handlers.metrics.counted import Rate

POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}


def page(template: str, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """A page of the console."""
    return HTMLResponse(rendered(template, values), status_code=status, headers=HEADERS)


def rendered(template: str, values: Mapping[str, Any]) -> str:
    """The text of a page."""
    return _templates().get_template(f"console/{template}").render(values)


def when(at: datetime | None, zone: str | None = None) -> Markup:
    """An instant in UTC, and what the clocks show where the contact is.

    The script of the page puts the first into the viewer's own zone.
    """
    if at is None:
        return _nothing("no time yet")
    there = Markup("")
    if zone and known_zone(zone):
        place = zone.rpartition("/")[2].replace("_", " ")
        there = Markup(' <span class="there">{} in {}</span>').format(
            f"{local(at, zone):%a %H:%M}", place
        )
    utc = at.astimezone(UTC)
    shown = f"{utc.day} {utc:%b %H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>{}').format(
        f"{utc:%Y-%m-%dT%H:%M:%SZ}", shown, there
    )


def number(value: float | None) -> Markup | str:
    """A number with its thousands apart; what is not measured is no zero."""
    if value is None:
        return Markup('<span class="none">not measured</span>')
    return f"{value:,}"


def percent(value: float | None) -> Markup | str:
    """A share; nothing has none of nothing."""
    return _nothing("no share") if value is None else f"{100 * value:.1f} %"


def rate(found: Rate | None) -> Markup | str:
    """A share, and between which ones the true one is, at 95 %."""
    if found is None:
        return percent(None)
    within = Markup(' <span class="quiet">{:.1f} to {:.1f}</span>')
    return percent(found.value) + within.format(100 * found.low, 100 * found.high)


def words(text: object) -> str:
    """A word of a closed list as people write it."""
    return str(text).replace("_", " ").replace(".", ": ", 1).lower()


def seen(value: object) -> Markup | str:
    """What a gate looked at, as people write it."""
    match value:
        case None | "":
            return _nothing("nothing")
        case bool():
            return "yes" if value else "no"
        case {"name": name, "used": used, "limit": limit}:
            return f"{words(name)} {used} of {limit}"
        case list() | tuple():
            return Markup(", ").join(seen(each) for each in value) or _nothing("nothing")
        case _:
            return str(value)


def short(text: object, length: int = 8) -> str:
    """The beginning of an id or a hash."""
    return str(text).removeprefix("sha256:")[:length]


def day(value: date | None) -> str:
    """A day."""
    return "" if value is None else f"{value.day} {value:%b %Y}"


def _nothing(why: str) -> Markup:
    return Markup('<span class="none" title="{}">\u2013</span>').format(why)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("handlers.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(when=when)
    environment.filters.update(
        num=number,
        seen=seen,
        percent=percent,
        rate=rate,
        words=words,
        short=short,
        day=day,
        when=when,
    )
    return environment
