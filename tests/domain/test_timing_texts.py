"""Texts of durations, times of day and zones: what is read, and what is refused."""

from datetime import datetime

import pytest

from domain.timing import Duration, add, known_zone, parse_duration, parse_hhmm


@pytest.mark.parametrize(
    ("text", "days", "seconds"),
    [
        ("P1D", 1, 0),
        ("P2W", 14, 0),
        ("P1W2D", 9, 0),
        ("PT24H", 0, 86_400),
        ("PT1M", 0, 60),
        ("PT90S", 0, 90),
        ("P1DT12H", 1, 43_200),
        ("P1W1DT1H1M1S", 8, 3_661),
        ("PT0S", 0, 0),
        ("P0D", 0, 0),
        ("P007DT0009H", 7, 32_400),
        ("P999W999DT9999H99999M999999S", 7_992, 42_996_339),
    ],
)
def test_duration_is_days_of_the_calendar_and_elapsed_seconds(
    text: str, days: int, seconds: int
) -> None:
    assert parse_duration(text) == Duration(days, seconds)
    assert parse_duration(text).nominal_s == days * 86_400 + seconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "P", "PT", "P1DT", "P1", "1D", "P1Y", "P1M", "P1M1D", "P1D1W", "PT1S1M", "P1H"),
        *("P1000D", "P1000W", "PT10000H", "PT100000M", "PT1000000S", "P-1D", "-P1D", "P1.5D"),
        *("PT1,5H", "p1d", "P1d", " P1D", "P1D ", "P1D\n", "P1DT1H\n", "P 1D", "P\u0661D", "72h"),
    ],
)
def test_text_that_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (Duration(), "PT0S"),
        (Duration(7), "P7D"),
        (Duration(2, 1), "P2DT1S"),
        (Duration(7, 83_520), "P7DT23H12M"),
        (Duration(999), "P999D"),
        (Duration(1_000), "P1W993D"),
        (Duration(7_992, 42_996_339), "P999W999DT9999H99999M999999S"),
    ],
)
def test_duration_is_written_as_people_would(duration: Duration, text: str) -> None:
    assert duration.text == text


@pytest.mark.parametrize(
    ("text", "minute"),
    [("00:00", 0), ("00:01", 1), ("07:30", 450), ("19:05", 1145), ("23:59", 1439)],
)
def test_time_of_day_is_a_minute_of_the_day(text: str, minute: int) -> None:
    assert parse_hhmm(text) == minute


@pytest.mark.parametrize(
    "text", ["24:00", "7:30", "07:60", "07:30:00", "0730", "07:30\n", "\u06607:30", ""]
)
def test_text_that_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time of day"):
        parse_hhmm(text)


@pytest.mark.parametrize(
    "name", ["America/Los_Angeles", "Australia/Lord_Howe", "America/Argentina/Ushuaia", "UTC"]
)
def test_iana_name_is_a_zone_of_a_plan(name: str) -> None:
    assert known_zone(name)


@pytest.mark.parametrize(
    "name",
    [
        *("PST", "EST", "PST8PDT", "GMT", "utc", "", "America", "America/"),
        *("Mars/Olympus", "../UTC", "/etc/passwd", "right/UTC", "a/\0"),
    ],
)
def test_abbreviation_or_unknown_name_is_no_zone_of_a_plan(name: str) -> None:
    assert not known_zone(name)


def test_naive_time_is_refused_instead_of_read_in_the_zone_of_the_machine() -> None:
    with pytest.raises(AssertionError, match="naive"):
        add(datetime(2026, 6, 1), Duration(1), "UTC")  # noqa: DTZ001  # naive is the point
