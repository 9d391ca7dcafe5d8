from typing import Any

import pytest

from plans.verify.check import check
from tests.plans.plan_cases import END, Json, mail, plan

SMS = {
    "id": "sms",
    "type": "send",
    "channel": "sms",
    "message": {"text": "STOP"},
    "transitions": [{"on": "no_reply", "to": "end"}],
}


def issues(*nodes: dict[str, Any], **fields: Json) -> list[tuple[str, str]]:
    return [(each.code, each.path) for each in check(plan(*nodes, **fields)).report.issues]


def node(kind: str, **fields: Json) -> dict[str, Any]:
    return {"id": "n", "type": kind, **fields}


GUARD = {"all": [{"field": "contact.x", "op": "exists"}]}


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (
            node("wait", transitions=[{"on": "timeout", "after": "P1D", "to": "ned"}]),
            "/transitions/0/to",
        ),
        (node("branch", cases=[{"when": GUARD, "to": "ned"}], otherwise="end"), "/cases/0/to"),
        (node("branch", cases=[{"when": GUARD, "to": "end"}], otherwise="ned"), "/otherwise"),
        (node("split", arms=[{"id": "a", "to": "end"}, {"id": "b", "to": "ned"}]), "/arms/1/to"),
        (node("update", next="ned"), "/next"),
        (node("notify", text="x", next="ned"), "/next"),
        (node("webhook", endpoint="x", next="end", onError="ned"), "/onError"),
        (
            node("task", title="x", transitions=[{"on": "task_done", "to": "ned"}]),
            "/transitions/0/to",
        ),
        (mail(maxVisits=2, onMaxVisits="ned"), "/onMaxVisits"),
        (mail(onMaxVisits="ned"), "/onMaxVisits"),
    ],
)
def test_every_reference_to_a_node_that_is_not_there_is_found(
    given: dict[str, Any], path: str
) -> None:
    (issue,) = check(plan(given, END)).report.issues
    assert (issue.code, issue.path) == ("E_TARGET_UNKNOWN", "/nodes/0" + path)
    assert issue.patch == ({"op": "replace", "path": issue.path, "value": "end"},)


def test_the_start_must_be_a_node() -> None:
    assert issues(mail(), END, startNodeId="nowhere") == [("E_TARGET_UNKNOWN", "/startNodeId")]


def test_the_first_node_keeps_an_id_that_is_given_twice() -> None:
    assert issues(mail(), END, END, END) == [
        ("E_DUPLICATE_ID", "/nodes/2/id"),
        ("E_DUPLICATE_ID", "/nodes/3/id"),
    ]


def test_a_message_is_about_or_in_reply_to_sends_only() -> None:
    wait = {
        "id": "w",
        "type": "wait",
        "about": "end",
        "transitions": [
            {"on": "opened", "about": "w", "to": "end"},
            {"on": "clicked", "about": "any", "to": "end"},
            {"on": "replied", "about": "sms", "to": "sms"},
        ],
    }
    first = mail(
        message=None,
        variants=[
            {"id": "a", "message": {"replyTo": "mail", "text": "x"}},
            {"id": "b", "message": {"replyTo": "sms", "text": "x"}},
        ],
        transitions=[{"on": "no_reply", "to": "w"}],
    )
    assert issues(first, wait, SMS, END) == [
        ("E_ABOUT", "/nodes/0/variants/1/message/replyTo"),
        ("E_ABOUT", "/nodes/1/about"),
        ("E_ABOUT", "/nodes/1/transitions/0/about"),
    ]


@pytest.mark.parametrize(
    ("field", "known"),
    [
        ("facts.mail.opened", True),
        ("facts.mail.x_custom", True),
        ("facts.end.opened", False),
        ("facts.mail.opnd", False),
        ("facts.mail", False),
        ("state.sends", True),
        ("state.visits.end", True),
        ("state.visits.ned", False),
        ("state.mood", False),
        ("contact.anything", True),
        ("company.a.b", True),
    ],
)
def test_a_guard_reads_only_what_exists(field: str, known: bool) -> None:  # noqa: FBT001  # a table
    guard = {"any": [{"field": field, "op": "exists"}]}
    branch = {
        "id": "b",
        "type": "branch",
        "cases": [{"when": guard, "to": "end"}],
        "otherwise": "end",
    }
    guarded = mail(
        sendIf=guard,
        transitions=[
            {"on": "no_reply", "to": "b", "when": guard},
            {"on": "timeout", "after": "P9D", "to": "b"},
        ],
    )
    expected = (
        []
        if known
        else [
            ("E_ABOUT", "/nodes/0/sendIf/any/0/field"),
            ("E_ABOUT", "/nodes/0/transitions/0/when/any/0/field"),
            ("E_ABOUT", "/nodes/1/cases/0/when/any/0/field"),
        ]
    )
    assert issues(guarded, branch, END) == expected


def test_a_mistake_in_a_reference_does_not_cascade_into_the_graph() -> None:
    astray = mail(transitions=[{"on": "no_reply", "to": "ned"}])
    assert issues(astray, END) == [("E_TARGET_UNKNOWN", "/nodes/0/transitions/0/to")]
