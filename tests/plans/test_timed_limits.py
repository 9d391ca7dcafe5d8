"""The exploration ends, however large the plan, and says the same in every process."""

import inspect
import json
import subprocess
import sys
from typing import Any

from plans.verify.check import check
from plans.verify.timed.explore import STATES_MAX
from plans.verify.timed.limits import ROW_MAX
from tests.plans.plan_cases import ROOT
from tests.plans.timed_cases import END, branch, errors, mail, on, one, plan, report, wait

LAST = on("timeout", after="P1D")


def looping(count: int, visits: int, backs: dict[int, int]) -> list[dict[str, Any]]:
    """A long row of sends and waits with ways back, each with that many visits."""
    nodes = []
    for at in range(count):
        target = f"n{at + 1}" if at + 1 < count else "end"
        back = [on("x_again", f"n{backs[at]}")] if at in backs else []
        bound = {"maxVisits": visits, "onMaxVisits": "end"} if at in backs.values() else {}
        make = wait if at % 2 else mail
        ways = [*back, on("clicked", target), on("timeout", target, "P1D")]
        nodes.append(make(f"n{at}", *ways, **bound))
    return nodes


LOOPS = {18: 0, 36: 10, 54: 20}


def test_three_loops_that_interact_are_explored_to_the_end() -> None:
    found = report(*looping(57, 3, LOOPS), limits={"maxSends": 30, "maxDuration": "P900D"})
    assert found.facts is not None
    assert 500 < found.facts["states"] < STATES_MAX
    assert found.facts["loops"] == {"n0": 3, "n10": 3, "n20": 3}


def test_more_states_than_the_limit_are_refused_and_nothing_is_claimed_about_them() -> None:
    issue = one(*looping(57, 10, {18: 0, 30: 5, 36: 10, 54: 20}))
    assert (issue.code, issue.path) == ("E_TOO_COMPLEX", "/nodes")
    assert report(*looping(57, 10, {18: 0, 30: 5, 36: 10, 54: 20})).facts is None


def test_a_row_of_more_states_than_the_stack_is_deep_is_explored() -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 200)
    try:
        found = report(*looping(59, 10, {58: 0}))
    finally:
        sys.setrecursionlimit(before)
    assert found.facts is not None
    assert len(found.facts["maxDurationPath"]) > 500


def test_a_loop_in_which_nothing_is_awaited_is_refused_when_it_runs_too_long() -> None:
    names = [f"b{at}" for at in range(50)]
    round_trip = [
        branch(name, after, ("contact.x", "exists", "w"))
        for name, after in zip(names, [*names[1:], names[0]], strict=True)
    ]
    round_trip[0] |= {"maxVisits": ROW_MAX // 50 + 1, "onMaxVisits": "w"}
    assert errors(*round_trip, wait("w", LAST)) == [("E_TOO_COMPLEX", "/nodes")]
    round_trip[0]["maxVisits"] = ROW_MAX // 50
    assert errors(*round_trip, wait("w", LAST)) == []


def test_after_some_mistakes_of_content_the_timed_check_is_left_out() -> None:
    silent = mail("a", on("opened"))
    del silent["message"]
    assert errors(silent) == [("E_MESSAGE_MISSING", "/nodes/0")]
    closed = {"quietHours": {"start": "09:00", "end": "18:00"}, "window": {}}
    found = report(mail("a", on("opened")), **closed)
    assert [each.code for each in found.issues] == ["E_WINDOW_EMPTY"]
    assert found.facts is None


def test_other_mistakes_of_content_are_reported_together_with_those_of_time() -> None:
    node = mail("a", on("opened"), message={"subject": "TODO", "text": "Hi"})
    assert sorted(errors(node)) == [
        ("E_PLACEHOLDER", "/nodes/0/message/subject"),
        ("E_STUCK", "/nodes/0"),
    ]
    assert report(node).facts is not None


SCRIPT = """
import json, sys
from plans.verify.check import check
from plans.verify.report import to_json
for case in json.load(sys.stdin):
    print(json.dumps(to_json(check(case).report)))
"""


def test_the_answer_is_the_same_to_the_byte_whatever_the_hash_seed() -> None:
    after = wait("w", on("clicked"), on("no_click", after="P2D"), about="n0")
    cases = [
        plan(*looping(20, 3, {6: 0, 12: 4}), END),
        plan(*looping(20, 3, {6: 0, 12: 4}), after, END, startNodeId="w"),
        plan(mail("n0", on("clicked", "w"), on("opened", "w", about="any"), LAST), after, END),
    ]
    answers = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            input=json.dumps(cases).encode(),
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "4711")
    }
    (answer,) = answers
    assert answer.count(b"\n") == len(cases)
    assert b"E_STUCK" in answer


def test_the_same_plan_gets_the_same_answer_twice() -> None:
    nodes = looping(20, 3, {6: 0, 12: 4})
    first, second = (check(plan(*nodes, END)).report for _ in range(2))
    assert first == second
