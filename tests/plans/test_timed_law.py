"""No automatic send after a reply or a bounce, and no first SMS without a way out."""

import pytest

from domain.plan import Condition, Guard
from plans.verify.timed.law import truth_of
from tests.plans.timed_cases import (
    branch,
    errors,
    linkedin,
    mail,
    on,
    one,
    sms,
    task,
    wait,
    witness,
)

LAST = on("timeout", after="P3D")
REPLY = [("E_SEND_AFTER_REPLY", "/nodes/0/transitions/0/to")]
BOUNCE = [("E_SEND_AFTER_BOUNCE", "/nodes/0/transitions/0/to")]


def later(name: str) -> dict[str, object]:
    return mail(name, LAST, schedule={"delay": "P1D"})


def test_a_send_that_follows_a_reply_is_found_through_other_nodes() -> None:
    after = wait("w", on("timeout", "b", "P1D"))
    issue = one(mail("a", on("replied", "w"), LAST), after, later("b"))
    assert [(issue.code, issue.path)] == REPLY
    assert witness(issue) == {"path": ["a", "w", "b"]}


def test_a_task_lets_a_person_decide_first() -> None:
    between = task("t", on("task_done", "b"), LAST)
    assert errors(mail("a", on("replied", "t"), LAST), between, later("b")) == []


def test_a_reply_that_a_wait_hears_counts_as_well() -> None:
    nodes = mail("a", on("timeout", "w", "P1D")), wait("w", on("replied", "b"), LAST), later("b")
    assert errors(*nodes) == [("E_SEND_AFTER_REPLY", "/nodes/1/transitions/0/to")]


@pytest.mark.parametrize(
    ("field", "op", "allowed"),
    [
        ("facts.a.replied", "exists", True),
        ("facts.a.replied", "not_exists", False),
        ("facts.a.clicked", "exists", False),
        ("contact.tier", "exists", False),
    ],
)
def test_a_branch_that_knows_of_the_reply_is_believed(
    field: str, op: str, *, allowed: bool
) -> None:
    nodes = mail("a", on("replied", "x"), LAST), branch("x", "b", (field, op, "end")), later("b")
    assert errors(*nodes) == ([] if allowed else REPLY)


def test_a_case_that_is_false_after_the_reply_is_skipped() -> None:
    case = "facts.a.replied", "not_exists", "b"
    assert errors(mail("a", on("replied", "x"), LAST), branch("x", "end", case), later("b")) == []


def test_after_a_bounce_another_channel_is_fine_and_the_same_is_not() -> None:
    assert errors(mail("a", on("bounced", "b"), LAST), linkedin("b", LAST)) == []
    assert errors(mail("a", on("bounced", "b"), LAST), later("b")) == BOUNCE


def test_the_search_goes_on_behind_the_other_channel() -> None:
    between = linkedin("b", on("timeout", "c", "P3D"))
    issue = one(mail("a", on("bounced", "b"), LAST), between, later("c"))
    assert [(issue.code, issue.path)] == BOUNCE
    assert witness(issue) == {"path": ["a", "b", "c"]}


def test_a_bounce_that_a_wait_hears_is_taken_for_one_of_email() -> None:
    first = mail("a", on("timeout", "w", "P1D"))
    waits = wait("w", on("bounced", "b"), LAST)
    assert errors(first, waits, later("b")) == [
        ("E_SEND_AFTER_BOUNCE", "/nodes/1/transitions/0/to")
    ]
    assert errors(first, waits, sms("b", LAST)) == []


def test_the_first_sms_says_how_to_opt_out() -> None:
    nodes = mail("a", on("timeout", "b", "P1D")), sms("b", LAST, text="Hi")
    issue = one(*nodes)
    assert (issue.code, issue.path) == ("E_SMS_OPT_OUT", "/nodes/1/message/text")
    assert witness(issue) == {"path": ["a", "b"]}


@pytest.mark.parametrize("text", ["Reply stop to end", "STOPPED", ""])
def test_only_the_word_in_capitals_counts(text: str) -> None:
    assert ("E_SMS_OPT_OUT", "/nodes/0/message/text") in errors(sms("a", LAST, text=text))


def test_a_later_sms_need_not_say_it_again() -> None:
    nodes = sms("a", on("timeout", "b", "P1D")), sms("b", LAST, text="Hi")
    assert errors(*nodes) == []


def test_an_sms_is_the_first_where_the_one_before_it_failed() -> None:
    nodes = sms("a", on("send_failed", "b"), on("timeout", after="P1D")), sms("b", LAST, text="Hi")
    assert errors(*nodes) == [("E_SMS_OPT_OUT", "/nodes/1/message/text")]


def test_each_variant_has_to_say_it() -> None:
    texts = "Hi. Reply STOP to opt out", "Hi"
    variants = [{"id": str(at), "message": {"text": text}} for at, text in enumerate(texts)]
    node = sms("a", LAST, variants=variants)
    del node["message"]
    assert errors(node) == [("E_SMS_OPT_OUT", "/nodes/0/variants/1/message/text")]


YES, NO = Condition("facts.a.replied", "exists"), Condition("facts.a.replied", "not_exists")
OPEN = Condition("contact.x", "exists")


@pytest.mark.parametrize(
    ("guard", "truth"),
    [
        (Guard(all=(YES,)), True),
        (Guard(all=(NO,)), False),
        (Guard(all=(OPEN,)), None),
        (Guard(all=(YES, OPEN)), None),
        (Guard(all=(NO, OPEN)), False),
        (Guard(any=(YES, OPEN)), True),
        (Guard(any=(NO, OPEN)), None),
        (Guard(any=(NO,)), False),
        (Guard(all=(OPEN,), any=(YES,)), None),
        (Guard(all=(YES,), any=(NO,)), False),
    ],
)
def test_a_guard_is_true_false_or_not_known(guard: Guard, *, truth: bool | None) -> None:
    assert truth_of(guard, "facts.a.replied") is truth


def test_used_up_visits_lead_to_a_send_after_a_reply_as_well() -> None:
    turns = branch("b", "b", ("contact.stage", "exists", "end")) | {
        "maxVisits": 1,
        "onMaxVisits": "c",
    }
    first = mail("a", on("replied", "b"), on("timeout", after="P3D"))
    later = mail("c", on("timeout", after="P3D"), schedule={"delay": "P1D"})
    assert errors(first, turns, later) == [("E_SEND_AFTER_REPLY", "/nodes/0/transitions/0/to")]
