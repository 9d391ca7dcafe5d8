"""E_STUCK: a node that can wait for ever is found, and only such a node."""

import pytest

from plans.patch import patched
from plans.verify.check import check
from plans.verify.report import to_json
from tests.plans.plan_cases import DATA, Json, plan, read
from tests.plans.timed_cases import END, errors, mail, on, one, task, wait, witness

SEVEN = read(DATA / "invalid" / "07_stuck_gap_between_within_and_no_open.json")["plan"]
STUCK = [("E_STUCK", "/nodes/0")]


def test_the_example_of_the_language_gets_its_witness_and_its_patch() -> None:
    issue = to_json(check(SEVEN).report)["issues"][0]
    assert issue == {
        "code": "E_STUCK",
        "severity": "error",
        "path": "/nodes/0",
        "node": "email_intro",
        "message": '"email_intro" can wait for ever: '
        "these events silence every timer and match no transition",
        "suggestion": 'add {"on":"timeout","after":"P7D","to":"..."} as the last transition',
        "patch": [
            {
                "op": "add",
                "path": "/nodes/0/transitions/-",
                "value": {"on": "timeout", "after": "P7D", "to": "stop"},
            }
        ],
        "witness": {
            "reason": "these events silence every timer and match no transition",
            "events": [
                {"event": "opened", "atSeconds": 172801, "at": "P2DT1S", "avoids": "no_open"}
            ],
        },
    }


def test_a_send_without_transitions_is_stuck() -> None:
    issue = one(mail("a", on("x_never")))
    assert (issue.code, issue.path) == ("E_STUCK", "/nodes/0")
    assert witness(issue) == {"reason": "no timer is sure to fire", "events": []}


def test_a_task_that_nobody_ends_is_stuck_without_a_timeout() -> None:
    assert errors(task("a", on("task_done"))) == STUCK
    assert errors(task("a", on("task_done"), on("timeout", after="P3D"))) == []


def test_a_timer_with_a_guard_is_not_sure_to_fire() -> None:
    guard = {"all": [{"field": "contact.tier", "op": "eq", "value": "gold"}]}
    assert errors(mail("a", on("timeout", after="P3D", when=guard))) == STUCK


@pytest.mark.parametrize("timer", ["timeout", "no_reply"])
def test_a_timeout_and_a_missing_reply_always_come(timer: str) -> None:
    assert errors(mail("a", on(timer, after="P3D"))) == []


def test_a_click_is_no_escape_as_long_as_the_open_before_it_leaves() -> None:
    assert errors(mail("a", on("opened"), on("no_click", after="P2D"))) == []


def test_a_click_escapes_where_an_earlier_open_is_passed_over() -> None:
    early = on("opened", within="PT1H")
    late = on("opened", after="PT2H")
    issue = one(mail("a", early, late, on("no_click", after="PT24H")))
    (event,) = witness(issue)["events"]
    assert (event["event"], event["atSeconds"]) == ("clicked", 3601)


def test_intervals_without_a_second_between_them_leave_no_gap() -> None:
    ways = on("opened", within="PT1H"), on("opened", after="PT1H1S"), on("no_open", after="P3D")
    assert errors(mail("a", *ways)) == []
    gap = on("opened", within="PT1H"), on("opened", after="PT1H2S"), on("no_open", after="P3D")
    assert errors(mail("a", *gap)) == STUCK


def test_an_event_only_some_links_of_which_match_is_an_escape() -> None:
    some = on("clicked", urlContains="/pricing"), on("opened", "w"), on("no_open", "w")
    after = wait("w", some[0], on("no_click", after="P2D"))
    assert errors(mail("a", *some), after) == [("E_STUCK", "/nodes/1")]


def test_a_fact_that_was_used_up_silences_the_timer_of_the_next_node() -> None:
    second = wait("w", on("clicked"), on("no_click", after="P2D"))
    first = mail("a", on("clicked", "w"), on("timeout", after="P3D"))
    assert errors(first, second) == [
        ("E_STUCK", "/nodes/1"),
        ("E_DEAD_TRANSITION", "/nodes/1/transitions/1"),
    ]


def test_a_click_of_any_message_may_have_been_about_the_last_one() -> None:
    second = wait("w", on("clicked"), on("no_click", after="P2D"))
    first = mail("b", on("clicked", "w", about="any"), on("timeout", after="P3D"))
    assert errors(mail("a", on("timeout", "b", "P3D")), first, second) == [("E_STUCK", "/nodes/2")]


def test_what_was_used_up_is_remembered_until_a_wait_asks_for_that_message_again() -> None:
    first = mail("a", on("clicked", "b"), on("timeout", "b", "P3D"))
    second = mail("b", on("timeout", "w", "P3D"), schedule={"delay": "P1D"})
    third = wait("w", on("clicked"), on("no_click", after="P2D"), about="a")
    assert errors(first, second, third) == [("E_STUCK", "/nodes/2")]


def test_a_day_of_25_hours_opens_a_gap_between_calendar_days_and_hours() -> None:
    assert errors(mail("a", on("opened", within="PT24H"), on("no_open", after="P1D"))) == STUCK
    assert errors(mail("a", on("opened", within="P1D"), on("no_open", after="PT24H"))) == STUCK
    assert errors(mail("a", on("opened", within="P1D"), on("no_open", after="P1D"))) == []
    assert errors(mail("a", on("opened", within="P2D"), on("no_open", after="PT24H"))) == []


def test_the_patch_mends_the_plan() -> None:
    issue = one(mail("a", on("opened", within="PT24H"), on("no_open", after="PT48H")))
    assert issue.patch is not None
    submitted = plan(
        mail("a", on("opened", within="PT24H"), on("no_open", after="PT48H")),
        END,
    )
    mended: Json = patched(submitted, issue.patch)
    assert [each.code for each in check(mended).report.issues if each.severity == "error"] == []


def test_a_node_with_twelve_ways_gets_no_patch() -> None:
    ways = [on(f"x_{at}") for at in range(12)]
    assert one(mail("a", *ways)).patch is None


def test_an_event_about_the_watched_message_by_name_leaves_like_one_about_the_anchor() -> None:
    by_name = on("opened", about="a")
    assert errors(mail("a", by_name, on("no_open", after="PT30M"))) == []
    waits = wait("w", by_name, on("no_open", after="P5D"), about="a")
    assert errors(mail("a", on("timeout", "w", after="P1D")), waits) == []
    again = wait("w", by_name, on("no_open", after="P5D"))
    later = mail("b", on("timeout", "w", after="P1D"))
    assert errors(mail("a", on("timeout", "b", after="P3D")), later, again) == [
        ("E_STUCK", "/nodes/2")
    ]
