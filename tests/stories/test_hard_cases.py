"""Hard cases of sending and hearing: late noes, broken rows, broken streams, races of orders."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from dramatiq.brokers.stub import StubBroker

from domain.ids import StreamId, TenantId
from domain.lifecycle import Stage
from domain.recorded import Cause
from domain.taxonomy import AnswerClass, CauseKind, Family, MessageState, Outcome
from handlers import campaigns as use
from handlers.actors import QUEUE_OF, declare_actors
from handlers.contacts import ContactRow
from handlers.dispatch.sender import Sender
from handlers.ports import Answer, Doorbell, Report, Suppression
from handlers.timeouts import Timeouts
from infra.changes import StaleRow
from infra.roles.ticker import Ticker
from infra.tenancy import Tenant
from tests.stories.house import TAKEN, House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

WAITS_LONG = plan(send("intro", way("timeout", "end", after="P10D")), stop())
IN_AN_HOUR = plan(
    send("intro", way("timeout", "end", after="P9D"), schedule={"delay": "PT1H"}), stop()
)
OPERATOR = Cause(CauseKind.OPERATOR, "story")


def _message_state(house: House, stream: StreamId) -> MessageState:
    return house.state(stream).messages[house.message(stream)].state


def _forget_plans(house: House) -> list[Any]:
    """Take all plans out of the vault and its memory; what was there."""
    house.ports.vault._plans.clear()  # type: ignore[attr-defined]  # as in a process just begun
    return house.rows("DELETE FROM {s}.plans RETURNING plan_hash, document")


# --- sending --------------------------------------------------------------------------------------


def test_a_call_that_breaks_is_a_doubt_and_costs_no_other_answer(house: House) -> None:
    streams = [house.started(WAITS_LONG) for _ in range(3)]

    def breaks_once(_: Any) -> Answer:
        if len(house.provider.calls) == 1:
            raise ValueError("nobody foresaw this")
        return TAKEN

    house.provider.answer = breaks_once
    house.work()
    states = sorted(_message_state(house, stream) for stream in streams)
    assert states == [MessageState.ACCEPTED, MessageState.ACCEPTED, MessageState.UNKNOWN]


def test_a_no_that_comes_while_a_batch_is_being_called_reaches_the_rest_of_it(
    house: House,
) -> None:
    row = house.campaign()
    for _ in range(2):
        house.enrol(IN_AN_HOUR, row=row)
    house.work()
    house.clock.advance(timedelta(hours=1, minutes=1))
    passed = [0.0]

    def slow(_: Any) -> Answer:
        passed[0] += 9.0
        house.ports.register.set_status(row.campaign_id, "paused")
        return TAKEN

    house.provider.answer = slow
    with ThreadPoolExecutor(1) as one_by_one:
        Sender(house.ports, house.provider, one_by_one, stopwatch=lambda: passed[0]).send_batch()
    assert len(house.provider.calls) == 1


def test_a_mail_rendered_for_an_earlier_address_honours_the_opt_out_of_that_address(
    house: House,
) -> None:
    contact = house.contact(external_id="dana", email="old@harbor.example")
    house.enrol(IN_AN_HOUR, contact, row=house.campaign())
    house.work()  # it is rendered an hour ahead
    contacts = house.system.contacts(house.tenant)
    contacts.put([ContactRow(external_id="dana", email="new@harbor.example", first_name="Dana")])
    ban = Suppression(Family.EMAIL, "old@harbor.example", "unsubscribed", "s", house.clock.now())
    house.ports.suppressions.add(None, [ban])
    house.after(hours=1, minutes=1)
    assert house.provider.calls == []
    assert house.rows("SELECT state, reason FROM {s}.send_queue") == [("CANCELLED", "suppressed")]


def test_a_row_that_contradicts_its_stream_does_not_stop_the_queue(house: House) -> None:
    first, second = house.started(IN_AN_HOUR), house.started(IN_AN_HOUR)
    house.work()
    house.rows(
        "UPDATE {s}.send_queue SET attempt = 5, not_before = not_before - interval '1 minute'"
        " WHERE stream_id = %(stream)s RETURNING 1",
        stream=first,
    )
    house.after(hours=1, minutes=1)
    assert len(house.provider.calls) == 1
    assert _message_state(house, second) == MessageState.ACCEPTED
    assert house.rows(
        "SELECT hold_reason FROM {s}.send_queue WHERE stream_id = %(stream)s", stream=first
    ) == [("gate_error",)]


def test_silence_counts_from_the_attempt_and_not_from_the_due_time(house: House) -> None:
    row = house.campaign()
    done = house.enrol(WAITS_LONG, row=row)
    assert done.contact_campaign_id is not None
    house.ports.register.set_status(row.campaign_id, "paused")
    house.work()
    house.after(days=2, hours=22)
    others = [house.started(WAITS_LONG) for _ in range(20)]
    house.work()
    house.provider.answer = lambda _: Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")
    house.ports.register.set_status(row.campaign_id, "active")
    house.after(minutes=6)
    house.after(hours=2, minutes=24)
    house.hear(*(house.event(other, "delivered") for other in others))
    house.work()
    assert _message_state(house, done.contact_campaign_id) == MessageState.UNKNOWN
    assert house.sweep().lost() == 0


def test_claims_whose_gates_cannot_be_looked_at_are_handed_back_and_sent_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = house.started(WAITS_LONG)

    def away(*_: Any) -> Any:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(house.ports.outbox, "fresh", away)
        house.work()
    assert house.provider.calls == []
    assert _message_state(house, stream) == MessageState.QUEUED
    house.after(minutes=1)
    assert _message_state(house, stream) == MessageState.ACCEPTED


# --- composing ------------------------------------------------------------------------------------


def test_a_message_that_breaks_the_renderer_waits_and_stops_no_other(house: House) -> None:
    threaded = plan(
        send("intro", way("no_reply", "second", after="P2D")),
        send(
            "second",
            way("no_reply", "end", after="P3D"),
            message={"replyTo": "intro", "text": "Again"},
        ),
        stop(),
    )
    broken = house.started(threaded)
    house.work()
    house.rows("DELETE FROM {s}.bodies RETURNING 1")  # as a short retention does
    house.clock.advance(timedelta(days=2, minutes=3))
    whole = house.started(WAITS_LONG)
    house.work()
    assert _message_state(house, whole) == MessageState.ACCEPTED
    assert _message_state(house, broken) == MessageState.PLANNED
    house.after(days=3)
    house.sweep().expired()
    assert house.state(broken).outcome == Outcome.UNDELIVERABLE


def test_a_message_without_its_plan_waits_and_stops_no_other(house: House) -> None:
    broken = house.started(WAITS_LONG)
    _forget_plans(house)
    whole = house.started(IN_AN_HOUR)
    house.after(hours=1, minutes=1)
    assert _message_state(house, whole) == MessageState.ACCEPTED
    assert _message_state(house, broken) == MessageState.PLANNED


# --- hearing --------------------------------------------------------------------------------------


def test_a_broken_stream_keeps_no_other_report_of_its_batch_back(house: House) -> None:
    house.provider.answer = lambda _: Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")
    streams = [house.started(WAITS_LONG) for _ in range(4)]
    house.work()
    house.rows(
        "UPDATE {s}.send_queue SET state = 'CANCELLED' WHERE stream_id = %(stream)s RETURNING 1",
        stream=streams[1],
    )
    house.hear(*(house.event(stream, "delivered") for stream in streams))
    with pytest.raises(StaleRow):
        house.ingest()
    accepted = [_message_state(house, stream) == MessageState.ACCEPTED for stream in streams]
    assert accepted == [True, False, True, True]
    states = house.rows("SELECT state, count(*) FROM {s}.webhook_inbox GROUP BY 1 ORDER BY 1")
    assert states == [("claimed", 1), ("recorded", 3)]


def test_a_report_that_nobody_can_translate_is_parked_and_the_others_are_heard(
    house: House,
) -> None:
    stream = house.started(WAITS_LONG)
    house.work()
    strange = Report(provider="gone", kind="x", raw=b"{}", key=b"k", at=house.clock.now())
    house.ports.inbox.keep("gone", {}, b"{}", [strange], late=False)
    house.hear(house.event(stream, "unsubscribe"))
    house.work()
    assert house.state(stream).outcome == Outcome.UNSUBSCRIBED
    assert house.rows("SELECT reason FROM {s}.webhook_inbox WHERE state = 'parked'") == [
        ("untranslatable",)
    ]


def test_a_report_and_a_timer_that_cannot_be_decided_now_come_again(house: House) -> None:
    stream = house.started(WAITS_LONG)
    house.work()
    kept = _forget_plans(house)
    house.hear(house.event(stream, "open", ip="192.0.2.7"))
    house.ingest()
    house.clock.advance(timedelta(days=11))
    Timeouts(house.ports).fire_batch()
    assert house.state(stream).stage == Stage.ACTIVE
    for name, document in kept:
        house.rows(
            "INSERT INTO {s}.plans (plan_hash, document) VALUES (%(name)s, %(document)s)"
            " RETURNING 1",
            name=name,
            document=document,
        )
    house.rows("UPDATE {s}.webhook_inbox SET next_try_at = now() RETURNING 1")
    house.rows("UPDATE {s}.timers SET lease_until = now() - interval '1 second' RETURNING 1")
    house.sweep().leases()
    house.work()
    assert "signal_recorded" in house.topics(stream)
    assert house.state(stream).stage == Stage.COMPLETED


# --- orders that meet -----------------------------------------------------------------------------


def test_who_is_enrolled_into_a_paused_campaign_is_not_forgotten_by_its_resume(
    house: House,
) -> None:
    row = house.campaign(status="paused")
    done = house.enrol(WAITS_LONG, row=row)
    house.work()
    assert done.contact_campaign_id is not None
    assert house.provider.calls == []
    house.ports.register.set_status(row.campaign_id, "active")
    house.after(minutes=6)
    assert _message_state(house, done.contact_campaign_id) == MessageState.ACCEPTED


def test_who_is_enrolled_while_the_campaign_is_launched_starts_too(house: House) -> None:
    row = house.campaign(status="draft")  # as it was read before the launch
    use.launch(house.ports, row, cause=OPERATOR, correlation=house.system.rng.new_id())
    done = house.enrol(WAITS_LONG, row=row)
    house.work()
    assert done.contact_campaign_id is not None
    assert _message_state(house, done.contact_campaign_id) == MessageState.ACCEPTED


# --- processes ------------------------------------------------------------------------------------


class _HeardBell(Doorbell):
    def __init__(self) -> None:
        self.rung: list[tuple[str, TenantId]] = []

    def ring(self, kind: str, tenant: TenantId) -> None:
        self.rung.append((kind, tenant))


def test_a_tenant_that_cannot_be_looked_at_takes_no_tick_from_the_next_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.started(WAITS_LONG)
    tenants = [Tenant(TenantId("a_gone"), "gone"), Tenant(house.tenant, house.ports.tag)]
    monkeypatch.setattr(house.system.database, "tenants", lambda: tenants)
    bell = _HeardBell()
    monkeypatch.setitem(house.system.__dict__, "doorbell", bell)
    Ticker(house.system).tick()
    assert bell.rung == [("dispatch", house.tenant)]


def test_a_sweep_that_breaks_takes_no_other_sweep_with_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.provider.answer = lambda _: Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")
    stream = house.started(WAITS_LONG)
    house.work()
    house.hear(house.event(stream, "delivered"))
    house.ports.inbox.claim(10)
    house.rows(
        "UPDATE {s}.send_queue SET state = 'SENDING', since = now() - interval '1 hour' RETURNING 1"
    )

    def broken(*_: Any) -> Sequence[Any]:
        raise StaleRow("by hand")

    monkeypatch.setattr(house.ports.campaigns, "transact_many", broken)
    monkeypatch.setattr(
        house.system.database, "tenants", lambda: [Tenant(house.tenant, house.ports.tag)]
    )
    house.rows("UPDATE {s}.webhook_inbox SET lease_until = now() - interval '1 s' RETURNING 1")
    Ticker(house.system).tick()
    assert house.rows("SELECT state FROM {s}.webhook_inbox") == [("new",)]


def test_an_actor_ends_before_its_time_limit_breaks_into_a_batch() -> None:
    passed, batches = [0.0], [0]

    def batch(_: TenantId) -> int:
        passed[0] += 2.0
        batches[0] += 1
        return 1

    work: dict[str, Callable[[TenantId], int]] = dict.fromkeys(QUEUE_OF, batch)
    actors = declare_actors(StubBroker(), work, stopwatch=lambda: passed[0])  # type: ignore[no-untyped-call]  # the library has no types here
    actors[0]("anybody")
    assert batches[0] == 3
