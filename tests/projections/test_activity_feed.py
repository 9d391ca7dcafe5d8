from collections import Counter
from typing import Any

import pytest

from domain import events
from domain.events import Event
from domain.ids import NodeId
from domain.taxonomy import CancelReason, HoldReason, Outcome, Via
from projections.activity_feed import ACTIVITY_FEED, TABLE
from projections.projection import Put
from tests.projections.facts_given import (
    ACCEPTED_PLAN,
    AT,
    CAMPAIGN,
    CONTACT,
    END,
    HELLO,
    LATER,
    M1,
    STARTED,
    STREAM,
    journeys,
    planned,
    recorded,
    signal,
)

SENT = events.MessageAccepted(
    message_id=M1, attempt=1, at=AT, via=Via.ANSWER, node=HELLO, visit=1, domain="gmail.com"
)


def rows_of(*facts: Event) -> list[dict[str, Any]]:
    rows = []
    for position, fact in enumerate(facts, 1):
        for change in ACTIVITY_FEED.changes(recorded(fact, position, late_s=60)):
            assert isinstance(change, Put)
            assert change.row.keys() == TABLE.columns.keys()
            rows.append(dict(change.row))
    return rows


def kind_of(fact: Event) -> tuple[str, str, str]:
    (row,) = rows_of(fact)
    return str(row["kind"]), str(row["category"]), str(row["detail"])


def test_a_row_says_when_it_happened_and_what_it_is_about() -> None:
    assert rows_of(STARTED, SENT)[1] == {
        "position": 2,
        "at": AT,
        "kind": "message.accepted",
        "category": "lifecycle",
        "stream_id": STREAM,
        "campaign_id": CAMPAIGN,
        "contact_id": CONTACT,
        "message_id": M1,
        "node": HELLO,
        "detail": "answer",
    }


@pytest.mark.parametrize(
    ("fact", "shown"),
    [
        (ACCEPTED_PLAN, ("campaign.enrolled", "lifecycle", "")),
        (STARTED, ("campaign.started", "lifecycle", "")),
        (events.Paused(at=AT, reason="operator"), ("campaign.paused", "lifecycle", "operator")),
        (
            events.Completed(node=END, outcome=Outcome.CONVERTED, at=AT),
            ("campaign.converted", "lifecycle", "stop"),
        ),
        (
            events.Exited(outcome=Outcome.REPLIED, reason="replied", at=AT),
            ("campaign.replied", "lifecycle", "replied"),
        ),
        (
            events.Exited(outcome=Outcome.CANCELLED, reason="step_bound", at=AT, failed=True),
            ("campaign.failed", "lifecycle", "step_bound"),
        ),
        (planned(), ("message.scheduled", "lifecycle", "email")),
        (
            events.MessageDeferred(
                message_id=M1, reason=HoldReason.HOURS, due_at=AT, expires_at=LATER, at=AT
            ),
            ("message.deferred", "lifecycle", "hours"),
        ),
        (
            events.MessageCancelled(
                message_id=M1, reason=CancelReason.SUPPRESSED, at=AT, node=HELLO
            ),
            ("message.cancelled", "lifecycle", "suppressed"),
        ),
        (signal("opened", first=True), ("signal.opened", "engagement", "")),
        (signal("opened", derived=True), ("signal.opened", "engagement", "derived")),
        (signal("opened", machine=True), ("machine.opened", "engagement", "")),
        (
            events.SignalJudged(
                signal_no=1,
                signal="clicked",
                at=AT,
                heard_at=AT,
                message_id=M1,
                machine=True,
                reader="machine",
                was_machine=False,
                was_reader="human",
            ),
            ("judged.clicked", "engagement", "machine"),
        ),
        (signal("x_demo_seen", message=None), ("signal.x_demo_seen", "engagement", "")),
        (
            events.TransitionTaken(node=HELLO, visit=1, index=0, on="no_open", to=END, at=AT),
            ("timer.no_open", "lifecycle", ""),
        ),
    ],
)
def test_a_fact_is_shown_in_our_words(fact: Event, shown: tuple[str, str, str]) -> None:
    assert kind_of(fact) == shown


def test_a_start_to_come_is_shown_when_it_was_set_and_says_when_it_is() -> None:
    (row,) = rows_of(events.StartScheduled(at=LATER))
    assert (row["at"], row["detail"]) == (recorded(STARTED, late_s=60).at, LATER.isoformat())


@pytest.mark.parametrize(
    "fact",
    [
        events.NodeEntered(node=NodeId("wait"), visit=1, at=AT),
        events.TransitionTaken(node=HELLO, visit=1, index=0, on="opened", to=END, at=AT),
        events.MessageQueued(message_id=M1, body_mac="m", snapshot="1", at=AT),
        events.SendAttemptStarted(message_id=M1, attempt=1, body_mac="m", at=AT),
    ],
)
def test_what_only_the_machinery_needs_is_not_shown(fact: Event) -> None:
    assert rows_of(fact) == []


@pytest.mark.parametrize("seed", range(20))
def test_each_message_is_shown_once_as_scheduled_and_at_most_once_as_sent(seed: int) -> None:
    facts = [fact for _, journey in journeys(seed, 20) for fact in journey]
    kinds = Counter((row["kind"], row["message_id"]) for row in rows_of(*facts))
    scheduled = {mid for kind, mid in kinds if kind == "message.scheduled"}
    sent = {mid for kind, mid in kinds if kind == "message.accepted"}
    entered = [f for f in facts if isinstance(f, events.NodeEntered)]
    assert scheduled == {f.message_id for f in entered if f.message_id}
    assert sent == {f.message_id for f in facts if isinstance(f, events.MessageAccepted)}
    assert {kinds["message.scheduled", mid] for mid in scheduled} == {1}
    assert {kinds["message.accepted", mid] for mid in sent} == {1}
