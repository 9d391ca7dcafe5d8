"""No send is due earlier or later than its span says, on any day of any kind of calendar."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.ids import NodeId
from domain.plan import Send
from domain.taxonomy import Channel
from domain.timing import Duration, Hours, Jitter, QuietHours, Schedule, Window, due_time
from plans.verify.timed.spans import SHIFT_S, longest_closed_s, send_span

ZONES = ["America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "UTC"]
ANY_DAY = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  # the strategy adds the zone
SPRING = [datetime(2026, 3, 7, tzinfo=UTC), datetime(2026, 3, 28, tzinfo=UTC)]
AUTUMN = [datetime(2026, 10, 31, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)]
CLOCK_CHANGES = st.builds(
    lambda day, minutes: day + timedelta(minutes=minutes),
    st.sampled_from(SPRING + AUTUMN),
    st.integers(-4_000, 4_000),
)
WINDOWS = st.none() | st.builds(
    Window,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(0, 12).map(lambda hour: hour * 60),
    st.integers(13, 23).map(lambda hour: hour * 60 + 30),
)
NIGHTS = st.builds(
    Window,
    st.frozensets(st.integers(4, 6), min_size=1),
    st.sampled_from([0, 60, 120, 135]),
    st.sampled_from([165, 180, 240]),
)
QUIET = st.none() | st.sampled_from([QuietHours(1260, 450), QuietHours(130, 175)])
HOLIDAYS = st.frozensets(st.dates(date(2026, 10, 20), date(2026, 11, 20)), max_size=6)
HOURS = st.builds(Hours, st.sampled_from(ZONES), QUIET, WINDOWS | NIGHTS, HOLIDAYS)
SCHEDULES = st.builds(
    Schedule,
    st.sampled_from([Duration(), Duration(0, 3600), Duration(1), Duration(3, 7200)]),
    st.none() | st.integers(0, 12),
    st.none() | st.integers(0, 1439),
)
JITTERS = st.sampled_from([Jitter(0, 0), Jitter(360, 960), Jitter(3600, 7200)])


@given(ANY_DAY | CLOCK_CHANGES, SCHEDULES, HOURS, JITTERS, st.text(max_size=3))
def test_a_send_is_due_within_its_span(
    base: datetime, schedule: Schedule, hours: Hours, jitter: Jitter, key: str
) -> None:
    base = base.replace(microsecond=0)
    node = Send(
        id=NodeId("a"), channel=Channel.EMAIL, schedule=schedule, hours=hours, jitter=jitter
    )
    span = send_span(node, 0)
    due = due_time(schedule, base, key, hours, jitter)
    if due is None:
        return  # the send fails closed
    waited = (due - base).total_seconds()
    moved = 0 if span.shifted or not longest_closed_s(hours) else SHIFT_S
    assert waited <= span.high + moved
    assert waited >= span.wanted


def test_a_window_that_a_change_of_the_clock_can_skip_closes_for_two_weeks() -> None:
    sunday = Hours("Europe/Berlin", None, Window(frozenset({6}), 135, 165))
    both = Hours("Europe/Berlin", QuietHours(140, 160), Window(frozenset({6}), 120, 180))
    morning = Hours("Europe/Berlin", None, Window(frozenset({6}), 600, 630))
    assert longest_closed_s(sunday) == 14 * 86_400 - 30 * 60
    assert longest_closed_s(both) == 14 * 86_400 - 60 * 60
    assert longest_closed_s(morning) == 7 * 86_400 - 30 * 60


def test_a_weekend_is_closed_from_friday_evening_to_monday_morning() -> None:
    hours = Hours("UTC", QuietHours(1260, 450), Window(frozenset(range(5)), 510, 1050))
    assert longest_closed_s(hours) == 63 * 3600
    assert longest_closed_s(Hours("UTC")) == 0
    assert longest_closed_s(Hours("UTC", QuietHours(1260, 450))) == 10.5 * 3600


def test_holidays_beside_a_weekend_are_one_closed_stretch_with_it() -> None:
    days = frozenset([date(2026, 11, 26), date(2026, 11, 27)])
    hours = Hours("UTC", None, Window(frozenset(range(5)), 540, 1020), days)
    assert longest_closed_s(hours) == (7 + 4 * 24 + 9) * 3600


def test_dates_at_the_ends_of_the_calendar_do_no_harm() -> None:
    days = frozenset([date.min, date.max, date(2026, 1, 1)])
    assert longest_closed_s(Hours("UTC", None, None, days)) == 24 * 3600


def test_business_days_skip_weekends_and_every_holiday() -> None:
    def high(count: int, *days: date) -> int:
        node = Send(
            id=NodeId("a"),
            channel=Channel.EMAIL,
            schedule=Schedule(business_days=count),
            hours=Hours("UTC", None, None, frozenset(days)),
            jitter=Jitter(0, 0),
        )
        span = send_span(node, 0)
        return (span.high - longest_closed_s(node.hours) - SHIFT_S) // 86_400

    assert (high(1), high(5), high(6)) == (3, 7, 10)
    week = [date(2026, 11, 23) + timedelta(days=ahead) for ahead in range(5)]
    assert high(5, *week) == 14
    assert high(5, date(2026, 11, 27)) == 10
    assert high(5, date(2026, 11, 28)) == 7
