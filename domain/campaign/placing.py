"""When a message is due: the schedule of its node, open hours, spacing, jitter by hash."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from domain.campaign.state import Campaign
from domain.plan import Grounds, Send
from domain.taxonomy import FAMILY_OF
from domain.timing import Schedule, add, due_time

EXPIRES_AFTER = timedelta(days=3)
"""A message that could not be sent so long after it was due is not sent at all (trust.md 1)."""

AT_ONCE = Schedule()


def floor(state: Campaign, grounds: Grounds, send: Send) -> datetime | None:
    """The earliest instant that spacing and a deferring auto-reply allow."""
    return max(_floors(state, grounds, send), default=None)


def _floors(state: Campaign, grounds: Grounds, send: Send) -> Iterator[datetime]:
    plan = grounds.plan
    of_family = state.last_sent_at.get(FAMILY_OF[send.channel])
    if of_family is not None:
        yield add(of_family, plan.limits.min_spacing, plan.zone)
    if state.last_sent_at:
        yield add(max(state.last_sent_at.values()), plan.limits.min_spacing_any, plan.zone)
    if state.auto_replied_at is not None and plan.auto_reply == "defer":
        yield add(state.auto_replied_at, plan.auto_reply_by, plan.zone)


def due(
    state: Campaign, grounds: Grounds, send: Send, *, base: datetime, key: str
) -> datetime | None:
    """The due time of a send entered at `base`; None when no open hour comes (fails closed)."""
    lowest = floor(state, grounds, send)
    return due_time(send.schedule, base, key, send.hours, send.jitter, floor=lowest)


def again(
    state: Campaign, grounds: Grounds, send: Send, *, base: datetime, key: str
) -> datetime | None:
    """The due time of a message that is placed once more; delay and wall times are behind it."""
    lowest = floor(state, grounds, send)
    return due_time(AT_ONCE, base, key, send.hours, send.jitter, floor=lowest)
