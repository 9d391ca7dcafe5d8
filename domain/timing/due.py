"""When a send is due: wanted instant, open time, jitter, spacing (plan-dsl.md 4.3)."""

from datetime import date, datetime, timedelta
from hashlib import blake2b

import msgspec

from domain.timing.durations import Duration, add
from domain.timing.opening import Hours, open_from
from domain.timing.zones import in_utc, local, next_wall, same_wall_later

MARGIN_S = 60  # jitter ends this long before the open stretch does

_SECOND = timedelta(seconds=1)
_SATURDAY = 5


class Jitter(msgspec.Struct, frozen=True, gc=False):
    """The seconds by which a send is put off after the first open instant: least and most."""

    min_s: int
    max_s: int


class Schedule(msgspec.Struct, frozen=True, gc=False):
    """When a send is wanted: `at` an instant, or relative to entry; `send_at` is a minute."""

    delay: Duration = Duration()
    business_days: int | None = None
    send_at: int | None = None
    at: datetime | None = None


def base_time(schedule: Schedule, base: datetime, hours: Hours) -> datetime:
    """The instant a send is wanted, before open time, jitter and spacing; never before `base`."""
    if schedule.at is not None:
        return max(in_utc(schedule.at), in_utc(base))
    wanted = add(base, schedule.delay, hours.zone)
    if schedule.business_days:
        today = local(wanted, hours.zone).date()
        days = _days_over(today, schedule.business_days, hours.holidays)
        wanted = same_wall_later(wanted, days, hours.zone)
    if schedule.send_at is not None:
        wanted = next_wall(wanted, schedule.send_at, hours.zone)
    return max(wanted, in_utc(base))


def jitter_s(key: str, lo: int, hi: int) -> int:
    """Seconds from `lo` to `hi`, both inclusive: even over many keys, fixed for one key."""
    digest = blake2b(key.encode(), digest_size=6).digest()
    return lo + int.from_bytes(digest, "big") % (hi - lo + 1)


def due_time(
    schedule: Schedule,
    base: datetime,
    key: str,
    hours: Hours,
    jitter: Jitter,
    floor: datetime | None = None,
) -> datetime | None:
    """The instant a send is due: open, not before `base`, not before the spacing floor.

    None when there is no open time to be found: the send fails closed.
    """
    due = _placed(base_time(schedule, base, hours), key, hours, jitter)
    if due is None or floor is None or due >= floor:
        return due
    return _placed(floor, key, hours, jitter)


def _placed(wanted: datetime, key: str, hours: Hours, jitter: Jitter) -> datetime | None:
    stretch = open_from(wanted, hours)
    if stretch is None:
        return None
    start, end = stretch
    room_s = (end - start) // _SECOND - MARGIN_S
    if room_s <= 0:
        return start
    lo, hi = min(jitter.min_s, room_s), min(jitter.max_s, room_s)
    return start + timedelta(seconds=jitter_s(key, lo, hi))


def _days_over(today: date, business_days: int, holidays: frozenset[date]) -> int:
    """How many calendar days lie before that many business days have come."""
    days = 0
    while business_days:
        days += 1
        day = today + timedelta(days=days)
        business_days -= day.weekday() < _SATURDAY and day not in holidays
    return days
