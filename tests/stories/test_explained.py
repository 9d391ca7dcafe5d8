"""Why a message was sent, held, skipped or cancelled, on real stores: every gate, every input."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from domain import campaign
from domain.accounts import PauseReason, pause
from domain.campaign.releasing import UNTIL_RELEASED, hold_back
from domain.gates import GATES, RULES_VERSION
from domain.ids import MessageId, StreamId
from domain.recorded import Cause
from domain.taxonomy import AnswerClass, CauseKind
from handlers.campaigns import order
from handlers.explain import DecisionTold, Explained, GateTold, explain
from handlers.ports import Answer, Decide
from handlers.services import TenantServices
from infra.services import make_services
from tests.stories.house import MONDAY, House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

TWO_STEPS = plan(
    send("intro", way("opened", "follow"), way("no_open", "end", after="P5D")),
    send("follow", way("no_reply", "end", after="P3D"), schedule={"delay": "P2D"}),
    stop(),
)
ONE_STEP = plan(send("intro", way("no_reply", "end", after="P5D")), stop())


@pytest.fixture
def tenant(house: House) -> TenantServices:
    found = make_services(house.system).tenant(house.tenant)
    assert found is not None
    return found


def told(house: House, tenant: TenantServices, message: MessageId) -> Explained:
    found = explain(tenant, message, house.clock.now())
    assert found is not None
    return found


def ordered(house: House, stream: StreamId, decide: Decide) -> None:
    """A person gives an order."""
    cause = Cause(CauseKind.OPERATOR, "key-1/r-1")
    order(house.ports, stream, decide, cause=cause, correlation=UUID(int=9))


def latest(house: House, tenant: TenantServices, stream: StreamId) -> Explained:
    return told(house, tenant, house.message(stream))


def kinds(explained: Explained) -> list[str]:
    return [one.kind for one in explained.decisions]


def verdicts(gates: list[GateTold]) -> dict[str, str]:
    """What each gate said; every gate is there, in order, with each of its inputs."""
    assert [(one.name, one.asks) for one in gates] == [(one.name, one.asks) for one in GATES]
    assert [tuple(one.inputs) for one in gates] == [one.reads for one in GATES]
    return {one.name: one.verdict for one in gates}


def stops_at(gates: list[GateTold], name: str, verdict: str) -> GateTold:
    """All passed before this gate, none was reached behind it."""
    names = [one.name for one in GATES]
    place = names.index(name)
    expected = ["passed"] * place + [verdict] + ["not_reached"] * (len(names) - place - 1)
    assert list(verdicts(gates).values()) == expected
    return gates[place]


def judged(explained: Explained, kind: str) -> DecisionTold:
    (found,) = [one for one in explained.decisions if one.kind == kind and one.gates]
    assert (found.rules, found.differs) in ((RULES_VERSION, ""), (None, ""))
    return found


# --- sent -----------------------------------------------------------------------------------------


def test_a_sent_message_says_why_and_that_every_gate_let_it_through(
    house: House, tenant: TenantServices
) -> None:
    stream = house.started(ONE_STEP)
    house.after(minutes=10)
    found = latest(house, tenant, stream)
    assert found.answer == (
        "It was sent on 2026-09-07 09:10 UTC, because its plan begins with it and every gate let "
        "it through."
    )
    assert kinds(found) == [
        "node_entered",
        "message_queued",
        "send_attempt_started",
        "message_accepted",
    ]
    attempt = judged(found, "send_attempt_started")
    assert set(verdicts(attempt.gates).values()) == {"passed"}
    inputs = {one.name: one.inputs for one in attempt.gates}
    assert inputs["sender"]["sender"] == "sam"
    assert inputs["running"]["campaign"] == "active"
    used = {cap["name"]: cap["used"] for cap in inputs["caps"]["caps"]}
    assert used["campaign_day"] == 0
    assert [one.kind for one in found.because] == [
        "request",
        "plan_accepted",
        "campaign_started",
        "node_entered",
    ]
    assert (found.now, found.rules) == (None, RULES_VERSION)
    assert found.plan_hash == house.state(stream).plan_hash


def test_the_cause_of_a_message_goes_back_to_the_webhook_that_reported_the_open(
    house: House, tenant: TenantServices
) -> None:
    stream = house.started(TWO_STEPS)
    house.after(minutes=10)
    house.hear(house.event(stream, "open", ip="192.0.2.1"))
    house.after(minutes=10)
    found = latest(house, tenant, stream)
    assert [one.kind for one in found.because] == [
        "webhook",
        "signal_recorded",
        "transition_taken",
        "node_entered",
    ]
    ((delivery,),) = house.rows("SELECT delivery_id::text FROM {s}.webhook_deliveries")
    assert delivery in found.because[0].told
    assert "because of opened at intro" in found.answer
    assert found.answer.startswith("It waits for its time, 2026-09-09")


def test_a_signal_that_was_latched_is_named_with_its_own_webhook(
    house: House, tenant: TenantServices
) -> None:
    """The open came while the message after it was not planned yet by another way."""
    waits = {
        "id": "rest",
        "type": "wait",
        "about": "intro",
        "transitions": [way("opened", "follow"), way("timeout", "end", after="P9D")],
    }
    stream = house.started(
        plan(
            send("intro", way("delivered", "rest"), way("no_reply", "end", after="P5D")),
            waits,
            send("follow", way("no_reply", "end", after="P3D"), schedule={"delay": "P1D"}),
            stop(),
        )
    )
    house.after(minutes=10)
    house.hear(house.event(stream, "open", ip="192.0.2.1"))
    house.work()
    house.hear(house.event(stream, "delivered"))
    house.after(minutes=10)
    found = latest(house, tenant, stream)
    assert found.message.node == "follow"
    assert [one.kind for one in found.because] == [
        "webhook",
        "signal_recorded",
        "transition_taken",
        "node_entered",
    ]
    assert found.because[1].told.startswith("opened")


# --- held -----------------------------------------------------------------------------------------


def test_a_message_held_by_a_full_limit_says_which_and_until_when(
    house: House, tenant: TenantServices
) -> None:
    row = house.campaign(daily_limit=1)
    streams = []
    for _ in range(2):
        done = house.enrol(ONE_STEP, row=row)
        assert done.contact_campaign_id is not None
        streams.append(done.contact_campaign_id)
    house.after(minutes=10)
    (held,) = [
        one for one in (latest(house, tenant, s) for s in streams) if one.message.state == "QUEUED"
    ]
    assert held.answer == (
        "It waits since 2026-09-07 09:10 UTC until 2026-09-08 00:00 UTC, because the campaign's 1 "
        "messages of the day are used up (1 of 1)."
    )
    gate = stops_at(judged(held, "message_deferred").gates, "caps", "held")
    assert (gate.reason, gate.until) == ("campaign_day", MONDAY.replace(hour=0) + timedelta(days=1))
    assert {"name": "campaign_day", "used": 1, "limit": 1} in gate.inputs["caps"]
    assert held.now is not None
    assert verdicts(held.now)["caps"] == "held"


def test_a_message_held_for_nobody_knows_how_long_says_when_it_is_looked_at_again(
    house: House, tenant: TenantServices
) -> None:
    house.account(pause, reason=PauseReason.OPERATOR)
    stream = house.started(ONE_STEP)
    house.after(minutes=10)
    found = latest(house, tenant, stream)
    assert stops_at(judged(found, "message_deferred").gates, "sender", "held").until is None
    assert found.answer == (
        "It waits since 2026-09-07 09:10 UTC, because the sender sam is paused (operator); "
        "it is looked at again on 2026-09-07 10:10 UTC."
    )


def test_what_would_hold_a_message_now_is_told_before_its_time_has_come(
    house: House, tenant: TenantServices
) -> None:
    stream = house.started(TWO_STEPS)
    house.after(minutes=10)
    house.hear(house.event(stream, "open", ip="192.0.2.1"))
    house.work()
    house.account(partial(pause, reason=PauseReason.OPERATOR))
    found = latest(house, tenant, stream)
    assert found.message.state == "PLANNED"
    assert found.answer.endswith(
        "Now it could not leave either way: the sender sam is paused (operator)."
    )


def test_looking_at_a_message_changes_nothing(house: House, tenant: TenantServices) -> None:
    stream = house.started(TWO_STEPS)
    message = house.message(stream)

    def kept() -> Any:
        return [
            house.rows("SELECT count(*) FROM {s}.events"),
            house.rows("SELECT q::text FROM {s}.send_queue q"),
            house.rows("SELECT u::text FROM {s}.usage u ORDER BY 1"),
            house.rows("SELECT l::text FROM {s}.lanes l ORDER BY 1"),
        ]

    before = kept()
    assert told(house, tenant, message).now is not None
    assert kept() == before


def test_a_message_that_a_person_holds_says_so(house: House, tenant: TenantServices) -> None:
    stream = house.started(ONE_STEP)
    message = house.message(stream)
    at = house.clock.now()
    decide = partial(hold_back, message_id=message, until=None, planned_at=at, at=at)
    ordered(house, stream, decide)
    found = told(house, tenant, message)
    assert found.message.not_before == UNTIL_RELEASED
    assert found.answer == (
        "It waits since 2026-09-07 09:00 UTC until somebody lets it go, because an operator holds "
        "it back."
    )


# --- skipped and cancelled ------------------------------------------------------------------------


def test_a_message_skipped_by_a_gate_says_which_and_what_it_saw(
    house: House, tenant: TenantServices
) -> None:
    other = house.campaign()
    contact = house.contact(email="lee@harbor.example")
    house.enrol(ONE_STEP, contact, row=other)
    house.after(minutes=10)
    done = house.enrol(ONE_STEP, contact, row=house.campaign())
    assert done.contact_campaign_id is not None
    house.after(minutes=10)
    (message,) = house.state(done.contact_campaign_id).messages
    found = told(house, tenant, message)
    assert found.message.state == "CANCELLED"
    assert found.answer == (
        "It was not sent: on 2026-09-07 09:20 UTC it was cancelled, because another campaign wrote "
        "to this person not long ago (at 2026-09-07 09:10 UTC, and 60 days must be between)."
    )
    gate = stops_at(judged(found, "message_cancelled").gates, "other_campaigns", "never")
    assert gate.reason == "contacted_elsewhere"
    assert gate.inputs["contacted_by"] == str(other.campaign_id)


def test_a_message_cancelled_by_a_reply_lists_every_gate_as_not_reached_and_the_reply(
    house: House, tenant: TenantServices
) -> None:
    stream = house.started(TWO_STEPS)
    house.after(minutes=10)
    house.hear(house.event(stream, "open", ip="192.0.2.1"))
    house.work()
    house.hear(house.event(stream, "spamreport"))
    house.work()
    found = latest(house, tenant, stream)
    assert found.answer == (
        "It was not sent: on 2026-09-07 09:10 UTC it was cancelled, because the person opted out "
        "or complained (spam_reported (follow), 2026-09-07 09:10 UTC)."
    )
    cancelled = judged(found, "message_cancelled")
    assert set(verdicts(cancelled.gates).values()) == {"not_reached"}
    assert {value for one in cancelled.gates for value in one.inputs.values()} == {None}
    assert [one.kind for one in cancelled.because] == ["webhook", "signal_recorded", "exited"]


def test_a_message_that_was_stopped_by_an_operator_names_the_order(
    house: House, tenant: TenantServices
) -> None:
    stream = house.started(TWO_STEPS)
    message = house.message(stream)
    ordered(house, stream, partial(campaign.stop, reason="operator", at=house.clock.now()))
    found = told(house, tenant, message)
    assert "because it was stopped by order" in found.answer
    (cancelled,) = [one for one in found.decisions if one.kind == "message_cancelled"]
    assert [one.kind for one in cancelled.because] == ["operator", "exited"]
    assert "order by key-1 in request r-1" in cancelled.because[0].told


# --- under way and in doubt -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "state", "answer"),
    [
        (AnswerClass.AMBIGUOUS, "UNKNOWN", "Nobody knows whether attempt 1 left (timeout)"),
        (AnswerClass.REFUSED, "FAILED", "It was not sent and will not be: timeout."),
        (AnswerClass.NOT_SENT, "QUEUED", "because an attempt did not leave (timeout)."),
    ],
)
def test_what_became_of_an_attempt_is_told_with_the_word_of_the_answer(
    house: House, tenant: TenantServices, kind: AnswerClass, state: str, answer: str
) -> None:
    house.provider.answer = lambda _: Answer(kind=kind, reason="timeout")
    stream = house.started(ONE_STEP)
    house.clock.advance(timedelta(minutes=10))
    house.work()
    found = latest(house, tenant, stream)
    assert found.message.state == state
    assert answer in found.answer


def test_an_unknown_message_is_not_explained(house: House, tenant: TenantServices) -> None:
    stream = house.started(ONE_STEP)
    assert explain(tenant, MessageId(stream), house.clock.now()) is None
