"""Wall time and instants: which instant a clock on the wall means, and what it shows when."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

Regime = tuple[datetime, datetime, timedelta]
"""From when, until when and by how much a zone is ahead of UTC."""

_SECOND = timedelta(seconds=1)
_OFFSET_MAX = timedelta(hours=16)  # no zone was ever further from UTC
_HHMM = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


def known_zone(name: str) -> bool:
    """Whether a plan may use this zone: an IANA name with a slash, or UTC; no abbreviation."""
    return (name == "UTC" or "/" in name) and name in _zone_names()


def parse_hhmm(text: str) -> int:
    """The minute of the day that HH:MM means; anything else is a ValueError."""
    if _HHMM.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a time of day from 00:00 to 23:59")
    return int(text[:2]) * 60 + int(text[3:])


def in_utc(instant: datetime) -> datetime:
    """The same instant in UTC; a naive time is refused, since it names none."""
    assert instant.tzinfo is not None, "a naive time would be read in the zone of this machine"
    return instant.astimezone(UTC)


def local(instant: datetime, zone: str) -> datetime:
    """What the clock on the wall of the zone shows; not for arithmetic."""
    return in_utc(instant).astimezone(_zone(zone))


def wall_to_instant(day: date, minute: int, zone: str) -> datetime:
    """The instant of a wall time: later by the gap if it is skipped, the first if it is twice."""
    return _instant(datetime.combine(day, time()) + timedelta(minutes=minute), zone)


def same_wall_later(instant: datetime, days: int, zone: str) -> datetime:
    """The same wall time some calendar days later."""
    return _instant(local(instant, zone).replace(tzinfo=None) + timedelta(days=days), zone)


def next_wall(instant: datetime, minute: int, zone: str) -> datetime:
    """That wall time on the local date of the instant, or on the next date if it is over."""
    today = local(instant, zone).date()
    found = wall_to_instant(today, minute, zone)
    return found if found >= instant else wall_to_instant(today + timedelta(days=1), minute, zone)


def regimes(day: date, zone: str) -> Iterator[Regime]:
    """The offsets that can concern a local day, in order and without a hole."""
    midnight = datetime.combine(day, time(), UTC)
    begin, until = midnight - _OFFSET_MAX, midnight + timedelta(days=1) + _OFFSET_MAX
    while (offset := _offset(begin, zone)) != _offset(until, zone):
        change = _first_change(begin, until, zone)
        yield begin, change, offset
        begin = change
    yield begin, until, offset


def _first_change(before: datetime, after: datetime, zone: str) -> datetime:
    """The second at which the offset is no longer the one it was `before`."""
    offset = _offset(before, zone)
    while after - before > _SECOND:
        middle = before + (after - before) // (2 * _SECOND) * _SECOND
        if _offset(middle, zone) == offset:
            before = middle
        else:
            after = middle
    return after


def _instant(wall: datetime, zone: str) -> datetime:
    # fold=0 is both rules at once: the offset from before a gap, the first pass through a fold
    return wall.replace(tzinfo=_zone(zone), fold=0).astimezone(UTC)


def _offset(instant: datetime, zone: str) -> timedelta:
    offset = instant.astimezone(_zone(zone)).utcoffset()
    assert offset is not None
    return offset


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())
