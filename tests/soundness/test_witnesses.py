"""What E_STUCK tells is what happens: after just these events the real interpreter waits for ever.

Only the first node is looked at, for there nothing was known before. A day of the witness has 24
hours; where calendar days are held against hours, only another length of a day may let it wait.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from domain.plan import Plan
from domain.timing import parse_duration
from plans.compile import compile_plan
from plans.verify.check import check
from tests.plans.timed_cases import END, Json, mail, on, one, witness
from tests.soundness.adversary import Adversary, Idle
from tests.soundness.clock_changes import clock_changes
from tests.soundness.documents import Documents

NODES = 250
HOUR_S = 3_600
JULY = datetime(2026, 7, 6, 15, tzinfo=UTC)
Told = Sequence[tuple[str, int]]


class Obedient(Adversary):
    """Lets just the given events happen, and else nothing but time."""

    def __init__(self, plan: Plan, start: datetime, escapes: Told) -> None:
        super().__init__(plan, 1)
        self.mischief = self.failures = 0.0
        self.values["contact.stage"] = "cold"  # every guard of these plans is false
        self.now = start
        self.escapes = {str(plan.start): list(escapes)}


def _idles(plan: Plan, start: datetime, escapes: Told) -> bool:
    run = Obedient(plan, start, escapes)
    try:
        while run.state.node in ("", plan.start) and not run.state.ended:
            run.run(1)
    except Idle:
        return True
    return False


def _stuck(documents: Documents) -> Iterator[tuple[dict[str, Any], Plan, Told]]:
    """Plans that are stuck at their first node, each with this node and the witness."""
    while True:
        document = documents.document() | {"window": None, "quietHours": None, "goals": []}
        document |= {"limits": {"maxDuration": "P999D"}, "timezone": "America/Los_Angeles"}
        document["nodes"][0] |= {"schedule": {}, "sendIf": None}
        checked = check(document)
        for each in checked.report.issues:
            if each.code == "E_STUCK" and each.path == "/nodes/0":
                assert checked.document is not None
                plan = compile_plan(checked.document, "sha256:idles")
                yield document["nodes"][0], plan, _told(each.witness or {})


def _told(found: Any) -> Told:
    told = sorted({(event["atSeconds"], str(event["event"])) for event in found["events"]})
    return [(event, at_s) for at_s, event in told]


def _mixes_days_and_hours(node: dict[str, Any]) -> bool:
    bounds = [way.get(bound) for way in node["transitions"] for bound in ("after", "within")]
    return any(parse_duration(bound).days for bound in bounds if bound)


def test_whoever_does_what_the_witness_tells_waits_for_ever() -> None:
    exact, beside = 0, 0
    for node, plan, escapes in islice(_stuck(Documents(23, open_guards=True)), NODES):
        if not escapes:
            continue
        if _idles(plan, JULY, escapes):
            exact += 1
            continue
        assert _mixes_days_and_hours(node), (node, escapes)
        starts = [change - timedelta(hours=30) for change in clock_changes(plan.zone)]
        moved = [[(word, at_s + by) for word, at_s in escapes] for by in (-HOUR_S, 0, HOUR_S)]
        assert any(_idles(plan, start, each) for start in starts for each in moved), (node, escapes)
        beside += 1
    assert exact > 10 * beside


@pytest.mark.parametrize(
    ("ways", "events"),
    [
        (
            [on("opened", within="PT6H"), on("no_click", after="P1D")],
            [("clicked", 21_601)],
        ),
        (
            [on("opened", after="PT1H"), on("clicked", within="PT3H"), on("no_click", after="P1D")],
            [("opened", 0), ("clicked", 3 * HOUR_S + 1)],
        ),
        (
            [on("opened", within="P3D"), on("no_open", after="PT72H")],
            [("opened", 3 * 86_400 - HOUR_S + 1)],
        ),
    ],
)
def test_the_witness_is_of_an_ordinary_day_where_there_is_one(
    ways: list[dict[str, Json]], events: Told
) -> None:
    assert _told(witness(one(mail("a", *ways), END))) == events
