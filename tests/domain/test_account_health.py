"""Health, rates of complaints and bounces, and what a person says of them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import accounts
from domain.accounts import Counts, PauseReason, SettingRefused
from domain.accounts.facts import HealthScored
from domain.accounts.health import bounce_breach, complaint_breach, score_of
from tests.domain.account_story import T0, Story, an_account

GATE = 30
TODAY = T0.date()
numbers = st.integers(0, 20_000)
counts = st.builds(Counts, numbers, numbers, numbers, numbers)


@pytest.mark.parametrize(
    ("of", "score"),
    [
        (Counts(), 100),
        (Counts(1_000, 1_000, 0, 0), 100),
        (Counts(1_000, 1_000, 0, 1), 75),
        (Counts(1_000, 1_000, 0, 3), 25),
        (Counts(10_000, 10_000, 0, 10), 75),
        (Counts(100, 100, 0, 1), 50),
        (Counts(10, 10, 0, 2), 0),
        (Counts(1_000, 950, 50, 0), 62),
        (Counts(100, 90, 10, 0), 25),
        (Counts(20, 19, 1, 0), 92),
        (Counts(1_000, 1_000, 100, 5), 0),
        (Counts(0, 0, 0, 9), 0),
    ],
)
def test_the_score_follows_its_formula(of: Counts, score: int) -> None:
    assert score_of(of) == score


@given(counts)
def test_the_score_lies_between_0_and_100(of: Counts) -> None:
    assert 0 <= score_of(of) <= 100


@given(counts, st.integers(1, 1_000))
def test_more_complaints_or_bounces_never_raise_the_score(of: Counts, more: int) -> None:
    complained = Counts(of.accepted, of.delivered, of.hard_bounces, of.complaints + more)
    bounced = Counts(of.accepted, of.delivered, of.hard_bounces + more, of.complaints)
    assert score_of(complained) <= score_of(of)
    assert score_of(bounced) <= score_of(of)


@given(st.integers(500, 100_000), st.data())
def test_whatever_stops_for_complaints_is_below_the_gate_as_well(
    delivered: int, data: st.DataObject
) -> None:
    complaints = data.draw(st.integers(-(-3 * delivered // 1_000), delivered))
    of = Counts(delivered, delivered, 0, complaints)
    assert complaint_breach(of) is PauseReason.COMPLAINT_STOP
    assert score_of(of) < GATE


@pytest.mark.parametrize(
    ("delivered", "complaints", "breach"),
    [
        (0, 0, None),
        (0, 1, None),
        (10, 2, PauseReason.COMPLAINTS),
        (499, 1, None),
        (499, 2, PauseReason.COMPLAINTS),
        (500, 0, None),
        (500, 1, PauseReason.COMPLAINTS),
        (500, 2, PauseReason.COMPLAINT_STOP),
        (1_000, 1, PauseReason.COMPLAINTS),
        (1_001, 1, None),
        (1_000, 3, PauseReason.COMPLAINT_STOP),
        (1_001, 3, PauseReason.COMPLAINTS),
        (10_000, 9, None),
        (10_000, 10, PauseReason.COMPLAINTS),
        (10_000, 29, PauseReason.COMPLAINTS),
        (10_000, 30, PauseReason.COMPLAINT_STOP),
    ],
)
def test_complaints_pause_by_rate_and_below_500_by_number(
    delivered: int, complaints: int, breach: PauseReason | None
) -> None:
    assert complaint_breach(Counts(delivered, delivered, 0, complaints)) is breach


@pytest.mark.parametrize(
    ("accepted", "bounces", "breach"),
    [
        (0, 0, None),
        (1, 1, None),
        (20, 5, None),
        (20, 6, PauseReason.BOUNCES),
        (100, 5, None),
        (100, 6, PauseReason.BOUNCES),
        (1_000, 50, None),
        (1_000, 51, PauseReason.BOUNCES),
    ],
)
def test_hard_bounces_above_five_in_a_hundred_pause(
    accepted: int, bounces: int, breach: PauseReason | None
) -> None:
    assert bounce_breach(Counts(accepted, accepted - bounces, bounces, 0)) is breach


def look(story: Story, of: Counts, days: int = 0) -> Story:
    on = TODAY + timedelta(days=days)
    return story.when(accounts.score, counts=of, on=on, health_min=GATE)


def test_a_day_has_one_score_as_long_as_little_happens() -> None:
    story = look(an_account(), Counts(1_000, 1_000, 0, 0)).then("health_scored")
    look(story, Counts(2_000, 2_000, 1, 0)).then()
    look(story, Counts(2_000, 2_000, 1, 0), days=1).then("health_scored")
    look(story, Counts(2_000, 2_000, 1, 0), days=0).then()


def test_a_spike_of_complaints_is_told_at_once_stops_the_sender_and_closes_the_gate() -> None:
    story = look(an_account(), Counts(1_000, 1_000, 0, 0))
    look(story, Counts(1_200, 1_100, 0, 4)).then("health_scored", "sender_paused")
    assert story.state.health < GATE
    assert story.state.paused is PauseReason.COMPLAINT_STOP


def test_a_score_that_crosses_the_gate_by_little_is_told() -> None:
    story = look(an_account(), Counts(1_000, 910, 90, 0))
    assert story.state.score == 32
    look(story, Counts(1_000, 905, 95, 0))
    assert [type(fact) for fact in story.news] == [HealthScored]
    assert story.state.score == 28


def test_a_pause_for_rates_ends_by_itself_after_a_day_of_good_rates() -> None:
    story = look(an_account(), Counts(400, 400, 0, 2)).then("health_scored", "sender_paused")
    look(story, Counts(400, 400, 0, 0))
    assert story.state.paused is PauseReason.COMPLAINTS
    look(story.after(days=1), Counts(400, 400, 0, 2), days=1)
    assert story.state.paused is PauseReason.COMPLAINTS
    look(story, Counts(400, 400, 0, 1), days=1).then("health_scored", "sender_resumed")
    assert story.state.paused is None


def test_the_stop_for_complaints_never_ends_by_itself() -> None:
    story = look(an_account(), Counts(1_000, 1_000, 0, 3))
    look(story.after(days=30), Counts(), days=30)
    assert story.state.paused is PauseReason.COMPLAINT_STOP


def test_what_an_operator_knew_does_not_pause_again_but_more_of_it_does() -> None:
    bad = Counts(1_000, 1_000, 0, 3)
    story = look(an_account(), bad).when(accounts.resume, explained=True, counts=bad)
    look(story.after(minutes=1), bad).then()
    look(story, Counts(1_000, 1_000, 0, 4))
    assert story.state.paused is PauseReason.COMPLAINT_STOP


def test_what_was_excused_shrinks_with_the_numbers() -> None:
    bad = Counts(400, 400, 0, 5)
    story = look(an_account(), bad).when(accounts.resume, counts=bad)
    look(story.after(days=7), Counts(400, 400, 0, 0), days=7)
    look(story, Counts(400, 400, 0, 2), days=7)
    assert story.state.paused is PauseReason.COMPLAINTS


def test_an_account_that_is_not_there_is_not_scored() -> None:
    assert look(Story(), Counts(9, 9, 9, 9)).news == []
    assert look(an_account().when(accounts.delete), Counts(9, 9, 9, 9)).news == []


def test_a_persons_word_counts_before_the_score_until_it_is_over() -> None:
    until = T0 + timedelta(hours=4)
    story = look(an_account(), Counts(1_000, 1_000, 0, 0))
    story.when(accounts.override_health, score=10, until=until).then("health_overridden")
    assert story.state.health == 10
    look(story, Counts(3_000, 3_000, 0, 0))
    assert story.state.health == 10
    story.after(hours=4).when(accounts.expire).then("override_lifted")
    assert story.state.health == 100


def test_a_persons_word_can_be_taken_back() -> None:
    story = an_account().when(accounts.override_health, score=0)
    story.when(accounts.override_health, score=1).then("health_overridden")
    story.when(accounts.lift_override).then("override_lifted")


@pytest.mark.parametrize("score", [-1, 101])
def test_a_score_outside_of_0_to_100_is_refused(score: int) -> None:
    with pytest.raises(SettingRefused, match="score"):
        accounts.override_health(an_account().state, score=score, at=T0)


def test_a_word_that_is_over_before_it_began_is_refused() -> None:
    with pytest.raises(SettingRefused, match="until"):
        accounts.override_health(an_account().state, score=50, until=T0, at=T0)
