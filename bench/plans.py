"""What the check of a plan, its interpretation and its simulation cost, on one core.

The floor of a check is reading the same plan: JSON to checked models, nothing proven.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bench.measuring import Row, time_row, timed
from plans.canonical import canonical_document, plan_hash
from plans.compile import compile_plan
from plans.context import ContactContext
from plans.normalise import normalise
from plans.schema.models import Plan
from plans.simulate import Trial, simulate
from plans.verify.check import STAGES, Subject, check
from plans.verify.shape import shape

START = datetime(2026, 6, 1, 16, tzinfo=UTC)
CONTACT = ContactContext.model_validate(
    {
        "tenant": "t_bench",
        "contact": "c_1",
        "channels": {"email": {"address": "dana@example.test"}},
        "vars": {
            "contact": {"first_name": "Dana"},
            "company": {"name": "Harbor Freightways"},
            "sender": {"first_name": "Sam"},
        },
    }
)
BODY = (
    "Hi {{ contact.first_name }}, how does {{ company.name }} plan its week? "
    "https://harbor.example/offer {{ sender.first_name }}"
)


def run(rounds: int) -> list[Row]:
    """All rows."""
    eight, sixty, loops = straight(4), straight(30), looping()
    return [
        _checked("check_8_nodes", eight, rounds, 20),
        *_staged("check_8_nodes", eight, rounds, 20),
        _checked("check_60_nodes", sixty, rounds, 3),
        _checked("check_three_loops", loops, rounds, 1),
        *_simulated(eight, rounds),
    ]


def _checked(measure: str, document: dict[str, Any], rounds: int, number: int) -> Row:
    found = check(document, CONTACT)
    assert found.report.ok, found.report.issues
    text = json.dumps(document)
    ours = timed(lambda: check(json.loads(text), CONTACT), rounds=rounds, number=number)
    floor = timed(
        lambda: Plan.model_validate(normalise(json.loads(text)).document),
        rounds=rounds,
        number=number,
    )
    return time_row(f"{measure}_ms", "ms", ours, floor)


def _staged(measure: str, document: dict[str, Any], rounds: int, number: int) -> list[Row]:
    """What each part of the check takes of it."""
    found = check(document, CONTACT)
    assert found.plan is not None
    assert found.document is not None
    plain = normalise(document).document
    subject = Subject(found.plan, found.document, context=CONTACT, policy=None, resume=None)
    parts: dict[str, Callable[[], object]] = {
        "normalise": lambda: normalise(document),
        "shape": lambda: shape(plain, None),
        "hash": lambda: plan_hash(canonical_document(subject.plan)),
        "compile": lambda: compile_plan(subject.document, subject.hash),
    }
    parts |= {stage.find.__name__.strip("_"): partial(stage.find, subject) for stage in STAGES}
    subject.compiled  # noqa: B018  # made once, measured above
    return [
        time_row(f"{measure}_{part}_ms", "ms", timed(work, rounds=rounds, number=number))
        for part, work in parts.items()
    ]


def _simulated(document: dict[str, Any], rounds: int) -> list[Row]:
    found = check(document, CONTACT)
    assert found.document is not None
    assert found.report.plan_hash is not None
    plan = compile_plan(found.document, found.report.plan_hash)
    thousand = timed(
        lambda: simulate(plan, Trial(start=START, runs=1000, seed=7)),
        rounds=max(1, rounds // 3),
    )
    one = [each / 1000 for each in thousand]
    return [
        time_row("simulate_1000_runs_s", "s", thousand),
        time_row("interpret_run_us", "us", one),
    ]


# --- plans ----------------------------------------------------------------------------------------


def straight(steps: int) -> dict[str, Any]:
    """Pairs of a send and a wait, one after another: 2 * steps nodes, the last of them a stop."""
    nodes: list[dict[str, Any]] = []
    for step in range(steps):
        last = step == steps - 1
        after = "end" if last else f"wait_{step}"
        nodes.append(_mail(f"mail_{step}", after))
        if not last:
            nodes.append(_wait(f"wait_{step}", f"mail_{step + 1}"))
    nodes.append({"id": "end", "type": "stop"})
    return _plan(nodes)


def looping() -> dict[str, Any]:
    """57 nodes with three bounded loops that lead into each other."""
    nodes: list[dict[str, Any]] = []
    for loop in range(3):
        names = [f"l{loop}_{number}" for number in range(18)]
        beyond = f"l{loop + 1}_0" if loop < 2 else "end"  # noqa: PLR2004  # three loops
        for number, name in enumerate(names):
            node = _wait(name, names[(number + 1) % 18])
            if number == 0:
                node |= _mail(name, names[1]) | {"maxVisits": 3, "onMaxVisits": beyond}
            if number == 9:  # noqa: PLR2004  # half way round
                node["transitions"].insert(0, {"on": "x_again", "to": f"l{(loop + 1) % 3}_0"})
            nodes.append(node)
    nodes[-1]["transitions"].append({"on": "opened", "to": "late"})
    nodes += [_wait("late", "last"), _wait("last", "end"), {"id": "end", "type": "stop"}]
    plan = _plan(nodes)
    plan["startNodeId"] = "l0_0"
    return plan


def _plan(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "timezone": "America/Los_Angeles",
        "window": {},
        "limits": {"maxSends": 30, "maxDuration": "P999D", "minSpacing": "PT1H"},
        "startNodeId": nodes[0]["id"],
        "nodes": nodes,
    }


def _mail(name: str, after: str) -> dict[str, Any]:
    return {
        "id": name,
        "type": "send",
        "channel": "email",
        "schedule": {"delay": "P1D"},
        "message": {"subject": "An idea for {{ company.name }}", "text": BODY},
        "transitions": [
            {"on": "opened", "within": "P1D", "to": after},
            {"on": "no_reply", "after": "P2D", "to": after},
        ],
    }


def _wait(name: str, after: str) -> dict[str, Any]:
    return {
        "id": name,
        "type": "wait",
        "transitions": [
            {"on": "clicked", "within": "PT12H", "to": after},
            {"on": "no_reply", "after": "P1D", "to": after},
        ],
    }
