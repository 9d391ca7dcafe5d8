"""Durations: calendar days at the same wall time, then elapsed time (plan-dsl.md 4.1)."""

import re
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec

from domain.timing.zones import in_utc, same_wall_later

DAY_S = 86_400
HOUR_S = 3_600
MINUTE_S = 60

_DURATION = re.compile(
    r"P(?=[0-9T])(?:([0-9]{1,3})W)?(?:([0-9]{1,3})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,4})H)?(?:([0-9]{1,5})M)?(?:([0-9]{1,6})S)?)?"
)
_DAYS_MAX, _HOURS_MAX, _MINUTES_MAX = 999, 9_999, 99_999  # the digits that the notation has


class Duration(msgspec.Struct, frozen=True, gc=False):
    """Calendar days, which keep the wall time, and elapsed seconds after them."""

    days: int = 0
    seconds: int = 0

    @property
    def nominal_s(self) -> int:
        """Its length for static comparison, where a day counts 86,400 s."""
        return self.days * DAY_S + self.seconds

    @property
    def text(self) -> str:
        """The text that `parse_duration` reads as this value; weeks only beyond 999 days."""
        weeks = max(0, self.days - _DAYS_MAX + 6) // 7
        hours = min(self.seconds // HOUR_S, _HOURS_MAX)
        minutes = min((self.seconds - hours * HOUR_S) // MINUTE_S, _MINUTES_MAX)
        seconds = self.seconds - hours * HOUR_S - minutes * MINUTE_S
        days = _text((weeks, "W"), (self.days - weeks * 7, "D"))
        clock = _text((hours, "H"), (minutes, "M"), (seconds, "S"))
        return f"P{days}T{clock}" if clock else f"P{days or 'T0S'}"


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> Duration:
    """The duration that a text of plan-dsl.md 4.1 means; anything else is a ValueError."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a duration such as P3D, PT24H or P1DT12H")
    weeks, days, hours, minutes, seconds = (int(digits or 0) for digits in found.groups())
    return Duration(weeks * 7 + days, hours * HOUR_S + minutes * MINUTE_S + seconds)


def add(instant: datetime, duration: Duration, zone: str) -> datetime:
    """The instant after the calendar days, at the same wall time, and then the elapsed part."""
    moved = in_utc(instant)
    if duration.days:  # no days must not take the second pass through a fold back to the first
        moved = same_wall_later(moved, duration.days, zone)
    return moved + timedelta(seconds=duration.seconds)


def matches_offset(
    occurred_at: datetime, t0: datetime, after: Duration, within: Duration | None, zone: str
) -> bool:
    """Whether an event is `after` to `within` from t0, both inclusive; before t0 counts as t0."""
    counted_at = max(occurred_at, t0)
    early = counted_at < add(t0, after, zone)
    late = within is not None and counted_at > add(t0, within, zone)
    return not early and not late


def _text(*parts: tuple[int, str]) -> str:
    return "".join(f"{count}{unit}" for count, unit in parts if count)
