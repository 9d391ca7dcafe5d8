"""The circuit of a sender: opened by failures, tried by one message, closed by an answer."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import accounts
from domain.accounts import AnswerCounts, CircuitCause, ClosedBy, Failures
from domain.accounts.circuit import open_s
from tests.domain.account_story import T0, Story, an_account

TAKEN = AnswerCounts(accepted=1)
REFUSED = AnswerCounts(refused=1)
DOUBT = AnswerCounts(ambiguous=1)
UNREACHED = AnswerCounts(not_sent=1)
LOCKED_OUT = AnswerCounts(account_refused=1)


def hear(
    story: Story, heard: AnswerCounts, ambiguous: int = 0, not_sent: int = 0, jitter: float = 0.0
) -> Story:
    window = Failures(ambiguous, not_sent)
    return story.when(accounts.judge_answers, heard=heard, window=window, jitter=jitter)


@pytest.mark.parametrize(
    ("heard", "ambiguous", "not_sent", "cause"),
    [
        (DOUBT, 4, 9, None),
        (DOUBT, 5, 0, CircuitCause.DOUBTS),
        (UNREACHED, 0, 9, None),
        (UNREACHED, 0, 10, CircuitCause.NOT_SENT),
        (TAKEN, 9, 99, None),
        (LOCKED_OUT, 0, 0, CircuitCause.ACCOUNT_REFUSED),
    ],
)
def test_failures_within_a_minute_open_the_circuit(
    heard: AnswerCounts, ambiguous: int, not_sent: int, cause: CircuitCause | None
) -> None:
    story = hear(an_account(), heard, ambiguous, not_sent)
    assert [fact.cause for fact in story.news] == ([] if cause is None else [cause])
    assert story.state.circuit.is_open is (cause is not None)


def opened() -> Story:
    return hear(an_account(), DOUBT, ambiguous=5).then("circuit_opened")


def test_it_opens_for_half_a_minute_first() -> None:
    assert opened().state.circuit.until == T0 + timedelta(seconds=30)


@pytest.mark.parametrize("late", [TAKEN, REFUSED, DOUBT, UNREACHED])
def test_late_answers_of_earlier_calls_change_nothing(late: AnswerCounts) -> None:
    hear(opened().after(seconds=29), late, ambiguous=50, not_sent=50).then()


@pytest.mark.parametrize("answer", [TAKEN, REFUSED])
def test_an_answer_to_the_probe_closes_it(answer: AnswerCounts) -> None:
    story = hear(opened().after(seconds=30), answer).then("circuit_closed")
    assert not story.state.circuit.is_open
    assert story.state.circuit.opens == 0


@pytest.mark.parametrize("answer", [DOUBT, UNREACHED, AnswerCounts(accepted=1, ambiguous=1)])
def test_anything_else_opens_it_for_twice_as_long(answer: AnswerCounts) -> None:
    story = hear(opened().after(seconds=30), answer).then("circuit_opened")
    assert story.state.circuit.opens == 2
    assert story.state.circuit.until == story.now + timedelta(seconds=60)


def test_no_answer_at_all_leaves_it_half_open() -> None:
    hear(opened().after(seconds=30), AnswerCounts()).then()


def test_a_circuit_that_refused_credentials_opened_waits_for_people_or_a_probe_of_them() -> None:
    story = hear(an_account(), LOCKED_OUT).then("circuit_opened")
    for answer in (TAKEN, DOUBT, LOCKED_OUT):
        hear(story.after(days=1), answer, ambiguous=9).then()
    story.when(accounts.close_circuit, by=ClosedBy.CREDENTIALS).then("circuit_closed")


def test_credentials_refused_while_it_is_open_make_it_wait_for_people() -> None:
    story = hear(opened(), LOCKED_OUT).then("circuit_opened")
    assert story.state.circuit.needs_operator


def test_a_person_closes_any_circuit() -> None:
    opened().when(accounts.close_circuit, by=ClosedBy.OPERATOR).then("circuit_closed")
    an_account().when(accounts.close_circuit, by=ClosedBy.OPERATOR).then()


@pytest.mark.parametrize(
    ("opens", "seconds"), [(1, 30), (2, 60), (3, 120), (5, 480), (6, 900), (7, 900), (10_000, 900)]
)
def test_openings_in_a_row_last_longer_up_to_a_quarter_of_an_hour(opens: int, seconds: int) -> None:
    assert open_s(opens, 0.0) == seconds


@given(st.integers(1, 50), st.floats(0, 1, exclude_max=True))
def test_chance_takes_off_at_most_a_fifth(opens: int, jitter: float) -> None:
    assert 0.8 * open_s(opens, 0.0) <= open_s(opens, jitter) <= open_s(opens, 0.0)


def test_answers_for_a_deleted_account_change_nothing() -> None:
    hear(an_account().when(accounts.delete), LOCKED_OUT).then()
