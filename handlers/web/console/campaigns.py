"""Campaigns: the list with orders to many, and one with its plan, its funnel and its people."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal
from uuid import UUID

import msgspec

from handlers.api import campaign_calls, journey_calls, metric_calls
from handlers.api.calls import Call, Page, Reason
from handlers.errors import NotHere, OutOfStep
from handlers.web.console.drawing import Place, campaign_drawing, places
from handlers.web.console.naming import names_of
from handlers.web.console.visits import Moved, Shown, Visit

ON_A_PAGE = 50
JOURNEYS = 25
PLANS_SHOWN = 6
FUNNEL = (
    ("enrolled", "enrolled"),
    ("started", "started"),
    ("accepted", "messages sent"),
    ("delivered", "delivered"),
    ("unique_opens", "opened"),
    ("unique_clicks", "clicked"),
    ("replies", "replied"),
)
"""The steps of a funnel: counters of `projections.metrics`, and how people call them."""

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
    """Which contact-campaigns of a campaign, and whose plan is drawn."""

    limit: int = JOURNEYS
    plan: str = ""


class Bulk(Reason):
    """One order to many campaigns."""

    order: Order


class Step(msgspec.Struct, frozen=True):
    """One step of the funnel: how many, as a share of the first and of the step before."""

    told: str
    count: int | None
    of_first: float
    of_before: float | None


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
    summary = metric_calls.summary(call)
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
            "summary": summary,
            "funnel": funnel(summary.counters),
            "plans": plans,
            "plan": chosen,
            "drawing": campaign_drawing(visit, chosen, passages) if chosen else None,
            "places": _busiest(places(passages)),
            "variants": visit.reads.variants(row.id),
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


def funnel(counters: Mapping[str, int | None]) -> Sequence[Step]:
    """The steps that were counted."""
    first = counters.get("enrolled") or 0
    steps, before = list[Step](), 0
    for name, told in FUNNEL:
        count = counters.get(name, 0)
        of_before = count / before if count is not None and before else None
        steps.append(Step(told, count, (count or 0) / first if first else 0.0, of_before))
        before = before if count is None else count
    return steps


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
