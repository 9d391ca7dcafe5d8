from typing import Any

import pytest

from tests.plans.content_cases import Found, issues, only
from tests.plans.plan_cases import END, Json, mail, plan

LAST = {"on": "timeout", "after": "P9D", "to": "end"}


def way(on: str, **fields: Json) -> dict[str, Any]:
    """A plan whose mail has this transition first."""
    return plan(mail(transitions=[{"on": on, "to": "end", **fields}, LAST]), END)


DEAD: Found = [("E_DEAD_TRANSITION", "/nodes/0/transitions/0")]
DEAD_NOW: Found = [("E_DEAD_TRANSITION", "/nodes/0/transitions/0/within")]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (way("clicked", after="P2D", within="P1D"), DEAD),
        (way("clicked", after="P1DT1S", within="PT24H"), DEAD),
        (way("clicked", after="P1D", within="PT24H"), []),
        (way("clicked", within="P1D"), []),
        (way("no_open", after="P3D", within="P2D"), DEAD),
        (way("no_open", after="P3D", within="P3D"), []),
        (way("sent", after="PT1S", within="PT0S"), DEAD),
        (way("sent", within="PT0S"), []),
        (way("opened", within="PT0S"), DEAD_NOW),
        (way("opened", within="P0DT0M"), DEAD_NOW),
        (way("opened", after="P1D", within="PT0S"), DEAD_NOW),
    ],
)
def test_a_transition_that_can_never_match_is_dead(document: Json, expected: Found) -> None:
    assert issues(document) == expected


def test_what_is_dead_may_be_removed() -> None:
    assert only(way("clicked", after="P2D", within="P1D")).patch == (
        {"op": "remove", "path": "/nodes/0/transitions/0"},
    )
    assert only(way("opened", within="PT0S")).patch == (
        {"op": "remove", "path": "/nodes/0/transitions/0/within"},
    )


def test_a_default_timer_counts_as_after() -> None:
    late = way("no_click", within="P2D", after=None)
    late["nodes"][0]["transitions"][0]["after"] = "P2D"
    assert issues(late) == []
    late["defaults"] = {"timers": {"no_click": "P5D"}}
    assert issues(late) == []
    late["nodes"][0]["transitions"][0] |= {"after": "P5D"}
    assert issues(late) == DEAD


def test_only_a_click_has_a_url() -> None:
    assert issues(way("clicked", urlContains="/pricing")) == []
    found = only(way("opened", urlContains="/pricing"))
    path = "/nodes/0/transitions/0/urlContains"
    assert (found.code, found.path) == ("E_FIELD_EVENT", path)
    assert found.patch == ({"op": "remove", "path": path},)


def test_a_timeout_must_say_when() -> None:
    found = only(way("timeout"))
    assert (found.code, found.path) == ("E_TIMER_NO_AFTER", "/nodes/0/transitions/0")
    assert found.patch == ({"op": "add", "path": "/nodes/0/transitions/0/after", "value": "P3D"},)
    assert issues(way("no_accept")) == []


@pytest.mark.parametrize("word", ["webhook_ok", "webhook_failed"])
def test_no_transition_is_taken_on_the_answer_of_a_webhook(word: str) -> None:
    assert issues(way(word)) == [("E_EVENT_CHANNEL", "/nodes/0/transitions/0/on")]


@pytest.mark.parametrize("word", ["unsubscribed", "spam_reported"])
def test_an_opt_out_leads_to_a_stop_and_nowhere_else(word: str) -> None:
    task = {"id": "task", "type": "task", "title": "x", "transitions": [LAST]}
    ways = [{"on": word, "to": "task"}, {"on": word, "to": "end"}, LAST]
    found = only(plan(mail(transitions=ways), task, END))
    assert (found.code, found.path) == ("E_HARD_EXIT", "/nodes/0/transitions/0/to")
    assert found.patch == ({"op": "remove", "path": "/nodes/0/transitions/0"},)


@pytest.mark.parametrize("kind", [{"type": "wait"}, {"type": "task", "title": "x"}])
def test_waits_and_tasks_are_watched_as_sends_are(kind: dict[str, str]) -> None:
    node = {"id": "n", **kind, "transitions": [{"on": "timeout", "to": "end"}]}
    first = mail(transitions=[{"on": "no_reply", "to": "n"}])
    assert issues(plan(first, node, END)) == [("E_TIMER_NO_AFTER", "/nodes/1/transitions/0")]


def test_a_case_without_conditions_is_always_true() -> None:
    condition = {"field": "contact.x", "op": "exists"}
    cases = [
        {"when": {"any": [condition]}, "to": "mail"},
        {"when": {}, "to": "mail"},
        {"when": {"all": [], "any": []}, "to": "mail"},
    ]
    branch = {"id": "b", "type": "branch", "cases": cases, "otherwise": "end"}
    assert issues(plan(branch, mail(), END)) == [
        ("E_GUARD_EMPTY", "/nodes/0/cases/1/when"),
        ("E_GUARD_EMPTY", "/nodes/0/cases/2/when"),
    ]


def test_two_causes_at_one_transition_are_two_issues() -> None:
    both = way("opened", urlContains="x", after="P2D", within="P1D")
    assert issues(both) == [*DEAD, ("E_FIELD_EVENT", "/nodes/0/transitions/0/urlContains")]
