"""What-if: a recorded history run against another plan, side by side with what happened.

Signals come as they came; how they are kept where the courses differ is written in `rerun`.
"""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from domain.errors import CampaignError
from domain.plan import Plan
from domain.recorded import Recorded
from plans.what_if.assumed import Assumption, assumptions
from plans.what_if.course import Course, Step, Way, course_of
from plans.what_if.parting import Parting, parting_of
from plans.what_if.past import Past, past_of
from plans.what_if.rerun import Rerun, Setting


class WhatIf(msgspec.Struct, frozen=True):
    """Both courses, where they part, and what had to be assumed."""

    happened: Course
    other: Course
    parted: Parting | None
    assumed: list[Assumption]


def what_if(recorded: Sequence[Recorded], plan: Plan, setting: Setting) -> WhatIf:
    """Run a history against another plan; raises CampaignNotStarted where there is none.

    A history that still runs is compared until `setting.until`, or until its last fact.
    """
    past = past_of(recorded)
    if past.state.ended:
        setting = replace(setting, until=None)
    elif setting.until is None:
        setting = replace(setting, until=past.last.at)
    rerun = Rerun(past, setting, plan)
    plans = {**setting.plans, plan.hash: plan}
    happened = course_of((one.fact for one in recorded), plans)
    other = course_of(rerun.go(), plans)
    told = assumptions(rerun, plan, happened, other)
    doubt = _not_reproduced(past, setting, happened)
    return WhatIf(
        happened, other, parting_of(happened, other, plan), [*told, doubt] if doubt else told
    )


def _not_reproduced(past: Past, setting: Setting, happened: Course) -> Assumption | None:
    """The same history under its own plans should come out as it did; if not, that is told."""
    if any(plan_hash not in setting.plans for plan_hash in past.hashes):
        return Assumption("unproven", "a plan of then is gone: no rerun shows how exact this is")
    own = setting.plans[past.accepted.plan_hash]
    try:
        again = course_of(Rerun(past, setting, own, revisions=True).go(), setting.plans)
    except CampaignError as refused:
        return Assumption("inexact", f"the history cannot be run again by its own plan: {refused}")
    parted = parting_of(happened, again, own)
    if parted is None:
        return None
    why = "its data, or how busy the workers were, are not those of then"
    return Assumption(
        "inexact", f"run again by its own plan it parts at step {parted.step + 1} already: {why}"
    )


__all__ = [
    "Assumption",
    "Course",
    "Parting",
    "Setting",
    "Step",
    "Way",
    "WhatIf",
    "what_if",
]
