"""A stretch of time walked step by step, noting what a clock on the wall shows: the simple model.

It knows the zone database, and of the rules only their words: open while the clock shows an open
minute; what would have opened while the clock skipped opens as much later.
"""

from array import array
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain.timing import Hours, QuietHours, Window

DAY = 1_440
WEEK = frozenset(range(7))
Stretch = tuple[datetime, datetime]


class Rule(NamedTuple):
    """Open on these weekdays from minute `start` to `end`, but not from `quiet` to `loud`."""

    days: frozenset[int] = WEEK
    start: int = 0
    end: int = DAY
    quiet: int = 0
    loud: int = 0
    holidays: frozenset[int] = frozenset()
    """As ordinals of their dates."""

    def open_at(self, wall: int) -> bool:
        """Whether it is open while the wall shows this minute since the year 0."""
        day, minute = divmod(wall, DAY)
        if (day - 1) % 7 not in self.days or day in self.holidays:
            return False
        if self.quiet <= self.loud:
            still = self.quiet <= minute < self.loud
        else:
            still = minute >= self.quiet or minute < self.loud
        return self.start <= minute < self.end and not still

    def hours(self, zone: str) -> Hours:
        """The same for the product."""
        whole = (self.days, self.start, self.end) == (WEEK, 0, DAY)
        return Hours(
            zone,
            QuietHours(self.quiet, self.loud) if self.quiet != self.loud else None,
            None if whole else Window(self.days, self.start, self.end % DAY),
            frozenset(map(date.fromordinal, self.holidays)),
        )


class Walked(NamedTuple):
    """What the wall showed at each step, in minutes since the year 0."""

    zone: str
    start: datetime
    step: int
    walls: Sequence[int]

    def at(self, n: int) -> datetime:
        return self.start + timedelta(minutes=n * self.step)

    def opened(self, rule: Rule) -> list[bool]:
        """Whether it is open from each step to the next."""
        found: list[bool] = []
        shut_until, before = 0, self.walls[0] - self.step
        for n, wall in enumerate(self.walls):
            for skipped in range(before + self.step, wall, self.step):
                if rule.open_at(skipped) and not rule.open_at(skipped - self.step):
                    shut_until = n + (skipped - before) // self.step - 1
            found.append(n >= shut_until and rule.open_at(wall))
            before = wall
        return found

    def first_shown(self) -> dict[int, datetime]:
        """When each minute was shown first; one that was skipped, as much after the skip began."""
        found: dict[int, datetime] = {}
        before = self.walls[0] - self.step
        for n, wall in enumerate(self.walls):
            for skipped in range(before + self.step, wall, self.step):
                found.setdefault(
                    skipped, self.at(n) + timedelta(minutes=skipped - before - self.step)
                )
            found.setdefault(wall, self.at(n))
            before = wall
        return found


@lru_cache(maxsize=40)
def walked(zone: str, start: datetime, days: int, step: int) -> Walked:
    """So many days from `start` on."""
    here, walls = ZoneInfo(zone), array("q")
    for n in range(days * DAY // step):
        shown = (start + timedelta(minutes=n * step)).astimezone(here)
        assert shown.second == 0
        walls.append(shown.toordinal() * DAY + shown.hour * 60 + shown.minute)
    return Walked(zone, start.astimezone(UTC), step, walls)


def stretches(walk: Walked, opened: Sequence[bool]) -> Iterator[Stretch]:
    """From when to when it was open; the first and the last may be longer."""
    since: int | None = None
    for n, is_open in enumerate([*opened, False]):
        if is_open and since is None:
            since = n
        elif not is_open and since is not None:
            yield walk.at(since), walk.at(n)
            since = None


def next_open(opened: Sequence[bool]) -> list[int | None]:
    """For each step the first one from it on that is open."""
    following: int | None = None
    found: list[int | None] = []
    for n in range(len(opened) - 1, -1, -1):
        following = n if opened[n] else following
        found.append(following)
    return found[::-1]
