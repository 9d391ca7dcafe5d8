"""When the clocks of a zone are changed: where days are not as long as days are."""

from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random  # noqa: TID251  # a test draws by a seed, not by the Rng port
from zoneinfo import ZoneInfo

from domain.timing import Hours, open_minutes

FIRST = datetime(2026, 6, 1, tzinfo=UTC)
HOURS = 24 * 420
BEFORE_D = (0, 0, 1, 1, 2, 3, 5, 7, 8)
BEFORE_MIN = (-60, -30, -1, 0, 1, 30, 59, 60, 61, 90, 120, 600, 1439)


@cache
def clock_changes(zone: str) -> tuple[datetime, ...]:
    """The hours from the summer of 2026 on in which the zone's clocks are changed."""
    hours = [FIRST + timedelta(hours=number) for number in range(HOURS)]
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    return tuple(hours[at] for at in range(1, HOURS) if offsets[at] != offsets[at - 1])


def beside_a_change(hours: Hours, rng: Random) -> datetime | None:
    """An instant from which a wait of a few days may come to a change of the clock.

    Often it is when the hours close for the last time before that change.
    """
    changes = clock_changes(hours.zone)
    if not changes:
        return None
    change, second = rng.choice(changes), timedelta(seconds=rng.choice((0, 1)))
    closing = _last_closing(hours, change) if rng.random() < 0.4 else None
    if closing is not None:
        return closing + second
    days, minutes = rng.choice(BEFORE_D), rng.choice(BEFORE_MIN)
    return change - timedelta(days=days, minutes=minutes) - second


def _last_closing(hours: Hours, change: datetime) -> datetime | None:
    zone = ZoneInfo(hours.zone)
    for ahead in range(8):
        day = (change.astimezone(zone) - timedelta(days=ahead)).date()
        for _, end in reversed(open_minutes(day.weekday(), hours)):
            midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
            closing = (midnight + timedelta(minutes=end)).astimezone(UTC)
            if day not in hours.holidays and closing < change:
                return closing
    return None
