"""Campaigns: the list with orders to many, and one with its plan, its funnel and its people."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal
from uuid import UUID

import msgspec

from handlers.api import campaign_calls, journey_calls, metric_calls
from handlers.api.calls import Call, Page, Reason
from handlers.errors import NotHere, OutOfStep
from handlers.metrics import funnel as funnels
from handlers.metrics.funnel import FunnelShown
from handlers.metrics.reads import People, Span
from handlers.metrics.variants import RATE, On
from handlers.passages import Passage
from handlers.services import CampaignNumbers
from handlers.web.console.drawing import Place, campaign_drawing, places
from handlers.web.console.naming import names_of
from handlers.web.console.visits import Moved, Shown, Visit

ON_A_PAGE = 50
JOURNEYS = 25
PLANS_SHOWN = 6
PEOPLE_MAX = 100_000
"""In a campaign of more contacts the page, which renews itself, does not look at each of them."""
LOOKED_AT = ("contacted", "answered")
"""The stages of contacts that only a look at each of them tells."""
STAGES = {
    "contacted": "written to",
    "accepted": "sent",
}
"""How people call a stage of a funnel, where they have another word."""

Order = Literal["launch", "pause", "resume", "stop"]
ORDERS: Mapping[str, Callable[[Call], campaign_calls.Ordered]] = {
    "launch": campaign_calls.do_launch,
    "pause": campaign_calls.do_pause,
    "resume": campaign_calls.do_resume,
    "stop": campaign_calls.do_stop,
}
OFFERED: Mapping[str, Sequence[str]] = {
    "draft": ("launch", "stop"),
    "active": ("pause", "stop"),
    "paused": ("resume", "stop"),
}
"""The orders that change something, by status."""


class Which(Page):
    """Which part of the list."""

    limit: int = ON_A_PAGE


class WhichPeople(journey_calls.WhichJourneys):
    """Which contact-campaigns of a campaign, whose plan is drawn, by what variants are judged."""

    limit: int = JOURNEYS
    plan: str = ""
    on: On = "replies"


class Bulk(Reason):
    """One order to many campaigns."""

    order: Order


def campaigns(visit: Visit) -> Shown:
    """All campaigns with their numbers."""
    listed = campaign_calls.page(visit.call(query=visit.asked(Which)))
    reads = visit.tenant.reads
    numbers = {one.id: reads.numbers(one.id) for one in listed.items}
    return Shown(
        "campaigns.html",
        {"campaigns": listed.items, "next_cursor": listed.next_cursor, "numbers": numbers},
    )


def campaign(visit: Visit) -> Shown:
    """One campaign."""
    call = visit.call()
    row = campaign_calls.one(call)
    asked = visit.asked(WhichPeople)
    numbers = visit.tenant.reads.numbers(row.id)
    rate = metric_calls.WhichRate(on=asked.on)
    wanted = journey_calls.WhichJourneys(
        campaign=row.id, status=asked.status, limit=asked.limit, cursor=asked.cursor
    )
    people = journey_calls.page(visit.call(query=wanted))
    plans = visit.reads.plans_of(row.id)[:PLANS_SHOWN]
    chosen = asked.plan if asked.plan in {plan for plan, _ in plans} else ""
    chosen = chosen or (plans[0][0] if plans else "")
    passages = visit.tenant.reads.passages(row.id)
    return Shown(
        "campaign.html",
        {
            "campaign": row,
            "orders": OFFERED.get(row.status, ()),
            "numbers": numbers,
            "funnel": _funnel(call, numbers, passages),
            "stages": STAGES,
            "plans": plans,
            "plan": chosen,
            "drawing": campaign_drawing(visit, chosen, passages) if chosen else None,
            "places": _busiest(places(passages)),
            "variants": metric_calls.variants(visit.call(query=rate)).nodes,
            "judged_by": RATE,
            "journeys": people.items,
            "next_cursor": people.next_cursor,
            "asked": asked,
            "names": names_of(visit, people.items),
        },
    )


def ordered(word: str) -> Callable[[Visit], Moved]:
    """The page that gives one order to one campaign."""

    def perform(visit: Visit) -> Moved:
        done = ORDERS[word](visit.call(body=visit.told(Reason)))
        return Moved(f"/campaigns/{done.campaign.id}", word)

    return perform


def order_many(visit: Visit) -> Moved:
    """The same order to many; those in a state that does not take it are left as they are."""
    given = visit.told(Bulk)
    chosen = [_id(text) for text in visit.form.get("id", ())]
    if not chosen:
        return Moved("/campaigns", "none")
    done = sum(_ordered(visit, given, one) for one in chosen)
    return Moved("/campaigns", "bulk", done)


def _funnel(call: Call, numbers: CampaignNumbers, passages: Sequence[Passage]) -> FunnelShown:
    """As the API has it; in a large campaign without what only a look at each contact tells."""
    campaign, reads = call.campaign().campaign_id, call.tenant.metrics
    known = metric_calls.measured(call, campaign)
    few = sum(numbers.statuses.values()) <= PEOPLE_MAX
    people = reads.people(campaign) if few else People(0, 0)
    entered = {one.node: one.times for one in passages if not one.way}
    return FunnelShown(
        campaign_id=campaign,
        contacts=[
            one for one in funnels.of_contacts(numbers, people) if few or one.stage not in LOOKED_AT
        ],
        messages=funnels.of_messages(known.shown(numbers.counters)),
        steps=list(funnels.of_nodes(reads.places(campaign, Span()), known, entered)),
    )


def _ordered(visit: Visit, given: Bulk, campaign_id: UUID) -> int:
    call = msgspec.structs.replace(
        visit.call(body=Reason(reason=given.reason)), path={"id": campaign_id}
    )
    try:
        ORDERS[given.order](call)
    except OutOfStep:
        return 0
    return 1


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotHere("no campaign has this id") from None


def _busiest(found: Sequence[Place]) -> Sequence[Place]:
    return sorted(found, key=lambda place: -place.came)[:60]
