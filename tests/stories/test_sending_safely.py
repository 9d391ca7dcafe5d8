"""Every gate in the claim, on real stores: what may leave, how much, from whom, what is kept."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any

import pytest

from domain import accounts, campaign
from domain.accounts import PauseReason
from domain.events import MessageDeferred, SendAttemptStarted
from domain.ids import StreamId
from domain.taxonomy import AnswerClass, CapName, MessageState
from handlers.ports import Answer, Input, Mail, SmoothingUnseen, Unsure
from tests.stories.house import STORY, TAKEN, House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

WAITS = plan(send("intro", way("timeout", "end", after="P9D")), stop())


def _states(house: House) -> list[tuple[Any, ...]]:
    return house.rows("SELECT state, hold_reason, reason FROM {s}.send_queue ORDER BY message_id")


def _held(house: House) -> list[str]:
    return [str(hold) for state, hold, _ in _states(house) if state == "QUEUED"]


def _state(house: House, stream: StreamId) -> MessageState:
    return next(iter(house.state(stream).messages.values())).state


# --- what was seen --------------------------------------------------------------------------------


def test_an_attempt_keeps_what_its_gates_saw(house: House) -> None:
    stream = house.started(WAITS)
    house.work()
    started = next(
        each.fact for each in house.history(stream) if isinstance(each.fact, SendAttemptStarted)
    )
    assert started.seen is not None
    assert started.seen.sender == "sam"
    assert {cap.name: cap.used for cap in started.seen.caps}[CapName.CAMPAIGN_DAY] == 0
    assert started.seen.sends_max == 10


def test_the_message_names_the_account_it_left_from(house: House) -> None:
    stream = house.started(WAITS)
    house.work()
    assert house.rows("SELECT sender FROM {s}.send_queue") == [("sam",)]
    assert next(iter(house.state(stream).messages.values())).sender == "sam"


# --- how much -------------------------------------------------------------------------------------


def _enrolled(house: House, count: int, **campaign: Any) -> list[StreamId]:
    row = house.campaign(**campaign)
    done = [house.enrol(WAITS, row=row).contact_campaign_id for _ in range(count)]
    return [stream for stream in done if stream is not None]


def _everybodys_turn(asks: Sequence[Any], **_: Any) -> list[None]:
    return [None] * len(asks)


@pytest.mark.parametrize(
    ("rule", "held_by"),
    [
        ("sender_minute_max", "sender_minute"),
        ("sender_hour_max", "sender_hour"),
        ("tenant_hour_max", "tenant_hour"),
        ("domain_hour_max", "domain_hour"),
    ],
)
def test_no_limit_is_passed_by_one(house: House, rule: str, held_by: str) -> None:
    house.rule(**{rule: 3})
    house.ports.smoothing.take = _everybodys_turn  # type: ignore[assignment,method-assign]  # played
    _enrolled(house, 5)
    house.work()
    assert len(house.provider.calls) == 3
    assert _held(house) == [held_by] * 2
    house.after(hours=1, minutes=2)
    assert len(house.provider.calls) == 5


def test_a_campaign_sends_its_daily_limit_and_goes_on_the_next_day(house: House) -> None:
    _enrolled(house, 3, daily_limit=2)
    house.work()
    assert len(house.provider.calls) == 2
    assert _held(house) == ["campaign_day"]
    house.after(hours=14)
    assert len(house.provider.calls) == 2
    house.after(hours=2)
    assert len(house.provider.calls) == 3


def test_a_full_cap_and_its_end_are_told(house: House) -> None:
    _enrolled(house, 2, daily_limit=1)
    house.work()
    told = [type(each.fact).__name__ for each in house.ports.accounts.history(None)]
    assert told[-1] == "CapReached"


def test_what_did_not_leave_counts_against_no_limit(house: House) -> None:
    house.rule(tenant_hour_max=1)
    house.provider.answer = lambda _: Answer(kind=AnswerClass.NOT_SENT, reason="refused")
    house.started(WAITS)
    house.work()
    house.provider.answer = lambda _: TAKEN
    house.after(minutes=2)
    assert len(house.provider.calls) == 2


def test_nothing_leaves_while_the_limits_cannot_be_seen(house: House) -> None:
    def unseen(*_: Any, **__: Any) -> Any:
        raise SmoothingUnseen("Redis is away")

    house.started(WAITS)
    take = house.ports.smoothing.take
    house.ports.smoothing.take = unseen  # type: ignore[method-assign]  # Redis is away
    house.work()
    house.ports.smoothing.take = take  # type: ignore[method-assign]  # and back
    assert house.provider.calls == []
    assert _held(house) == ["limits_unseen"]
    house.after(minutes=6)
    assert len(house.provider.calls) == 1


def test_a_mailbox_writes_one_mail_and_pauses_like_a_person(house: House) -> None:
    house.account(
        accounts.configure,
        settings=accounts.AccountSettings(profile=accounts.Profile.MAILBOX),
    )
    _enrolled(house, 3)
    house.work()
    assert len(house.provider.calls) == 1
    assert _held(house) == ["pacing"] * 2
    house.after(seconds=29)
    assert len(house.provider.calls) == 1
    house.after(seconds=62)
    assert len(house.provider.calls) == 2


# --- to whom --------------------------------------------------------------------------------------


def test_a_person_that_one_campaign_wrote_to_is_left_alone_by_others(house: House) -> None:
    house.started(WAITS, email="Dana.Reyes@harbor.example")
    house.work()
    other = house.started(WAITS, email="dana.reyes+news@harbor.example")
    house.work()
    assert len(house.provider.calls) == 1
    assert ("CANCELLED", None, "contacted_elsewhere") in _states(house)
    assert house.state(other).ended


def test_one_profile_address_is_one_person(house: House) -> None:
    profile = "https://www.linkedin.com/in/dana-reyes"
    house.started(WAITS, email="dana@harbor.example", linkedin_url=profile)
    house.started(WAITS, email="d.reyes@pier.example", linkedin_url=f"{profile}/")
    house.work()
    assert len(house.provider.calls) == 1


def test_another_campaign_may_write_after_sixty_days(house: House) -> None:
    house.started(WAITS, email="dana@harbor.example")
    house.work()
    house.clock.advance(timedelta(days=60))
    house.started(WAITS, email="DANA@harbor.example")
    house.work()
    assert len(house.provider.calls) == 2


def test_a_message_that_never_left_keeps_no_other_campaign_away(house: House) -> None:
    house.provider.answer = lambda _: Answer(kind=AnswerClass.REFUSED, reason="bad_request")
    house.started(WAITS, email="dana@harbor.example")
    house.work()
    house.provider.answer = lambda _: TAKEN
    house.started(WAITS, email="dana@harbor.example")
    house.work()
    assert len(house.provider.calls) == 2


def test_what_another_campaign_only_meant_to_send_forbids_nothing(house: House) -> None:
    dana = house.contact(email="dana@harbor.example")
    only_lisbon = {"all": [{"field": "contact.city", "op": "eq", "value": "Lisbon"}]}
    ways = way("timeout", "end", after="P3D")
    first = plan(send("intro", ways, sendIf=only_lisbon, schedule={"delay": "PT1H"}), stop())
    second = plan(send("intro", ways, schedule={"delay": "PT2H"}), stop())
    for one in (first, second):
        house.enrol(one, dana, row=house.campaign())
    house.after(hours=3)  # both are due in one batch; the first is skipped by its own plan
    house.after(minutes=2)
    assert len(house.provider.calls) == 1


# --- from whom ------------------------------------------------------------------------------------


def test_a_spam_spike_holds_what_is_left_and_fails_nothing(house: House) -> None:
    _enrolled(house, 1)
    house.account(accounts.override_health, score=29, until=None)
    house.work()
    assert house.provider.calls == []
    assert _held(house) == ["sender_health"]


def test_messages_of_a_deleted_sender_are_held(house: House) -> None:
    _enrolled(house, 1)
    house.account(accounts.delete)
    house.work()
    assert house.provider.calls == []
    assert _held(house) == ["sender_gone"]


def test_a_failing_provider_is_left_alone_and_probed_by_one(house: House) -> None:
    house.provider.answer = lambda _: Answer(kind=AnswerClass.AMBIGUOUS, reason="server_error")
    _enrolled(house, 6)
    house.work()
    assert len(house.provider.calls) == 6
    _enrolled(house, 3)
    house.work()
    assert len(house.provider.calls) == 6
    assert set(_held(house)) == {"circuit_open"}
    house.after(minutes=2)
    assert len(house.provider.calls) == 7
    house.provider.answer = lambda _: TAKEN
    house.after(minutes=20)
    house.after(minutes=20)
    assert len(house.provider.calls) == 9


def test_refused_credentials_hold_a_sender_until_a_person_has_looked(house: House) -> None:
    house.provider.answer = lambda _: Answer(
        kind=AnswerClass.NOT_SENT, reason="unauthorized", counted=False, opens_circuit=True
    )
    house.started(WAITS)
    house.work()
    house.provider.answer = lambda _: TAKEN
    house.after(days=2)
    assert len(house.provider.calls) == 1
    assert _held(house) == ["circuit_open"]


# --- orders between the claim and the call --------------------------------------------------------


@contextmanager
def _between_claim_and_call(house: House, act: Any) -> Iterator[None]:
    fresh = house.ports.outbox.fresh

    def acting(*given: Any) -> Any:
        act()
        return fresh(*given)

    house.ports.outbox.fresh = acting  # type: ignore[assignment,method-assign]  # played
    yield
    house.ports.outbox.fresh = fresh  # type: ignore[method-assign]  # as it was


def _pauses_the_tenant(house: House) -> None:
    decide = partial(accounts.pause_sending, reason=PauseReason.OPERATOR, at=house.clock.now())
    house.ports.accounts.order_sending(decide, STORY)


def test_a_pause_of_the_tenant_stops_what_is_claimed_already(house: House) -> None:
    stream = house.started(WAITS)
    with _between_claim_and_call(house, lambda: _pauses_the_tenant(house)):
        house.work()
    assert house.provider.calls == []
    assert _state(house, stream) == MessageState.QUEUED
    house.after(minutes=2)
    assert _held(house) == ["tenant_paused"]


def test_a_pause_of_the_sender_stops_what_is_claimed_already(house: House) -> None:
    house.started(WAITS)
    pause = {"reason": PauseReason.OPERATOR}
    with _between_claim_and_call(house, lambda: house.account(accounts.pause, **pause)):
        house.work()
    assert house.provider.calls == []


# --- a claim whose commit had no answer -----------------------------------------------------------


@pytest.mark.parametrize("stored", [True, False])
def test_a_claim_without_an_answer_is_settled_by_a_look(house: House, *, stored: bool) -> None:
    stream = house.started(WAITS)
    house.work_but_sends()
    begin = house.ports.transactions.begin
    cut = iter([True])

    @contextmanager
    def cutting() -> Iterator[Any]:
        doubtful = next(cut, False)
        with begin() as tx:
            yield tx
            if doubtful and not stored:
                raise Unsure
        if doubtful:
            raise Unsure

    house.ports.transactions.begin = cutting  # type: ignore[method-assign]  # its COMMIT is cut
    house.send()
    house.ports.transactions.begin = begin  # type: ignore[method-assign]  # as it was
    assert len(house.provider.calls) == int(stored)
    house.work()
    assert len(house.provider.calls) == 1
    assert _state(house, stream) == MessageState.ACCEPTED


# --- calls side by side ---------------------------------------------------------------------------


def test_a_slow_call_keeps_no_other_answer_from_being_recorded(house: House) -> None:
    streams = _enrolled(house, 3)
    house.work_but_sends()
    slow, let_go = iter([True]), Event()
    recorded: list[int] = []

    def answer(_: Mail) -> Answer:
        if next(slow, False):
            assert let_go.wait(20)
        return TAKEN

    transact = house.ports.campaigns.transact_many

    def noting(*given: Any, **named: Any) -> Any:
        results = transact(*given, **named)
        recorded.append(len(results))
        if sum(recorded) == 2:
            let_go.set()
        return results

    house.provider.answer = answer
    house.ports.campaigns.transact_many = noting  # type: ignore[method-assign]  # watched
    house.send()
    house.ports.campaigns.transact_many = transact  # type: ignore[method-assign]  # as it was
    assert sum(recorded) == 3
    assert {_state(house, stream) for stream in streams} == {MessageState.ACCEPTED}


def test_a_held_message_is_told_once_for_one_reason(house: House) -> None:
    house.account(accounts.pause, reason=PauseReason.OPERATOR)
    stream = house.started(WAITS)
    for _ in range(4):
        house.after(minutes=6)
    deferred = [each for each in house.history(stream) if isinstance(each.fact, MessageDeferred)]
    assert len(deferred) == 1


def test_who_was_perhaps_written_to_stays_with_the_campaign_that_wrote(house: House) -> None:
    house.provider.answer = lambda _: Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")
    stream = house.started(WAITS, email="dana@harbor.example")
    house.work()
    message = house.message(stream)
    house.clock.advance(timedelta(hours=73))
    again = partial(campaign.resend, message_id=message, author="op", at=house.clock.now())
    house.ports.campaigns.transact(Input(stream, again, STORY.cause, message))
    house.provider.answer = lambda _: Answer(kind=AnswerClass.NOT_SENT, reason="refused")
    house.work()
    house.provider.answer = lambda _: TAKEN
    house.started(WAITS, email="dana@harbor.example")
    house.send()
    house.work_but_sends()
    house.send()
    assert ("CANCELLED", None, "contacted_elsewhere") in _states(house)
