"""Sends around every change of a clock from 2024 to 2037, in every zone that changes.

The model walks the wall by quarters of an hour: no clock is changed, and nothing here opens, at
any other minute. `--long` also takes the zones that share their clock with another one.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest

from domain.timing import Duration, Hours, Schedule, add, base_time, is_open, open_from
from tests.domain.walked import DAY, Rule, Stretch, Walked, stretches, walked

FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
ONE_DAY, QUARTER, TICK = timedelta(days=1), timedelta(minutes=15), timedelta(microseconds=1)
AROUND, STEP = 3, 15
RULES = {
    "office": Rule(frozenset(range(5)), 9 * 60, 17 * 60),
    "quiet to 02:30": Rule(quiet=21 * 60, loud=2 * 60 + 30),
    "quiet 00:30 to 02:15": Rule(quiet=30, loud=2 * 60 + 15),
    "from 00:15 to 01:45": Rule(start=15, end=105),
    "from 02:15 to 02:45": Rule(start=135, end=165),
    "evenings from 22:45": Rule(start=22 * 60 + 45),
}


@cache
def zones(*, every: bool) -> tuple[str, ...]:
    """The zones of the package tzdata; of those with one clock the first."""
    found = files("tzdata")
    names = found.joinpath("zones").read_text().split()
    clocks = {
        name if every else sha256(found.joinpath("zoneinfo", name).read_bytes()).hexdigest(): name
        for name in sorted(names, reverse=True)
    }
    return tuple(sorted(clocks.values()))


def changes(zone: str) -> Iterator[datetime]:
    """The days, in UTC, on which the clock of a zone is changed."""
    here, day = ZoneInfo(zone), FIRST
    before = day.astimezone(here).utcoffset()
    while day < LAST:
        after = (day + ONE_DAY).astimezone(here).utcoffset()
        if after != before:
            yield day
        before, day = after, day + ONE_DAY


@pytest.fixture(scope="module")
def days(request: pytest.FixtureRequest) -> list[Walked]:
    """The days around every change, walked."""
    every = bool(request.config.getoption("--long"))
    return [
        walked.__wrapped__(zone, day - ONE_DAY, AROUND, STEP)
        for zone in zones(every=every)
        for day in changes(zone)
    ]


def _told(capsys: pytest.CaptureFixture[str], what: str, days: list[Walked], cases: int) -> None:
    names = {one.zone for one in days}
    with capsys.disabled():
        print(f"\nclock changes: {what}: {len(days)} in {len(names)} zones, {cases} cases")  # noqa: T201  # figures


def test_no_send_leaves_at_a_closed_minute_and_no_open_one_is_lost(
    days: list[Walked], capsys: pytest.CaptureFixture[str]
) -> None:
    cases, faults = 0, list[str]()
    for one in days:
        for name, rule in RULES.items():
            wanted = list(stretches(one, one.opened(rule)))
            found = list(_openings(rule, one))
            cases += len(wanted)
            if wanted != found:
                differ = sorted(set(wanted) ^ set(found))
                faults.append(f"{one.zone}, {name}: {differ[0][0]} to {differ[0][1]}")
    _told(capsys, f"open time, violations {len(faults)}", days, cases)
    assert faults == []


def _openings(rule: Rule, one: Walked) -> Iterator[Stretch]:
    hours, last = rule.hours(one.zone), one.at(len(one.walls))
    held: Stretch | None = None
    wanted = one.start
    while (found := open_from(wanted, hours)) is not None and found[0] < last:
        assert is_open(found[0], hours)
        assert not is_open(found[0] - TICK, hours) or found[0] in (wanted, one.start)
        start, end = found[0], min(found[1], last)
        if held is not None and held[1] == start:
            held = held[0], end
        else:
            yield from [held] if held else []
            held = start, end
        wanted = found[1]
    yield from [held] if held else []


def test_a_wall_time_comes_once_a_day_the_first_time_it_is_shown_or_later_by_the_gap(
    days: list[Walked], capsys: pytest.CaptureFixture[str]
) -> None:
    cases, faults, twice, skipped = 0, list[str](), 0, 0
    for one in days:
        shown = one.first_shown()
        twice += len(one.walls) - len(set(one.walls))
        skipped += len(shown.keys() - set(one.walls))
        hours = Hours(one.zone)
        for day in _whole_days(one):
            midnight = shown[day * DAY]
            for minute in range(0, DAY, 8 * STEP if _usual(one, day) else STEP):
                cases += 1
                found = base_time(Schedule(send_at=minute), midnight, hours)
                if found != shown[day * DAY + minute]:
                    faults.append(f"{one.zone}, day {day}, minute {minute}: {found}")
    what = f"wall times ({skipped} skipped, {twice} twice), violations {len(faults)}"
    _told(capsys, what, days, cases)
    assert skipped > 0
    assert twice > 0
    assert faults == []


def _whole_days(one: Walked) -> range:
    """Local days that were walked from their first to their last minute."""
    return range(one.walls[0] // DAY + 1, one.walls[-1] // DAY)


def _usual(one: Walked, day: int) -> bool:
    """A day of 24 hours, looked at less closely."""
    return sum(wall // DAY == day for wall in one.walls) * STEP == DAY


def test_days_keep_the_wall_time_and_hours_are_elapsed_time(
    days: list[Walked], capsys: pytest.CaptureFixture[str]
) -> None:
    cases, faults = 0, list[str]()
    a_day, hours_24 = Duration(days=1), Duration(seconds=86_400)
    for one in days:
        shown, walked_to = one.first_shown(), one.walls[-1]
        for n in range(0, len(one.walls), 7):
            base, wanted = one.at(n), one.walls[n] + DAY
            if wanted > walked_to:
                break
            cases += 2
            if add(base, a_day, one.zone) != shown[wanted]:
                faults.append(f"{one.zone}, {base} and a day: {add(base, a_day, one.zone)}")
            if add(base, hours_24, one.zone) != base + ONE_DAY:
                faults.append(f"{one.zone}, {base} and 24 hours")
    _told(capsys, f"delays, violations {len(faults)}", days, cases)
    assert faults == []
