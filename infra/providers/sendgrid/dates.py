"""Instants as they stand in headers and events: read leniently, never wrongly."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MS_FROM = 100_000_000_000
"""A larger number counts milliseconds."""
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_LAST_MS = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * 1000
_DIGITS_MAX = 16


def header_date(text: str) -> datetime | None:
    """The instant of a mail or HTTP date in UTC; without a zone it is UTC already."""
    try:
        at = parsedate_to_datetime(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at >= _FIRST else None


def event_ms(value: object) -> int | None:
    """Milliseconds since 1970 of a timestamp in seconds or milliseconds, as number or text."""
    number = _number(value)
    if number is None:
        return None
    milliseconds = number if number > MS_FROM else number * 1000
    return milliseconds if 0 < milliseconds < _LAST_MS else None


def instant(milliseconds: int) -> datetime:
    """The instant so many milliseconds after 1970, in UTC."""
    seconds, rest = divmod(milliseconds, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


def _number(value: object) -> int | None:
    if isinstance(value, str) and len(value) <= _DIGITS_MAX and value.strip().isdecimal():
        return int(value)
    if isinstance(value, float) and abs(value) < 10.0**_DIGITS_MAX:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
