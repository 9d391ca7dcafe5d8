"""Stage 5: every state that a contact can come to, and the bounds that hold in all of them."""

from collections.abc import Iterator

from domain.plan import Plan as CompiledPlan
from domain.timing import parse_duration
from plans.context import TenantPolicy
from plans.schema.models import Plan
from plans.verify.report import Findings, Issue
from plans.verify.resume import Resume
from plans.verify.timed.bounds import bounds
from plans.verify.timed.explore import Explored, explore
from plans.verify.timed.facts import facts
from plans.verify.timed.idle import dead, stuck
from plans.verify.timed.law import forbidden_sends, opt_out
from plans.verify.timed.limits import breathless, passed_limits, too_complex
from plans.verify.timed.outline import outline
from plans.verify.timed.spacing import Nearness
from plans.verify.timed.warnings import warnings
from plans.verify.timed.watched import anchors_of, watched

_UNRULED = TenantPolicy()


def timed(
    plan: Plan, compiled: CompiledPlan, policy: TenantPolicy | None, resume: Resume | None = None
) -> Findings:
    """Every problem in time of a plan that passed stages 1 to 3, and the facts proven about it."""
    grace_s = parse_duration((policy or _UNRULED).timer_grace).nominal_s
    explored = explore(outline(compiled, grace_s), compiled.limits.max_duration.nominal_s, resume)
    found = tuple(_problems(plan, explored, resume))
    if explored.too_many:
        return Findings((*found, too_complex()))
    idle = any(seen.stuck for seen in explored.views.values())
    costs = {str(family): price for family, price in (policy or _UNRULED).costs.items()}
    proven = bounds(explored, costs, resume)
    nearness = Nearness(explored)
    found += tuple(breathless(proven)) + tuple(dead(explored))
    found += tuple(passed_limits(explored, proven, policy, idle=idle))
    found += tuple(nearness.too_soon())
    return Findings(found, facts(plan, explored, proven, nearness.shortest()))


def _problems(plan: Plan, explored: Explored, resume: Resume | None) -> Iterator[Issue]:
    yield from stuck(explored)
    yield from watched(explored, plan)
    yield from forbidden_sends(explored.outline, anchors_of(explored))
    yield from opt_out(explored.outline, plan, resume)
    yield from warnings(explored.outline)
