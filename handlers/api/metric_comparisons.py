"""Campaigns side by side, this period beside the one before, senders beside their caps."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from pydantic import Field

from domain.ids import CampaignId
from domain.timing.zones import in_utc
from handlers.api.calls import Call, Page
from handlers.api.metric_calls import Form, Period, measured
from handlers.api.paging import Listed, listed, place_of
from handlers.metrics.counted import MEASURES, Measured, Rate, asked_by, intervals
from handlers.metrics.reads import SenderDay, Span
from handlers.metrics.statistics import Arm, standings
from handlers.sender_accounts import AccountShown, one_sender

PLANS_EACH = 5
"""Plans of each campaign that are looked at for what they ask to be measured."""
DAYS = 30
LENGTH = timedelta(days=7)


class WhichCampaigns(Period, Page):
    """Which campaigns, in the order of their ids, and what is counted of them."""


class WhichDays(Form):
    """How many days back, today included (UTC)."""

    days: int = Field(DAYS, ge=1, le=366)


class CampaignCompared(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign in the period, or since its beginning."""

    campaign_id: CampaignId
    name: str
    status: str
    counters: Mapping[str, int | None]
    rates: Mapping[str, Rate | None]


class PeriodShown(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted from `since` until `until`."""

    since: datetime
    until: datetime
    counters: Mapping[str, int | None]
    rates: Mapping[str, Rate | None]


class PeriodsCompared(msgspec.Struct, frozen=True, kw_only=True):
    """A period beside the one before; `rose` is how probably each rate is higher now."""

    before: PeriodShown
    now: PeriodShown
    rose: Mapping[str, float | None]


class LimitShown(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a cap is used; `part` may be over 1 where a cap was lowered since."""

    limit_name: str
    used: int
    limit: int
    part: float


class DayUsed(msgspec.Struct, frozen=True, kw_only=True):
    """What left on a day (UTC) and what became of it; `part` is of the cap a day as it is now."""

    day: datetime
    accepted: int
    delivered: int
    bounces: int
    complaints: int
    replies: int
    part: float | None


class SenderUsage(msgspec.Struct, frozen=True, kw_only=True):
    """A sender beside its caps: the windows that run now, and the days before."""

    sender: str
    at: datetime
    day_max: int | None
    limits: Sequence[LimitShown]
    days: Sequence[DayUsed]


def campaigns(call: Call) -> Listed[CampaignCompared]:
    """A page of campaigns side by side."""
    query: WhichCampaigns = call.query
    after = place_of(query.cursor, UUID)
    rows = campaign_rows(call, None if after is None else CampaignId(after), query.limit + 1)
    return listed(rows, query.limit, lambda row: row.campaign_id)


def campaign_rows(call: Call, after: CampaignId | None, limit: int) -> list[CampaignCompared]:
    """Campaigns behind a place."""
    query: WhichCampaigns = call.query
    reads = call.tenant.metrics
    found = reads.campaigns(query.span, after, limit)
    hashes = reads.plans([one.campaign_id for one in found], PLANS_EACH)
    plans = call.tenant.ports.vault.documents({each for some in hashes.values() for each in some})
    rows = []
    for one in found:
        asked = asked_by(plans[each] for each in hashes[one.campaign_id] if each in plans)
        counters = Measured(call.tenant.unmeasured, asked).shown(one.counters)
        rows.append(
            CampaignCompared(
                campaign_id=one.campaign_id,
                name=one.name,
                status=one.status,
                counters=counters,
                rates=intervals(counters),
            )
        )
    return rows


def periods(call: Call) -> PeriodsCompared:
    """All campaigns together in a period, the last week unless said, beside the one before."""
    query: Period = call.query
    until = call.services.clock.now() if query.until is None else query.until
    since = until - LENGTH if query.since is None else min(query.since, until)
    known = measured(call, None)
    before = _period(call, known, since - (until - since), since)
    now = _period(call, known, since, until)
    rose = {name: _rose(before.rates[name], now.rates[name]) for name in MEASURES}
    return PeriodsCompared(before=before, now=now, rose=rose)


def _period(call: Call, known: Measured, since: datetime, until: datetime) -> PeriodShown:
    counters = known.shown(call.tenant.metrics.totals(None, Span(since, until)))
    return PeriodShown(since=since, until=until, counters=counters, rates=intervals(counters))


def _rose(before: Rate | None, now: Rate | None) -> float | None:
    if before is None or now is None:
        return None
    return standings([Arm(before.hits, before.trials), Arm(now.hits, now.trials)])[1].best


def usage(call: Call) -> SenderUsage:
    """What a sender used of its caps; raises AccountUnknown."""
    query: WhichDays = call.query
    now = call.services.clock.now()
    shown = one_sender(call.tenant.ports, call.name, now)
    today = in_utc(now).replace(hour=0, minute=0, second=0, microsecond=0)
    span = Span(today - timedelta(days=query.days - 1))
    return SenderUsage(
        sender=shown.sender,
        at=now,
        day_max=None if shown.account is None else shown.account.day_max,
        limits=[] if shown.account is None else list(_limits(shown.account)),
        days=[_day(one, shown.account) for one in call.tenant.metrics.sender_days(call.name, span)],
    )


def _limits(account: AccountShown) -> Iterator[LimitShown]:
    for one in account.usage:
        yield LimitShown(
            limit_name=one.limit_name,
            used=one.used,
            limit=one.limit,
            part=one.used / one.limit if one.limit else 0.0,
        )


def _day(one: SenderDay, account: AccountShown | None) -> DayUsed:
    most = None if account is None else account.day_max
    part = one.accepted / most if most else None
    return DayUsed(**{name: getattr(one, name) for name in SenderDay.__struct_fields__}, part=part)
