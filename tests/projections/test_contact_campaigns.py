from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from domain import events
from domain.events import Event
from domain.ids import NodeId
from domain.lifecycle import Stage
from domain.taxonomy import Outcome
from projections.contact_campaigns import CONTACT_CAMPAIGNS, TABLE
from projections.projection import Move, Put
from tests.projections.facts_given import (
    ACCEPTED_PLAN,
    AT,
    CAMPAIGN,
    CONTACT,
    END,
    HELLO,
    LATER,
    STARTED,
    STREAM,
    planned,
    recorded,
    signal,
)

PAUSED = events.Paused(at=AT)
RESUMED = events.Resumed(at=AT, shift_s=0, expires_at=LATER, node=HELLO, visit=1)


def row_after(facts: Iterable[Event]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for position, fact in enumerate(facts, 1):
        for change in CONTACT_CAMPAIGNS.changes(recorded(fact, position, late_s=position)):
            match change:
                case Put():
                    row = dict(change.row)
                case Move():
                    assert change.key == {"stream_id": STREAM}
                    assert row, "a move needs its row"
                    row |= change.row
                case _:
                    raise AssertionError(change)
    return row


def test_an_accepted_plan_is_a_draft() -> None:
    assert row_after([ACCEPTED_PLAN]) == {
        "stream_id": STREAM,
        "campaign_id": CAMPAIGN,
        "contact_id": CONTACT,
        "run": 1,
        "plan_hash": "sha256:p",
        "status": Stage.DRAFT,
        "accepted_at": AT,
        "changed_at": AT + timedelta(seconds=1),
    }


def test_a_start_to_come_is_scheduled_and_a_start_is_active() -> None:
    scheduled: list[Event] = [ACCEPTED_PLAN, events.StartScheduled(at=LATER)]
    assert row_after(scheduled)["status"] == Stage.SCHEDULED
    started = row_after([*scheduled, STARTED])
    assert (started["status"], started["started_at"]) == (Stage.ACTIVE, AT)


def test_the_node_is_where_the_token_is() -> None:
    there = row_after([ACCEPTED_PLAN, STARTED, planned(), planned(node=NodeId("second"))])
    assert (there["node"], there["status"]) == ("second", Stage.ACTIVE)


def test_a_pause_shows_until_it_is_resumed() -> None:
    paused: list[Event] = [ACCEPTED_PLAN, STARTED, PAUSED]
    assert row_after(paused)["status"] == Stage.PAUSED
    assert row_after([*paused, RESUMED])["status"] == Stage.ACTIVE


def test_a_stop_node_completes_with_its_outcome() -> None:
    end = events.Completed(node=END, outcome=Outcome.CONVERTED, at=LATER)
    row = row_after([ACCEPTED_PLAN, STARTED, planned(), end])
    shown = row["status"], row["node"], row["outcome"], row["ended_at"]
    assert shown == (Stage.COMPLETED, END, Outcome.CONVERTED, LATER)


def test_an_exit_keeps_the_node_it_happened_at() -> None:
    exited = events.Exited(outcome=Outcome.REPLIED, reason="replied", at=LATER)
    row = row_after([ACCEPTED_PLAN, STARTED, planned(), exited])
    assert (row["status"], row["node"], row["outcome"]) == (Stage.EXITED, HELLO, Outcome.REPLIED)


def test_a_failed_exit_is_failed() -> None:
    failed = events.Exited(outcome=Outcome.CANCELLED, reason="step_bound", at=AT, failed=True)
    assert row_after([ACCEPTED_PLAN, STARTED, failed])["status"] == Stage.FAILED


def test_what_comes_after_the_end_moves_nothing() -> None:
    exited = events.Exited(outcome=Outcome.REPLIED, reason="replied", at=LATER)
    facts: list[Event] = [ACCEPTED_PLAN, STARTED, planned(), exited]
    assert row_after([*facts, signal("opened", first=True)]) == row_after(facts)


def test_changed_at_is_when_the_last_change_was_recorded() -> None:
    assert row_after([ACCEPTED_PLAN, STARTED, PAUSED])["changed_at"] == AT + timedelta(seconds=3)


def test_all_its_columns_are_typed() -> None:
    row = row_after([ACCEPTED_PLAN, STARTED, planned(), PAUSED, RESUMED])
    assert row.keys() <= TABLE.columns.keys()
