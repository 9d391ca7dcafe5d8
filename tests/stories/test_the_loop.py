"""The whole loop on real stores: plan in, send out, report back, next step, timeline."""

from datetime import timedelta
from typing import Any

import pytest

from domain import accounts
from domain.accounts import VerifiedBy
from domain.ids import message_id, stream_id
from domain.lifecycle import Stage
from domain.recorded import Cause
from domain.taxonomy import AnswerClass, CauseKind, MessageState, Outcome
from handlers import campaigns as use
from handlers.ports import Answer
from handlers.timeline import timeline
from tests.stories.house import TAKEN, House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

CLICK_OR_SECOND = plan(
    send("intro", way("clicked", "end"), way("no_click", "second", after="P2D")),
    send("second", way("no_reply", "silent", after="P3D")),
    stop("end", outcome="handed_off"),
    stop("silent", outcome="no_response"),
)
WAITS_LONG = plan(send("intro", way("timeout", "end", after="P10D")), stop())


def test_a_click_decides_the_next_step(house: House) -> None:
    stream = house.started(CLICK_OR_SECOND)
    house.work()
    assert len(house.provider.calls) == 1
    house.clock.advance(timedelta(hours=5))
    house.hear(house.event(stream, "click", url="https://site.example/a", ip="192.0.2.1"))
    house.work()
    state = house.state(stream)
    assert (state.stage, state.outcome) == (Stage.COMPLETED, Outcome.HANDED_OFF)
    assert len(house.provider.calls) == 1


def test_silence_decides_too_and_the_follow_up_threads(house: House) -> None:
    threaded = plan(
        send("intro", way("no_reply", "second", after="P2D")),
        send(
            "second",
            way("no_reply", "end", after="P3D"),
            message={"replyTo": "intro", "text": "Again, {{ contact.first_name }}"},
        ),
        stop(outcome="no_response"),
    )
    stream = house.started(threaded)
    house.work()
    house.after(days=2, minutes=3)
    assert len(house.provider.calls) == 2
    (first, attempt), (second, _) = house.provider.calls
    assert second.subject == f"Re: {first.subject}"
    own_id = f"<{first.message_id}.{attempt}@{first.sender_domain}>"
    assert second.headers["In-Reply-To"] == own_id
    house.after(days=3, minutes=3)
    assert house.state(stream).outcome == Outcome.NO_RESPONSE


def test_the_timeline_tells_each_event_with_its_cause_and_any_earlier_state(house: House) -> None:
    stream = house.started(CLICK_OR_SECOND)
    house.work()
    between = house.clock.now() + timedelta(hours=1)
    house.clock.advance(timedelta(hours=5))
    house.hear(house.event(stream, "click", url="https://site.example/a"))
    house.work()
    told = timeline(house.log.history, stream, None)
    assert told is not None
    assert [one.version for one in told.events] == list(range(1, len(told.events) + 1))
    causes = {one.kind: one.cause.partition(":")[0] for one in told.events}
    assert causes["plan_accepted"] == "request"
    assert causes["send_attempt_started"] == "dispatch"
    assert causes["transition_taken"] == "webhook"
    earlier = timeline(house.log.history, stream, between)
    assert earlier is not None
    assert (earlier.state.stage, earlier.state.phase) == ("active", "watch")
    assert told.state.stage == "completed"


def test_the_same_plan_twice_starts_once(house: House) -> None:
    row, contact = house.campaign(), house.contact()
    first = house.enrol(WAITS_LONG, contact, row=row)
    second = house.enrol(WAITS_LONG, contact, row=row)
    other = house.enrol(CLICK_OR_SECOND, contact, row=row)
    assert [first.status, second.status, other.status] == ["started", "duplicate", "refused"]
    assert first.contact_campaign_id == second.contact_campaign_id
    house.work()
    assert len(house.provider.calls) == 1


def test_a_draft_campaign_sends_nothing_until_it_is_launched(house: House) -> None:
    row = house.campaign(status="draft")
    done = house.enrol(WAITS_LONG, row=row)
    house.work()
    assert done.contact_campaign_id is not None
    assert house.state(done.contact_campaign_id).stage == Stage.DRAFT
    cause = Cause(CauseKind.OPERATOR, "launch")
    launched = use.launch(house.ports, row, cause=cause, correlation=house.system.rng.new_id())
    house.work()
    assert launched == 1
    assert len(house.provider.calls) == 1


# --- at most once ---------------------------------------------------------------------------------


def test_a_doubt_is_never_sent_again_and_a_webhook_settles_it(house: House) -> None:
    house.provider.answer = lambda _: Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")
    stream = house.started(WAITS_LONG)
    house.work()
    assert _state(house, stream) == MessageState.UNKNOWN
    house.after(hours=5)
    assert len(house.provider.calls) == 1
    house.hear(house.event(stream, "delivered"))
    house.work()
    assert _state(house, stream) == MessageState.ACCEPTED
    assert "message_accepted" in house.topics(stream)


def test_a_webhook_before_the_answer_is_recorded_makes_one_acceptance(house: House) -> None:
    stream = house.started(WAITS_LONG)

    def accepted_and_told_at_once(_: Any) -> Answer:
        house.hear(house.event(stream, "processed"))
        house.ingest()
        return Answer(kind=AnswerClass.ACCEPTED, provider_id="late-answer")

    house.provider.answer = accepted_and_told_at_once
    house.work()
    assert house.topics(stream).count("message_accepted") == 1
    assert _state(house, stream) == MessageState.ACCEPTED


def test_a_claim_of_a_dead_worker_becomes_a_doubt_by_the_sweep(house: House) -> None:
    stream = house.started(WAITS_LONG)

    def dies(_: Any) -> Answer:
        raise SystemExit

    house.provider.answer = dies
    with pytest.raises(SystemExit):
        house.work()
    assert _state(house, stream) == MessageState.SENDING
    assert house.sweep().doubts() == 0  # younger than the sweep: it may still be under way
    house.rows("UPDATE {s}.send_queue SET since = now() - interval '61 seconds' RETURNING 1")
    assert house.sweep().doubts() == 1
    assert _state(house, stream) == MessageState.UNKNOWN
    house.after(hours=1)
    assert len(house.provider.calls) == 1


def test_what_did_not_leave_is_tried_again_and_given_up_after_eight(house: House) -> None:
    house.provider.answer = lambda _: Answer(kind=AnswerClass.NOT_SENT, reason="refused")
    failed = plan(
        send("intro", way("send_failed", "end"), way("timeout", "end", after="P9D")),
        stop(outcome="disqualified"),
    )
    stream = house.started(failed)
    house.work()
    for _ in range(12):
        house.after(hours=1, minutes=1)
    assert [attempt for _, attempt in house.provider.calls] == list(range(1, 9))
    assert _state(house, stream) == MessageState.FAILED
    assert house.state(stream).outcome == Outcome.DISQUALIFIED


def test_a_refused_message_fails_and_the_words_stay_in_the_vault(house: House) -> None:
    detail = "Dana's mailbox is not there"
    house.provider.answer = lambda _: Answer(
        kind=AnswerClass.REFUSED, reason="status_400", detail=detail
    )
    stream = house.started(WAITS_LONG)
    house.work()
    assert house.state(stream).outcome == Outcome.UNDELIVERABLE
    assert house.rows("SELECT text FROM {s}.notes") == [(detail,)]


def test_a_mail_that_was_altered_after_rendering_is_not_sent(house: House) -> None:
    stream = house.started(
        plan(send("intro", way("timeout", "end", after="P9D"), schedule={"delay": "PT30M"}), stop())
    )
    house.work()
    house.rows("UPDATE {s}.contacts SET vault_key = '\\x00' RETURNING 1")
    house.after(minutes=31)
    assert house.provider.calls == []
    assert _state(house, stream) == MessageState.FAILED


def test_a_mail_that_cannot_be_rendered_fails_with_its_reason(house: House) -> None:
    message = {"subject": "Lunch in {{ contact.city }}", "text": "x"}
    first = send(
        "intro", way("timeout", "end", after="P9D"), message=message, schedule={"delay": "P1D"}
    )
    stream = house.started(plan(first, stop()), city="Lisbon")
    house.rows("UPDATE {s}.contacts SET city = NULL RETURNING 1")  # after its plan was proven
    house.after(days=1)
    assert house.provider.calls == []
    assert house.rows("SELECT state, reason FROM {s}.send_queue") == [
        ("FAILED", "render:template_unresolved")
    ]
    assert house.state(stream).outcome == Outcome.UNDELIVERABLE


# --- gates ----------------------------------------------------------------------------------------


def test_a_paused_campaign_sends_nothing_and_goes_on_when_it_is_resumed(house: House) -> None:
    row = house.campaign()
    done = house.enrol(WAITS_LONG, row=row)
    house.ports.register.set_status(row.campaign_id, "paused")
    house.work()
    house.after(hours=1)
    assert house.provider.calls == []
    assert done.contact_campaign_id is not None
    topics = house.topics(done.contact_campaign_id)
    assert topics.count("message_deferred") == 1  # the reason is news once
    house.ports.register.set_status(row.campaign_id, "active")
    house.after(minutes=6)
    assert len(house.provider.calls) == 1


def test_a_pause_between_claim_and_call_stops_the_call(house: House) -> None:
    row = house.campaign()
    done = house.enrol(WAITS_LONG, row=row)
    fresh = house.ports.outbox.fresh

    def pause_meanwhile(token: str, claims: Any) -> Any:
        house.ports.register.set_status(row.campaign_id, "paused")
        return fresh(token, claims)

    house.ports.outbox.fresh = pause_meanwhile  # type: ignore[method-assign]  # the moment between
    house.work()
    assert house.provider.calls == []
    assert done.contact_campaign_id is not None
    assert _state(house, done.contact_campaign_id) == MessageState.QUEUED
    assert "send_attempt_returned" in house.topics(done.contact_campaign_id)


def test_a_message_of_a_stopped_campaign_ends_its_contact_campaign(house: House) -> None:
    row = house.campaign()
    done = house.enrol(WAITS_LONG, row=row)
    house.ports.register.set_status(row.campaign_id, "stopped")
    house.work()
    assert house.provider.calls == []
    assert done.contact_campaign_id is not None
    assert house.state(done.contact_campaign_id).outcome == Outcome.CANCELLED


def test_an_unverified_sender_holds_its_messages(house: House) -> None:
    house.account(accounts.unverify, by=VerifiedBy.OPERATOR)
    house.started(WAITS_LONG)
    house.work()
    assert house.provider.calls == []
    assert house.rows("SELECT state, hold_reason FROM {s}.send_queue") == [
        ("QUEUED", "sender_unverified")
    ]


def test_nothing_is_sent_in_quiet_hours(house: House) -> None:
    quiet = plan(
        send("intro", way("timeout", "end", after="P9D")),
        stop(),
        quietHours={"start": "08:00", "end": "20:00"},
    )
    house.started(quiet)
    house.work()
    house.after(hours=10, minutes=59)
    assert house.provider.calls == []
    house.after(minutes=2)
    assert len(house.provider.calls) == 1


# --- what comes back ------------------------------------------------------------------------------


def test_a_hard_bounce_ends_it_and_bans_the_address(house: House) -> None:
    stream = house.started(WAITS_LONG, email="gone@harbor.example")
    house.work()
    bounce = house.event(stream, "bounce", type="bounce", reason="550", email="gone@harbor.example")
    house.hear(bounce)
    house.work()
    assert house.state(stream).outcome == Outcome.BOUNCED
    again = house.started(WAITS_LONG, email="Gone+new@Harbor.example")
    house.work()
    assert len(house.provider.calls) == 1
    assert house.state(again).outcome == Outcome.UNDELIVERABLE


def test_an_unsubscribe_ends_a_waiting_send(house: House) -> None:
    stream = house.started(CLICK_OR_SECOND)
    house.work()
    house.hear(house.event(stream, "unsubscribe"))
    house.work()
    house.after(days=5)
    assert house.state(stream).outcome == Outcome.UNSUBSCRIBED
    assert len(house.provider.calls) == 1


def test_event_id_changes_on_retry(house: House) -> None:
    stream = house.started(WAITS_LONG)
    house.work()
    opened = house.event(stream, "open", ip="192.0.2.7", useragent="Mozilla/5.0 (X11) Firefox/131")
    assert house.hear(opened) == 1
    assert house.hear(opened | {"sg_event_id": "another"}) == 0
    house.work()
    assert house.hear(opened | {"sg_event_id": "a third"}) == 0
    house.work()
    assert house.topics(stream).count("signal_recorded") == 1
    states = house.rows("SELECT state, count(*) FROM {s}.webhook_inbox GROUP BY 1 ORDER BY 1")
    assert states == [("duplicate", 2), ("recorded", 1)]


def test_unknown_recipient_does_not_abort_batch(house: House) -> None:
    stream = house.started(WAITS_LONG)
    house.work()
    stranger = "00000000-0000-4000-8000-000000000001"
    house.hear(
        house.event(stream, "delivered"),
        house.event(stream, "open", antiphon_message=stranger, email="x@nowhere.example"),
        {"event": 5, "timestamp": "never"},
        house.event(stream, "open", ip="192.0.2.7"),
    )
    house.work()
    states = dict(house.rows("SELECT item::text, state FROM {s}.webhook_inbox ORDER BY item"))
    assert list(states.values()) == ["recorded", "orphan", "parked", "recorded"]
    assert house.topics(stream).count("signal_recorded") == 2
    reasons = house.rows("SELECT reason FROM {s}.webhook_inbox WHERE state = 'parked'")
    assert reasons[0][0]


def test_an_orphan_is_matched_when_its_message_is_known(house: House) -> None:
    row, contact = house.campaign(), house.contact()
    stream = stream_id(house.tenant, row.campaign_id, contact, 1)
    message = message_id(stream, "intro", 1)  # type: ignore[arg-type]  # a node id
    house.hear(
        {
            "event": "delivered",
            "timestamp": int(house.clock.now().timestamp()),
            "antiphon_message": str(message),
            "antiphon_attempt": "1",
            "email": "someone@harbor.example",
        }
    )
    house.work()
    assert house.rows("SELECT state FROM {s}.webhook_inbox") == [("orphan",)]
    house.enrol(WAITS_LONG, contact, row=row)
    house.work()
    house.rows("UPDATE {s}.webhook_inbox SET next_try_at = now() RETURNING 1")
    house.work()
    assert house.rows("SELECT state FROM {s}.webhook_inbox") == [("recorded",)]


def test_events_of_another_tenant_are_set_aside(house: House) -> None:
    stream = house.started(WAITS_LONG)
    house.work()
    house.hear(house.event(stream, "unsubscribe", antiphon_tenant="stranger"))
    house.work()
    assert house.state(stream).stage == Stage.ACTIVE
    assert house.rows("SELECT state, reason FROM {s}.webhook_inbox") == [("parked", "other_tenant")]
    assert house.rows("SELECT 1 FROM {s}.suppressions") == []


def test_trouble_with_the_account_holds_every_sender(house: House) -> None:
    stream = house.started(CLICK_OR_SECOND)
    house.work()
    now = int(house.clock.now().timestamp())
    house.hear({"event": "account_status_change", "type": "compliance_suspend", "timestamp": now})
    house.work()
    house.after(days=2, minutes=3)
    assert len(house.provider.calls) == 1
    assert house.state(stream).waiting is not None


def _state(house: House, stream: Any) -> MessageState:
    return house.state(stream).messages[house.message(stream)].state


# --- found by reading -----------------------------------------------------------------------------

ONE_SEND = send("intro", way("timeout", "end", after="P9D"))
CANNOT_RUN: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "another channel": (
        {"channel": "sms", "message": {"text": "Hi. STOP ends it."}},
        ("E_POLICY_LIMIT", "/nodes/0/channel"),
    ),
    "no content": ({"message": None}, ("E_MESSAGE_MISSING", "/nodes/0")),
    "a jitter upside down": (
        {"schedule": {"jitter": {"min": "PT9M", "max": "PT1M"}}},
        ("E_JITTER", "/nodes/0/schedule/jitter"),
    ),
}


@pytest.mark.parametrize("case", CANNOT_RUN)
def test_what_cannot_be_sent_is_refused_at_enrolment_with_its_place(
    house: House, case: str
) -> None:
    fields, (code, place) = CANNOT_RUN[case]
    done = house.enrol(plan(ONE_SEND | fields, stop()), row=house.campaign())
    assert done.status == "refused"
    assert done.report is not None
    assert (code, place) in [(one["code"], one["path"]) for one in done.report["issues"]]


def test_refused_credentials_hold_every_sender_until_somebody_looked(house: House) -> None:
    house.provider.answer = lambda _: Answer(
        kind=AnswerClass.NOT_SENT, reason="status_401", counted=False, opens_circuit=True
    )
    house.started(WAITS_LONG)
    house.work()
    for _ in range(5):
        house.after(hours=2)
    assert len(house.provider.calls) == 1
    assert house.rows("SELECT hold_reason FROM {s}.send_queue") == [("circuit_open",)]


def test_a_reply_between_claim_and_call_stops_the_call(house: House) -> None:
    stream = house.started(CLICK_OR_SECOND)
    house.work()
    first = house.event(stream, "unsubscribe")
    fresh = house.ports.outbox.fresh

    def told_meanwhile(token: str, claims: Any) -> Any:
        house.hear(first)
        house.ingest()
        return fresh(token, claims)

    house.ports.outbox.fresh = told_meanwhile
    house.after(days=2, minutes=3)
    assert len(house.provider.calls) == 1
    assert house.state(stream).outcome == Outcome.UNSUBSCRIBED
    assert _state(house, stream) == MessageState.CANCELLED


def test_a_message_that_came_back_during_a_pause_waits_without_being_looked_at_all_the_time(
    house: House,
) -> None:
    stream = house.started(WAITS_LONG)
    cause = Cause(CauseKind.OPERATOR, "story")
    given = {"cause": cause, "correlation": house.system.rng.new_id()}

    def paused_meanwhile(_: Any) -> Answer:
        use.order(house.ports, stream, use.pause(house.clock.now(), "story"), **given)
        return Answer(kind=AnswerClass.NOT_SENT, reason="refused")

    house.provider.answer = paused_meanwhile
    house.work()
    house.after(hours=2)
    house.provider.answer = lambda _: TAKEN
    use.order(house.ports, stream, use.resume(house.clock.now()), **given)
    house.after(hours=1)
    assert len(house.provider.calls) == 2
    assert _state(house, stream) == MessageState.ACCEPTED
