"""The words of an explanation: one for each reason, with its numbers and without."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.events import SendAttemptStarted
from domain.gates import GATES, RULES_VERSION, Cap, Seen
from domain.ids import MessageId
from domain.recorded import Cause
from domain.taxonomy import CancelReason, CapName, CauseKind, HoldReason
from handlers.explain.asked import (
    PASSING,
    difference,
    gates_at,
    gates_unasked,
    lasting_objection,
    objection,
)
from handlers.explain.causes import told_cause
from handlers.explain.reasons import held_words, never_words, objection_words

NOW = datetime(2026, 9, 7, 9, tzinfo=UTC)
CLEAR = Seen(looked=True, sender="sam")


@pytest.mark.parametrize("reason", HoldReason)
def test_every_reason_to_wait_has_words_also_where_nobody_looked(reason: HoldReason) -> None:
    words = held_words(reason)
    assert len(words.split()) > 3
    assert not set("{}()") & set(words)


@pytest.mark.parametrize("reason", CancelReason)
def test_every_reason_not_to_send_has_words_also_where_nobody_looked(reason: CancelReason) -> None:
    words = never_words(reason)
    assert len(words.split()) > 2
    assert not set("{}()") & set(words)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (replace(CLEAR, campaign="paused"), "its campaign does not run (paused)"),
        (
            replace(CLEAR, caps=(Cap(CapName.CAMPAIGN_DAY, 50, 50),)),
            "the campaign's 50 messages of the day are used up (50 of 50)",
        ),
        (
            replace(CLEAR, caps=(Cap(CapName.SENDER_HOUR, 1, 9), Cap(CapName.SENDER_DAY, 7, 7))),
            "the sender's 7 messages of the day are used up (7 of 7)",
        ),
        (
            replace(CLEAR, health=20),
            "the sender's health is too low (20, and 30 is the least)",
        ),
        (
            replace(CLEAR, suppressed="spamreport"),
            "the address must not be written to (spamreport)",
        ),
        (
            replace(CLEAR, sends=3, sends_max=3),
            "the plan's limit of sends is reached (3 of 3)",
        ),
        (replace(CLEAR, sender_paused="bounces"), "the sender sam is paused (bounces)"),
        (
            replace(CLEAR, smoothed_by="tenant_hour"),
            "a limit is used evenly, and it is not its turn",
        ),
    ],
)
def test_an_objection_is_told_with_the_numbers_that_were_looked_at(seen: Seen, words: str) -> None:
    no = objection(gates_at(seen, NOW))
    assert no is not None
    assert objection_words(no).startswith(words)


def test_every_gate_has_all_its_inputs_and_what_is_behind_an_objection_is_not_reached() -> None:
    for gates in (gates_at(replace(CLEAR, tenant_paused="operator"), NOW), gates_unasked()):
        assert [one.name for one in gates] == [gate.name for gate in GATES]
        assert [tuple(one.inputs) for one in gates] == [gate.reads for gate in GATES]
    gates = gates_at(replace(CLEAR, tenant_paused="operator"), NOW)
    assert [one.verdict for one in gates][:4] == ["passed", "passed", "held", "not_reached"]


def test_what_would_still_hold_it_later_is_found_behind_what_holds_it_now() -> None:
    assert {gate.name for gate in GATES} >= PASSING
    seen = replace(CLEAR, open=False, health=20)
    now, later = objection(gates_at(seen, NOW)), lasting_objection(seen, NOW)
    assert (now and now.reason, later and later.reason) == ("hours", "sender_health")
    assert lasting_objection(replace(CLEAR, open=False), NOW) is None


def test_what_these_gates_would_not_have_said_is_told() -> None:
    fact = SendAttemptStarted(
        message_id=MessageId(UUID(int=1)),
        attempt=1,
        body_mac="m",
        at=NOW,
    )
    assert difference(fact, CLEAR, gates_at(CLEAR, NOW)) == ""
    held = replace(CLEAR, rules=RULES_VERSION + 1, spaced_until=NOW + timedelta(hours=1))
    assert difference(fact, held, gates_at(held, NOW)) == (
        f"judged by version {RULES_VERSION + 1} of the gates, shown by {RULES_VERSION}; "
        "recorded was passed, shown is spacing"
    )


@pytest.mark.parametrize("kind", CauseKind)
def test_every_cause_has_words_also_one_that_names_no_row(kind: CauseKind) -> None:
    assert told_cause(Cause(kind, "x"))
    assert "{" not in told_cause(Cause(kind, "x"))


def test_a_webhook_is_named_by_its_delivery_and_an_order_by_its_key() -> None:
    webhook = Cause(CauseKind.WEBHOOK, "d-1#7")
    assert told_cause(webhook) == "webhook delivery d-1, item 7 of the inbox"
    order = Cause(CauseKind.OPERATOR, "key-1/r-1")
    assert told_cause(order) == "order by key-1 in request r-1"
