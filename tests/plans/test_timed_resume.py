"""A plan for a contact-campaign that runs is checked from where that stands (plan-dsl.md 10)."""

from domain.ids import NodeId
from plans.verify.resume import Resume
from tests.plans.timed_cases import errors, facts, mail, on, one, sms, task, wait, witness

LAST = on("timeout", after="PT5H")
A, B, W = NodeId("a"), NodeId("b"), NodeId("w")
DAY_S = 86_400


def test_what_the_token_can_still_come_to_is_reachable_from_where_it_stands() -> None:
    nodes = mail("a", LAST), wait("w", on("timeout", "b", "PT1H")), task("b", LAST)
    assert errors(*nodes) == [("E_UNREACHABLE", "/nodes/1"), ("E_UNREACHABLE", "/nodes/2")]
    assert errors(*nodes, resume=Resume(node=W)) == []


def test_a_node_that_is_not_there_cannot_be_resumed_at() -> None:
    issue = one(mail("a", LAST), resume=Resume(node=W))
    assert (issue.code, issue.path) == ("E_REVISION_NODE", "/resumeAt")


def test_the_start_is_reachable_but_not_explored_again() -> None:
    nodes = mail("a", on("opened", "w")), wait("w", LAST)
    assert errors(*nodes) == [("E_STUCK", "/nodes/0")]
    assert errors(*nodes, resume=Resume(node=W, anchor=A)) == []


def test_sends_and_time_so_far_count_against_the_limits() -> None:
    nodes = mail("a", on("timeout", "b", "P1D")), mail("b", LAST)
    resume = Resume(node=B, anchor=A, sends=4, elapsed_s=10 * DAY_S)
    found = facts(*nodes, resume=resume)
    assert (found["minSends"], found["maxSends"]) == (5, 5)
    assert found["minDuration"] == "P10DT5H6M"
    limits = {"maxSends": 4, "maxDuration": "P10D"}
    assert errors(*nodes, resume=resume, limits=limits) == [
        ("E_MAX_DURATION", "/limits/maxDuration"),
        ("E_MAX_SENDS", "/limits/maxSends"),
    ]


def test_a_send_whose_message_left_is_not_sent_again() -> None:
    node = mail("a", LAST)
    standing = Resume(node=A, anchor=A, visits={A: 1}, sends=1)
    assert facts(node, resume=standing)["maxSends"] == 1
    assert facts(node, resume=standing)["minDuration"] == "PT5H"
    waiting = Resume(node=A, visits={A: 1})
    assert facts(node, resume=waiting)["maxSends"] == 1
    again = Resume(node=A, anchor=A, visits={A: 1}, sends=1, enter=True)
    assert facts(node, resume=again)["maxSends"] == 2


def test_what_is_known_of_the_anchor_silences_its_timers() -> None:
    node = wait("w", on("clicked"), on("no_click", after="PT1H"))
    nodes = mail("a", on("timeout", "w", "PT1H")), node
    assert errors(*nodes, resume=Resume(node=W, anchor=A)) == []
    known = Resume(node=W, anchor=A, known=frozenset({"clicked", "opened"}))
    assert errors(*nodes, resume=known) == [
        ("E_STUCK", "/nodes/1"),
        ("E_DEAD_TRANSITION", "/nodes/1/transitions/1"),
    ]


def test_what_is_known_of_another_message_is_known_to_a_wait_about_it() -> None:
    last = wait("w", on("clicked"), on("no_click", after="PT1H"), about="a")
    nodes = mail("a", on("timeout", "b", "P1D")), mail("b", on("timeout", "w", "P1D")), last
    visits = {A: 1, B: 1}
    assert errors(*nodes, resume=Resume(node=B, anchor=B, visits=visits)) == []
    heard = {A: frozenset({"clicked"})}
    found = errors(*nodes, resume=Resume(node=B, anchor=B, visits=visits, heard=heard))
    assert ("E_STUCK", "/nodes/2") in found
    assert errors(*nodes, resume=Resume(node=B, anchor=B)) == [
        ("E_NO_ANCHOR", "/nodes/2/transitions/0/on"),
        ("E_NO_ANCHOR", "/nodes/2/transitions/1/on"),
    ]


def test_visits_so_far_are_used_up() -> None:
    node = mail("a", on("timeout", "a", "P1D"), maxVisits=3, onMaxVisits="end")
    assert facts(node)["maxSends"] == 3
    resume = Resume(node=A, anchor=A, visits={A: 2}, sends=2)
    assert facts(node, resume=resume)["maxSends"] == 3
    over = Resume(node=A, anchor=A, visits={A: 9}, sends=9, enter=True)
    assert facts(node, resume=over)["maxSends"] == 9


def test_timers_that_are_past_fire_in_document_order_where_the_token_stands() -> None:
    node = mail("a", on("no_click", after="PT9H"), on("timeout", after="PT5H"))
    assert errors(node) == [("E_DEAD_TRANSITION", "/nodes/0/transitions/0")]
    assert errors(node, resume=Resume(node=A, anchor=A)) == []


def test_an_sms_that_went_out_before_was_the_first() -> None:
    nodes = sms("a", on("timeout", "b", "P1D")), sms("b", LAST, text="Hi")
    assert errors(*nodes, resume=Resume(node=B, visits={A: 1})) == []
    issue = one(*nodes, resume=Resume(node=B))
    assert (issue.code, witness(issue)) == ("E_SMS_OPT_OUT", {"path": ["b"]})
