"""Stage 5: every state that a contact can come to, and the bounds that hold in all of them."""

from plans.schema.models import Plan
from plans.verify.report import Findings
from plans.verify.timed.course import Course
from plans.verify.timed.facts import facts
from plans.verify.timed.law import opt_out
from plans.verify.timed.watched import watched


def timed(plan: Plan, course: Course) -> Findings:
    """Every problem in time of a plan that passed stages 1 to 3, and the facts proven about it."""
    proof = course.proof()
    explored = proof.explored
    found = (
        *proof.stuck,
        *watched(explored, plan, proof.anchors),
        *proof.forbidden,
        *opt_out(explored.outline, plan, course.resume),
        *proof.warnings,
        *proof.bounded,
    )
    if proof.proven is None:
        return Findings(found)
    return Findings(found, facts(plan, explored, proof.proven, proof.shortest))
