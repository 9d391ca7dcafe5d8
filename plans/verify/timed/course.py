"""A plan in time, whatever its messages say: all its states, and the bounds that hold in them."""

from collections.abc import Iterable
from datetime import date

import msgspec

from domain.plan import Plan as CompiledPlan
from domain.timing import parse_duration
from plans.canonical import CanonicalDocument
from plans.compile import compile_plan
from plans.context import TenantPolicy
from plans.verify.report import Issue
from plans.verify.resume import Resume
from plans.verify.timed.bounds import Bounds, bounds
from plans.verify.timed.explore import Explored, explore
from plans.verify.timed.idle import dead, stuck
from plans.verify.timed.law import forbidden_sends
from plans.verify.timed.limits import breathless, passed_limits, too_complex
from plans.verify.timed.outline import outline
from plans.verify.timed.spacing import Gap, Nearness
from plans.verify.timed.warnings import warnings
from plans.verify.timed.watched import Anchors, anchors_of

_UNRULED = TenantPolicy()
_SAID = ("message", "name", "title", "instructions", "text")
"""What people read: no part of a plan in time."""


class Proof(msgspec.Struct, frozen=True):
    """What was seen in all states. `proven` is absent where there were too many to look at.

    The problems are in three parts: the report tells of what is watched after the first, and of
    the way out after the second.
    """

    explored: Explored
    anchors: Anchors
    stuck: tuple[Issue, ...]
    forbidden: tuple[Issue, ...]
    warnings: tuple[Issue, ...]
    bounded: tuple[Issue, ...]
    proven: Bounds | None = None
    shortest: Gap | None = None


class Course:
    """The course of a plan; `compiled` has no hash: plans of one course may say other things."""

    def __init__(
        self, compiled: CompiledPlan, policy: TenantPolicy | None, resume: Resume | None = None
    ) -> None:
        self.compiled = compiled
        self.policy = policy
        self.resume = resume

    def proof(self) -> Proof:
        """The walk through all states."""
        policy, limits = self.policy or _UNRULED, self.compiled.limits
        grace_s = parse_duration(policy.timer_grace).nominal_s
        walked = outline(self.compiled, grace_s)
        explored = explore(walked, limits.max_duration.nominal_s, self.resume)
        anchors = anchors_of(explored)
        found = Proof(
            explored,
            anchors,
            tuple(stuck(explored)),
            tuple(forbidden_sends(walked, anchors)),
            tuple(warnings(walked)),
            (too_complex(),),
        )
        return found if explored.too_many else self._bounded(found)

    def _bounded(self, found: Proof) -> Proof:
        explored = found.explored
        idle = any(seen.stuck for seen in explored.views.values())
        prices = (self.policy or _UNRULED).costs
        costs = {str(family): price for family, price in prices.items()}
        proven = bounds(explored, costs, self.resume)
        nearness = Nearness(explored)
        problems = (
            *breathless(proven),
            *dead(explored),
            *passed_limits(explored, proven, self.policy, idle=idle),
            *nearness.too_soon(),
        )
        return msgspec.structs.replace(
            found, bounded=problems, proven=proven, shortest=nearness.shortest()
        )


def course_of(
    document: CanonicalDocument,
    holidays: Iterable[date],
    policy: TenantPolicy | None,
    resume: Resume | None = None,
) -> Course:
    """The course of a plan that passed stages 1 and 2."""
    return Course(compile_plan(bare(document), "", holidays), policy, resume)


def bare(document: CanonicalDocument) -> CanonicalDocument:
    """The document without what its messages say."""
    return {**document, "nodes": [_bare_node(node) for node in document["nodes"]]}


def _bare_node(node: CanonicalDocument) -> CanonicalDocument:
    kept = {name: value for name, value in node.items() if name not in _SAID}
    if "variants" in node:
        kept["variants"] = [
            {"id": variant["id"], "weight": variant["weight"]} for variant in node["variants"]
        ]
    return kept
