"""What a recorded signal comes to: taken by a transition, latched, or the end (plan-dsl.md 8)."""

from collections.abc import Collection
from datetime import datetime

from domain.campaign.matching import held_up, in_order, match
from domain.campaign.saying import GOAL, default_exit
from domain.campaign.state import Heard, Phase
from domain.campaign.walk import Walk
from domain.lifecycle import Stage
from domain.plan import Plan


def settle(walk: Walk, fresh: Collection[int], *, since: datetime | None = None) -> None:
    """Offer signals that this node was not offered yet, oldest first.

    `fresh` has their numbers. A goal, a reply or a bounce is never passed over: where one is still
    latched it had to wait, for a timer dated before it or for a resume, and is settled with them.
    Nothing is dated before `since`.
    """
    for heard in in_order(walk.state.latched):
        if walk.state.stage != Stage.ACTIVE:
            return
        if heard.no not in fresh and not _ends(walk.grounds.plan, heard.signal):
            continue
        waits = held_up(walk.state, walk.grounds, heard, walk.now)
        if heard in walk.state.latched and not waits:
            _settle_one(walk, heard, since or heard.at)


def _ends(plan: Plan, signal: str) -> bool:
    return plan.goal(signal) is not None or default_exit(plan, signal) is not None


def _settle_one(walk: Walk, heard: Heard, since: datetime) -> None:
    state, plan = walk.state, walk.grounds.plan
    goal, default = plan.goal(heard.signal), default_exit(plan, heard.signal)
    at = max(heard.at, since)
    if goal is not None:
        walk.exit(goal, f"{GOAL}{heard.signal}", at)
        return
    watches = state.phase == Phase.WATCH
    index = match(state, walk.grounds, heard) if watches else None
    if index is not None:
        assert state.t0 is not None
        walk.follow(index, max(at, state.t0), on=heard.signal, heard=heard)
    elif default is not None:
        walk.exit(default, heard.signal, at)
