"""The states of a message (trust.md 1): every listed move, and nothing for what is not listed."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

import pytest

from domain import campaign
from domain.campaign import Campaign
from domain.campaign.sending import ATTEMPTS_MAX
from domain.events import (
    Event,
    MessageAccepted,
    MessageFailed,
    SendAttemptReturned,
    SendAttemptStarted,
)
from domain.plan import Grounds
from domain.taxonomy import CancelReason, HoldReason, MessageState, Via
from tests.domain.asking import (
    Decide,
    accepts,
    claims,
    doubts,
    expires,
    gives_up,
    hears,
    loses,
    mid,
    queues,
    refuses,
    returns,
    skips,
    stops,
    times_out,
)
from tests.domain.building import on, plan, send, stop, t, wait
from tests.domain.spec import Story, given

PLANNED, QUEUED, SENDING = MessageState.PLANNED, MessageState.QUEUED, MessageState.SENDING
ACCEPTED, FAILED, UNKNOWN = MessageState.ACCEPTED, MessageState.FAILED, MessageState.UNKNOWN
LOST, CANCELLED = MessageState.PRESUMED_LOST, MessageState.CANCELLED

PATIENT = plan(
    send(
        "intro",
        on("send_failed", "more"),
        on("send_skipped", "more"),
        on("timeout", "more", after="P9D"),
    ),
    wait("more", on("timeout", "end", after="P30D")),
    stop(),
)
"""Goes on after a failure, so that nothing ends while a message is tried."""

LATE = t(days=3)


def hold_it(state: Campaign, grounds: Grounds) -> Sequence[Event]:
    return campaign.hold(
        state,
        grounds,
        message_id=mid("intro"),
        reason=HoldReason.CIRCUIT_OPEN,
        until=t(minutes=9),
        at=t(),
    )


INPUTS: dict[str, Decide] = {
    "rendered": queues("intro"),
    "not renderable": gives_up("intro", t()),
    "due": claims("intro", t()),
    "due before its time": claims("intro", t(seconds=-1)),
    "not now": hold_it,
    "never": skips("intro", CancelReason.SUPPRESSED, t()),
    "operator's skip": skips("intro", CancelReason.OPERATOR, t()),
    "expiry": skips("intro", CancelReason.EXPIRED, LATE),
    "expiry before its time": skips("intro", CancelReason.EXPIRED, LATE - timedelta(seconds=1)),
    "accepted": accepts("intro", t()),
    "webhook": accepts("intro", t(), via=Via.WEBHOOK),
    "not sent": returns("intro", t(), due_at=t(minutes=1)),
    "refused": refuses("intro", t()),
    "in doubt": doubts("intro", t()),
    "silence": loses("intro", t()),
    "accepted, another attempt": accepts("intro", t(), attempt=2),
    "not sent, another attempt": returns("intro", t(), attempt=2),
    "refused, another attempt": refuses("intro", t(), attempt=2),
    "in doubt, another attempt": doubts("intro", t(), attempt=2),
    "silence, another attempt": loses("intro", t(), attempt=2),
    "reply": hears("replied", t()),
    "unsubscribe": hears("unsubscribed", t()),
    "stop": stops(t()),
    "end of the longest duration": expires(t(days=60)),
}

WAYS: dict[MessageState, Sequence[Decide]] = {
    PLANNED: (),
    QUEUED: (queues("intro"),),
    SENDING: (queues("intro"), claims("intro", t())),
    ACCEPTED: (queues("intro"), claims("intro", t()), accepts("intro", t())),
    FAILED: (queues("intro"), claims("intro", t()), refuses("intro", t())),
    UNKNOWN: (queues("intro"), claims("intro", t()), doubts("intro", t())),
    LOST: (queues("intro"), claims("intro", t()), doubts("intro", t()), loses("intro", t())),
    CANCELLED: (queues("intro"), skips("intro", CancelReason.OPERATOR, t())),
}

STOPPED = {
    "never": CANCELLED,
    "operator's skip": CANCELLED,
    "expiry": CANCELLED,
    "reply": CANCELLED,
    "unsubscribe": CANCELLED,
    "stop": CANCELLED,
    "end of the longest duration": CANCELLED,
}
MOVES: dict[MessageState, dict[str, MessageState]] = {
    PLANNED: {"rendered": QUEUED, "not renderable": FAILED, "webhook": ACCEPTED, **STOPPED},
    QUEUED: {"due": SENDING, "webhook": ACCEPTED, **STOPPED},
    SENDING: {
        "accepted": ACCEPTED,
        "webhook": ACCEPTED,
        "not sent": QUEUED,
        "refused": FAILED,
        "in doubt": UNKNOWN,
    },
    UNKNOWN: {"accepted": ACCEPTED, "webhook": ACCEPTED, "not sent": LOST, "silence": LOST},
    LOST: {"accepted": ACCEPTED, "webhook": ACCEPTED},
    ACCEPTED: {},
    FAILED: {},
    CANCELLED: {},
}


def at(state: MessageState) -> Story:
    return given(PATIENT).when(*WAYS[state])


@pytest.mark.parametrize("state", MessageState)
@pytest.mark.parametrize("name", INPUTS)
def test_a_move_is_the_one_of_the_table_or_none(state: MessageState, name: str) -> None:
    story = at(state)
    assert story.message("intro").state == state
    story.when(INPUTS[name])
    assert story.message("intro").state == MOVES[state].get(name, state)
    assert story.news == () or INPUTS[name](story.state, story.grounds) in ((), [])


@pytest.mark.parametrize("state", [ACCEPTED, FAILED, CANCELLED])
@pytest.mark.parametrize(
    "name", ["rendered", "due", "accepted", "not sent", "refused", "in doubt", "silence", "never"]
)
def test_a_settled_message_takes_no_input(state: MessageState, name: str) -> None:
    at(state).when(INPUTS[name]).then()


@pytest.mark.parametrize("state", [SENDING, UNKNOWN, LOST])
@pytest.mark.parametrize("name", [name for name in INPUTS if name.endswith("another attempt")])
def test_an_answer_for_another_attempt_is_no_input(state: MessageState, name: str) -> None:
    at(state).when(INPUTS[name]).then()


@pytest.mark.parametrize("state", [PLANNED, QUEUED])
def test_a_hold_moves_when_it_is_looked_at_again(state: MessageState) -> None:
    story = at(state).when(hold_it).then("deferred circuit_open")
    assert story.message("intro").due_at == t(minutes=9)
    assert story.message("intro").expires_at == LATE


def test_attempts_grow_by_one() -> None:
    story = at(QUEUED)
    for attempt in (1, 2, 3):
        story.when(claims("intro", t(minutes=attempt))).then(f"attempt {attempt}")
        again = returns("intro", t(minutes=attempt), attempt=attempt)
        story.when(again).then("returned")


def test_a_returned_message_waits_for_its_time() -> None:
    story = at(SENDING).when(returns("intro", t(), due_at=t(minutes=5)))
    story.when(claims("intro", t(minutes=5, seconds=-1))).then()
    story.when(claims("intro", t(minutes=5))).then("attempt 2")


def sent_and_returned(story: Story, times: int, *, counted: bool) -> Story:
    for attempt in range(1, times + 1):
        story.when(claims("intro", t(minutes=attempt)))
        story.when(returns("intro", t(minutes=attempt), attempt=attempt, counted=counted))
    return story


def test_after_the_eighth_attempt_that_did_not_leave_it_is_given_up() -> None:
    story = sent_and_returned(at(QUEUED), ATTEMPTS_MAX - 1, counted=True).then("returned")
    story.when(claims("intro", t(minutes=8)), returns("intro", t(minutes=8), attempt=8))
    story.then("failed refused_connection", "take intro.0 send_failed", "enter more")
    assert ATTEMPTS_MAX == 8


def test_attempts_that_do_not_count_are_never_too_many() -> None:
    story = sent_and_returned(at(QUEUED), 20, counted=False).then("returned")
    assert story.message("intro").attempt == 20


def test_while_in_doubt_the_plan_waits() -> None:
    story = at(UNKNOWN)
    assert story.state.phase == campaign.Phase.SENDING
    assert story.state.timers == ()
    story.when(claims("intro", t(days=1))).then()


def test_a_doubt_settled_by_a_webhook_starts_the_clock_at_the_fact() -> None:
    story = at(UNKNOWN).when(accepts("intro", t(minutes=3), via=Via.WEBHOOK)).then("sent")
    fact = story.facts[-1]
    assert isinstance(fact, MessageAccepted)
    assert (fact.via, fact.late, fact.at) == (Via.WEBHOOK, False, t(minutes=3))
    assert [timer.due_at for timer in story.state.timers] == [t(days=9, minutes=3)]


def test_silence_is_a_failure_for_the_plan() -> None:
    story = at(UNKNOWN).when(loses("intro", LATE))
    story.then("lost silence", "take intro.0 send_failed", "enter more")


def test_late_certainty_that_it_did_not_leave_is_a_loss_and_no_new_attempt() -> None:
    story = at(UNKNOWN).when(returns("intro", t(minutes=2)))
    story.then("lost not_sent", "take intro.0 send_failed", "enter more")
    story.when(claims("intro", t(days=1))).then()


def test_a_lost_message_that_was_accepted_after_all_is_counted_and_moves_nothing() -> None:
    story = at(LOST).when(accepts("intro", t(hours=1), via=Via.WEBHOOK)).then("sent late")
    assert (story.state.node, story.state.sends) == ("more", 1)


def test_the_first_report_of_an_acceptance_wins() -> None:
    story = at(SENDING).when(accepts("intro", t(seconds=1), via=Via.WEBHOOK)).then("sent")
    story.when(accepts("intro", t(seconds=2))).then()


def test_one_webhook_event_may_be_the_acceptance_and_a_signal() -> None:
    acceptance = campaign.Acceptance(
        message_id=mid("intro"), attempt=1, at=t(seconds=5), via=Via.WEBHOOK
    )
    reported = campaign.Reported(
        signal="delivered", at=t(seconds=5), key="k", message_id=mid("intro")
    )
    heard = partial(campaign.hear, acceptance=acceptance, reported=reported, now=t(seconds=6))
    at(UNKNOWN).when(heard).then("sent", "delivered")
    at(ACCEPTED).when(heard).then("delivered")
    at(UNKNOWN).when(partial(heard, reported=None)).then("sent")
    at(SENDING).when(partial(heard, acceptance=None)).then("delivered")


ENDINGS: dict[str, tuple[Decide, MessageState]] = {
    "accepted": (accepts("intro", t(hours=1)), ACCEPTED),
    "refused": (refuses("intro", t(hours=1)), FAILED),
    "in doubt": (doubts("intro", t(hours=1)), UNKNOWN),
    "not sent": (returns("intro", t(hours=1)), CANCELLED),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_what_comes_of_a_call_after_the_end_is_recorded_and_moves_nothing(name: str) -> None:
    decide, state = ENDINGS[name]
    story = at(SENDING).when(stops(t(minutes=1)))
    ended = (story.state.stage, story.state.outcome)
    story.when(decide)
    assert story.message("intro").state == state
    assert (story.state.stage, story.state.outcome) == ended
    assert not any(isinstance(fact, SendAttemptStarted) for fact in story.news)


def test_an_attempt_that_did_not_leave_is_cancelled_when_it_is_over() -> None:
    story = at(SENDING).when(stops(t(minutes=1))).when(returns("intro", t(minutes=2)))
    story.then("returned", "cancelled stopped")


def test_a_doubt_may_be_lost_after_the_end() -> None:
    at(UNKNOWN).when(stops(t(minutes=1)), loses("intro", LATE)).then("lost silence")


def test_every_outcome_names_node_and_attempt() -> None:
    story = at(FAILED)
    failed = next(fact for fact in story.facts if isinstance(fact, MessageFailed))
    assert (failed.node, failed.attempt, failed.message_id) == ("intro", 1, mid("intro"))
    returned = at(SENDING).when(returns("intro", t())).facts[-1]
    assert isinstance(returned, SendAttemptReturned)


def test_messages_of_two_visits_are_two_messages() -> None:
    loop = send("intro", on("no_open", "intro", after="P1D"), max_visits=2, on_max_visits="end")
    story = given(plan(loop, stop())).sends("intro").when(times_out("intro", 0, t(days=1)))
    assert story.message("intro", 1).state == ACCEPTED
    assert story.message("intro", 2).state == PLANNED
    check: Callable[[], Story] = partial(story.sends, "intro", None, 2)
    assert check().state.sends == 2
