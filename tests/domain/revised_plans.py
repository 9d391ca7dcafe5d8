"""Plans before and after a revision: what the tests of section 10 share."""

from collections.abc import Sequence

from domain.events import PlanRevised
from domain.plan import Node, Plan, Transition
from domain.taxonomy import Outcome
from tests.domain.building import on, plan, send, stop
from tests.domain.spec import Story, given

WAY = on("timeout", "end", after="P9D")
ENDS = (stop(), stop("won", Outcome.CONVERTED), stop("lost", Outcome.NO_RESPONSE))
OLD = plan(send("intro", WAY, delay="PT6H"), stop())
"""One mail that goes out six hours after the enrolment."""


def new(*nodes: Node, goal: str = "meeting_booked", **more: object) -> Plan:
    """The plan that a revision puts in force, with its three ends."""
    goals = [(goal, Outcome.CONVERTED)]
    return plan(*nodes, *ENDS, name="new", goals=goals, **more)  # type: ignore[arg-type]  # options of plan()


def watching(*ways: Transition) -> Story:
    """The mail is out, and nothing but nine days of silence leads on."""
    return given(plan(send("intro", *ways, WAY), *ENDS)).sends("intro")


def revisions(story: Story) -> Sequence[PlanRevised]:
    """The revisions that came into force."""
    return [fact for fact in story.facts if isinstance(fact, PlanRevised)]
