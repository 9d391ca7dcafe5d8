"""Many messages of one claim: what one of them meets costs the others nothing."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from domain.accounts import PauseReason, pause
from domain.accounts.facts import CapReached
from domain.taxonomy import AnswerClass
from handlers import actors
from handlers.dispatch import sender
from handlers.dispatch.sender import Sender
from handlers.ports import Answer, Broken, Mail
from infra.settings import Settings
from tests.stories.house import TAKEN, House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

ENDS = way("timeout", "end", after="P9D")
WAITS = plan(send("intro", ENDS), stop())
ONLY_LISBON = {"all": [{"field": "contact.city", "op": "eq", "value": "Lisbon"}]}
SKIPPED = plan(send("intro", ENDS, sendIf=ONLY_LISBON), stop())


def _states(house: House) -> Counter[str]:
    return Counter(state for (state,) in house.rows("SELECT state FROM {s}.send_queue"))


def test_what_the_plan_skips_keeps_nobody_behind_a_limit(house: House) -> None:
    row = house.campaign(daily_limit=5)
    for _ in range(8):
        house.enrol(SKIPPED, row=row)
    house.work_but_sends()
    house.clock.advance(timedelta(seconds=1))
    for _ in range(3):
        house.enrol(WAITS, row=row)
    house.work()
    house.after(minutes=2)
    assert _states(house) == {"CANCELLED": 8, "ACCEPTED": 3}
    told = [each.fact for each in house.ports.accounts.history(None)]
    assert not any(isinstance(fact, CapReached) for fact in told)


def test_answers_that_cannot_be_kept_cost_no_other(house: House) -> None:
    row = house.campaign()
    for _ in range(3):
        house.enrol(WAITS, row=row)
    house.work_but_sends()
    quick, failed = iter([True]), Event()
    broken = iter([True])
    transact = house.ports.campaigns.transact_many

    def answer(_: Mail) -> Answer:
        assert next(quick, False) or failed.wait(20)
        return TAKEN

    def breaking(*given: Any, **named: Any) -> Any:
        if next(broken, False):
            failed.set()
            raise Broken("one of them")
        return transact(*given, **named)

    house.provider.answer = answer
    house.ports.campaigns.transact_many = breaking  # type: ignore[method-assign]  # breaks once
    house.send()
    house.ports.campaigns.transact_many = transact  # type: ignore[method-assign]  # as it was
    assert _states(house) == {"ACCEPTED": 3}


def test_a_circuit_that_opens_stops_the_rest_of_the_batch(house: House) -> None:
    row = house.campaign()
    for _ in range(12):
        house.enrol(WAITS, row=row)
    house.work_but_sends()
    heard = house.ports.accounts.heard
    opened = Event()

    def hearing(*given: Any) -> Any:
        turned = heard(*given)
        if turned:
            opened.set()
        return turned

    def slow_after_five(_: Mail) -> Answer:
        if len(house.provider.calls) == 6:
            assert opened.wait(20)
        return Answer(kind=AnswerClass.AMBIGUOUS, reason="server_error")

    house.provider.answer = slow_after_five
    house.ports.accounts.heard = hearing  # type: ignore[assignment,method-assign]  # watched
    with ThreadPoolExecutor(1) as one_by_one:
        # every look is old at once, so that each call is preceded by its own
        stopwatch = iter(range(0, 1000, 2)).__next__
        Sender(house.ports, house.provider, one_by_one, stopwatch=stopwatch).send_batch()
    assert len(house.provider.calls) == 6
    assert _states(house) == {"UNKNOWN": 6, "QUEUED": 6}


def test_what_comes_due_does_not_wait_for_a_call_that_hangs(house: House) -> None:
    hung, go = Event(), Event()

    def answer(_: Mail) -> Answer:
        if not hung.is_set():
            hung.set()
            assert go.wait(30)
        elif len(house.provider.calls) == 4:
            go.set()
        return TAKEN

    house.provider.answer = answer
    row = house.campaign()
    house.enrol(WAITS, row=row)
    house.work_but_sends()
    with ThreadPoolExecutor(4) as calls, ThreadPoolExecutor(1) as bell:
        sending = bell.submit(Sender(house.ports, house.provider, calls, at_once=4).send)
        assert hung.wait(20)
        for _ in range(3):
            house.enrol(WAITS, row=row)
        house.work_but_sends()
        assert sending.result(40)
    assert _states(house) == {"ACCEPTED": 4}


def test_a_pace_that_is_over_before_the_claim_leaves_no_room_and_breaks_nothing(
    house: House,
) -> None:
    row, seconds, go = house.campaign(), [0.0], Event()

    def enrolled(many: int) -> None:
        for _ in range(many):
            house.enrol(WAITS, row=row)
        house.work_but_sends()

    def later() -> int:
        """What is done before a claim takes so long that the last answers are no pace any more."""
        if len(house.provider.calls) > 20:
            seconds[0] += 2
            go.set()
        return 0

    def answer(_: Mail) -> Answer:
        if len(house.provider.calls) > 20:
            assert go.wait(20)
        return TAKEN

    house.provider.answer = answer
    enrolled(20)
    with ThreadPoolExecutor(40) as calls:
        sending = Sender(
            house.ports, house.provider, calls, at_once=1, stopwatch=lambda: seconds[0]
        )
        assert sending.send() == 20
        enrolled(4)
        assert sending.send(meanwhile=later) == 4
    assert _states(house) == {"ACCEPTED": 24}


def test_after_a_failed_call_what_is_claimed_looks_at_its_gates_anew(house: House) -> None:
    row = house.campaign()
    for _ in range(3):
        house.enrol(WAITS, row=row)
    house.work_but_sends()

    def answer(_: Mail) -> Answer:
        house.account(pause, reason=PauseReason.OPERATOR)
        return Answer(kind=AnswerClass.NOT_SENT, reason="503")

    house.provider.answer = answer
    with ThreadPoolExecutor(1) as one_by_one:
        Sender(house.ports, house.provider, one_by_one).send_batch()
    assert len(house.provider.calls) == 1


def test_a_process_that_stops_hands_back_what_it_did_not_call_for(house: House) -> None:
    row = house.campaign()
    for _ in range(3):
        house.enrol(WAITS, row=row)
    house.work_but_sends()
    stopped = ThreadPoolExecutor(1)
    stopped.shutdown()
    Sender(house.ports, house.provider, stopped).send_batch()
    assert house.provider.calls == []
    assert _states(house) == {"QUEUED": 3}


def test_the_last_call_of_a_bell_ends_before_its_time_limit() -> None:
    settings = Settings()
    last_claim = actors.ENOUGH_S + sender.ENOUGH_S
    last_answer = last_claim + settings.call_guard_s + settings.call_timeout_s
    assert last_answer * 1000 < actors.TIME_LIMIT_MS
