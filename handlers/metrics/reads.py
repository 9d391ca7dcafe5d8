"""What the numbers are made of: sums of counters, and times of messages, from the read models."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from domain.ids import CampaignId

Interval = Literal["hour", "day", "week", "month"]
By = Literal["none", "campaign", "node", "variant", "sender", "domain"]


class Span(msgspec.Struct, frozen=True):
    """From when on, and until when; None is from the beginning, and until now."""

    since: datetime | None = None
    until: datetime | None = None


class WantedSeries(msgspec.Struct, frozen=True, kw_only=True):
    """Which sums are asked for, in the order of bucket and key; `after` is the last one shown.

    A bucket is in the span when it begins in it. Without a campaign all are summed.
    """

    campaign: CampaignId | None = None
    interval: Interval = "day"
    by: By = "none"
    span: Span = Span()
    after: tuple[datetime, str] | None = None
    limit: int


class Bucket(msgspec.Struct, frozen=True):
    """What happened in an hour, day, week or month (UTC), for one value of what is told apart."""

    bucket: datetime
    key: str
    counters: Mapping[str, int]


class PlaceTotals(msgspec.Struct, frozen=True):
    """What was counted at a node, for one variant; `first` is the day it was first come to."""

    node: str
    variant: str
    first: datetime
    counters: Mapping[str, int]


class CampaignTotals(msgspec.Struct, frozen=True):
    """What was counted in a campaign."""

    campaign_id: CampaignId
    name: str
    status: str
    counters: Mapping[str, int]


class SenderDay(msgspec.Struct, frozen=True):
    """What left from a sender on a day (UTC), and what became of it."""

    day: datetime
    accepted: int
    delivered: int
    bounces: int
    complaints: int
    replies: int


class People(msgspec.Struct, frozen=True):
    """How many contact-campaigns had a message accepted, and in how many a person answered."""

    contacted: int
    answered: int


class ReplyTimes(msgspec.Struct, frozen=True):
    """How long people took to answer, in seconds from the acceptance of the message.

    `counts` are answers below each limit and not below the one before; the last is of all others.
    `quantiles` are in the order in which they were asked for; empty where nobody answered.
    """

    counts: Sequence[int]
    quantiles: Sequence[float]


class LocalHour(msgspec.Struct, frozen=True):
    """An hour of the week on the clock of a zone; 1 is Monday.

    `accepted` were sent in it, `replied` of them were answered at any time; `arriving` answers
    came in it. `without_zone` of those sent went to contacts whose own zone is not known.
    """

    weekday: int
    hour: int
    accepted: int
    replied: int
    arriving: int
    without_zone: int


class MetricReads(Protocol):
    """The numbers of one tenant. They are read models: some moments behind the log."""

    def totals(self, campaign: CampaignId | None, span: Span) -> Mapping[str, int]:
        """All counters of a campaign, or of the tenant."""
        ...

    def last_activity(self, campaign: CampaignId) -> datetime | None:
        """When the fact happened that was recorded last."""
        ...

    def series(self, wanted: WantedSeries) -> list[Bucket]: ...

    def places(self, campaign: CampaignId, span: Span) -> list[PlaceTotals]:
        """All nodes with messages, in the order in which they were first come to."""
        ...

    def campaigns(self, span: Span, after: CampaignId | None, limit: int) -> list[CampaignTotals]:
        """Campaigns in the order of their ids, each with what was counted in the span."""
        ...

    def sender_days(self, sender: str, span: Span) -> list[SenderDay]: ...

    def reply_times(
        self,
        campaign: CampaignId | None,
        span: Span,
        limits_s: Sequence[float],
        quantiles: Sequence[float],
    ) -> ReplyTimes:
        """First answers of people to messages that were accepted in the span."""
        ...

    def local_hours(
        self, campaign: CampaignId | None, span: Span, zone: str, *, of_contact: bool
    ) -> list[LocalHour]:
        """Messages accepted in the span by local hour: of the contact's zone, where it is known."""
        ...

    def people(self, campaign: CampaignId) -> People: ...

    def plans(self, campaigns: Sequence[CampaignId], limit: int) -> dict[CampaignId, list[str]]:
        """Hashes of some plans that contacts have in each campaign, at most that many."""
        ...

    def some_plans(self, limit: int) -> list[str]:
        """The same of all campaigns together."""
        ...
