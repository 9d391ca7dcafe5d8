"""Soundness is tested, not claimed: accepted plans against adversaries, in the real interpreter.

A fixed-seed sample runs by default, a large one with `--long`; both print their figures.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import cycle, islice
from typing import Any

import msgspec
import pytest

from domain import campaign
from domain.campaign import Revision
from domain.events import TransitionTaken
from domain.ids import NodeId
from domain.plan import Plan
from handlers.revisions import RevisionOrder, resume_of
from plans.compile import compile_plan
from plans.verify.check import Checked, check
from plans.verify.report import Issue
from tests.soundness.adversary import Adversary, Idle
from tests.soundness.documents import Documents, renamed
from tests.soundness.judging import broken
from tests.soundness.wild_documents import WildDocuments

SAMPLES = {Documents: 1_100, WildDocuments: 900}
RUNS = 20
LONG = 20
"""So many times as many plans with `--long`."""
IDLERS = 150
IDLE_RUNS = 400
IDLE_SHARE = 0.9
REVISIONS = 150


class Proven(msgspec.Struct, frozen=True):
    """An accepted plan with what was promised of it."""

    document: dict[str, Any]
    plan: Plan
    bounds: dict[str, Any]


def proven(documents: Documents, seen: Counter[str] | None = None) -> Iterator[Proven]:
    """Accepted random plans, without end."""
    while True:
        document = documents.document()
        found = check(document)
        if seen is not None:
            seen["drawn"] += 1
            seen.update({each.code for each in found.report.issues if each.severity == "error"})
        if found.report.ok:
            assert found.document is not None
            assert found.report.plan_hash is not None
            assert found.report.facts is not None
            plan = compile_plan(found.document, found.report.plan_hash)
            yield Proven(document, plan, dict(found.report.facts))


@pytest.fixture
def times(request: pytest.FixtureRequest) -> int:
    return LONG if request.config.getoption("--long") else 1


@pytest.mark.parametrize("kind", SAMPLES)
def test_no_adversary_breaks_what_an_accepted_plan_promises(
    kind: type[Documents], times: int, capsys: pytest.CaptureFixture[str]
) -> None:
    plans_wanted = SAMPLES[kind] * times
    seen: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    most = 0
    faults: list[str] = []
    for number, one in enumerate(islice(proven(kind(7), seen), plans_wanted)):
        for turn in range(RUNS):
            seed = number * RUNS + turn
            pauses, grace_s = turn % 5 == 4, 120 if turn % 3 == 2 else 0
            run = Adversary(one.plan, seed, pauses=pauses, grace_s=grace_s)
            told = _told(run, one, calm=not pauses and grace_s == 0)
            faults += [f"plan {number}, seed {seed}: {fault}" for fault in told]
            ends[str(run.state.outcome)] += 1
            most += run.state.sends == one.bounds["maxSends"]
    with capsys.disabled():
        runs = plans_wanted * RUNS
        name = kind.__name__
        print(f"\nsoundness: {name}: {plans_wanted} of {seen['drawn']} accepted, {runs} runs,")  # noqa: T201  # figures
        print(f"  {most} of them to the most sends that were promised,")  # noqa: T201  # figures
        print(f"  violations {len(faults)}; outcomes {dict(ends.most_common())}")  # noqa: T201  # figures
    assert faults == []


def _told(run: Adversary, one: Proven, *, calm: bool) -> list[str]:
    try:
        run.run()
    except Idle as idle:
        return [f"idles {idle}"]
    return broken(one.plan, one.bounds, run, calm=calm)


def test_plans_refused_only_for_idling_do_idle(capsys: pytest.CaptureFixture[str]) -> None:
    idlers = list(islice(_idlers(11), IDLERS))
    shown = sum(any(map(partial(_idles, *idler), range(IDLE_RUNS))) for idler in idlers)
    with capsys.disabled():
        print(f"\nsoundness: {len(idlers)} refused for idling, {shown} shown to idle")  # noqa: T201  # figures
    assert shown >= IDLE_SHARE * len(idlers)


Escapes = dict[str, list[tuple[str, int]]]


def _idlers(seed: int) -> Iterator[tuple[Plan, Escapes]]:
    """Plans refused for idling alone, with what their nodes are said to wait for ever after."""
    documents = Documents(seed, open_guards=True)
    while True:
        found = check(documents.document())
        errors = [each for each in found.report.issues if each.severity == "error"]
        if {each.code for each in errors} == {"E_STUCK"}:
            assert found.document is not None
            yield compile_plan(found.document, "sha256:idles"), dict(map(_escapes, errors))


def _escapes(stuck: Issue) -> tuple[str, list[tuple[str, int]]]:
    assert stuck.node is not None
    events = (stuck.witness or {}).get("events", [])
    told = sorted({(one["atSeconds"], one["event"]) for one in events})
    return stuck.node, [(event, at_s) for at_s, event in told]


def _idles(plan: Plan, escapes: Escapes, seed: int) -> bool:
    run = Adversary(plan, seed)
    if seed % 2:
        run.escapes = {node: list(events) for node, events in escapes.items()}
    try:
        run.run()
    except Idle:
        return True
    return False


def test_a_transition_that_is_called_dead_is_never_taken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told, taken = 0, []
    for plan, dead in islice(_with_dead_ways(19), IDLERS):
        told += len(dead)
        for seed in range(RUNS * 2):
            run = Adversary(plan, seed)
            run.run()
            ways = {(f.node, f.index) for f in run.facts if isinstance(f, TransitionTaken)}
            taken += sorted(ways & dead)
    with capsys.disabled():
        print(f"\nsoundness: {told} transitions called dead, {len(taken)} taken")  # noqa: T201  # figures
    assert taken == []


def _with_dead_ways(seed: int) -> Iterator[tuple[Plan, set[tuple[NodeId, int]]]]:
    """Plans refused for dead transitions alone, with these by node and place."""
    sources = cycle([Documents(seed), WildDocuments(seed)])
    while True:
        found = check(next(sources).document())
        errors = [each for each in found.report.issues if each.severity == "error"]
        if {each.code for each in errors} == {"E_DEAD_TRANSITION"}:
            assert found.document is not None
            dead = {(NodeId(one.node or ""), int(one.path.split("/")[4])) for one in errors}
            yield compile_plan(found.document, "sha256:dead"), dead


def test_a_plan_revised_on_the_way_keeps_what_its_own_check_promised(
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, documents = proven(WildDocuments(13)), WildDocuments(17)
    faults, revised = list[str](), 0
    for seed, old in enumerate(source):
        fault = _revised(Adversary(old.plan, seed), documents, old.document)
        if fault is not None:
            revised += 1
            faults += [f"plan {seed}: {told}" for told in fault]
        if revised == REVISIONS:
            break
    with capsys.disabled():
        print(f"\nsoundness: {revised} revisions on the way, violations {len(faults)}")  # noqa: T201  # figures
    assert faults == []


def _revised(run: Adversary, documents: Documents, document: dict[str, Any]) -> list[str] | None:
    """Run for a while, revise, run on; None where the run was over or the other plan is refused."""
    try:
        run.run(run.rng.randint(1, 8))
    except Idle as idle:
        return [f"idles before {idle}"]
    if run.state.ended:
        return None
    other = documents.varied(document)
    mapping: tuple[tuple[NodeId, NodeId], ...] = ()
    if run.chance(0.3):
        other = renamed(other)
        old_ids = [NodeId(node["id"]) for node in document["nodes"]]
        mapping = tuple((old, NodeId(old.replace("n", "m"))) for old in old_ids if old != "end")
    resume_at = NodeId(run.rng.choice([node["id"] for node in other["nodes"]]))
    order = RevisionOrder(
        plan=None,
        if_hash=run.state.plan_hash,
        author="test",
        mapping=mapping,
        resume_at=resume_at if run.chance(0.3) else None,
    )
    elapsed_s = int((run.now - run.started()).total_seconds())
    found = check(other, resume=resume_of(run.state, order, elapsed_s))
    if not found.report.ok or found.report.plan_hash == run.plan.hash:
        return None
    return _run_on(run, order, found)


def _run_on(run: Adversary, order: RevisionOrder, found: Checked) -> list[str]:
    assert found.document is not None
    assert found.report.plan_hash is not None
    assert found.report.facts is not None
    plan = compile_plan(found.document, found.report.plan_hash)
    revision = Revision(
        plan=plan,
        if_hash=order.if_hash,
        author="test",
        mapping=order.mapping,
        resume_at=order.resume_at,
    )
    run.do(partial(campaign.revise, revision=revision, at=run.now))
    run.under(plan)
    try:
        run.run()
    except Idle as idle:
        return [f"idles {idle}"]
    return broken(plan, dict(found.report.facts), run, calm=False)
