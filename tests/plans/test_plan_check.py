"""The case files, the form of the report, and that it is the same everywhere."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plans.context import ContactContext, TenantPolicy
from plans.schema.scalars import zones
from plans.verify.check import Checked, check
from plans.verify.report import in_order, issue, to_json
from tests.plans.plan_cases import DATA, ROOT, files, plan, read

INVALID = [(path, read(path)) for path in files(DATA / "invalid")]
REFUSED = [pytest.param(case, id=path.stem) for path, case in INVALID]


def checked(case: dict[str, Any]) -> Checked:
    context = ContactContext.model_validate(read(DATA / "contexts" / case["context"]))
    policy = None if case["policy"] is None else TenantPolicy.model_validate(case["policy"])
    return check(case["plan"], context, policy)


@pytest.mark.parametrize("path", files(DATA / "valid"), ids=lambda path: path.stem)
def test_valid_plans_are_accepted(path: Path) -> None:
    context = read(DATA / "contexts" / "contact.context.json")
    report = check(read(path), ContactContext.model_validate(context)).report
    assert report.ok
    assert [each for each in report.issues if each.severity == "error"] == []


@pytest.mark.parametrize("case", REFUSED)
def test_invalid_plans_get_exactly_the_expected_errors(case: dict[str, Any]) -> None:
    report = checked(case).report
    found = {(each.code, each.path) for each in report.issues if each.severity == "error"}
    assert not report.ok
    assert found == {(each["code"], each["path"]) for each in case["expect"]}


def test_no_case_file_is_left_out() -> None:
    assert len(REFUSED) == 22


def test_a_plan_whose_shape_fails_has_no_hash_and_no_document() -> None:
    done = check(plan(timezone="PST"))
    assert (done.report.plan_hash, done.document, done.plan) == (None, None, None)


def test_a_plan_that_fails_later_has_its_hash_and_document() -> None:
    done = check(plan(startNodeId="nowhere"))
    assert done.report.plan_hash is not None
    assert done.document is not None
    assert not done.report.ok


def test_the_report_has_the_form_of_the_language() -> None:
    report = to_json(check(plan(version=1.0, timezone="PST")).report)
    assert list(report) == ["ok", "dslVersion", "planHash", "normalized", "issues", "facts"]
    assert report["normalized"] == [{"path": "/version", "rule": "number_to_string"}]
    assert report["planHash"] is None
    assert report["facts"] is None
    (found,) = report["issues"]
    assert {"code", "severity", "path", "message", "expected", "got"} <= set(found)
    assert "witness" not in found
    assert json.loads(json.dumps(report)) == report


def test_issues_are_sorted_errors_first_then_by_path_as_text() -> None:
    mixed = [
        issue("W_OPEN_UNRELIABLE", "/nodes", "w"),
        issue("E_STUCK", "/nodes/10", "b"),
        issue("E_STUCK", "/nodes/2", "c"),
        issue("E_NO_LINK", "/nodes/10", "first of the two stays first"),
    ]
    ordered = [(each.code, each.path) for each in in_order([mixed[3], *mixed[:3]])]
    assert ordered == [
        ("E_NO_LINK", "/nodes/10"),
        ("E_STUCK", "/nodes/10"),
        ("E_STUCK", "/nodes/2"),
        ("W_OPEN_UNRELIABLE", "/nodes"),
    ]


SCRIPT = """
import json, sys
from plans.graph import mermaid, svg
from plans.schema import json_schema
from plans.verify.check import check
from plans.verify.report import to_json
for case in json.load(sys.stdin):
    done = check(case)
    print(json.dumps(to_json(done.report)))
    if done.plan is not None:
        print(svg(done.plan), mermaid(done.plan))
print([json.dumps(json_schema(flavour)) for flavour in ("full", "strict", "lite")])
"""


def test_the_same_plan_gets_the_same_answer_whatever_the_hash_seed() -> None:
    cases = [case["plan"] for _, case in INVALID] + [read(path) for path in files(DATA / "valid")]
    cases.append(plan(timezone="Europe/Belrin", colour=1, nodes=[{"type": "x"}, {"id": "y"}]))
    answers = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            input=json.dumps(cases).encode(),
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(answers) == 1


def test_the_zones_are_read_once() -> None:
    assert zones() is zones()
