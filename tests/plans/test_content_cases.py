"""The case files that stage 4 decides, and what holds for the stage as a whole."""

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from domain.ids import NodeId
from plans.canonical import canonical_document
from plans.compile import compile_plan
from plans.context import TenantPolicy
from plans.normalise import normalise
from plans.verify.codes import CODES
from plans.verify.content import content
from plans.verify.graph_checks import reachable_from
from plans.verify.shape import shape
from tests.plans.content_cases import CONTACT, contact, issues, stage_4
from tests.plans.plan_cases import DATA, END, EXAMPLES, ROOT, files, mail, plan, read

INVALID = [(path.stem, read(path)) for path in files(DATA / "invalid")]
BOTH = {"E_DEAD_TRANSITION", "E_POLICY_LIMIT"}
"""Codes of stages 4 and 5; in the case files it is stage 5 that gives them."""


def stage_of(case: dict[str, Any]) -> int:
    """The stage that refuses the plan of a case file."""
    (code,) = {each["code"] for each in case["expect"]}
    return 5 if code in BOTH else CODES[code].stages[0]


OURS = [pytest.param(case, id=name) for name, case in INVALID if stage_of(case) == 4]
LATER = [pytest.param(case, id=name) for name, case in INVALID if stage_of(case) == 5]


def found(case: dict[str, Any]) -> set[tuple[str, str]]:
    policy = None if case["policy"] is None else TenantPolicy.model_validate(case["policy"])
    context = contact(case["context"].removesuffix(".context.json"))
    return set(issues(case["plan"], context=context, policy=policy))


@pytest.mark.parametrize("case", OURS)
def test_what_stage_4_decides_gets_exactly_its_codes(case: dict[str, Any]) -> None:
    assert found(case) == {(each["code"], each["path"]) for each in case["expect"]}


@pytest.mark.parametrize("case", LATER)
def test_what_only_stage_5_refuses_has_good_content(case: dict[str, Any]) -> None:
    assert found(case) == set()


def test_no_case_of_stages_4_and_5_is_left_out() -> None:
    earlier = [name for name, case in INVALID if stage_of(case) < 4]
    assert (len(OURS), len(LATER), len(earlier)) == (6, 9, 7)


@pytest.mark.parametrize(
    "path", [*files(DATA / "valid"), *files(EXAMPLES)], ids=lambda path: path.stem
)
def test_valid_plans_have_good_content(path: Path) -> None:
    assert issues(read(path)) == []


MANY = plan(
    mail(channel="sms", transitions=[{"on": "opened", "urlContains": "x", "to": "end"}] * 3),
    END,
    defaults={"timers": {"b": "P1D", "a": "P1D"}},
)

SCRIPT = """
import json, sys
from tests.plans.content_cases import stage_4
import msgspec
for document in json.load(sys.stdin):
    print(msgspec.json.encode(stage_4(document)).decode())
"""


def test_the_same_plan_gets_the_same_issues_whatever_the_hash_seed() -> None:
    documents = [case["plan"] for _, case in INVALID if stage_of(case) >= 4]
    answers = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            input=json.dumps([MANY, *documents]).encode(),
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(answers) == 1
    assert len(stage_4(MANY)) == 6


def test_every_issue_can_be_understood_and_is_of_this_stage() -> None:
    for each in stage_4(MANY):
        assert each.message
        assert each.suggestion
        assert 4 in CODES[each.code].stages


def test_only_nodes_that_can_be_reached_are_looked_at() -> None:
    document = plan(mail(message=None), END, mail(id="lost", message=None))
    shaped, _ = shape(document, None)
    assert shaped is not None
    from_start = reachable_from(shaped, [NodeId("mail")])
    assert from_start == {"mail", "end"}
    assert issues(document, reachable=from_start) == [("E_MESSAGE_MISSING", "/nodes/0")]
    both = reachable_from(shaped, [NodeId("mail"), NodeId("lost")])
    assert [path for _, path in issues(document, reachable=both)] == ["/nodes/0", "/nodes/2"]


def test_issues_come_one_by_one_so_that_a_caller_may_stop() -> None:
    variants = [{"id": f"v{at}", "message": {"text": "{{", "html": "{{"}} for at in range(5)]
    nodes = [
        mail(
            id=f"n{at}",
            message=None,
            variants=variants,
            transitions=[{"on": "no_reply", "to": f"n{at + 1}" if at < 58 else "end"}] * 12,
        )
        for at in range(59)
    ]
    shaped, _ = shape(normalise(plan(*nodes, END)).document, None)
    assert shaped is not None
    compiled = compile_plan(canonical_document(shaped), "sha256:test")
    assert len(list(islice(content(shaped, CONTACT, compiled=compiled), 101))) == 101


@pytest.mark.parametrize(
    "text",
    ["{" * 100_000, "[your " * 20_000, "{a " * 33_000, "lorem " + " " * 100_000, "{{ x }}" * 2_000],
)
def test_long_texts_of_half_placeholders_are_answered(text: str) -> None:
    assert len(issues(plan(mail(message={"subject": "x", "text": text}), END))) <= 1
