from typing import Any

from plans.verify.check import check
from plans.verify.report import Issue
from tests.plans.plan_cases import END, Json, plan


def wait(name: str, *targets: str, **fields: Json) -> dict[str, Any]:
    """A node that goes on to the first target by itself, and to the others when told to."""
    ways: list[Json] = [{"on": f"x_{at}", "to": target} for at, target in enumerate(targets)]
    ways[:1] = [{"on": "timeout", "after": "P1D", "to": target} for target in targets[:1]]
    return {"id": name, "type": "wait", "transitions": ways, **fields}


def found(*nodes: dict[str, Any]) -> tuple[Issue, ...]:
    return check(plan(*nodes)).report.issues


def issues(*nodes: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.code, each.path) for each in found(*nodes)]


def test_a_node_that_nothing_leads_to_is_unreachable() -> None:
    (issue,) = found(wait("a", "end"), END, wait("b", "end"))
    assert (issue.code, issue.path, issue.node) == ("E_UNREACHABLE", "/nodes/2", "b")
    assert issue.patch == ({"op": "remove", "path": "/nodes/2"},)


def test_the_way_out_after_the_last_visit_counts_only_with_a_number_of_visits() -> None:
    assert issues(wait("a", "end", onMaxVisits="b"), END, wait("b", "end")) == [
        ("E_UNREACHABLE", "/nodes/2")
    ]
    assert issues(wait("a", "end", maxVisits=2, onMaxVisits="b"), END, wait("b", "end")) == []


def test_a_plan_without_a_reachable_stop_is_told_once() -> None:
    bounded = wait("a", "b", maxVisits=2, onMaxVisits="b")
    assert issues(bounded, wait("b")) == [("E_NO_STOP", "/nodes")]


def test_a_dead_end_beside_a_stop_is_found() -> None:
    assert issues(wait("a", "end", "b"), END, wait("b")) == [("E_NO_PATH_TO_STOP", "/nodes/2")]


def test_an_endless_loop_is_told_at_its_first_node_with_its_way() -> None:
    (issue,) = found(wait("a", "c"), END, wait("b", "c", "end"), wait("c", "b"))
    assert (issue.code, issue.path) == ("E_LOOP_UNBOUNDED", "/nodes/2")
    assert issue.witness == {"nodes": ["b", "c"]}


def test_a_loop_to_itself_is_endless() -> None:
    assert issues(wait("a", "a", "end"), END) == [("E_LOOP_UNBOUNDED", "/nodes/0")]


def test_one_bounded_node_ends_a_loop() -> None:
    bounded = wait("b", "a", maxVisits=3, onMaxVisits="end")
    assert issues(wait("a", "b", "end"), bounded, END) == []


def test_a_loop_is_endless_when_the_bounded_node_leads_back_into_it() -> None:
    bounded = wait("b", "end", maxVisits=3, onMaxVisits="a")
    assert issues(wait("a", "b", "end"), bounded, END) == [("E_LOOP_UNBOUNDED", "/nodes/0")]


def test_two_bounded_nodes_must_not_pass_the_token_to_and_fro() -> None:
    first = wait("a", "b", "end", maxVisits=2, onMaxVisits="b")
    second = wait("b", "a", maxVisits=2, onMaxVisits="a")
    assert issues(first, second, END) == [("E_LOOP_UNBOUNDED", "/nodes/0")]


def test_two_bounded_loops_in_a_row_are_fine() -> None:
    first = wait("a", "a", maxVisits=2, onMaxVisits="b")
    second = wait("b", "b", "a", maxVisits=2, onMaxVisits="end")
    assert issues(first, second, END) == []


def test_a_bound_without_a_way_out_is_refused() -> None:
    assert issues(wait("a", "a", "end", maxVisits=2), END) == [
        ("E_LOOP_NO_EXIT", "/nodes/0/maxVisits")
    ]


def test_an_unreachable_loop_is_only_unreachable() -> None:
    assert issues(wait("a", "end"), END, wait("b", "b")) == [("E_UNREACHABLE", "/nodes/2")]


def test_sixty_nodes_each_leading_to_twelve_others_are_answered() -> None:
    names = [f"n{index}" for index in range(59)]
    nodes = [wait(name, *names[at + 1 : at + 12], "end") for at, name in enumerate(names)]
    assert check(plan(*nodes, END, limits={"maxDuration": "P90D"})).report.issues == ()
