"""Scripted traces: the interpreter's own facts, when just these things happen."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.plan import Plan
from plans.compile import compile_plan
from plans.simulate import Course, Line, Scripted, timeline
from plans.verify.check import check

START = datetime(2026, 6, 1, 16, tzinfo=UTC)
DAY = timedelta(days=1)
TEXT = {"subject": "Hello", "html": '<p>See <a href="https://example.test/pricing">this</a></p>'}
NODES = [
    {
        "id": "one",
        "type": "send",
        "channel": "email",
        "message": TEXT,
        "transitions": [
            {"on": "clicked", "urlContains": "pricing", "to": "call"},
            {"on": "send_skipped", "to": "end"},
            {"on": "send_failed", "to": "call"},
            {"on": "timeout", "after": "P3D", "to": "hook"},
        ],
    },
    {
        "id": "call",
        "type": "task",
        "title": "Call",
        "transitions": [
            {"on": "task_done", "to": "end"},
            {"on": "timeout", "after": "P5D", "to": "end"},
        ],
    },
    {"id": "hook", "type": "webhook", "endpoint": "crm", "next": "end", "onError": "sorry"},
    {"id": "end", "type": "stop"},
    {"id": "sorry", "type": "stop", "outcome": "disqualified"},
]


def plan() -> Plan:
    jitter = {"jitter": {"min": "PT0S", "max": "PT0S"}}
    found = check({"timezone": "UTC", "startNodeId": "one", "nodes": NODES, "defaults": jitter})
    assert found.document is not None, found.report.issues
    return compile_plan(found.document, "sha256:x")


def after(days: float, event: str, **more: Any) -> Scripted:
    return Scripted(at=START + days * DAY, event=event, **more)


def traced(*events: Scripted) -> list[Line]:
    return timeline(Course(plan=plan(), start=START), events)


def words(lines: list[Line]) -> list[str]:
    """The facts from the first acceptance on, each with its most telling word."""
    shown = [
        str(line.get("signal") or line.get("on") or line.get("outcome") or line.get("node") or "")
        for line in lines
    ]
    return [f"{line['fact']} {word}".strip() for line, word in zip(lines, shown, strict=True)]


def test_without_events_the_plan_goes_by_its_timers() -> None:
    lines = traced()
    assert words(lines)[:6] == [
        "plan_accepted",
        "campaign_started",
        "node_entered one",
        "message_queued one",
        "send_attempt_started one",
        "message_accepted one",
    ]
    assert lines[5]["timers"] == [{"index": 3, "kind": "timeout", "dueAt": "2026-06-04T16:00:00Z"}]
    assert words(lines)[6:] == [
        "transition_taken timeout",
        "node_entered hook",
        "webhook_requested hook",
        "webhook_resolved hook",
        "completed completed",
    ]
    assert lines[6]["at"] == "2026-06-04T16:00:00Z"


def test_a_click_and_a_finished_task_lead_on() -> None:
    lines = traced(
        after(1, "clicked", url="https://example.test/pricing"), after(2, "task_done", node="call")
    )
    assert words(lines)[6:] == [
        "signal_recorded opened",
        "signal_recorded clicked",
        "transition_taken clicked",
        "node_entered call",
        "task_created call",
        "task_resolved call",
        "signal_recorded task_done",
        "transition_taken task_done",
        "completed completed",
    ]
    assert lines[6]["derived"] is True


def test_a_click_elsewhere_is_only_latched() -> None:
    lines = traced(after(1, "clicked", url="https://example.test/blog"))
    assert "transition_taken clicked" not in words(lines)
    assert "transition_taken timeout" in words(lines)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("send_failed", ["message_failed one", "transition_taken send_failed"]),
        ("send_skipped", ["message_cancelled one", "transition_taken send_skipped"]),
    ],
)
def test_a_message_may_be_refused_or_skipped(event: str, expected: list[str]) -> None:
    told = words(traced(after(0, event)))
    assert [word for word in told if word in expected] == expected


def test_an_endpoint_that_fails_takes_its_own_way() -> None:
    lines = traced(after(3.01, "webhook_failed", node="hook"))
    assert words(lines)[-1] == "completed disqualified"


def test_an_endpoint_that_the_script_forgets_is_given_up_after_its_hour() -> None:
    lines = traced(after(10, "webhook_ok"))
    assert (lines[-2]["outcome"], lines[-2]["at"]) == ("disqualified", "2026-06-04T17:00:00Z")
    assert (lines[-1]["fact"], lines[-1]["event"]) == ("passed_over", "webhook_ok")


def test_a_pause_moves_the_timers_by_its_length() -> None:
    lines = traced(after(1, "pause"), after(3, "resume"))
    taken = next(line for line in lines if line["fact"] == "transition_taken")
    assert taken["at"] == "2026-06-06T16:00:00Z"


def test_what_cannot_happen_is_passed_over_with_its_reason() -> None:
    lines = traced(after(-1, "opened"), after(1, "task_done"), after(2, "timeout"))
    assert [(line["event"], line["reason"]) for line in lines if line["fact"] == "passed_over"] == [
        ("opened", "nothing has started yet"),
        ("task_done", "no such task is open"),
        ("timeout", "it follows from the plan and cannot be scripted"),
    ]


def test_events_after_the_end_are_recorded_and_change_nothing() -> None:
    lines = traced(after(20, "opened"))
    assert words(lines)[-2:] == ["completed completed", "signal_recorded opened"]


def test_a_booked_meeting_ends_the_plan_as_its_goal() -> None:
    assert words(traced(after(1, "meeting_booked")))[-1] == "exited converted"


@pytest.mark.parametrize(
    "given",
    [
        {"at": "2026-06-01T16:00:00", "event": "opened"},
        {"at": "9999-12-31T00:00:00Z", "event": "opened"},
        {"at": "2026-06-01T16:00:00Z", "event": "open"},
        {"at": "2026-06-01T16:00:00Z", "event": "opened", "about": "one"},
    ],
)
def test_a_script_that_is_none_is_refused(given: object) -> None:
    with pytest.raises(ValidationError):
        Scripted.model_validate(given)
