"""What the API and the pages show of one tenant: one SELECT a list, a page at a time."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID

from typing_extensions import override

from domain.ids import CampaignId, MessageId, TenantId, schema_of
from domain.taxonomy import Channel
from handlers.passages import Passage
from handlers.services import (
    Activity,
    ActivityRow,
    CampaignNumbers,
    ContactCampaignRow,
    Journeys,
    Queue,
    QueueRow,
    ReadModels,
)
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database
from plans.simulate import Counts
from projections.metrics import COUNTERS

START = datetime.min.replace(tzinfo=UTC), MessageId(UUID(int=0))
"""Before every message."""


class SqlReadModels(ReadModels):
    """Implements handlers.services.ReadModels.

    A condition stands in a statement only where it is asked for, so that each has its index.
    """

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant
        self._sql = Statements(schema_of(tenant))

    @override
    def journeys(self, wanted: Journeys) -> list[ContactCampaignRow]:
        text: LiteralString = JOURNEYS
        if wanted.campaign is not None:
            text += " AND campaign_id = %(campaign)s"
        if wanted.status is not None:
            text += " AND status = %(status)s"
        if wanted.after is not None:
            text += " AND stream_id > %(after)s"
        params = {
            "campaign": wanted.campaign,
            "status": wanted.status,
            "after": wanted.after,
            "limit": wanted.limit,
        }
        rows = self._rows(text + " ORDER BY stream_id LIMIT %(limit)s", params)
        return [ContactCampaignRow(**dict(zip(_JOURNEY_FIELDS, row, strict=True))) for row in rows]

    @override
    def queue(self, wanted: Queue) -> list[QueueRow]:
        """Each state by itself: no index has several states in the order of leaving."""
        time, message_id = wanted.after or START
        params = {
            "states": [str(state) for state in wanted.states],
            "campaign": wanted.campaign,
            "time": time,
            "id": message_id,
            "limit": wanted.limit,
        }
        narrowed = _OF_ALL if wanted.campaign is None else _OF_CAMPAIGN
        found = self._rows(_OF_EACH_STATE + narrowed + _FIRST_OF_ALL, params)
        return [_message(row) for row in found]

    @override
    def message(self, message_id: MessageId) -> QueueRow | None:
        rows = self._rows(MESSAGES + " WHERE message_id = %(id)s", {"id": message_id})
        return _message(rows[0]) if rows else None

    @override
    def activity(self, wanted: Activity) -> list[ActivityRow]:
        text: LiteralString = ACTIVITY
        if wanted.contact is not None:
            text += " AND contact_id = %(contact)s"
        if wanted.campaign is not None:
            text += " AND campaign_id = %(campaign)s"
        if wanted.kind is not None:
            text += " AND kind = %(kind)s"
        if wanted.since is not None:
            text += " AND at >= %(since)s"
        if wanted.before is not None:
            text += " AND position < %(before)s"
        params = {name: getattr(wanted, name) for name in wanted.__struct_fields__}
        rows = self._rows(text + " ORDER BY position DESC LIMIT %(limit)s", params)
        return [ActivityRow(**dict(zip(_ACTIVITY_FIELDS, row, strict=True))) for row in rows]

    @override
    def numbers(self, campaign_id: CampaignId) -> CampaignNumbers:
        params = {"campaign": campaign_id}
        with self._database.tenant_tx(self._tenant) as curs:
            tx = transaction(curs)
            (sums,) = self._sql.rows(tx, _SUMS, params)
            stands = self._sql.listed(tx, _STANDS, params)
        return CampaignNumbers(
            counters={name: int(total) for name, total in zip(COUNTERS, sums, strict=True)},
            statuses=_sums((status, count) for status, _, count in stands),
            outcomes=_sums((outcome, count) for _, outcome, count in stands if outcome is not None),
        )

    @override
    def engagement(self) -> Mapping[Channel, Counts]:
        """Counters are not kept by channel: e-mail is the only one that has a provider."""
        with self._database.tenant_tx(self._tenant) as curs:
            tx = transaction(curs)
            (sums,) = self._sql.rows(tx, _ENGAGED)
            ((meetings,),) = self._sql.rows(tx, _MEETINGS)
        named = {name: int(total) for name, total in zip(_ENGAGEMENT, sums, strict=True)}
        return {Channel.EMAIL: Counts(**named, meeting=meetings)}

    @override
    def passages(self, campaign_id: CampaignId) -> list[Passage]:
        rows = self._rows(_PASSAGES, {"campaign": campaign_id})
        return [Passage(*row) for row in rows]

    def _rows(self, text: LiteralString, params: dict[str, Any]) -> list[Row]:
        with self._database.tenant_tx(self._tenant) as curs:
            return self._sql.listed(transaction(curs), text, params)


def _message(row: Row) -> QueueRow:
    return QueueRow(**dict(zip(_QUEUE_FIELDS, row, strict=True)))


def _sums(counted: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums = Counter[str]()
    for name, count in counted:
        sums[name] += count
    return dict(sorted(sums.items()))


_JOURNEY_FIELDS = ContactCampaignRow.__struct_fields__
_QUEUE_FIELDS = QueueRow.__struct_fields__
_ACTIVITY_FIELDS = ActivityRow.__struct_fields__

JOURNEYS: LiteralString = """
SELECT stream_id, campaign_id, contact_id, run, plan_hash, status, node, outcome, accepted_at,
       started_at, ended_at, changed_at
  FROM {s}.contact_campaigns WHERE true"""

MESSAGES: LiteralString = """
SELECT message_id, stream_id, campaign_id, contact_id, node, visit, channel, variant, sender, state,
       attempt, due_at, not_before, expires_at, hold_reason, reason, provider_id, accepted_at
  FROM {s}.send_queue"""

_OF_EACH_STATE: LiteralString = (
    "SELECT q.* FROM unnest(%(states)s::text[]) AS w (state) CROSS JOIN LATERAL ("  # noqa: S608  # constant texts
    + MESSAGES
    + " m WHERE m.state = w.state"
)
# A place in an index names its first columns, too: no other index will do for it.
_OF_ALL: LiteralString = """
   AND (state, not_before, message_id) > (w.state, %(time)s, %(id)s)"""
_OF_CAMPAIGN: LiteralString = """
   AND campaign_id = %(campaign)s
   AND (campaign_id, state, not_before, message_id)
       > (%(campaign)s, w.state, %(time)s, %(id)s)"""
_FIRST_OF_ALL: LiteralString = """
 ORDER BY not_before, message_id LIMIT %(limit)s) AS q
 ORDER BY q.not_before, q.message_id LIMIT %(limit)s"""

ACTIVITY: LiteralString = """
SELECT position, at, kind, category, stream_id, campaign_id, contact_id, message_id, node, detail
  FROM {s}.activity_feed WHERE true"""

_SUMS: LiteralString = """
SELECT coalesce(sum(enrolled), 0), coalesce(sum(started), 0), coalesce(sum(completed), 0),
       coalesce(sum(exited), 0), coalesce(sum(planned), 0), coalesce(sum(accepted), 0),
       coalesce(sum(failed), 0), coalesce(sum(cancelled), 0), coalesce(sum(presumed_lost), 0),
       coalesce(sum(delivered), 0), coalesce(sum(opens), 0), coalesce(sum(unique_opens), 0),
       coalesce(sum(machine_opens), 0), coalesce(sum(unknown_opens), 0),
       coalesce(sum(clicks), 0), coalesce(sum(unique_clicks), 0),
       coalesce(sum(machine_clicks), 0), coalesce(sum(unknown_clicks), 0),
       coalesce(sum(replies), 0), coalesce(sum(auto_replies), 0), coalesce(sum(bounces), 0),
       coalesce(sum(deferrals), 0), coalesce(sum(complaints), 0),
       coalesce(sum(unsubscribes), 0)
  FROM {s}.metrics_daily WHERE campaign_id = %(campaign)s
"""
"""In the order of COUNTERS; a test holds the two against each other."""

_ENGAGEMENT = (
    "sends",
    "contacts",
    "refused",
    "bounce",
    "open",
    "click",
    "reply",
    "auto_reply",
    "unsubscribe",
    "spam",
)
_ENGAGED: LiteralString = """
SELECT coalesce(sum(accepted), 0), coalesce(sum(started), 0), coalesce(sum(failed), 0),
       coalesce(sum(bounces), 0), coalesce(sum(unique_opens), 0), coalesce(sum(unique_clicks), 0),
       coalesce(sum(replies), 0), coalesce(sum(auto_replies), 0), coalesce(sum(unsubscribes), 0),
       coalesce(sum(complaints), 0)
  FROM {s}.metrics_daily
"""
_MEETINGS: LiteralString = """
SELECT count(*) FROM {s}.activity_feed WHERE kind = 'signal.meeting_booked'
"""

_PASSAGES: LiteralString = """
SELECT node, way, target, times FROM {s}.passages WHERE campaign_id = %(campaign)s
 ORDER BY node, way, target
"""

_STANDS: LiteralString = """
SELECT status, outcome, count(*) FROM {s}.contact_campaigns WHERE campaign_id = %(campaign)s
 GROUP BY status, outcome
"""
"""One reading of one index, without the table: a campaign may have a million."""
