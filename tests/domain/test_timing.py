"""The checked cases of plan-dsl.md 4.4: due times, jitter, spacing, pause."""

from datetime import UTC, date, datetime, timedelta
from statistics import mean

import pytest

from domain.timing import (
    Duration,
    Hours,
    Jitter,
    QuietHours,
    Schedule,
    Window,
    add,
    due_time,
    jitter_s,
    matches_offset,
    parse_duration,
    parse_hhmm,
)

LOS_ANGELES = "America/Los_Angeles"
LORD_HOWE = "Australia/Lord_Howe"
MO, TU, WE, TH, FR, SA, SU = range(7)
NONE = Jitter(0, 0)
SIX_TO_SIXTEEN = Jitter(360, 960)
INTRO = "t_demo:c_1001:camp_1:email_intro:email"
WEEKLY = "t_demo:c_1001:camp_1:email_weekly:email:1.2"
THANKSGIVING = frozenset({date(2026, 11, 26), date(2026, 11, 27)})
NOW = Schedule()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def quiet(start: str, end: str) -> QuietHours:
    return QuietHours(parse_hhmm(start), parse_hhmm(end))


def window(days: set[int], start: str, end: str) -> Window:
    return Window(frozenset(days), parse_hhmm(start), parse_hhmm(end))


def after(delay: str, send_at: str | None = None) -> Schedule:
    return Schedule(
        delay=parse_duration(delay), send_at=None if send_at is None else parse_hhmm(send_at)
    )


def at_wall(send_at: str) -> Schedule:
    return Schedule(send_at=parse_hhmm(send_at))


def due(
    base: str,
    hours: Hours,
    schedule: Schedule = NOW,
    jitter: Jitter = NONE,
    key: str = INTRO,
    floor: str | None = None,
) -> datetime | None:
    return due_time(schedule, utc(base), key, hours, jitter, None if floor is None else utc(floor))


ANY_TIME = Hours(LOS_ANGELES)
NIGHTS_QUIET = Hours(LOS_ANGELES, quiet("21:00", "07:30"))
OFFICE_WINDOW = window({MO, TU, WE, TH, FR}, "09:00", "17:00")
OFFICE = Hours(LOS_ANGELES, window=OFFICE_WINDOW)
OFFICE_AND_HOLIDAYS = Hours(LOS_ANGELES, window=OFFICE_WINDOW, holidays=THANKSGIVING)
LATE_EVENINGS = Hours(LOS_ANGELES, window=window({FR, SA}, "21:30", "00:00"))

CASES = [
    (1, NIGHTS_QUIET, NOW, "2026-12-02T04:59:59Z", "2026-12-02T04:59:59Z"),
    (2, NIGHTS_QUIET, NOW, "2026-12-02T05:00:00Z", "2026-12-02T15:30:00Z"),
    (3, NIGHTS_QUIET, NOW, "2026-12-02T15:29:59Z", "2026-12-02T15:30:00Z"),
    (4, NIGHTS_QUIET, NOW, "2026-12-02T15:30:00Z", "2026-12-02T15:30:00Z"),
    (5, ANY_TIME, after("P1D"), "2026-03-07T18:00:00Z", "2026-03-08T17:00:00Z"),
    (6, ANY_TIME, after("PT24H"), "2026-03-07T18:00:00Z", "2026-03-08T18:00:00Z"),
    (7, ANY_TIME, after("P1D"), "2026-10-31T17:00:00Z", "2026-11-01T18:00:00Z"),
    (8, ANY_TIME, after("PT24H"), "2026-10-31T17:00:00Z", "2026-11-01T17:00:00Z"),
    (9, ANY_TIME, after("P1D"), "2026-03-07T10:30:00Z", "2026-03-08T10:30:00Z"),
    (10, ANY_TIME, after("P1D"), "2026-10-31T08:30:00Z", "2026-11-01T08:30:00Z"),
    (11, ANY_TIME, after("P1DT12H"), "2026-03-07T18:00:00Z", "2026-03-09T05:00:00Z"),
    (12, ANY_TIME, after("P1W"), "2026-03-02T18:00:00Z", "2026-03-09T17:00:00Z"),
    (13, ANY_TIME, at_wall("02:30"), "2026-03-08T08:00:00Z", "2026-03-08T10:30:00Z"),
    (14, ANY_TIME, at_wall("01:30"), "2026-11-01T07:00:00Z", "2026-11-01T08:30:00Z"),
    (15, ANY_TIME, at_wall("01:30"), "2026-11-01T09:10:00Z", "2026-11-02T09:30:00Z"),
    (16, Hours(LORD_HOWE), at_wall("02:15"), "2026-10-03T15:45:00Z", "2026-10-03T15:45:00Z"),
    (17, ANY_TIME, at_wall("09:10"), "2026-06-01T16:10:00Z", "2026-06-01T16:10:00Z"),
    (18, ANY_TIME, at_wall("09:10"), "2026-06-01T16:10:01Z", "2026-06-02T16:10:00Z"),
    (19, ANY_TIME, after("P1D", "09:10"), "2026-06-01T17:00:00Z", "2026-06-03T16:10:00Z"),
    (
        20,
        Hours(LOS_ANGELES, holidays=THANKSGIVING),
        Schedule(business_days=2),
        "2026-11-25T18:00:00Z",
        "2026-12-01T18:00:00Z",
    ),
    (21, ANY_TIME, Schedule(business_days=1), "2026-11-21T18:00:00Z", "2026-11-23T18:00:00Z"),
    (22, ANY_TIME, Schedule(business_days=1), "2026-11-20T18:00:00Z", "2026-11-23T18:00:00Z"),
    (23, ANY_TIME, Schedule(business_days=0), "2026-11-21T18:00:00Z", "2026-11-21T18:00:00Z"),
    (24, OFFICE, NOW, "2026-11-21T18:00:00Z", "2026-11-23T17:00:00Z"),
    (25, OFFICE, NOW, "2026-11-24T01:00:00Z", "2026-11-24T17:00:00Z"),
    (26, OFFICE, NOW, "2026-11-21T01:00:00Z", "2026-11-23T17:00:00Z"),
    (27, OFFICE_AND_HOLIDAYS, NOW, "2026-11-26T18:00:00Z", "2026-11-30T17:00:00Z"),
    (
        28,
        Hours(
            LOS_ANGELES,
            window=window(set(range(7)), "09:00", "17:00"),
            holidays=frozenset({date(2026, 11, 26)}),
        ),
        NOW,
        "2026-11-26T18:00:00Z",
        "2026-11-27T17:00:00Z",
    ),
    (
        29,
        Hours(LOS_ANGELES, quiet("21:00", "07:30"), window({TU}, "06:00", "09:00")),
        NOW,
        "2026-12-01T14:00:00Z",
        "2026-12-01T15:30:00Z",
    ),
    (30, LATE_EVENINGS, NOW, "2026-11-21T05:00:00Z", "2026-11-21T05:30:00Z"),
    (31, LATE_EVENINGS, NOW, "2026-11-22T07:59:59Z", "2026-11-22T07:59:59Z"),
    (
        32,
        NIGHTS_QUIET,
        Schedule(at=utc("2026-12-02T05:30:00Z")),
        "2026-11-20T18:00:00Z",
        "2026-12-02T15:30:00Z",
    ),
    (
        33,
        ANY_TIME,
        Schedule(at=utc("2026-11-19T18:00:00Z")),
        "2026-11-20T18:00:00Z",
        "2026-11-20T18:00:00Z",
    ),
    (
        34,
        Hours(LOS_ANGELES, quiet("21:00", "02:30")),
        NOW,
        "2026-03-08T09:00:00Z",
        "2026-03-08T10:30:00Z",
    ),
    (
        35,
        Hours("Asia/Kolkata", quiet("21:00", "08:00")),
        NOW,
        "2026-06-01T18:30:00Z",
        "2026-06-02T02:30:00Z",
    ),
]

JITTERED = [
    (36, OFFICE, INTRO, "2026-11-24T00:55:00Z", "2026-11-24T00:59:00Z"),
    (37, OFFICE, INTRO, "2026-11-24T00:59:30Z", "2026-11-24T00:59:30Z"),
    (38, OFFICE, INTRO, "2026-11-23T18:00:00Z", "2026-11-23T18:07:49Z"),
    (39, OFFICE, WEEKLY, "2026-11-23T18:00:00Z", "2026-11-23T18:06:14Z"),
    (40, NIGHTS_QUIET, INTRO, "2026-12-02T05:00:00Z", "2026-12-02T15:37:49Z"),
]


@pytest.mark.parametrize(
    ("hours", "schedule", "base", "expected"),
    [pytest.param(*row, id=f"case_{number}") for number, *row in CASES],
)
def test_checked_case_without_jitter_is_due_as_written(
    hours: Hours, schedule: Schedule, base: str, expected: str
) -> None:
    assert due(base, hours, schedule) == utc(expected)


@pytest.mark.parametrize(
    ("hours", "key", "base", "expected"),
    [pytest.param(*row, id=f"case_{number}") for number, *row in JITTERED],
)
def test_checked_case_with_jitter_is_due_as_written(
    hours: Hours, key: str, base: str, expected: str
) -> None:
    assert due(base, hours, jitter=SIX_TO_SIXTEEN, key=key) == utc(expected)


@pytest.mark.parametrize(("base", "expected"), [row[3:] for row in JITTERED[:2]])
def test_at_the_end_of_a_window_every_key_is_clamped_alike(base: str, expected: str) -> None:
    dues = {due(base, OFFICE, jitter=SIX_TO_SIXTEEN, key=f"key {n}") for n in range(200)}
    assert dues == {utc(expected)}


# Jitter


def test_jitter_over_many_keys_is_even_from_six_to_sixteen_minutes() -> None:
    drawn = [jitter_s(f"t:c_{n}:camp:intro:email", 360, 960) for n in range(60_000)]
    assert (min(drawn), max(drawn)) == (360, 960)
    assert mean(drawn) == pytest.approx(660, abs=3)
    quarters = [sum(low <= each < low + 150 for each in drawn) for low in (360, 510, 660, 810)]
    assert min(quarters) > 14_500


def test_jitter_of_equal_bounds_is_exactly_that() -> None:
    assert {jitter_s(f"key {n}", 300, 300) for n in range(50)} == {300}


def test_jitter_that_half_fits_is_drawn_from_what_fits() -> None:
    dues = [
        due("2026-11-24T00:49:00Z", OFFICE, jitter=SIX_TO_SIXTEEN, key=f"{n}") for n in range(3000)
    ]
    room = [(each - utc("2026-11-24T00:49:00Z")).seconds for each in dues if each]
    assert (min(room), max(room)) == (360, 600)


# Spacing


def test_spacing_floor_before_the_due_time_changes_nothing() -> None:
    plain = due("2026-11-23T18:00:00Z", OFFICE, jitter=SIX_TO_SIXTEEN)
    floor = "2026-11-23T18:07:49Z"
    assert due("2026-11-23T18:00:00Z", OFFICE, jitter=SIX_TO_SIXTEEN, floor=floor) == plain


def test_spacing_floor_moves_a_send_and_its_jitter_counts_from_the_floor() -> None:
    moved = due("2026-11-23T18:00:00Z", OFFICE, jitter=SIX_TO_SIXTEEN, floor="2026-11-23T19:00:00Z")
    assert moved == utc("2026-11-23T19:07:49Z")


def test_spacing_floor_outside_the_window_waits_for_the_next_open_instant() -> None:
    moved = due("2026-11-23T18:00:00Z", OFFICE, floor="2026-11-24T05:00:00Z")
    assert moved == utc("2026-11-24T17:00:00Z")


def test_spacing_floor_does_not_apply_delay_and_wall_time_again() -> None:
    schedule = Schedule(delay=parse_duration("P1D"), business_days=1, send_at=parse_hhmm("09:10"))
    moved = due("2026-06-01T16:00:00Z", ANY_TIME, schedule, floor="2026-06-05T20:00:00Z")
    assert moved == utc("2026-06-05T20:00:00Z")


def test_floor_pushes_an_absolute_time_as_well() -> None:
    schedule = Schedule(at=utc("2026-12-01T18:00:00Z"))
    moved = due("2026-11-20T18:00:00Z", OFFICE, schedule, floor="2026-12-01T22:00:00Z")
    assert moved == utc("2026-12-01T22:00:00Z")


# Failing closed


def test_window_without_a_minute_has_no_due_time() -> None:
    for never in (window({MO}, "09:00", "09:00"), window({MO}, "18:00", "09:00")):
        assert due("2026-11-23T18:00:00Z", Hours("UTC", window=never)) is None
    assert due("2026-11-23T18:00:00Z", Hours("UTC", window=Window(frozenset(), 540, 1080))) is None


def test_window_that_quiet_hours_cover_has_no_due_time() -> None:
    hours = Hours("UTC", quiet("21:00", "07:30"), window(set(range(7)), "22:00", "23:00"))
    assert due("2026-11-23T18:00:00Z", hours) is None


@pytest.mark.parametrize(("closed_days", "found"), [(400, True), (401, False)])
def test_search_for_open_time_ends_after_400_days(closed_days: int, *, found: bool) -> None:
    first = date(2026, 1, 1)
    holidays = frozenset(first + timedelta(days=n) for n in range(closed_days))
    expected = utc("2027-02-05T00:00:00Z") if found else None
    assert due("2026-01-01T12:00:00Z", Hours("UTC", holidays=holidays)) == expected


def test_floor_without_open_time_after_it_fails_closed() -> None:
    first = date(2026, 1, 2)
    hours = Hours("UTC", holidays=frozenset(first + timedelta(days=n) for n in range(500)))
    assert due("2026-01-01T12:00:00Z", hours) == utc("2026-01-01T12:00:00Z")
    assert due("2026-01-01T12:00:00Z", hours, floor="2026-01-02T12:00:00Z") is None


def test_absurdly_late_absolute_time_fails_closed_instead_of_overflowing() -> None:
    schedule = Schedule(at=datetime(9999, 12, 31, 23, tzinfo=UTC))
    assert due("2026-01-01T12:00:00Z", NIGHTS_QUIET, schedule) is None


# Business days


def test_business_days_are_counted_after_the_delay_and_keep_the_wall_time() -> None:
    schedule = Schedule(delay=parse_duration("P1D"), business_days=1)
    assert due("2026-10-30T17:00:00Z", ANY_TIME, schedule) == utc("2026-11-02T18:00:00Z")


def test_business_days_are_those_of_the_zone() -> None:
    friday_there = "2026-06-04T20:00:00Z"  # Thursday in UTC
    hours = Hours("Pacific/Kiritimati")
    schedule = Schedule(business_days=1)
    assert due(friday_there, hours, schedule) == utc("2026-06-07T20:00:00Z")


def test_same_instant_in_another_notation_is_due_alike() -> None:
    there = datetime.fromisoformat("2026-12-01T21:00:00-08:00")
    assert due_time(NOW, there, INTRO, NIGHTS_QUIET, NONE) == utc("2026-12-02T15:30:00Z")


# Pause


def test_click_while_paused_matches_within_after_the_clock_is_shifted() -> None:
    sent, day = utc("2026-06-01T16:00:00Z"), timedelta(days=1)
    paused, clicked, resumed = sent + day, sent + 2 * day, sent + 5 * day
    t0 = sent + (resumed - paused)
    none, two, three = Duration(), Duration(days=2), Duration(days=3)
    assert matches_offset(clicked, t0, none, two, LOS_ANGELES)
    assert add(t0, three, LOS_ANGELES) == sent + 7 * day  # when no_click would have fired


def test_both_bounds_of_a_transition_are_inclusive() -> None:
    t0, second = utc("2026-03-07T18:00:00Z"), timedelta(seconds=1)
    hour, day = Duration(seconds=3600), Duration(days=1)
    first, last = t0 + timedelta(hours=1), utc("2026-03-08T17:00:00Z")  # that day has 23 hours
    for instant, matches in [
        (first - second, False),
        (first, True),
        (last, True),
        (last + second, False),
    ]:
        assert matches_offset(instant, t0, hour, day, LOS_ANGELES) is matches
    assert matches_offset(last + 400 * timedelta(days=1), t0, hour, None, LOS_ANGELES)


def test_pending_send_is_placed_again_from_the_resume() -> None:
    placed = due(
        "2026-11-23T18:00:00Z", OFFICE, jitter=SIX_TO_SIXTEEN, floor="2026-11-27T02:00:00Z"
    )
    assert placed == utc("2026-11-27T17:07:49Z")


def test_all_checked_cases_are_here() -> None:
    assert [row[0] for row in CASES] + [row[0] for row in JITTERED] == list(range(1, 41))
