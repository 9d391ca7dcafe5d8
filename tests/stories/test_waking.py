"""What a gate held leaves when an order opens the gate; a pause costs no message its time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from domain import accounts
from domain.accounts import AccountSettings, ClosedBy, PauseReason, VerifiedBy
from domain.events import MessageDeferred
from domain.ids import StreamId
from domain.taxonomy import AnswerClass, MessageState
from handlers import campaigns as use
from handlers.ports import Answer, CampaignRow
from infra.limits.stop_of_all import let_all_go, stop_all, stopped
from infra.rebuild import rebuild
from projections.send_queue import NEVER, SEND_QUEUE
from tests.stories.house import MONDAY, STORY, TAKEN, House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

WAITS = plan(send("intro", way("timeout", "end", after="P9D")), stop())
LONG = 10
"""Days that are longer than a message may be late."""

Order = Callable[[House, CampaignRow], None]


def _rows(house: House) -> list[Any]:
    return house.rows("SELECT state, hold_reason, not_before FROM {s}.send_queue ORDER BY 1, 2, 3")


def _held(house: House) -> set[str]:
    return {str(hold) for state, hold, _ in _rows(house) if state == "QUEUED"}


def _said(house: House, stream: StreamId) -> list[str]:
    facts = (one.fact for one in house.history(stream))
    return [fact.reason.value for fact in facts if isinstance(fact, MessageDeferred)]


def _enrolled(house: House, row: CampaignRow) -> StreamId:
    stream = house.enrol(WAITS, row=row).contact_campaign_id
    assert stream is not None
    return stream


def _tenant(house: House, decide: Callable[..., Any], **given: Any) -> None:
    house.ports.accounts.order_sending(partial(decide, **given, at=house.clock.now()), STORY)


def _tenant_paused(house: House, _: CampaignRow) -> None:
    _tenant(house, accounts.pause_sending, reason=PauseReason.OPERATOR)


def _tenant_resumed(house: House, _: CampaignRow) -> None:
    _tenant(house, accounts.resume_sending)


def _campaign_paused(house: House, row: CampaignRow) -> None:
    house.ports.register.set_status(row.campaign_id, "paused")


def _campaign_resumed(house: House, row: CampaignRow) -> None:
    house.ports.register.set_status(row.campaign_id, "active")


def _account(decide: Callable[..., Any], **given: Any) -> Order:
    return lambda house, _: house.account(decide, **given)


def _rule(**changes: Any) -> Order:
    return lambda house, _: house.rule(**changes)


def _both(*orders: Order) -> Order:
    def given(house: House, row: CampaignRow) -> None:
        for order in orders:
            order(house, row)

    return given


def _refused(house: House, row: CampaignRow) -> None:
    """Our credentials are not known: the circuit waits for a person."""
    house.provider.answer = lambda _: Answer(
        kind=AnswerClass.NOT_SENT, reason="unauthorized", counted=False, opens_circuit=True
    )
    _enrolled(house, row)
    house.work()
    house.provider.answer = lambda _: TAKEN
    house.provider.calls.clear()


def _one_left(house: House, row: CampaignRow) -> None:
    """A mail of this minute has used the only place up."""
    _enrolled(house, row)
    house.work()
    house.provider.calls.clear()


PAUSED = {"reason": PauseReason.OPERATOR}
GATES: dict[str, tuple[Order, Order]] = {
    "tenant_paused": (_tenant_paused, _tenant_resumed),
    "campaign_paused": (_campaign_paused, _campaign_resumed),
    "sender_paused": (_account(accounts.pause, **PAUSED), _account(accounts.resume)),
    "sender_unverified": (
        _account(accounts.unverify, by=VerifiedBy.OPERATOR),
        _account(accounts.verify, by=VerifiedBy.OPERATOR),
    ),
    "sender_gone": (
        _account(accounts.delete),
        _both(
            _account(partial(accounts.register, sender="sam"), settings=AccountSettings()),
            _account(accounts.verify, by=VerifiedBy.OPERATOR),
        ),
    ),
    "sender_away": (_account(accounts.go_away), _account(accounts.come_back)),
    "sender_health": (
        _account(accounts.override_health, score=5),
        _account(accounts.lift_override),
    ),
    "circuit_open": (_refused, _account(accounts.close_circuit, by=ClosedBy.OPERATOR)),
    "sender_hour": (
        _both(_rule(sender_hour_max=1), _one_left),
        _account(accounts.configure, settings=AccountSettings(hour_max=100)),
    ),
    "tenant_hour": (_both(_rule(tenant_hour_max=1), _one_left), _rule(tenant_hour_max=100)),
}


@pytest.mark.parametrize("reason", GATES)
def test_what_was_held_leaves_as_soon_as_an_order_opens_its_gate(house: House, reason: str) -> None:
    close, open_again = GATES[reason]
    row = house.campaign()
    close(house, row)
    _enrolled(house, row)
    house.after(minutes=1)
    assert _held(house) == {reason}
    assert house.provider.calls == []
    open_again(house, row)
    house.after(seconds=10)
    assert house.provider.calls != []
    assert reason not in _held(house)


def test_what_only_an_order_ends_is_looked_at_once_an_hour(house: House) -> None:
    row = house.campaign()
    _tenant_paused(house, row)
    _enrolled(house, row)
    house.work()
    ((_, _, again),) = _rows(house)
    assert again == MONDAY + timedelta(hours=1)
    house.after(hours=1)
    ((_, _, again),) = _rows(house)
    assert again == MONDAY + timedelta(hours=2)


def test_an_order_wakes_only_what_its_gate_held(house: House) -> None:
    row, other = house.campaign(), house.campaign()
    for each in (row, other):
        _campaign_paused(house, each)
        _enrolled(house, each)
    house.work()
    _campaign_resumed(house, row)
    now = house.clock.now()
    assert [not_before <= now for _, _, not_before in _rows(house)].count(True) == 1


def test_behind_an_open_gate_stands_the_next_one(house: House) -> None:
    row = house.campaign()
    _tenant_paused(house, row)
    stream = _enrolled(house, row)
    house.work()
    _campaign_paused(house, row)
    _tenant_resumed(house, row)
    house.work()
    assert _said(house, stream) == ["tenant_paused", "campaign_paused"]
    _campaign_resumed(house, row)
    house.work()
    assert len(house.provider.calls) == 1


def test_pauses_in_a_row_cost_nobody_a_place_and_say_nothing_twice(house: House) -> None:
    row = house.campaign()
    _tenant_paused(house, row)
    streams = [_enrolled(house, row) for _ in range(3)]
    house.work()
    woken: list[list[datetime]] = []
    for _ in range(3):
        house.clock.advance(timedelta(minutes=1))
        _tenant_resumed(house, row)
        woken.append([not_before for _, _, not_before in _rows(house)])
        _tenant_paused(house, row)
    assert woken[0] == woken[1] == woken[2]  # what is due keeps its place
    house.work()
    assert [_said(house, stream) for stream in streams] == [["tenant_paused"]] * 3
    _tenant_resumed(house, row)
    house.work()
    assert len(house.provider.calls) == 3


def test_waking_leaves_the_rows_as_their_facts_have_them(house: House) -> None:
    row = house.campaign()
    _tenant_paused(house, row)
    _enrolled(house, row)
    house.work()
    _tenant_resumed(house, row)
    assert rebuild(house.system.database, house.tenant, SEND_QUEUE).differences == 0
    house.work()
    assert rebuild(house.system.database, house.tenant, SEND_QUEUE).differences == 0


# --- due times by a rule --------------------------------------------------------------------------

SATURDAY = MONDAY + timedelta(days=5)
NEXT_MONDAY = datetime(2026, 9, 14, tzinfo=MONDAY.tzinfo)


def _on_a_weekend(house: House) -> StreamId:
    house.rule(weekend="hard_stop")
    house.clock.advance(SATURDAY - house.clock.now())
    stream = house.started(WAITS, timezone="UTC")
    house.work()
    assert _rows(house) == [("QUEUED", "weekend", NEXT_MONDAY)]
    return stream


def test_a_weekend_rule_that_is_lifted_lets_leave_what_it_had_put_off(house: House) -> None:
    _on_a_weekend(house)
    house.rule(weekend="none")
    house.after(seconds=10)
    assert len(house.provider.calls) == 1


def test_what_is_asked_too_early_waits_for_its_due_time_again(house: House) -> None:
    stream = _on_a_weekend(house)
    house.rule(weekend="none")
    house.rule(weekend="hard_stop")
    house.after(minutes=1)
    assert _rows(house) == [("QUEUED", "weekend", NEXT_MONDAY)]
    assert _said(house, stream) == ["weekend"]
    house.clock.advance(NEXT_MONDAY - house.clock.now())
    house.work()
    assert len(house.provider.calls) == 1


# --- a pause costs no time ------------------------------------------------------------------------

PAUSES = ("tenant_paused", "campaign_paused", "sender_paused")


@pytest.mark.parametrize("reason", PAUSES)
def test_a_message_outlives_a_pause_of_any_length(house: House, reason: str) -> None:
    close, open_again = GATES[reason]
    row = house.campaign()
    close(house, row)
    stream = _enrolled(house, row)
    for _ in range(LONG):
        house.after(days=1)
        assert house.sweep().expired() == 0
    assert _held(house) == {reason}
    open_again(house, row)
    assert house.sweep().expired() == 0
    house.work()
    assert len(house.provider.calls) == 1
    assert next(iter(house.state(stream).messages.values())).state == MessageState.ACCEPTED


def test_nothing_expires_while_it_is_paused_also_where_nobody_looked(house: House) -> None:
    row = house.campaign()
    stream = _enrolled(house, row)
    house.work_but_sends()
    _tenant_paused(house, row)
    house.clock.advance(timedelta(days=LONG))
    assert house.sweep().expired() == 0
    _tenant_resumed(house, row)
    assert house.sweep().expired() == 1  # it was late before anybody knew of the pause
    assert house.provider.calls == []
    assert house.topics(stream)[-1] in ("completed", "exited")


def test_after_a_pause_a_message_has_its_time_anew(house: House) -> None:
    row = house.campaign()
    _tenant_paused(house, row)
    stream = _enrolled(house, row)
    house.after(days=LONG)
    house.provider.answer = lambda _: Answer(kind=AnswerClass.NOT_SENT, reason="refused")
    _tenant_resumed(house, row)
    house.work()
    resumed_at = house.clock.now()
    assert house.sweep().expired() == 0
    assert house.rows("SELECT state, expires_at FROM {s}.send_queue") == [
        ("QUEUED", resumed_at + timedelta(days=3))
    ]
    house.provider.answer = lambda _: TAKEN
    house.after(minutes=2)
    assert len(house.provider.calls) == 2
    assert rebuild(house.system.database, house.tenant, SEND_QUEUE).differences == 0
    assert house.state(stream).sends == 1


# --- a pause of the contact-campaign while a call is under way ------------------------------------


def test_what_comes_back_during_a_pause_stands_still_until_the_resume(house: House) -> None:
    row = house.campaign()
    stream = _enrolled(house, row)

    def order(decide: Any) -> None:
        use.order(house.ports, stream, decide, cause=STORY.cause, correlation=stream)

    def paused_meanwhile(_: Any) -> Answer:
        order(use.pause(house.clock.now(), "a word"))
        return Answer(kind=AnswerClass.NOT_SENT, reason="refused")

    house.provider.answer = paused_meanwhile
    house.work()
    assert _rows(house) == [("QUEUED", "paused", NEVER)]
    for _ in range(LONG):
        house.after(days=1)
        assert house.sweep().expired() == 0
    assert _rows(house) == [("QUEUED", "paused", NEVER)]
    house.provider.answer = lambda _: TAKEN
    order(use.resume(house.clock.now()))
    house.after(minutes=2)
    assert len(house.provider.calls) == 2
    assert rebuild(house.system.database, house.tenant, SEND_QUEUE).differences == 0


# --- everything -----------------------------------------------------------------------------------


def test_a_stop_of_all_holds_every_tenant_and_its_end_wakes_what_it_held(house: House) -> None:
    database = house.system.database
    assert stop_all(database, "wrong prices", house.clock.now())
    assert not stop_all(database, "another word", house.clock.now())
    found = stopped(database)
    assert found is not None
    assert (found.since, found.reason) == (MONDAY, "wrong prices")
    row = house.campaign()
    _enrolled(house, row)
    house.work()
    assert _held(house) == {"global_paused"}
    house.after(days=LONG)
    assert house.sweep().expired() == 0
    assert house.provider.calls == []
    let_all_go(database, house.clock.now())
    assert stopped(database) is None
    house.work()
    assert len(house.provider.calls) == 1


def test_a_stop_of_all_stops_what_is_claimed_already(house: House) -> None:
    fresh = house.ports.outbox.fresh

    def stopped_meanwhile(*given: Any) -> Any:
        stop_all(house.system.database, "wrong prices", house.clock.now())
        return fresh(*given)

    house.ports.outbox.fresh = stopped_meanwhile  # type: ignore[assignment,method-assign]  # played
    _enrolled(house, house.campaign())
    house.work()
    house.ports.outbox.fresh = fresh  # type: ignore[method-assign]  # as it was
    assert house.provider.calls == []
    let_all_go(house.system.database, house.clock.now())
    house.after(minutes=2)
    assert len(house.provider.calls) == 1
