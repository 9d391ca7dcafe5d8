"""Whatever is ordered in whatever order: asked again it is no news, and the row can be stored."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain import accounts
from domain.accounts import (
    INITIAL,
    AccountSettings,
    AccountUnknown,
    AnswerCounts,
    ClosedBy,
    Counts,
    Failures,
    Numbers,
    PauseReason,
    Profile,
    ReasonRequired,
    VerifiedBy,
    fold,
    sender_stream,
)
from domain.ids import TenantId
from domain.taxonomy import CapName
from projections.sender_accounts import ACCOUNTS, account_changes
from tests.domain.account_story import T0, Step

STREAM = sender_stream(TenantId("one"), "sam")
small = st.integers(0, 12)
caps_max = st.none() | st.integers(1, 500)
counts = st.builds(Counts, st.integers(0, 3_000), st.integers(0, 3_000), small, small)
settings = st.builds(
    AccountSettings,
    profile=st.sampled_from(Profile),
    day_max=caps_max,
    minute_max=caps_max,
    hour_max=caps_max,
)
heard = st.builds(
    AnswerCounts,
    accepted=small,
    refused=small,
    ambiguous=small,
    not_sent=small,
    account_refused=st.integers(0, 1),
)


def bound(decide: Any, **given_: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(given_).map(lambda values: partial(decide, **values))


decisions = st.one_of(
    bound(accounts.register, sender=st.just("sam"), settings=settings),
    bound(accounts.take_over, sender=st.just("sam"), verified=st.booleans(), paused=st.booleans()),
    bound(accounts.configure, settings=settings),
    bound(accounts.verify, by=st.sampled_from(VerifiedBy)),
    bound(accounts.unverify, by=st.sampled_from(VerifiedBy)),
    bound(accounts.check_verified, listed=st.none() | st.booleans()),
    bound(accounts.pause, reason=st.sampled_from(PauseReason)),
    bound(accounts.resume, explained=st.booleans(), counts=st.none() | counts),
    bound(accounts.override_health, score=st.integers(0, 100)),
    bound(accounts.lift_override),
    bound(accounts.disconnect),
    bound(accounts.connect),
    bound(accounts.go_away),
    bound(accounts.come_back),
    bound(accounts.delete),
    bound(accounts.begin_warmup, caps=st.just([10, 20]), on=st.just(T0.date())),
    bound(accounts.end_warmup),
    bound(accounts.close_circuit, by=st.sampled_from(ClosedBy)),
)
moving = st.one_of(
    bound(
        accounts.look_after,
        numbers=st.builds(Numbers, counts, counts),
        on=st.integers(0, 9).map(lambda days: T0.date() + timedelta(days=days)),
        health_min=st.just(30),
    ),
    bound(
        accounts.judge_answers,
        heard=heard,
        window=st.builds(Failures, small, small),
        jitter=st.floats(0, 1),
    ),
    bound(
        accounts.reach_cap,
        cap=st.sampled_from([CapName.SENDER_HOUR, CapName.SENDER_DAY]),
        key=st.just("sam"),
        until=st.integers(1, 99).map(lambda hours: T0 + timedelta(hours=hours)),
        amount=st.just((9, 9)),
    ),
)


@given(st.lists(st.tuples(st.integers(0, 40), decisions | moving), max_size=25))
def test_what_was_said_is_not_said_again_and_every_row_can_be_stored(
    steps: Sequence[tuple[int, Any]],
) -> None:
    state, now = INITIAL, T0
    for hours, step in steps:
        now += timedelta(hours=hours)
        decide: Step = partial(step, at=now)
        try:
            facts = list(decide(state))
        except (AccountUnknown, ReasonRequired):
            continue
        state = fold(facts, state)
        if step.func is not accounts.judge_answers:  # an answer is heard once
            assert list(decide(state)) == []
        for change in account_changes(STREAM, state):
            row = change.row
            assert set(row) == set(ACCOUNTS.columns)
            assert 0 <= row["health"] <= 100
            assert (row["circuit"] == "open") is (row["circuit_until"] is not None)
            assert all(row[name] is None or row[name] > 0 for name in ("day_max", "warmup_max"))


@given(st.lists(heard, max_size=30))
def test_a_circuit_that_needs_a_person_is_closed_by_no_answer(answers: Sequence[Any]) -> None:
    state = fold(accounts.register(INITIAL, sender="sam", settings=AccountSettings(), at=T0))
    refused, now = False, T0
    for counted in answers:
        now += timedelta(hours=1)
        window = Failures(counted.ambiguous, counted.not_sent)
        facts = accounts.judge_answers(state, heard=counted, window=window, jitter=0.0, at=now)
        state = fold(facts, state)
        refused = refused or bool(counted.account_refused)
        assert state.circuit.needs_operator is refused
