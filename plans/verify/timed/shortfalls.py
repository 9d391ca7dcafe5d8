"""By how much the engine puts a send off to keep the spacing (plan-dsl.md 4.3 step 6)."""

from math import inf

import msgspec

from domain.taxonomy import Family, Signal
from plans.verify.timed.explore import Explored, Step
from plans.verify.timed.spans import longest_s


class Shortfalls(msgspec.Struct, frozen=True):
    """By how much the engine may put off each send, because it would follow too soon."""

    explored: Explored
    of: list[int]
    after_bounce: list[int]

    def added_to(self, step: Step) -> int:
        """What a bounce adds on top, if it leads to a send."""
        lane = step.lane
        return self.after_bounce[step.to] if lane and lane.way.on == Signal.BOUNCED else 0


def shortfalls(explored: Explored, *, resumed: bool) -> Shortfalls:
    """Forward over all states: how long ago the last message of each family left, at least."""
    families, limits = explored.outline.families, explored.outline.plan.limits
    since = _since(explored, families, resumed=resumed)
    any_s, family_s = longest_s(limits.min_spacing_any), longest_s(limits.min_spacing)
    of, after_bounce = [0] * len(since), [0] * len(since)
    for state in explored.order:
        span, family = explored.messages[state], explored.spots[state].family
        if span is None or family is None:
            continue
        ago = since[state]
        missing = max(
            any_s - min(ago) - span.wanted, family_s - ago[families.index(family)] - span.wanted
        )
        of[state] = max(0, int(missing)) if missing > -inf else 0
        after_bounce[state] = max(0, any_s + span.jitter_max - of[state])
    return Shortfalls(explored, of, after_bounce)


def _since(explored: Explored, families: list[Family], *, resumed: bool) -> list[list[float]]:
    since = [[inf] * len(families) for _ in explored.states]
    if resumed:
        since[0] = [0] * len(families)
    for state in reversed(explored.order):
        span, family = explored.messages[state], explored.spots[state].family
        for step in explored.steps[state]:
            lane = step.lane
            unsent = lane is not None and lane.unsent
            passed = lane.sure if lane else 0
            waited = span.sure if span and not unsent else 0
            target = since[step.to]
            for at, ago in enumerate(since[state]):
                fresh = families[at] == family and not unsent
                target[at] = min(target[at], passed + (0 if fresh else ago + waited))
    return since
