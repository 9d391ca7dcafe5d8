"""Windows of limits: never one over wherever a window begins, whatever the clock does."""

from collections import Counter as Tally
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.limits import (
    WINDOWS,
    Counter,
    counter,
    day_start,
    frees_at,
    needless_before,
)
from domain.taxonomy import CapName

NOON = datetime(2026, 9, 7, 12, 0, tzinfo=UTC)
ROLLING = [name for name, window in WINDOWS.items() if window.span is not None]
DAILY = [name for name, window in WINDOWS.items() if window.span is None]
TICK = timedelta(microseconds=1)
ZONES = [
    *("UTC", "Europe/Lisbon", "Europe/Berlin", "America/New_York", "America/St_Johns"),
    *("America/Santiago", "Africa/Cairo", "Asia/Beirut", "Asia/Kathmandu", "Australia/Lord_Howe"),
    *("Pacific/Chatham", "Pacific/Kiritimati", "America/Nuuk", "America/Havana", "Asia/Gaza"),
    *("Africa/Casablanca", "Asia/Tehran", "America/Asuncion", "Pacific/Apia", "Europe/Kyiv"),
]


class Book:
    """What a table of usage would hold, and the rule of the claim: less than the limit, or hold."""

    def __init__(self, limit: int) -> None:
        self.rows: Tally[Counter] = Tally()
        self.sent: list[datetime] = []
        self._limit = limit

    def used(self, counted: Counter) -> int:
        return sum(n for row, n in self.rows.items() if row.bucket >= counted.since)

    def ask(self, name: CapName, now: datetime, zone: str = "UTC") -> bool:
        counted = counter(name, "k", now, zone)
        if self.used(counted) >= self._limit:
            return False
        self.rows[counted] += 1
        self.sent.append(now)
        return True


def most_in_any_window(sent: Sequence[datetime], span: timedelta) -> int:
    return max(sum(begin <= at <= begin + span for at in sent) for begin in sent)


def test_every_limit_has_its_window() -> None:
    assert set(WINDOWS) == set(CapName)
    assert {name: window.span for name, window in WINDOWS.items()} == {
        CapName.SENDER_MINUTE: timedelta(minutes=1),
        CapName.SENDER_HOUR: timedelta(hours=1),
        CapName.TENANT_HOUR: timedelta(hours=1),
        CapName.GLOBAL_HOUR: timedelta(hours=1),
        CapName.DOMAIN_HOUR: timedelta(hours=1),
        CapName.SENDER_DAY: None,
        CapName.WARMUP_DAY: None,
        CapName.CAMPAIGN_DAY: None,
    }


@given(
    name=st.sampled_from(ROLLING),
    limit=st.integers(1, 6),
    gaps=st.lists(st.integers(0, 30_000), min_size=1, max_size=60),
)
def test_no_window_of_the_length_is_ever_one_over(
    name: CapName, limit: int, gaps: list[int]
) -> None:
    book, now = Book(limit), NOON
    span = WINDOWS[name].span
    assert span is not None
    for gap in gaps:
        now += span * gap / 50_000
        book.ask(name, now)
    assert book.sent
    assert most_in_any_window(book.sent, span) <= limit


@given(
    name=st.sampled_from(ROLLING),
    limit=st.integers(1, 4),
    offsets=st.lists(st.integers(-90_000, 90_000), min_size=1, max_size=60),
)
def test_a_clock_that_jumps_back_and_forth_permits_no_more(
    name: CapName, limit: int, offsets: list[int]
) -> None:
    book = Book(limit)
    span = WINDOWS[name].span
    assert span is not None
    for offset in offsets:
        book.ask(name, NOON + timedelta(seconds=offset))
    assert most_in_any_window(book.sent, span) <= limit


@given(
    name=st.sampled_from(ROLLING),
    micros=st.integers(0, 3_600_000_000),
    later=st.integers(0, 3_600_000_000),
)
def test_a_full_window_frees_exactly_when_its_oldest_bucket_leaves_it(
    name: CapName, micros: int, later: int
) -> None:
    book = Book(1)
    assert book.ask(name, NOON + timedelta(microseconds=micros))
    (taken,) = book.rows
    span = WINDOWS[name].span
    assert span is not None
    asked = counter(name, "k", min(NOON + timedelta(microseconds=micros + later), NOON + span))
    free = frees_at(asked, taken.bucket)
    assert book.used(counter(name, "k", free - TICK)) == 1
    assert book.used(counter(name, "k", free)) == 0


def test_a_limit_with_nothing_counted_is_looked_at_again_one_window_later() -> None:
    """It was edited to zero: there is no bucket whose end could be waited for."""
    counted = counter(CapName.SENDER_HOUR, "sam", NOON)
    assert frees_at(counted, None) == NOON + timedelta(hours=1, minutes=1)


def test_what_was_sent_in_the_future_counts_until_the_clock_is_there_again() -> None:
    book = Book(1)
    assert book.ask(CapName.SENDER_MINUTE, NOON + timedelta(hours=1))
    assert not book.ask(CapName.SENDER_MINUTE, NOON)
    assert not book.ask(CapName.SENDER_MINUTE, NOON + timedelta(hours=1, seconds=60))
    assert book.ask(CapName.SENDER_MINUTE, NOON + timedelta(hours=1, seconds=61))


# --- days -----------------------------------------------------------------------------------------


@given(
    name=st.sampled_from(DAILY),
    zone=st.sampled_from(ZONES),
    limit=st.integers(1, 4),
    minutes=st.lists(st.integers(0, 3 * 1440), min_size=1, max_size=40),
    month=st.sampled_from([3, 4, 9, 10, 11]),
)
def test_no_local_day_is_ever_one_over(
    name: CapName, zone: str, limit: int, minutes: list[int], month: int
) -> None:
    book, start = Book(limit), datetime(2026, month, 26, tzinfo=UTC)
    for minute in minutes:
        book.ask(name, start + timedelta(minutes=minute), zone)
    days = Tally(at.astimezone(ZoneInfo(zone)).date() for at in book.sent)
    assert max(days.values()) <= limit


@given(
    zones=st.lists(st.sampled_from(ZONES), min_size=2, max_size=12),
    minutes=st.lists(st.integers(0, 2 * 1440), min_size=12, max_size=12),
)
def test_a_sender_that_moves_to_another_zone_gets_no_second_day(
    zones: list[str], minutes: list[int]
) -> None:
    book = Book(2)
    for zone, minute in zip(zones, sorted(minutes), strict=False):
        now = NOON + timedelta(minutes=minute)
        if book.ask(CapName.SENDER_DAY, now, zone):
            here = ZoneInfo(zone)
            today = now.astimezone(here).date()
            assert sum(at.astimezone(here).date() == today for at in book.sent) <= 2


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_begins_at_the_first_instant_of_its_date_all_year(zone: str) -> None:
    here = ZoneInfo(zone)
    for number in range(366):
        day = date(2026, 1, 1) + timedelta(days=number)
        start = day_start(day, zone)
        assert start.astimezone(here).date() == day
        assert (start - TICK).astimezone(here).date() < day


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-28T23:00Z", 23),
        ("Europe/Berlin", date(2026, 10, 25), "2026-10-24T22:00Z", 25),
        ("America/New_York", date(2026, 3, 8), "2026-03-08T05:00Z", 23),
        ("America/New_York", date(2026, 11, 1), "2026-11-01T04:00Z", 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), "2026-10-03T13:30Z", 23.5),
        ("America/Santiago", date(2026, 9, 6), "2026-09-06T04:00Z", 23),  # 00:00 is skipped
        ("America/Santiago", date(2026, 4, 4), "2026-04-04T03:00Z", 25),  # 23:00 comes twice
        ("Africa/Cairo", date(2026, 4, 24), "2026-04-23T22:00Z", 23),  # 00:00 is skipped
        ("Africa/Cairo", date(2026, 10, 29), "2026-10-28T21:00Z", 25),  # 23:00 comes twice
        ("Asia/Beirut", date(2026, 3, 29), "2026-03-28T22:00Z", 23),  # 00:00 is skipped
        ("Asia/Beirut", date(2026, 10, 24), "2026-10-23T21:00Z", 25),  # 23:00 comes twice
        ("America/Havana", date(2026, 11, 1), "2026-11-01T04:00Z", 25),  # 00:00 comes twice
        ("America/Toronto", date(1919, 3, 31), "1919-03-31T04:30Z", 23.5),  # 23:30 to 00:30
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00Z", 24),  # the 30th never was
    ],
)
def test_a_day_window_is_as_long_as_the_day(
    zone: str, day: date, begins: str, hours: float
) -> None:
    start = datetime.fromisoformat(begins)
    assert day_start(day, zone) == start
    ends = start + timedelta(hours=hours)
    for now in (start, start + timedelta(hours=hours / 2), ends - TICK):
        counted = counter(CapName.SENDER_DAY, "sam", now, zone)
        assert counted.since == start
        assert counted.since <= counted.bucket <= now
        assert frees_at(counted, start, zone) == ends
    assert counter(CapName.SENDER_DAY, "sam", ends, zone).since == ends


def test_the_day_before_a_date_that_never_was_ends_when_the_next_one_begins() -> None:
    counted = counter(
        CapName.SENDER_DAY, "sam", datetime(2011, 12, 30, 9, tzinfo=UTC), "Pacific/Apia"
    )
    assert frees_at(counted, None, "Pacific/Apia") == datetime(2011, 12, 30, 10, tzinfo=UTC)


def test_a_window_never_frees_in_the_past_where_midnight_came_twice() -> None:
    """Newfoundland set its clocks back at 00:01, to the evening before."""
    zone, back = "America/St_Johns", datetime(2010, 11, 7, 2, 31, tzinfo=UTC)
    evening = back + timedelta(minutes=30)
    assert evening.astimezone(ZoneInfo(zone)).date() == date(2010, 11, 6)
    assert frees_at(counter(CapName.SENDER_DAY, "sam", evening, zone), None, zone) > evening


# --- what is kept, what is refused ----------------------------------------------------------------


@pytest.mark.parametrize("name", CapName)
@pytest.mark.parametrize("back_s", [0, 3600])
def test_no_bucket_is_dropped_that_a_window_may_need(name: CapName, back_s: int) -> None:
    earlier = NOON - timedelta(seconds=back_s)
    for zone in ZONES:
        assert counter(name, "k", earlier, zone).since >= needless_before(name, NOON)


def test_of_a_key_no_more_buckets_are_kept_than_a_page_of_an_index_can_name() -> None:
    for window in WINDOWS.values():
        kept = NOON - needless_before(window.name, NOON)
        assert kept / window.grain <= 4000


def test_a_time_without_a_zone_names_no_window() -> None:
    with pytest.raises(AssertionError, match="naive"):
        counter(CapName.SENDER_MINUTE, "sam", datetime(2026, 9, 7, 12, 0))  # noqa: DTZ001  # the case itself
