"""What holds for every schedule, zone and hour, found by searching for a counter-example."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from domain.timing import (
    Duration,
    Hours,
    Jitter,
    QuietHours,
    Schedule,
    Window,
    add,
    base_time,
    due_time,
    is_open,
    jitter_s,
    open_from,
    open_minutes,
    parse_duration,
    wall_to_instant,
)

ZONES = [
    "UTC",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Havana",
    "America/Nuuk",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Europe/London",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
]
SECOND = timedelta(seconds=1)
unhurried = settings(deadline=None)  # a busy machine is no counter-example
# nights on which some of these clocks change: half of all bases come from there
CHANGES = [
    datetime(2026, 3, 8, 6, tzinfo=UTC),
    datetime(2026, 3, 28, 20, tzinfo=UTC),
    datetime(2026, 4, 4, 12, tzinfo=UTC),
    datetime(2026, 4, 23, 20, tzinfo=UTC),
    datetime(2026, 10, 3, 12, tzinfo=UTC),
    datetime(2026, 10, 24, 20, tzinfo=UTC),
    datetime(2026, 10, 29, 19, tzinfo=UTC),
    datetime(2026, 11, 1, 3, tzinfo=UTC),
]

zones = st.sampled_from(ZONES)
minutes = st.integers(0, 1439)
seconds = st.integers(0, 8 * 3600)
near_a_change = st.builds(
    lambda change, later: change + timedelta(seconds=later), st.sampled_from(CHANGES), seconds
)
any_instant = st.integers(1_735_689_600, 2_208_988_800).map(
    lambda s: datetime.fromtimestamp(s, UTC)
)
instants = near_a_change | any_instant
durations = st.builds(Duration, st.integers(0, 30), st.integers(0, 200_000))
windows = st.builds(Window, st.frozensets(st.integers(0, 6), min_size=1), minutes, minutes)
quiet_hours = st.builds(QuietHours, minutes, minutes)
holidays = st.frozensets(st.dates(date(2026, 3, 1), date(2026, 11, 30)), max_size=20)
hours = st.builds(Hours, zones, st.none() | quiet_hours, st.none() | windows, holidays)
jitters = st.tuples(st.integers(0, 2000), st.integers(0, 2000)).map(
    lambda pair: Jitter(min(pair), max(pair))
)
relative = st.builds(Schedule, durations, st.none() | st.integers(0, 10), st.none() | minutes)
schedules = relative | st.builds(Schedule, at=instants)
keys = st.text(min_size=1, max_size=20)


def wall(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone))


def allowed(instant: datetime, hours: Hours) -> bool:
    """The rule as a person would read it off the clock on the wall, written without our code."""
    shown = wall(instant, hours.zone)
    minute, quiet, window = shown.hour * 60 + shown.minute, hours.quiet, hours.window
    if shown.date() in hours.holidays:
        return False
    if window is not None:
        end = 1440 if window.end == 0 and window.start > 0 else window.end
        if shown.weekday() not in window.days or not window.start <= minute < end:
            return False
    if quiet is None or quiet.start == quiet.end:
        return True
    if quiet.start < quiet.end:
        return not quiet.start <= minute < quiet.end
    return quiet.end <= minute < quiet.start


@unhurried
@given(schedules, instants, keys, hours, jitters, st.none() | instants)
def test_due_time_is_open_and_neither_before_its_base_nor_its_floor(
    schedule: Schedule,
    base: datetime,
    key: str,
    hours: Hours,
    jitter: Jitter,
    floor: datetime | None,
) -> None:
    due = due_time(schedule, base, key, hours, jitter, floor)
    if due is None:
        return
    assert due.utcoffset() == timedelta(0)
    assert due >= base_time(schedule, base, hours) >= base
    assert floor is None or due >= floor
    assert is_open(due, hours)
    assert allowed(due, hours)


@unhurried
@given(schedules, instants, keys, hours, jitters, st.none() | instants)
def test_due_time_is_the_same_however_often_it_is_asked(
    schedule: Schedule,
    base: datetime,
    key: str,
    hours: Hours,
    jitter: Jitter,
    floor: datetime | None,
) -> None:
    asked = [due_time(schedule, base, key, hours, jitter, floor) for _ in range(2)]
    assert asked[0] == asked[1]


@unhurried
@given(schedules, instants, keys, hours, jitters)
def test_due_time_is_its_own_due_time(
    schedule: Schedule, base: datetime, key: str, hours: Hours, jitter: Jitter
) -> None:
    due = due_time(schedule, base, key, hours, jitter)
    assume(due is not None)
    assert due is not None
    assert due_time(Schedule(), due, key, hours, Jitter(0, 0)) == due


@unhurried
@given(schedules, instants, keys, hours, jitters)
def test_jitter_stays_in_its_bounds_and_a_minute_before_closing(
    schedule: Schedule, base: datetime, key: str, hours: Hours, jitter: Jitter
) -> None:
    stretch = open_from(base_time(schedule, base, hours), hours)
    due = due_time(schedule, base, key, hours, jitter)
    assert (stretch is None) == (due is None)
    if stretch is None or due is None:
        return
    start, end = stretch
    assert start <= due <= start + jitter.max_s * SECOND
    assert due == start or due <= end - 60 * SECOND
    if end - start >= (jitter.max_s + 60) * SECOND:
        assert due >= start + jitter.min_s * SECOND


@unhurried
@given(instants, hours)
def test_without_a_window_only_if_no_weekday_has_a_minute(base: datetime, hours: Hours) -> None:
    minutes_a_week = sum(
        high - low for weekday in range(7) for low, high in open_minutes(weekday, hours)
    )
    assert (open_from(base, hours) is None) == (minutes_a_week == 0)


@unhurried
@given(instants, hours)
def test_open_stretch_is_open_throughout_and_closed_around(base: datetime, hours: Hours) -> None:
    found = open_from(base, hours)
    assume(found is not None)
    assert found is not None
    start, end = found
    step = max((end - start) // 50, SECOND)
    inside = [start + n * step for n in range(50) if start + n * step < end]
    assert all(is_open(each, hours) and allowed(each, hours) for each in [*inside, end - SECOND])
    assert len({wall(each, hours.zone).date() for each in inside}) == 1
    assert start == base or not is_open(start - SECOND, hours) or _begins_a_day(start, hours.zone)
    assert not is_open(end, hours) or _begins_a_day(end, hours.zone)


def _begins_a_day(instant: datetime, zone: str) -> bool:
    return wall(instant, zone).date() != wall(instant - SECOND, zone).date()


@unhurried
@given(instants, hours, st.integers(0, 100))
def test_no_open_instant_lies_before_the_first_one(
    base: datetime, hours: Hours, share: int
) -> None:
    found = open_from(base, hours)
    assume(found is not None)
    assert found is not None
    skipped = base + (found[0] - base) * share / 100
    assert skipped == found[0] or not is_open(skipped, hours)


@unhurried
@given(instants, hours)
def test_open_is_what_the_clock_on_the_wall_says_except_after_a_gap(
    instant: datetime, hours: Hours
) -> None:
    if is_open(instant, hours) != allowed(instant, hours):
        day = wall(instant, hours.zone).date()
        lows = [low for low, _ in open_minutes(day.weekday(), hours)]
        moved = [wall_to_instant(day, low, hours.zone) for low in lows]
        assert allowed(instant, hours)
        assert any(instant < opening <= instant + timedelta(hours=2) for opening in moved)
        assert any(
            wall(opening, hours.zone).hour * 60 + wall(opening, hours.zone).minute != low
            for opening, low in zip(moved, lows, strict=True)
        )


@unhurried
@given(instants, instants, hours)
def test_later_wish_never_finds_an_earlier_opening(
    one: datetime, other: datetime, hours: Hours
) -> None:
    first, second = open_from(min(one, other), hours), open_from(max(one, other), hours)
    assume(first is not None)
    assume(second is not None)
    assert first is not None
    assert second is not None
    assert first[0] <= second[0]


@unhurried
@given(instants, durations, zones)
def test_days_keep_the_wall_time_unless_it_is_skipped(
    base: datetime, duration: Duration, zone: str
) -> None:
    later = add(base, Duration(duration.days), zone)
    before, after = wall(base, zone), wall(later, zone)
    if (after.hour, after.minute, after.second) == (before.hour, before.minute, before.second):
        assert (after.date() - before.date()).days == duration.days
    else:
        assert wall(later - timedelta(hours=2), zone).utcoffset() != after.utcoffset()
    assert add(base, duration, zone) == later + duration.seconds * SECOND


@unhurried
@given(st.dates(date(2025, 1, 1), date(2035, 1, 1)), minutes, zones)
@example(date(2026, 11, 1), 90, "America/Los_Angeles")
def test_wall_time_is_shown_at_its_instant_and_not_before(
    day: date, minute: int, zone: str
) -> None:
    shown = wall(wall_to_instant(day, minute, zone), zone)
    assert shown.fold == 0
    late = (shown.replace(tzinfo=None) - datetime(day.year, day.month, day.day)) // SECOND  # noqa: DTZ001  # wall times, compared as such
    assert 0 <= late - minute * 60 <= 2 * 3600


@unhurried
@given(st.builds(Duration, st.integers(0, 7_992), st.integers(0, 42_996_339)))
@example(Duration(7_992, 42_996_339))
@example(Duration(0, 36_000_000))
def test_written_duration_is_read_as_itself(duration: Duration) -> None:
    assert parse_duration(duration.text) == duration


@unhurried
@given(keys, st.integers(0, 5_000), st.integers(0, 5_000))
def test_jitter_is_between_its_bounds(key: str, lo: int, more: int) -> None:
    assert lo <= jitter_s(key, lo, lo + more) <= lo + more
