"""Taking a plan for a contact and starting it."""

from collections.abc import Sequence
from datetime import datetime

from domain.campaign.state import Campaign
from domain.campaign.walk import Walk
from domain.errors import AlreadyEnrolled, CampaignEnded, CampaignNotStarted
from domain.events import CampaignStarted, Event, PlanAccepted, StartScheduled
from domain.lifecycle import Stage, allowed
from domain.plan import Grounds
from domain.timing import add


def accept(state: Campaign, grounds: Grounds, *, accepted: PlanAccepted) -> list[Event]:
    """Take a proven plan; the same plan again is no news, another one is refused."""
    if state.stage == Stage.NONE:
        assert accepted.plan_hash == grounds.plan.hash
        return [accepted]
    if state.plan_hash == accepted.plan_hash:
        return []
    if state.ended:
        raise CampaignEnded("this run is over; a new run needs a new number")
    raise AlreadyEnrolled(f"enrolled with plan {state.plan_hash}")


def start(state: Campaign, grounds: Grounds, *, at: datetime, now: datetime) -> Sequence[Event]:
    """Start at `at`, or note that it starts then; a running contact-campaign is left as it is."""
    if state.stage == Stage.NONE:
        raise CampaignNotStarted("no plan was accepted")
    if not allowed(state.stage, "start"):
        return []
    if at > now:
        return [] if state.starts_at == at else [StartScheduled(at=at)]
    walk = Walk(state, grounds, now)
    expires_at = add(at, grounds.plan.limits.max_duration, grounds.plan.zone)
    walk.say(CampaignStarted(at=at, expires_at=expires_at))
    walk.enter(grounds.plan.start, at)
    return walk.facts


def enrol(
    state: Campaign, grounds: Grounds, *, accepted: PlanAccepted, starts_at: datetime
) -> Sequence[Event]:
    """Accept and start in one append; what was done before is not done again."""
    walk = Walk(state, grounds, accepted.at)
    walk.say(*accept(state, grounds, accepted=accepted))
    walk.say(*start(walk.state, grounds, at=starts_at, now=accepted.at))
    return walk.facts
