"""How long a send can take from the entry of its node to its message (plan-dsl.md 11.4)."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import lru_cache

import msgspec

from domain.plan import Send
from domain.timing import Duration, Hours, open_minutes

DAY_S = 86_400
HOUR_S = 3_600
SHIFT_S = HOUR_S
"""What a change of the clock can add to calendar days, or take from them."""

_WEEK_DAYS = 7
_SATURDAY = 5
_DAY_MINUTES = 1_440
_GAP_MINUTES = 120
_GAPS_FROM, _GAPS_TO = 22 * 60, 4 * 60
"""Clocks are set forward at night, and by two hours at most."""


class Span(msgspec.Struct, frozen=True, gc=False):
    """Seconds between entry and message.

    `low` and `high` are the bounds of plan-dsl.md 11.4; `sure` is never undercut, also where the
    end of an open stretch leaves no room for jitter; `shifted` tells that a change of the clock is
    counted in `high`; `absolute` that the send waits for an instant, for nobody knows how long.
    """

    low: int
    sure: int
    wanted: int
    high: int
    shifted: bool
    jitter_max: int
    absolute: bool


def longest_s(duration: Duration) -> int:
    """Its length where the clock is set back meanwhile."""
    return duration.nominal_s + (SHIFT_S if duration.days else 0)


def least_s(duration: Duration) -> int:
    """Its length where the clock is set forward meanwhile."""
    return max(0, duration.nominal_s - (SHIFT_S if duration.days else 0))


def send_span(send: Send, grace_s: int) -> Span:
    """The bounds of this send; a timer that led here may be taken as late as its grace."""
    schedule, jitter = send.schedule, send.jitter
    late = longest_closed_s(send.hours) + max(jitter.max_s, grace_s)
    if schedule.at is not None:
        return Span(jitter.min_s, 0, 0, late, False, jitter.max_s, True)  # noqa: FBT003  # as named
    business = schedule.business_days or 0
    calendar = bool(schedule.delay.days or business)
    shift = SHIFT_S if calendar else 0
    delay = schedule.delay.nominal_s
    wanted = max(0, delay + business * DAY_S - shift)
    high = delay + _calendar_days(business, send.hours.holidays) * DAY_S + shift + late
    return Span(
        low=wanted + jitter.min_s,
        sure=wanted + min(shift, jitter.min_s),
        wanted=wanted,
        high=high + (25 * HOUR_S if schedule.send_at is not None else 0),
        shifted=calendar or schedule.send_at is not None,
        jitter_max=jitter.max_s,
        absolute=False,
    )


@lru_cache(maxsize=256)
def longest_closed_s(hours: Hours) -> int:
    """The longest closed stretch of any week, and around the holidays, by the clock on the wall."""
    of_day = [open_minutes(weekday, hours) for weekday in range(_WEEK_DAYS)]
    longest = _longest_gap(of_day[day % _WEEK_DAYS] for day in range(3 * _WEEK_DAYS))
    for first, last in _clusters(hours.holidays):
        days = (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))
        around = (() if day in hours.holidays else of_day[day.weekday()] for day in days)
        longest = max(longest, _longest_gap(around))
    return longest * 60


def _longest_gap(days: Iterable[tuple[tuple[int, int], ...]]) -> int:
    """The most minutes between open stretches of these days; the clocks may skip one of them."""
    longest, night, closings = 0, 0, list[int]()
    for number, stretches in enumerate(days):
        for low, high in stretches:
            opens, closes = number * _DAY_MINUTES + low, number * _DAY_MINUTES + high
            longest = max([longest, *(opens - closed for closed in closings)])
            if not _may_vanish(low, high):
                closings = [closes]
            elif len(closings) > 1 and closes - night <= _GAP_MINUTES:
                closings[-1] = closes
            else:
                closings, night = [*closings[-1:], closes], opens
    return longest


def _may_vanish(low: int, high: int) -> bool:
    """Whether these minutes may all be skipped when the clock is set forward."""
    return high - low <= _GAP_MINUTES and (low >= _GAPS_FROM or high <= _GAPS_TO)


def _clusters(holidays: frozenset[date]) -> Iterator[tuple[date, date]]:
    """The days from two weeks before holidays to two weeks after, those that touch as one."""
    weeks, begin, end = timedelta(days=2 * _WEEK_DAYS), None, None
    for day in sorted(holidays):
        if not date.min + weeks < day < date.max - weeks:
            continue
        if begin is None or end is None:
            begin = day - weeks
        elif day - weeks > end:
            yield begin, end
            begin = day - weeks
        end = day + weeks
    if begin is not None and end is not None:
        yield begin, end


def _calendar_days(business: int, holidays: frozenset[date]) -> int:
    """The most calendar days in which so many business days come, wherever they begin."""
    if not business:
        return 0
    closed = [day.toordinal() for day in sorted(holidays) if day.weekday() < _SATURDAY]
    days, before = business + 2 * ((business + 4) // 5), 0
    while days != before:
        before = days
        needed = business + _most_within(closed, days)
        days = needed + 2 * ((needed + 4) // 5)
    return days


def _most_within(days: list[int], length: int) -> int:
    """The most of these days that lie in one row of that many days."""
    most, first = 0, 0
    for last, day in enumerate(days):
        while day - days[first] >= length:
            first += 1
        most = max(most, last - first + 1)
    return most
