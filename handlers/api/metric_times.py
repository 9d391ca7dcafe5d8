"""How soon people answer, and in which hours of the week."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from pydantic import AfterValidator, Field

from domain.ids import CampaignId
from domain.timing.zones import known_zone
from handlers.api.calls import Call
from handlers.api.metric_calls import Period
from handlers.metrics.hours import Hours, of_week

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
LIMITS_S = (
    15 * MINUTE,
    HOUR,
    4 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    3 * DAY,
    5 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
)
QUANTILES = {"p25": 0.25, "median": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95}
CONTACT, TENANT = "contact", "tenant"


def _zone(name: str) -> str:
    if name not in (CONTACT, TENANT) and not known_zone(name):
        raise ValueError("must be contact, tenant, or a zone such as Europe/Lisbon")
    return name


class WhichHours(Period):
    """Messages accepted in the period, by the clock of whom: the contact, the tenant, a zone."""

    zone: Annotated[str, Field(max_length=64), AfterValidator(_zone)] = CONTACT


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """Answers that took at least `from_s` and less than `below_s` seconds; null: without end."""

    from_s: float
    below_s: float | None
    replies: int
    part: float | None


class ReplyTimesShown(msgspec.Struct, frozen=True, kw_only=True):
    """How long people took for their first answer, from the acceptance of the message.

    Quantiles are in seconds; null where nobody answered.
    """

    replies: int
    quantiles_s: dict[str, float | None]
    bands: list[Band]


def reply_times(call: Call) -> ReplyTimesShown:
    """The distribution of first answers to messages that were accepted in the period."""
    query: Period = call.query
    campaign = call.campaign().campaign_id
    quantiles = list(QUANTILES.values())
    found = call.tenant.metrics.reply_times(campaign, query.span, LIMITS_S, quantiles)
    replies = sum(found.counts)
    told: Sequence[float | None] = found.quantiles or [None] * len(QUANTILES)
    ends = zip((0.0, *LIMITS_S), (*LIMITS_S, None), found.counts, strict=True)
    return ReplyTimesShown(
        replies=replies,
        quantiles_s=dict(zip(QUANTILES, told, strict=True)),
        bands=[
            Band(
                from_s=begin, below_s=end, replies=count, part=count / replies if replies else None
            )
            for begin, end, count in ends
        ],
    )


def best_hours(call: Call) -> Hours:
    """The hours of the week in which messages of a campaign were answered best."""
    return _hours(call, call.campaign().campaign_id)


def tenant_best_hours(call: Call) -> Hours:
    """The same of all campaigns together."""
    return _hours(call, None)


def _hours(call: Call, campaign: CampaignId | None) -> Hours:
    query: WhichHours = call.query
    own = call.tenant.ports.accounts.rules().zone
    fallback = own if query.zone in (CONTACT, TENANT) else query.zone
    of_contact = query.zone == CONTACT
    counted = call.tenant.metrics.local_hours(campaign, query.span, fallback, of_contact=of_contact)
    return of_week(counted, query.zone, fallback)
