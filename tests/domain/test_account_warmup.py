"""Warm-up: tables that make sense, one step a day, and only while mails arrive well."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import accounts
from domain.accounts import (
    DEFAULT_SCHEDULE,
    Counts,
    PauseReason,
    WarmupHold,
    WarmupRefused,
    WarmupUnderWay,
    schedule_of,
)
from domain.accounts.facts import WarmupHeld, WarmupStepped
from tests.domain.account_story import T0, Story, an_account

TODAY = T0.date()
GOOD = Counts(50, 50, 0, 0)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([], "0 days"),
        ([(1, 10)] * 61, "61 days"),
        ([(2, 10)], r"warmup\[0\].*day 2.*day 1"),
        ([(1, 10), (3, 20)], r"warmup\[1\].*day 3.*day 2"),
        ([(1, 10), (1, 20)], r"warmup\[1\].*day 1"),
        ([(1, 0)], r"warmup\[0\].*cap of 0"),
        ([(1, 10), (2, -4)], r"warmup\[1\].*cap of -4"),
        ([(1, 50), (2, 100), (3, 80)], r"warmup\[2\].*80 is less than 100"),
    ],
)
def test_a_table_with_a_hole_or_a_bad_cap_is_refused_with_its_place(
    table: list[tuple[int, int]], words: str
) -> None:
    with pytest.raises(WarmupRefused, match=words):
        schedule_of(table)


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=60).map(sorted))
def test_a_table_without_holes_that_never_falls_is_taken_as_it_is(caps: list[int]) -> None:
    assert schedule_of(list(enumerate(caps, 1))) == tuple(caps)


def test_the_default_table_is_one() -> None:
    assert schedule_of(list(enumerate(DEFAULT_SCHEDULE, 1))) == DEFAULT_SCHEDULE


def warming(*caps: int) -> Story:
    story = an_account().when(accounts.begin_warmup, caps=caps or (50, 100), on=TODAY)
    return story.then("warmup_started")


def day(story: Story, yesterday: Counts, number: int) -> Story:
    on = TODAY + timedelta(days=number)
    return story.when(accounts.step_warmup, yesterday=yesterday, on=on, health_min=30)


def test_the_volume_rises_a_step_a_day_and_then_is_free() -> None:
    story = warming(50, 100)
    day(story, GOOD, 0).then()
    day(story, GOOD, 1)
    assert story.news == [WarmupStepped(step=2, cap=100, on=TODAY + timedelta(days=1), at=T0)]
    assert story.state.warmup is not None
    assert story.state.warmup.cap == 100
    day(story, Counts(90, 90, 0, 0), 1).then()
    day(story, Counts(90, 90, 0, 0), 2).then("warmup_ended")
    assert story.state.warmup is None


@pytest.mark.parametrize(
    ("yesterday", "reason"),
    [
        (Counts(50, 48, 2, 0), WarmupHold.BOUNCES),
        (Counts(50, 49, 1, 0), None),
        (Counts(50, 50, 0, 1), WarmupHold.COMPLAINTS),
        (Counts(2_000, 2_000, 0, 1), None),
        (Counts(2_000, 2_000, 0, 2), WarmupHold.COMPLAINTS),
        (Counts(24, 24, 0, 0), WarmupHold.UNUSED),
        (Counts(25, 25, 0, 0), None),
        (Counts(), WarmupHold.UNUSED),
    ],
)
def test_a_step_is_taken_only_after_a_day_that_went_well(
    yesterday: Counts, reason: WarmupHold | None
) -> None:
    story = day(warming(), yesterday, 1)
    story.then("warmup_stepped" if reason is None else "warmup_held")
    if reason is not None:
        assert story.news == [WarmupHeld(reason=reason, on=TODAY + timedelta(days=1), at=T0)]
        assert story.state.warmup is not None
        assert story.state.warmup.step == 1


def test_a_day_that_was_held_is_followed_by_the_next_chance() -> None:
    story = day(warming(), Counts(), 1).then("warmup_held")
    day(story, GOOD, 2).then("warmup_stepped")


def test_a_sender_that_is_paused_or_unhealthy_takes_no_step() -> None:
    paused = warming().when(accounts.pause, reason=PauseReason.OPERATOR)
    day(paused, GOOD, 1).then("warmup_held")
    unhealthy = warming().when(accounts.override_health, score=29)
    day(unhealthy, GOOD, 1).then("warmup_held")


def test_a_clock_that_jumps_back_takes_no_step_twice() -> None:
    story = day(warming(50, 60, 70), GOOD, 1)
    day(story, GOOD, 0).then()
    day(story, GOOD, 1).then()


def test_a_warm_up_that_is_under_way_is_not_replaced_by_other_caps_unless_it_is_said() -> None:
    story = day(warming(50, 100, 200), GOOD, 1).then("warmup_stepped")
    assert story.state.warmup is not None
    with pytest.raises(WarmupUnderWay, match="day 2 of 3, up to 100"):
        accounts.begin_warmup(story.state, caps=[5, 10], on=TODAY, at=T0)
    story.when(accounts.begin_warmup, caps=[50, 100, 200], on=TODAY).then()
    story.when(accounts.begin_warmup, caps=[5, 10], on=TODAY, restart=True).then("warmup_started")
    assert story.state.warmup.caps == (5, 10)


def test_a_restart_begins_the_same_caps_anew_and_once_a_day() -> None:
    story = day(warming(50, 100, 200), GOOD, 1)
    on = TODAY + timedelta(days=1)
    for facts in (("warmup_started",), ()):
        story.when(accounts.begin_warmup, caps=[50, 100, 200], on=on, restart=True).then(*facts)
    assert story.state.warmup is not None
    assert (story.state.warmup.step, story.state.warmup.cap) == (1, 50)


def test_a_warm_up_is_ended_by_order() -> None:
    warming().when(accounts.end_warmup).then("warmup_ended")


def test_a_deleted_sender_does_not_warm_up() -> None:
    day(warming().when(accounts.delete), GOOD, 1).then()
