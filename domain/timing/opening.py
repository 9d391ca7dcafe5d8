"""Open time: when sends may leave, by window, quiet hours and holidays (plan-dsl.md 4.3)."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import msgspec

from domain.timing.zones import in_utc, local, regimes, wall_to_instant

DAY_MINUTES = 1_440
SEARCH_DAYS = 400
YEAR_MAX = 9_000  # beyond it a search would run off the end of the calendar

Stretch = tuple[datetime, datetime]
Minutes = tuple[tuple[int, int], ...]


class QuietHours(msgspec.Struct, frozen=True, gc=False):
    """No sends from minute `start` of the day to before `end`; may cross midnight."""

    start: int
    end: int


class Window(msgspec.Struct, frozen=True, gc=False):
    """Sends only on these weekdays (0 is Monday), from minute `start` to before `end`.

    `end` 0 after a later start means midnight; any other end at or before the start leaves no time.
    """

    days: frozenset[int]
    start: int
    end: int


class Hours(msgspec.Struct, frozen=True, gc=False):
    """The open time of a send: its zone and what closes it."""

    zone: str
    quiet: QuietHours | None = None
    window: Window | None = None
    holidays: frozenset[date] = frozenset()


def open_minutes(weekday: int, hours: Hours) -> Minutes:
    """The open stretches of such a weekday, no holiday, half-open in minutes of the day."""
    start, end = _window_on(weekday, hours.window)
    clipped = ((max(start, low), min(end, high)) for low, high in _not_quiet(hours.quiet))
    return tuple((low, high) for low, high in clipped if low < high)


def is_open(instant: datetime, hours: Hours) -> bool:
    """Whether a send may leave at this instant."""
    day = local(instant, hours.zone).date()
    return any(start <= instant < end for start, end in _open_on(day, hours))


def open_from(instant: datetime, hours: Hours) -> Stretch | None:
    """The first open instant from this one on, and the end of its stretch on that local day.

    None when neither this local day nor the 400 after it have one.
    """
    wanted = in_utc(instant)
    if wanted.year > YEAR_MAX:
        return None
    today = local(wanted, hours.zone).date()
    for ahead in range(SEARCH_DAYS + 1):
        for start, end in _open_on(today + timedelta(days=ahead), hours):
            if wanted < end:
                return max(start, wanted), end
    return None


def _window_on(weekday: int, window: Window | None) -> tuple[int, int]:
    if window is None:
        return 0, DAY_MINUTES
    if weekday not in window.days:
        return 0, 0
    return window.start, DAY_MINUTES if window.end == 0 < window.start else window.end


def _not_quiet(quiet: QuietHours | None) -> Minutes:
    if quiet is None or quiet.start == quiet.end:
        return ((0, DAY_MINUTES),)
    if quiet.start > quiet.end:
        return ((quiet.end, quiet.start),)
    return (0, quiet.start), (quiet.end, DAY_MINUTES)


@lru_cache(maxsize=4096)
def _open_on(day: date, hours: Hours) -> tuple[Stretch, ...]:
    """The open time of one local day, in order."""
    minutes = () if day in hours.holidays else open_minutes(day.weekday(), hours)
    return tuple(_joined(_shown(day, minutes, hours.zone))) if minutes else ()


def _shown(day: date, minutes: Minutes, zone: str) -> Iterator[Stretch]:
    """When the clock on the wall shows these minutes: in a gap never, in a fold twice.

    A stretch whose beginning is skipped begins later by the gap, as every wall time does.
    """
    earliest = [wall_to_instant(day, low, zone) for low, _ in minutes]
    for begin, until, offset in regimes(day, zone):
        midnight = datetime.combine(day, time(), UTC) - offset
        for (low, high), opening in zip(minutes, earliest, strict=True):
            start = max(begin, opening, midnight + timedelta(minutes=low))
            end = min(until, midnight + timedelta(minutes=high))
            if start < end:
                yield start, end


def _joined(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    """Stretches that touch are one: the clock may be changed while it is open."""
    held: Stretch | None = None
    for start, end in stretches:
        if held is None:
            held = start, end
        elif held[1] == start:
            held = held[0], end
        else:
            yield held
            held = start, end
    if held is not None:
        yield held
