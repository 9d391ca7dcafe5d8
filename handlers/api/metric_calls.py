"""What the numbers say: of a campaign, of the tenant, of a sender; each also as a table."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Self

import msgspec
from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from domain.ids import CampaignId
from domain.timing.zones import in_utc
from handlers.api.calls import Call, Given, Page
from handlers.api.paging import Listed, listed, place_of
from handlers.metrics import funnel as funnels
from handlers.metrics.counted import Measured, Rate, asked_by, intervals, rates
from handlers.metrics.reads import By, Interval, Span, WantedSeries
from handlers.metrics.tables import Format
from handlers.metrics.variants import On, VariantsShown, compared

PLANS = 50
"""Plans of a campaign that are looked at for what they ask to be measured."""
WEEK = 7
YEARS = (1990, 2990)


def _in_reach(at: datetime) -> datetime:
    if not YEARS[0] <= at.year <= YEARS[1]:
        raise ValueError(f"must be in the years {YEARS[0]} to {YEARS[1]}")
    return in_utc(at)


Edge = Annotated[AwareDatetime, AfterValidator(_in_reach)]
"""The beginning or the end of a period, in UTC; so near that one can reckon with it."""


class Form(Given):
    """The form of the answer."""

    format: Format = "json"


class Period(Form):
    """From when on and until when; hours, days, weeks and months are in it that begin in it."""

    since: Edge | None = None
    until: Edge | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("since must be before until")
        return self

    @property
    def span(self) -> Span:
        """The same for the store, in UTC."""
        return Span(self.since, self.until)


class Series(Period, Page):
    """Which series; what is told apart gets a row of its own in each bucket."""

    interval: Interval = "day"
    by: By = "none"


class WhichRate(Form):
    """By which rate variants are compared."""

    on: On = Field("replies")


class DayShown(msgspec.Struct, frozen=True, kw_only=True):
    """What happened on a day (UTC)."""

    day: datetime
    counters: Mapping[str, int | None]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign in numbers: null is "not measured", a rate is of the messages accepted.

    `intervals` has the same rates with the interval that has the true one at 95 %.
    """

    campaign_id: CampaignId
    counters: Mapping[str, int | None]
    rates: Mapping[str, float | None]
    intervals: Mapping[str, Rate | None]
    contact_campaigns: Mapping[str, int]
    outcomes: Mapping[str, int]
    last_activity_at: datetime | None
    last_7_days: Sequence[DayShown]


class SeriesRow(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in one bucket; `key` is the value of what is told apart."""

    bucket: datetime
    key: str
    counters: Mapping[str, int | None]


def summary(call: Call) -> Summary:
    """A campaign in numbers; machines apart from people."""
    campaign = call.campaign().campaign_id
    numbers, known = call.tenant.reads.numbers(campaign), measured(call, campaign)
    counters = known.shown(numbers.counters)
    return Summary(
        campaign_id=campaign,
        counters=counters,
        rates=rates(counters),
        intervals=intervals(counters),
        contact_campaigns=numbers.statuses,
        outcomes=numbers.outcomes,
        last_activity_at=call.tenant.metrics.last_activity(campaign),
        last_7_days=_days(call, campaign, known),
    )


def _days(call: Call, campaign: CampaignId, known: Measured) -> list[DayShown]:
    """Today and the six days before, also those on which nothing happened."""
    today = in_utc(call.services.clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=ago) for ago in reversed(range(WEEK))]
    wanted = WantedSeries(campaign=campaign, span=Span(days[0]), limit=WEEK)
    counted = {row.bucket: row.counters for row in call.tenant.metrics.series(wanted)}
    nothing = dict.fromkeys(next(iter(counted.values()), {}), 0)
    return [DayShown(day=day, counters=known.shown(counted.get(day, nothing))) for day in days]


def timeseries(call: Call) -> Listed[SeriesRow]:
    """A campaign hour by hour, day by day, week by week, month by month."""
    return series(call, call.campaign().campaign_id)


def tenant_timeseries(call: Call) -> Listed[SeriesRow]:
    """The same of all campaigns together, or apart."""
    return series(call, None)


def series(call: Call, campaign: CampaignId | None) -> Listed[SeriesRow]:
    """One page; buckets in which nothing happened have no row."""
    query: Series = call.query
    rows = series_rows(
        call, campaign, place_of(query.cursor, tuple[datetime, str]), query.limit + 1
    )
    return listed(rows, query.limit, lambda row: (row.bucket, row.key))


def series_rows(
    call: Call, campaign: CampaignId | None, after: tuple[datetime, str] | None, limit: int
) -> list[SeriesRow]:
    """Rows of a series behind a place."""
    query: Series = call.query
    wanted = WantedSeries(
        campaign=campaign,
        interval=query.interval,
        by=query.by,
        span=query.span,
        after=after,
        limit=limit,
    )
    known = measured(call, campaign)
    return [
        SeriesRow(
            bucket=row.bucket,
            key=row.key,
            counters=known.shown(row.counters, row.key if query.by == "node" else ""),
        )
        for row in call.tenant.metrics.series(wanted)
    ]


def funnel(call: Call) -> funnels.FunnelShown:
    """How far contacts and messages came, and where they were lost."""
    campaign = call.campaign().campaign_id
    reads, known = call.tenant.reads, measured(call, campaign)
    numbers = reads.numbers(campaign)
    entered = {one.node: one.times for one in reads.passages(campaign) if not one.way}
    places = call.tenant.metrics.places(campaign, Span())
    return funnels.FunnelShown(
        campaign_id=campaign,
        contacts=funnels.of_contacts(numbers, call.tenant.metrics.people(campaign)),
        messages=funnels.of_messages(known.shown(numbers.counters)),
        steps=list(funnels.of_nodes(places, known, entered)),
    )


def variants(call: Call) -> VariantsShown:
    """The variants of each node against each other, with a verdict."""
    query: WhichRate = call.query
    campaign = call.campaign().campaign_id
    places = call.tenant.metrics.places(campaign, Span())
    nodes = list(compared(places, measured(call, campaign), query.on))
    return VariantsShown(campaign_id=campaign, on=query.on, nodes=nodes)


def measured(call: Call, campaign: CampaignId | None) -> Measured:
    """What is measured in a campaign, or in the tenant, as far as some of its plans tell."""
    reads = call.tenant.metrics
    if campaign is None:
        hashes = reads.some_plans(PLANS)
    else:
        hashes = reads.plans([campaign], PLANS)[campaign]
    plans = call.tenant.ports.vault.documents(hashes).values()
    return Measured(call.tenant.unmeasured, asked_by(plans))
