"""What happened, newest first, narrowed by kind and campaign."""

from handlers.api import reading_calls
from handlers.web.console.naming import names_of
from handlers.web.console.visits import Shown, Visit

ON_A_PAGE = 60
KINDS = (
    "signal.replied",
    "signal.clicked",
    "signal.opened",
    "signal.bounced",
    "signal.unsubscribed",
    "message.accepted",
    "message.deferred",
    "message.cancelled",
    "message.failed",
    "message.unknown",
    "task.created",
    "campaign.started",
    "campaign.paused",
    "campaign.replied",
    "campaign.converted",
)
"""Kinds that people look for most; any other can be given in the address."""


class Which(reading_calls.WhichActivity):
    """Which activity."""

    limit: int = ON_A_PAGE


def activity(visit: Visit) -> Shown:
    """A page of it."""
    asked = visit.asked(Which)
    listed = reading_calls.activity(visit.call(query=asked))
    return Shown(
        "activity.html",
        {
            "activity": listed.items,
            "next_cursor": listed.next_cursor,
            "asked": asked,
            "kinds": KINDS,
            "names": names_of(visit, listed.items),
        },
    )
