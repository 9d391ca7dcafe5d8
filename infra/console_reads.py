"""What only the console asks: looks over a whole tenant that stay bounded at a million contacts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from typing_extensions import override

from domain.ids import CampaignId, ContactId, MessageId, StreamId, TenantId, schema_of
from domain.taxonomy import MessageState
from handlers.services import ActivityRow, ContactCampaignRow, QueueRow
from handlers.web.console.reading import (
    LOOKED_AT_MAX,
    Ahead,
    ConsoleReads,
    Lane,
    Pulse,
    Reply,
    Slot,
    Troubles,
)
from infra.read_models import ACTIVITY, JOURNEYS, MESSAGES
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database
from projections.metrics import COUNTERS

WAITING = [
    MessageState.PLANNED.value,
    MessageState.QUEUED.value,
    MessageState.SENDING.value,
    MessageState.UNKNOWN.value,
]
TROUBLES_MAX = 100
SAMPLED = 1000
LAST_LETTER = "\U0010ffff"


class SqlConsoleReads(ConsoleReads):
    """Implements handlers.web.console.reading.ConsoleReads."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant
        self._sql = Statements(schema_of(tenant))

    @override
    def ahead(self, now: datetime, until: datetime) -> Ahead:
        rows = self._rows(_AHEAD, {"states": WAITING, "until": until, "limit": LOOKED_AT_MAX})
        slots, lanes = Counter[datetime](), dict[str, list[Row]]()
        for row in rows:
            slots[max(row[1], now).replace(minute=0, second=0, microsecond=0)] += row[4]
            lanes.setdefault(row[0], []).append(row)
        return Ahead(
            slots=[Slot(at, slots[at]) for at in sorted(slots)],
            lanes=[_lane(sender, lanes[sender]) for sender in sorted(lanes)],
            more=sum(row[4] for row in rows) >= LOOKED_AT_MAX,
        )

    @override
    def troubles(self, now: datetime) -> Troubles:
        params = {"now": now, "limit": TROUBLES_MAX}
        ((unknown, lost, parked, overdue),) = self._rows(_TROUBLES, params)
        return Troubles(unknown=unknown, lost=lost, parked=parked, overdue_tasks=overdue)

    @override
    def counters(self, since: datetime, until: datetime) -> Mapping[str, int]:
        ((sums,),) = self._rows(_COUNTERS, {"since": since, "until": until})
        return {name: int((sums or {}).get(name) or 0) for name in COUNTERS}

    @override
    def found(self, text: str, limit: int) -> list[ContactId]:
        params = {"from": text, "to": text + LAST_LETTER, "limit": limit}
        return [ContactId(row[0]) for row in self._rows(_FOUND, params)]

    @override
    def journeys_of(self, contacts: Iterable[ContactId], limit: int) -> list[ContactCampaignRow]:
        rows = self._rows(_JOURNEYS_OF, {"contacts": list(contacts), "limit": limit})
        fields = ContactCampaignRow.__struct_fields__
        return [ContactCampaignRow(**dict(zip(fields, row, strict=True))) for row in rows]

    @override
    def messages_of(self, stream: StreamId) -> list[QueueRow]:
        rows = self._rows(_MESSAGES_OF, {"stream": stream})
        fields = QueueRow.__struct_fields__
        return [QueueRow(**dict(zip(fields, row, strict=True))) for row in rows]

    @override
    def plans_of(self, campaign: CampaignId) -> Sequence[tuple[str, int]]:
        rows = self._rows(_PLANS_OF, {"campaign": campaign, "limit": SAMPLED})
        return [(row[0], row[1]) for row in rows]

    @override
    def replies(self, messages: Iterable[MessageId]) -> Sequence[Reply]:
        rows = self._rows(_REPLIES + _OF_MESSAGES, {"messages": list(messages)})
        return [_reply(row) for row in rows]

    @override
    def reply(self, reply_id: UUID) -> Reply | None:
        rows = self._rows(_REPLIES + " WHERE reply_id = %(id)s", {"id": reply_id})
        return _reply(rows[0]) if rows else None

    @override
    def newest(self) -> int:
        ((position,),) = self._rows(_NEWEST, {})
        return int(position)

    @override
    def happenings(self, after: int, limit: int) -> Sequence[ActivityRow]:
        rows = self._rows(_HAPPENINGS, {"after": after, "limit": limit})
        fields = ActivityRow.__struct_fields__
        return [ActivityRow(**dict(zip(fields, row, strict=True))) for row in rows]

    @override
    def pulse(self) -> Pulse:
        with self._database.tenant_tx(self._tenant) as curs:
            tx = transaction(curs)
            campaigns = self._sql.rows(tx, _STATUSES)
            params = {"states": WAITING, "limit": LOOKED_AT_MAX}
            queue = self._sql.listed(tx, _WAITING, params)
        return Pulse({str(row[0]): row[1] for row in campaigns}, {row[0]: row[1] for row in queue})

    def _rows(self, text: LiteralString, params: Mapping[str, Any]) -> list[Row]:
        with self._database.tenant_tx(self._tenant) as curs:
            return self._sql.listed(transaction(curs), text, params)


def _lane(sender: str, rows: Sequence[Row]) -> Lane:
    return Lane(
        sender=sender,
        waiting=sum(row[4] for row in rows),
        held=sum(row[4] for row in rows if row[3]),
        doubtful=sum(row[4] for row in rows if row[2] == MessageState.UNKNOWN),
        first=min((row[1] for row in rows), default=None),
    )


def _reply(row: Row) -> Reply:
    return Reply(**dict(zip(Reply.__struct_fields__, row, strict=True)))


_AHEAD: LiteralString = """
SELECT coalesce(nullif(waiting.sender, ''), c.sender, ''), date_trunc('hour', not_before), state,
       hold_reason IS NOT NULL, count(*)
  FROM (SELECT q.* FROM unnest(%(states)s::text[]) AS w (state) CROSS JOIN LATERAL (
            SELECT m.campaign_id, m.sender, m.not_before, m.state, m.hold_reason
              FROM {s}.send_queue m
             WHERE m.state = w.state AND m.not_before < %(until)s
             ORDER BY m.not_before, m.message_id LIMIT %(limit)s) AS q
         LIMIT %(limit)s) AS waiting
  LEFT JOIN {s}.campaigns c USING (campaign_id)
 GROUP BY 1, 2, 3, 4 ORDER BY 2
"""
_TROUBLES: LiteralString = """
SELECT (SELECT count(*) FROM (SELECT FROM {s}.send_queue WHERE state = 'UNKNOWN'
                               LIMIT %(limit)s) a),
       (SELECT count(*) FROM (SELECT FROM {s}.send_queue WHERE state = 'PRESUMED_LOST'
                               LIMIT %(limit)s) b),
       (SELECT count(*) FROM (SELECT FROM {s}.webhook_inbox WHERE state IN ('parked', 'orphan')
                               LIMIT %(limit)s) c),
       (SELECT count(*) FROM (SELECT FROM {s}.tasks WHERE state = 'open' AND due_at < %(now)s
                               LIMIT %(limit)s) d)
"""
_COUNTERS: LiteralString = """
SELECT jsonb_object_agg(name, total) FROM (
    SELECT e.key AS name, sum(e.value::bigint) AS total
      FROM {s}.campaigns c
      JOIN {s}.metrics_daily m ON m.campaign_id = c.campaign_id
       AND m.bucket >= %(since)s AND m.bucket < %(until)s
     CROSS JOIN LATERAL jsonb_each_text(
           to_jsonb(m) - 'campaign_id' - 'bucket' - 'node' - 'variant' - 'sender' - 'domain') AS e
     GROUP BY e.key) AS sums
"""
_FOUND: LiteralString = """
SELECT contact_id FROM {s}.contacts
 WHERE external_id >= %(from)s AND external_id < %(to)s AND starts_with(external_id, %(from)s)
 ORDER BY external_id LIMIT %(limit)s
"""
_JOURNEYS_OF: LiteralString = (
    JOURNEYS + " AND contact_id = ANY(%(contacts)s) ORDER BY accepted_at DESC LIMIT %(limit)s"
)
_MESSAGES_OF: LiteralString = MESSAGES + " WHERE stream_id = %(stream)s ORDER BY planned_at"
_PLANS_OF: LiteralString = """
SELECT plan_hash, count(*) FROM (
    SELECT plan_hash FROM {s}.contact_campaigns WHERE campaign_id = %(campaign)s LIMIT %(limit)s
    ) AS first_ones
 GROUP BY plan_hash ORDER BY 2 DESC, 1
"""
_REPLIES: LiteralString = """
SELECT reply_id, message_id, received_at, class, subject, text, html FROM {s}.replies"""
_OF_MESSAGES: LiteralString = """
 WHERE message_id = ANY(%(messages)s) ORDER BY received_at LIMIT 50"""
_NEWEST: LiteralString = "SELECT coalesce(max(position), 0) FROM {s}.activity_feed"
_HAPPENINGS: LiteralString = (
    ACTIVITY + " AND position > %(after)s ORDER BY position LIMIT %(limit)s"
)
_STATUSES: LiteralString = "SELECT campaign_id, status FROM {s}.campaigns LIMIT 1000"
_WAITING: LiteralString = """
SELECT w.state, (SELECT count(*) FROM (SELECT FROM {s}.send_queue m WHERE m.state = w.state
                                        LIMIT %(limit)s) AS few)
  FROM unnest(%(states)s::text[]) AS w (state)
"""
