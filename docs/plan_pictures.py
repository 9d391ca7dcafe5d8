"""Draws the plan of docs/explanation/proofs.md, refused and mended; called by docs/generate.py."""

import json
from pathlib import Path
from typing import Any

from plans.graph import marks_of, svg
from plans.patch import patched
from plans.verify.check import Checked, check

CASE = "tests/data/plans/invalid/07_stuck_gap_between_within_and_no_open.json"
ROOT = Path(__file__).resolve().parent.parent


def stuck() -> str:
    """The plan as it is refused."""
    return _drawn(check(_plan()))


def mended() -> str:
    """The plan after the patch of its report, with the longest way marked."""
    plan = _plan()
    (patch,) = (each.patch for each in check(plan).report.issues if each.patch is not None)
    found = check(patched(plan, patch))
    assert found.report.ok
    return _drawn(found)


def _plan() -> Any:  # noqa: ANN401  # a JSON value
    return json.loads((ROOT / CASE).read_text("utf-8"))["plan"]


def _drawn(found: Checked) -> str:
    assert found.plan is not None
    drawing = svg(found.plan, marks_of(found.report, "duration"))
    return drawing if drawing.endswith("\n") else drawing + "\n"
