"""Open and wall time on the days when a clock is changed, and in the zones far from UTC."""

from datetime import UTC, date, datetime, timedelta

import pytest

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
    open_from,
    open_minutes,
    parse_duration,
    parse_hhmm,
    wall_to_instant,
)

LOS_ANGELES = "America/Los_Angeles"
LORD_HOWE = "Australia/Lord_Howe"
NONE = Jitter(0, 0)
MO, TU, WE, TH, FR, SA, SU = range(7)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def quiet(start: str, end: str) -> QuietHours:
    return QuietHours(parse_hhmm(start), parse_hhmm(end))


def window(days: set[int], start: str, end: str) -> Window:
    return Window(frozenset(days), parse_hhmm(start), parse_hhmm(end))


def due(base: str, hours: Hours, jitter: Jitter = NONE, key: str = "key") -> datetime | None:
    return due_time(Schedule(), utc(base), key, hours, jitter)


ANY_TIME = Hours(LOS_ANGELES)
OFFICE_WINDOW = window({MO, TU, WE, TH, FR}, "09:00", "17:00")
OFFICE = Hours(LOS_ANGELES, window=OFFICE_WINDOW)


def test_open_minutes_of_a_weekday_are_the_window_without_quiet_hours() -> None:
    lunch = Hours("UTC", quiet("12:00", "13:00"), OFFICE_WINDOW)
    assert open_minutes(MO, lunch) == ((540, 720), (780, 1020))
    assert open_minutes(SU, lunch) == ()
    assert open_minutes(SU, Hours("UTC")) == ((0, 1440),)
    assert open_minutes(SU, Hours("UTC", quiet("21:00", "00:00"))) == ((0, 1260),)
    assert open_minutes(SU, Hours("UTC", quiet("00:00", "08:00"))) == ((480, 1440),)


def test_quiet_hours_that_end_as_they_begin_count_as_none() -> None:
    assert open_minutes(MO, Hours("UTC", QuietHours(540, 540))) == ((0, 1440),)


def test_window_until_midnight_needs_a_later_start() -> None:
    assert open_minutes(MO, Hours("UTC", window=Window(frozenset({MO}), 1, 0))) == ((1, 1440),)
    assert open_minutes(MO, Hours("UTC", window=Window(frozenset({MO}), 0, 0))) == ()


def test_open_stretch_ends_with_the_local_day() -> None:
    found = open_from(utc("2026-12-02T04:00:00Z"), ANY_TIME)
    assert found == (utc("2026-12-02T04:00:00Z"), utc("2026-12-02T08:00:00Z"))


def test_open_stretch_across_a_clock_change_is_one() -> None:
    spring = open_from(utc("2026-03-08T08:00:00Z"), ANY_TIME)
    autumn = open_from(utc("2026-11-01T07:00:00Z"), ANY_TIME)
    assert spring == (utc("2026-03-08T08:00:00Z"), utc("2026-03-09T07:00:00Z"))  # 23 hours
    assert autumn == (utc("2026-11-01T07:00:00Z"), utc("2026-11-02T08:00:00Z"))  # 25 hours


def test_quiet_end_inside_the_gap_is_quiet_until_the_gap_further() -> None:
    hours = Hours(LOS_ANGELES, quiet("21:00", "02:30"))
    assert not is_open(utc("2026-03-08T10:00:00Z"), hours)  # 03:00 PDT
    assert not is_open(utc("2026-03-08T10:29:59Z"), hours)
    assert is_open(utc("2026-03-08T10:30:00Z"), hours)


def test_window_that_ends_inside_the_gap_closes_where_the_gap_begins() -> None:
    hours = Hours(LOS_ANGELES, window=window({SU}, "01:00", "02:30"))
    found = open_from(utc("2026-03-08T09:00:00Z"), hours)
    assert found == (utc("2026-03-08T09:00:00Z"), utc("2026-03-08T10:00:00Z"))


def test_window_that_lies_inside_the_gap_is_skipped_that_day() -> None:
    hours = Hours(LOS_ANGELES, window=window({SU}, "02:15", "02:45"))
    assert due("2026-03-08T09:00:00Z", hours) == utc("2026-03-15T09:15:00Z")


def test_wall_minutes_shown_twice_are_open_twice() -> None:
    hours = Hours(LOS_ANGELES, window=window({SU}, "01:00", "01:30"))
    first, second = utc("2026-11-01T08:00:00Z"), utc("2026-11-01T09:00:00Z")
    assert open_from(first, hours) == (first, first + timedelta(minutes=30))
    assert open_from(first + timedelta(minutes=30), hours) == (
        second,
        second + timedelta(minutes=30),
    )


def test_quiet_minutes_shown_again_are_quiet_again() -> None:
    hours = Hours(LOS_ANGELES, quiet("21:00", "01:50"))
    assert open_from(utc("2026-11-01T08:00:00Z"), hours) == (
        utc("2026-11-01T08:50:00Z"),
        utc("2026-11-01T09:00:00Z"),
    )
    assert not is_open(utc("2026-11-01T09:49:59Z"), hours)
    assert is_open(utc("2026-11-01T09:50:00Z"), hours)
    drawn = {
        due("2026-11-01T08:00:00Z", hours, jitter=Jitter(360, 960), key=f"{n}") for n in range(99)
    }
    assert all(each is not None and is_open(each, hours) for each in drawn)


def test_fraction_of_a_second_neither_opens_early_nor_gets_lost() -> None:
    assert not is_open(utc("2026-11-23T16:59:59.999999Z"), OFFICE)
    inside = "2026-11-23T17:00:00.250000Z"
    assert due(inside, OFFICE) == utc(inside)
    assert due("2026-11-24T00:58:59.500000Z", OFFICE, jitter=Jitter(5, 5)) == utc(
        "2026-11-24T00:58:59.500000Z"
    )


@pytest.mark.parametrize(
    ("zone", "base", "expected"),
    [
        pytest.param("Pacific/Kiritimati", "2026-06-04T19:00Z", "2026-06-04T19:00Z", id="plus_14"),
        pytest.param(
            "Pacific/Kiritimati", "2026-06-05T03:00Z", "2026-06-07T19:00Z", id="plus_14_fri"
        ),
        pytest.param("Pacific/Pago_Pago", "2026-06-06T03:59Z", "2026-06-06T03:59Z", id="minus_11"),
        pytest.param(
            "Pacific/Pago_Pago", "2026-06-06T04:00Z", "2026-06-08T20:00Z", id="minus_11_fri"
        ),
        pytest.param(LORD_HOWE, "2026-10-03T22:00Z", "2026-10-04T22:00Z", id="half_hour_gap"),
        pytest.param(
            "Asia/Kathmandu", "2026-06-05T11:14Z", "2026-06-05T11:14Z", id="quarter_hours"
        ),
        pytest.param(
            "Asia/Kathmandu", "2026-06-05T11:15Z", "2026-06-08T03:15Z", id="quarter_hours_fri"
        ),
    ],
)
def test_office_window_is_that_of_the_zone(zone: str, base: str, expected: str) -> None:
    assert due(base, Hours(zone, window=OFFICE_WINDOW)) == utc(expected)


def test_holiday_is_a_day_of_the_zone_not_of_utc() -> None:
    hours = Hours("Pacific/Kiritimati", holidays=frozenset({date(2026, 6, 5)}))
    assert due("2026-06-04T10:00:00Z", hours) == utc("2026-06-05T10:00:00Z")
    assert due("2026-06-05T10:00:00Z", hours) == utc("2026-06-05T10:00:00Z")


def test_day_that_the_zone_left_out_has_no_open_time() -> None:
    hours = Hours("Pacific/Apia", window=window({FR}, "09:00", "17:00"))  # no 30 December 2011
    assert due("2011-12-30T02:00:00Z", hours) == utc("2012-01-05T19:00:00Z")


def test_day_that_begins_at_one_o_clock_is_open_from_there() -> None:
    hours = Hours("Africa/Cairo", window=window({FR}, "00:00", "05:00"))  # gap from 00:00
    assert due("2026-04-23T20:00:00Z", hours) == utc("2026-04-23T22:00:00Z")


def test_wall_time_in_a_half_hour_gap_moves_by_half_an_hour() -> None:
    assert wall_to_instant(date(2026, 10, 4), 120, LORD_HOWE) == utc("2026-10-03T15:30:00Z")
    assert wall_to_instant(date(2026, 10, 4), 149, LORD_HOWE) == utc("2026-10-03T15:59:00Z")
    assert wall_to_instant(date(2026, 10, 4), 150, LORD_HOWE) == utc("2026-10-03T15:30:00Z")


def test_minute_1440_is_the_midnight_that_ends_the_day() -> None:
    assert wall_to_instant(date(2026, 11, 1), 1440, LOS_ANGELES) == utc("2026-11-02T08:00:00Z")


def test_no_delay_from_the_second_pass_of_a_fold_stays_there() -> None:
    second = utc("2026-11-01T09:10:00Z")
    assert add(second, Duration(), LOS_ANGELES) == second
    assert base_time(Schedule(), second, ANY_TIME) == second


def test_elapsed_part_of_a_delay_counts_through_a_clock_change() -> None:
    assert add(utc("2026-11-01T08:30:00Z"), parse_duration("PT1H"), LOS_ANGELES) == utc(
        "2026-11-01T09:30:00Z"
    )
