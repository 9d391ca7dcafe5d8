"""Sums of counters and times of messages of one tenant: each answer is one statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from typing_extensions import override

from domain.ids import CampaignId, TenantId, schema_of
from handlers.metrics.reads import (
    Bucket,
    CampaignTotals,
    LocalHour,
    MetricReads,
    People,
    PlaceTotals,
    ReplyTimes,
    SenderDay,
    Span,
    WantedSeries,
)
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database
from projections.metrics import COUNTERS

LOOKED_AT = 20
"""Contact-campaigns that are looked at for each plan that is asked for: most share theirs."""


class SqlMetrics(MetricReads):
    """Implements handlers.metrics.reads.MetricReads; a condition stands only where it is asked."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant
        self._sql = Statements(schema_of(tenant))

    @override
    def totals(self, campaign: CampaignId | None, span: Span) -> Mapping[str, int]:
        text = _SUMMED + _table(span) + _ALL
        text += _of_campaign(campaign) + _within(span, "m.bucket")
        (row,) = self._rows(text, campaign=campaign, span=span)
        return _counters(row)

    @override
    def last_activity(self, campaign: CampaignId) -> datetime | None:
        found = self._rows(_LAST_ACTIVITY, campaign=campaign)
        return found[0][0] if found else None

    @override
    def series(self, wanted: WantedSeries) -> list[Bucket]:
        bucket, key = _BUCKETS[wanted.interval], _KEYS[wanted.by]
        table: LiteralString = (
            "{s}.metrics_hourly" if wanted.interval == "hour" else "{s}.metrics_daily"
        )
        text = _SELECT + bucket + _AND + key + _AND + _SUMS + _FROM + table + _ALL
        text += _of_campaign(wanted.campaign) + _within(wanted.span, "m.bucket")
        if wanted.after is not None:
            # the first of the two is for the index
            text += (
                " AND m.bucket >= %(time)s AND (" + bucket + ", " + key + ") > (%(time)s, %(key)s)"
            )
        text += " GROUP BY 1, 2 ORDER BY 1, 2 LIMIT %(limit)s"
        time, last = wanted.after or (None, "")
        rows = self._rows(
            text,
            campaign=wanted.campaign,
            span=wanted.span,
            time=time,
            key=last,
            limit=wanted.limit,
        )
        return [Bucket(row[0], row[1], _counters(row[2:])) for row in rows]

    @override
    def places(self, campaign: CampaignId, span: Span) -> list[PlaceTotals]:
        text = _PLACES + _table(span) + " m WHERE m.campaign_id = %(campaign)s AND m.node <> ''"
        text += _within(span, "m.bucket") + " GROUP BY m.node, m.variant"
        rows = self._rows(_IN_ORDER + "(" + text + ") p" + _BY_FIRST, campaign=campaign, span=span)
        return [PlaceTotals(row[0], row[1], row[2], _counters(row[3:])) for row in rows]

    @override
    def campaigns(self, span: Span, after: CampaignId | None, limit: int) -> list[CampaignTotals]:
        text: LiteralString = _SOME_CAMPAIGNS
        if after is not None:
            text += " WHERE c.campaign_id > %(after)s"
        text += (
            " ORDER BY c.campaign_id LIMIT %(limit)s) SELECT c.*, t.* FROM c CROSS JOIN LATERAL ("
        )
        text += _SUMMED + _table(span) + " m WHERE m.campaign_id = c.campaign_id"
        text += _within(span, "m.bucket") + ") t ORDER BY c.campaign_id"
        rows = self._rows(text, span=span, after=after, limit=limit)
        return [CampaignTotals(row[0], row[1], row[2], _counters(row[3:])) for row in rows]

    @override
    def sender_days(self, sender: str, span: Span) -> list[SenderDay]:
        text = _SENDER_DAYS + _within(span, "m.bucket") + " GROUP BY m.bucket ORDER BY m.bucket"
        return [SenderDay(*row) for row in self._rows(text, span=span, sender=sender)]

    @override
    def reply_times(
        self,
        campaign: CampaignId | None,
        span: Span,
        limits_s: Sequence[float],
        quantiles: Sequence[float],
    ) -> ReplyTimes:
        text = _messages_answered(campaign, span) + _REPLY_TIMES
        params = {"limits": list(limits_s), "quantiles": list(quantiles)}
        (found,) = self._rows(text, campaign=campaign, span=span, **params)
        counted = dict(zip(found[0] or (), found[1] or (), strict=True))
        counts = [counted.get(place, 0) for place in range(len(limits_s) + 1)]
        return ReplyTimes(counts, found[2] or [])

    @override
    def local_hours(
        self, campaign: CampaignId | None, span: Span, zone: str, *, of_contact: bool
    ) -> list[LocalHour]:
        text = _messages_answered(campaign, span) + (_OF_CONTACT if of_contact else _OF_TENANT)
        rows = self._rows(text + _LOCAL_HOURS, campaign=campaign, span=span, zone=zone)
        return [LocalHour(*row) for row in rows]

    @override
    def people(self, campaign: CampaignId) -> People:
        (row,) = self._rows(_PEOPLE, campaign=campaign)
        return People(*row)

    @override
    def plans(self, campaigns: Sequence[CampaignId], limit: int) -> dict[CampaignId, list[str]]:
        rows = self._rows(
            _PLANS_OF_EACH, campaigns=list(campaigns), rows=limit * LOOKED_AT, limit=limit
        )
        found: dict[CampaignId, list[str]] = {campaign: [] for campaign in campaigns}
        for campaign, plan_hash in rows:
            found[campaign].append(plan_hash)
        return found

    @override
    def some_plans(self, limit: int) -> list[str]:
        return [row[0] for row in self._rows(_SOME_PLANS, rows=limit * LOOKED_AT, limit=limit)]

    def _rows(self, text: LiteralString, span: Span | None = None, **params: Any) -> list[Row]:  # noqa: ANN401  # values of a statement
        within = {} if span is None else {"since": span.since, "until": span.until}
        with self._database.tenant_tx(self._tenant) as curs:
            return self._sql.listed(transaction(curs), text, {**within, **params})


def _counters(row: Row) -> dict[str, int]:
    return dict(zip(COUNTERS, row, strict=True))


def _table(span: Span) -> LiteralString:
    """The days, which are fewer, where they will do."""
    return "{s}.metrics_daily" if span == Span() else "{s}.metrics_hourly"


def _of_campaign(campaign: CampaignId | None) -> LiteralString:
    return "" if campaign is None else " AND m.campaign_id = %(campaign)s"


def _within(span: Span, column: LiteralString) -> LiteralString:
    text: LiteralString = ""
    if span.since is not None:
        text += " AND " + column + " >= %(since)s"
    if span.until is not None:
        text += " AND " + column + " < %(until)s"
    return text


def _messages_answered(campaign: CampaignId | None, span: Span) -> LiteralString:
    """Messages accepted in the span, each with the first answer of a person to it."""
    text = _ANSWERS + ("" if campaign is None else " AND a.campaign_id = %(campaign)s")
    text += _ACCEPTED + ("" if campaign is None else " AND q.campaign_id = %(campaign)s")
    return text + _within(span, "q.accepted_at") + ")"


_SUMS: LiteralString = ", ".join(f"coalesce(sum(m.{name}), 0)::bigint" for name in COUNTERS)
_SELECT: LiteralString = "SELECT "
_AND: LiteralString = ", "
_FROM: LiteralString = " FROM "
_ALL: LiteralString = " m WHERE true"
_SUMMED: LiteralString = _SELECT + _SUMS + _FROM

_BUCKETS: Mapping[str, LiteralString] = {
    "hour": "m.bucket",
    "day": "m.bucket",
    "week": "date_trunc('week', m.bucket, 'UTC')",
    "month": "date_trunc('month', m.bucket, 'UTC')",
}
_KEYS: Mapping[str, LiteralString] = {
    "none": "''::text",
    "campaign": "m.campaign_id::text",
    "node": "m.node",
    "variant": "m.variant",
    "sender": "m.sender",
    "domain": "m.domain",
}

_LAST_ACTIVITY: LiteralString = """
SELECT at FROM {s}.activity_feed WHERE campaign_id = %(campaign)s ORDER BY position DESC LIMIT 1
"""

_PLACES: LiteralString = "SELECT m.node, m.variant, min(m.bucket) AS first, " + _SUMS + _FROM
_IN_ORDER: LiteralString = "SELECT p.* FROM "
_BY_FIRST: LiteralString = """
 ORDER BY min(p.first) OVER (PARTITION BY p.node), p.node, p.variant
"""

_SOME_CAMPAIGNS: LiteralString = """
WITH c AS (SELECT c.campaign_id, c.name, c.status FROM {s}.campaigns c"""

_SENDER_DAYS: LiteralString = """
SELECT m.bucket, sum(m.accepted)::bigint, sum(m.delivered)::bigint, sum(m.bounces)::bigint,
       sum(m.complaints)::bigint, sum(m.replies)::bigint
  FROM {s}.metrics_daily m WHERE m.sender = %(sender)s"""

_ANSWERS: LiteralString = """
WITH answers AS (
    SELECT a.message_id, min(a.at) AS at FROM {s}.activity_feed a
     WHERE a.kind = 'signal.replied' AND a.message_id IS NOT NULL"""
_ACCEPTED: LiteralString = """
     GROUP BY a.message_id
), sent AS (
    SELECT q.contact_id, q.accepted_at, a.at AS answered_at
      FROM {s}.send_queue q LEFT JOIN answers a USING (message_id)
     WHERE q.state = 'ACCEPTED'"""

# An acceptance may become known only by its answer: then it is as old as that.
_REPLY_TIMES: LiteralString = """
, took AS (
    SELECT greatest(0, extract(epoch FROM answered_at - accepted_at))::float8 AS seconds
      FROM sent WHERE answered_at IS NOT NULL
), counted AS (
    SELECT width_bucket(seconds, %(limits)s::float8[]) AS place, count(*) AS number
      FROM took GROUP BY 1
)
SELECT (SELECT array_agg(place ORDER BY place) FROM counted),
       (SELECT array_agg(number ORDER BY place) FROM counted),
       (SELECT percentile_cont(%(quantiles)s::float8[]) WITHIN GROUP (ORDER BY seconds) FROM took)
"""

_OF_TENANT: LiteralString = """
, placed AS (SELECT s.accepted_at, s.answered_at, %(zone)s::text AS zone, false AS guessed
               FROM sent s)"""
_OF_CONTACT: LiteralString = """
, zones AS MATERIALIZED (SELECT name FROM pg_timezone_names)
, placed AS (SELECT s.accepted_at, s.answered_at, coalesce(z.name, %(zone)s) AS zone,
                    z.name IS NULL AS guessed
               FROM sent s LEFT JOIN {s}.contacts c USING (contact_id)
               LEFT JOIN zones z ON z.name = c.timezone)"""
_LOCAL_HOURS: LiteralString = """
SELECT extract(isodow FROM t.at)::integer, extract(hour FROM t.at)::integer,
       count(*) FILTER (WHERE t.sent), count(*) FILTER (WHERE t.sent AND p.answered_at IS NOT NULL),
       count(*) FILTER (WHERE NOT t.sent), count(*) FILTER (WHERE t.sent AND p.guessed)
  FROM placed p CROSS JOIN LATERAL (VALUES
       (true, p.accepted_at AT TIME ZONE p.zone), (false, p.answered_at AT TIME ZONE p.zone)
       ) AS t (sent, at)
 WHERE t.at IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
"""

_PEOPLE: LiteralString = """
SELECT (SELECT count(*) FROM (SELECT DISTINCT stream_id FROM {s}.send_queue
         WHERE campaign_id = %(campaign)s AND state = 'ACCEPTED') AS contacted),
       (SELECT count(*) FROM (SELECT DISTINCT stream_id FROM {s}.activity_feed
         WHERE campaign_id = %(campaign)s AND kind = 'signal.replied') AS answered)
"""

_PLANS_OF_EACH: LiteralString = """
SELECT w.campaign_id, f.plan_hash FROM unnest(%(campaigns)s::uuid[]) AS w (campaign_id)
 CROSS JOIN LATERAL (
    SELECT DISTINCT s.plan_hash FROM (
        SELECT c.plan_hash FROM {s}.contact_campaigns c WHERE c.campaign_id = w.campaign_id
         LIMIT %(rows)s) AS s
     LIMIT %(limit)s) AS f
"""
_SOME_PLANS: LiteralString = """
SELECT DISTINCT s.plan_hash FROM (
    SELECT c.plan_hash FROM {s}.contact_campaigns c LIMIT %(rows)s) AS s
 LIMIT %(limit)s
"""
