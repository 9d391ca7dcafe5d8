"""A10, A11 and A21 to A25: from when and how time counts."""

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.events import MessageAccepted, PlanAccepted
from domain.timing import Window, known_zone
from tests.domain.asking import claims, hears, queues, times_out
from tests.domain.building import SECOND, on, plan, send, stop, t, wait
from tests.domain.spec import Story, given

LA = "America/Los_Angeles"
SPRING = datetime(2026, 3, 7, 18, tzinfo=UTC)
"""The day before the clocks in Los Angeles go forward, at ten in the morning."""


def in_window(at: datetime) -> Story:
    """A mail sent at T0 whose click counts from two to four hours after it."""
    ways = (on("clicked", "hit", after="PT2H", within="PT4H"), on("timeout", "end", after="P9D"))
    story = given(plan(send("intro", *ways), stop("hit"), stop())).sends("intro")
    story.when(hears("opened", t(minutes=1), "intro"))
    return story.when(hears("clicked", at, "intro"))


@pytest.mark.parametrize(
    ("at", "node"),
    [
        (t(hours=2) - SECOND, "intro"),
        (t(hours=2), "hit"),
        (t(hours=4), "hit"),
        (t(hours=4) + SECOND, "intro"),
    ],
)
def test_a10_both_bounds_are_inclusive_to_the_second(at: datetime, node: str) -> None:
    assert in_window(at).state.node == node


def test_a10_the_clock_of_a_send_starts_when_it_was_accepted() -> None:
    way = on("clicked", "hit", within="PT1H")
    story = given(plan(send("intro", way, on("timeout", "end", after="P2D")), stop("hit"), stop()))
    story.sends("intro", t(hours=30))
    accepted = story.facts[-1]
    assert isinstance(accepted, MessageAccepted)
    assert [timer.due_at for timer in accepted.timers] == [t(days=2, hours=30)]
    assert story.state.t0 == t(hours=30)
    story.when(hears("opened", t(hours=31), "intro"), hears("clicked", t(hours=31), "intro"))
    story.then("clicked", "take intro.0 clicked", "completed completed")


def test_a10_the_clock_of_a_wait_starts_at_its_cause() -> None:
    nodes = (
        send("intro", on("opened", "more"), on("timeout", "more", after="P9D")),
        wait("more", on("timeout", "end", after="PT6H")),
        stop(),
    )
    story = given(plan(*nodes)).sends("intro")
    story.when(hears("opened", t(hours=5), "intro", now=t(hours=8)))
    assert [timer.due_at for timer in story.state.timers] == [t(hours=11)]


def test_a10_a_timer_dates_what_it_leads_to() -> None:
    nodes = (
        send("intro", on("timeout", "more", after="PT1H")),
        wait("more", on("timeout", "end", after="PT1H")),
        stop(),
    )
    story = given(plan(*nodes)).sends("intro").when(times_out("intro", 0, t(hours=1)))
    assert [timer.due_at for timer in story.state.timers] == [t(hours=2)]
    story.when(times_out("more", 0, t(hours=2))).then("take more.0 timeout", "completed completed")


NO_CLICK = plan(send("intro", on("no_click", "end", after="PT24H")), stop())


@pytest.mark.parametrize(
    ("at", "fires"), [(t(hours=24), False), (t(hours=24) + SECOND, True), (t(seconds=1), False)]
)
def test_a11_a_timer_fires_unless_the_fact_is_dated_at_or_before_it(
    at: datetime,
    fires: bool,  # noqa: FBT001  # a column of the table
) -> None:
    story = given(NO_CLICK).sends("intro").when(hears("clicked", at, "intro"))
    story.when(times_out("intro", 0, t(hours=24)))
    assert bool(story.news) is fires


def test_a11_a_fact_from_before_the_entry_of_the_node_silences_as_well() -> None:
    nodes = (
        send("intro", on("timeout", "more", after="PT1H")),
        wait("more", on("no_open", "end", after="PT1H"), on("timeout", "end", after="P1D")),
        stop(),
    )
    story = given(plan(*nodes)).sends("intro").when(hears("opened", t(minutes=30), "intro"))
    story.when(times_out("intro", 0, t(hours=1)))
    assert [timer.kind for timer in story.state.timers] == ["timeout"]


def test_a11_a_fact_about_another_message_silences_nothing() -> None:
    nodes = (
        send("intro", on("timeout", "follow", after="PT1H")),
        send("follow", on("no_click", "end", after="PT1H")),
        stop(),
    )
    story = given(plan(*nodes)).sends("intro").when(times_out("intro", 0, t(hours=1)))
    story.sends("follow").when(hears("clicked", t(hours=1, minutes=1), "intro"))
    story.when(times_out("follow", 0, t(hours=2)))
    story.then("take follow.0 no_click", "completed completed")


def test_a11_nothing_silences_timeout() -> None:
    story = given(plan(send("intro", on("timeout", "end", after="PT1H")), stop()))
    story.sends("intro").when(hears("clicked", t(minutes=1), "intro"))
    story.when(times_out("intro", 0, t(hours=1)))
    story.then("take intro.0 timeout", "completed completed")


@pytest.mark.parametrize(
    ("delay", "due_at"),
    [
        ("P1D", datetime(2026, 3, 8, 17, tzinfo=UTC)),
        ("PT24H", datetime(2026, 3, 8, 18, tzinfo=UTC)),
    ],
)
def test_a21_a_day_keeps_the_wall_time_and_24_hours_do_not(delay: str, due_at: datetime) -> None:
    nodes = (
        send("intro", on("timeout", "next", after=delay)),
        send("next", on("sent", "end")),
        stop(),
    )
    story = given(plan(*nodes, zone=LA), at=SPRING).sends("intro")
    assert [timer.due_at for timer in story.state.timers] == [due_at]
    story.when(times_out("intro", 0, due_at))
    assert story.message("next").due_at == due_at


def test_a21_within_a_day_ends_at_the_same_wall_time() -> None:
    way = on("clicked", "hit", within="P1D")
    nodes = (send("intro", way, on("timeout", "end", after="P9D")), stop("hit"), stop())
    for at, node in ((23 * 3600, "hit"), (23 * 3600 + 1, "intro")):
        story = given(plan(*nodes, zone=LA), at=SPRING).sends("intro")
        story.when(hears("opened", SPRING, "intro"))
        story.when(hears("clicked", SPRING + timedelta(seconds=at), "intro"))
        assert story.state.node == node


def test_a22_a_wall_time_in_the_gap_moves_forward_and_in_the_fold_is_the_first() -> None:
    gap, fold = datetime(2026, 3, 7, 10, 30, tzinfo=UTC), datetime(2026, 10, 31, 8, 30, tzinfo=UTC)
    timer = on("timeout", "end", after="P1D")
    for base, due_at in (
        (gap, datetime(2026, 3, 8, 10, 30, tzinfo=UTC)),  # 03:30 for 02:30
        (fold, datetime(2026, 11, 1, 8, 30, tzinfo=UTC)),  # the first 01:30
    ):
        story = given(plan(send("intro", timer), stop(), zone=LA), at=base).sends("intro")
        assert [timer.due_at for timer in story.state.timers] == [due_at]


def test_a23_quiet_hours_move_a_send_to_the_first_open_instant() -> None:
    nodes = (send("intro", on("sent", "end"), delay="PT13H"), stop())
    story = given(plan(*nodes, zone=LA, quiet=("21:00", "07:30")))
    assert story.message("intro").due_at == datetime(2026, 6, 2, 14, 30, tzinfo=UTC)


def test_a23_jitter_stays_inside_the_open_stretch() -> None:
    window = Window(frozenset(range(7)), 9 * 60, 9 * 60 + 5)
    nodes = (send("intro", on("sent", "end")), stop())
    story = given(plan(*nodes, zone=LA, window=window, jitter_s=(360, 960)))
    assert story.message("intro").due_at == t(minutes=4)


def test_a23_a_moved_send_moves_those_after_it() -> None:
    nodes = (
        send("intro", on("timeout", "next", after="P1D"), delay="PT13H"),
        send("next", on("sent", "end")),
        stop(),
    )
    story = given(plan(*nodes, zone=LA, quiet=("21:00", "07:30"))).sends("intro")
    sent_at = story.message("intro").due_at
    story.when(times_out("intro", 0, sent_at + timedelta(days=1)))
    assert story.message("next").due_at == sent_at + timedelta(days=1)


def test_a23_quiet_hours_do_not_hold_timers() -> None:
    nodes = (send("intro", on("timeout", "end", after="PT13H")), stop())
    story = given(plan(*nodes, zone=LA, quiet=("21:00", "07:30"))).sends("intro")
    story.when(times_out("intro", 0, t(hours=13)))
    story.then("take intro.0 timeout", "completed completed")


def test_a24_business_days_are_counted_in_the_zone_and_without_holidays() -> None:
    window = Window(frozenset({0, 1, 2, 3, 4}), 9 * 60, 17 * 60)
    nodes = (send("intro", on("sent", "end")), stop())
    days = [date(2026, 6, 1), date(2026, 6, 2)]
    story = given(plan(*nodes, zone=LA, window=window, holidays=days))
    assert story.message("intro").due_at == datetime(2026, 6, 3, 16, tzinfo=UTC)


def test_a25_the_tzdata_version_is_kept_and_abbreviations_are_no_zones() -> None:
    accepted = given(NO_CLICK).facts[0]
    assert isinstance(accepted, PlanAccepted)
    assert accepted.tzdata == "2026a"
    assert known_zone(LA)
    assert known_zone("UTC")
    assert not known_zone("PST")
    assert not known_zone("EST5EDT")


def test_a25_due_times_are_stored_instants() -> None:
    story = given(plan(send("intro", on("sent", "end"), delay="P1D"), stop(), zone=LA))
    due_at = story.message("intro").due_at
    assert story.entered("intro").due_at == due_at
    story.when(queues("intro"), claims("intro", due_at - SECOND)).then()
    story.when(claims("intro", due_at)).then("attempt 1")
