"""The send queue: rows locked to be rendered or claimed, doubts found by time, reports matched."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from typing_extensions import override

from domain.ids import CampaignId, ContactId, MessageId, StreamId, TenantId, schema_of
from domain.taxonomy import HoldReason
from handlers.ports import Doubt, Due, Match, Outbox, Planned, Report, Sent, Transaction
from infra.claims.matching import Matcher
from infra.statements import Statements, transaction
from infra.tenancy import Database

RENDER_LEAD = timedelta(hours=1)
"""How long before its due time a message is rendered."""
SILENCE = timedelta(hours=72)


class SqlOutbox(Outbox):
    """The send queue of one tenant, in PostgreSQL."""

    def __init__(
        self,
        database: Database,
        tenant: TenantId,
        *,
        worker: str,
        matcher: Matcher,
        call_guard_s: int = 30,
        sweep_s: int = 60,
    ) -> None:
        self._database = database
        self._tenant = tenant
        self._worker = worker
        self._matcher = matcher
        self._guards = {"guard": call_guard_s, "sweep": sweep_s}
        self._sql = Statements(schema_of(tenant))

    @override
    def planned(self, tx: Transaction, now: datetime, limit: int) -> list[Planned]:
        params = {"now": now, "lead": now + RENDER_LEAD, "limit": limit}
        ids = [row[0] for row in self._sql.rows(tx, _HEAD, params)]
        found = self._sql.rows(tx, _PLANNED, {"ids": ids}) if ids else []
        return [
            Planned(
                MessageId(row[0]), StreamId(row[1]), ContactId(row[2]), CampaignId(row[3]), *row[4:]
            )
            for row in found
        ]

    @override
    def sent(self, tx: Transaction, streams: Iterable[StreamId]) -> list[Sent]:
        found = self._sql.rows(tx, _SENT, {"streams": list(streams)})
        return [Sent(MessageId(row[0]), StreamId(row[1]), *row[2:]) for row in found]

    @override
    def due(self, tx: Transaction, now: datetime, limit: int) -> list[Due]:
        found = self._sql.rows(tx, _DUE, {"now": now, "limit": limit})
        return [
            Due(
                message_id=MessageId(row[0]),
                stream=StreamId(row[1]),
                campaign_id=CampaignId(row[2]),
                contact_id=ContactId(row[3]),
                hold_reason=row[4],
                reachable=row[5],
                suppressed=row[6],
                campaign_status=row[7],
                sender_known=row[8],
                sender_verified=row[9],
                sender_paused=row[10],
            )
            for row in found
        ]

    @override
    def hold(
        self, tx: Transaction, ids: Sequence[MessageId], reason: HoldReason, until: datetime
    ) -> None:
        if ids:
            self._sql.run(tx, _HOLD, {"ids": list(ids), "reason": reason, "until": until})

    @override
    def sign(self, tx: Transaction, ids: Sequence[MessageId]) -> None:
        if ids:
            self._sql.run(tx, _SIGN, {"ids": list(ids), "worker": self._worker})

    @override
    def fresh(self, claims: Mapping[MessageId, int]) -> set[MessageId]:
        params = {
            "ids": list(claims),
            "attempts": list(claims.values()),
            "worker": self._worker,
            **self._guards,
        }
        with self._database.tenant_tx(self._tenant) as curs:
            return {MessageId(row[0]) for row in self._sql.rows(transaction(curs), _FRESH, params)}

    @override
    def stale(self, limit: int) -> list[Doubt]:
        with self._database.tenant_tx(self._tenant) as curs:
            params = {"limit": limit, **self._guards}
            return _doubts(self._sql.rows(transaction(curs), _STALE, params))

    @override
    def expired(self, now: datetime, limit: int) -> list[Doubt]:
        with self._database.tenant_tx(self._tenant) as curs:
            params = {"limit": limit, "now": now}
            return _doubts(self._sql.rows(transaction(curs), _EXPIRED, params))

    @override
    def silent(self, now: datetime, limit: int) -> list[Doubt]:
        with self._database.tenant_tx(self._tenant) as curs:
            params = {"limit": limit, "now": now, "since": now - SILENCE}
            return _doubts(self._sql.rows(transaction(curs), _SILENT, params))

    @override
    def find(self, reports: Sequence[Report]) -> list[Match | None]:
        with self._database.tenant_tx(self._tenant) as curs:
            return self._matcher.find(transaction(curs), reports)


def _doubts(rows: Sequence[tuple[object, ...]]) -> list[Doubt]:
    return [Doubt(*row) for row in rows]  # type: ignore[arg-type]  # columns as selected below


# A change of the contact's data that the plan asked for comes first: the words depend on it.
_HEAD = """
SELECT p.message_id FROM {s}.send_queue p
 WHERE p.state = 'PLANNED' AND p.due_at <= %(lead)s
   AND (p.hold_reason IS DISTINCT FROM 'gate_error' OR p.not_before <= %(now)s)
   AND NOT EXISTS (SELECT FROM {s}.errands e
                    WHERE e.stream_id = p.stream_id AND e.kind = 'update')
 ORDER BY p.due_at, p.message_id LIMIT %(limit)s FOR UPDATE OF p SKIP LOCKED
"""

# A statement of its own, begun when the rows are locked: a revision that was made while the locks
# were taken is seen, and a later one waits.
_PLANNED = """
SELECT q.message_id, q.stream_id, q.contact_id, q.campaign_id, q.node, q.variant, q.sender,
       c.plan_hash
  FROM {s}.send_queue q JOIN {s}.streams c USING (stream_id)
 WHERE q.message_id = ANY(%(ids)s)
 ORDER BY q.due_at, q.message_id
"""

_SENT = """
SELECT message_id, stream_id, node, visit, attempt FROM {s}.send_queue
 WHERE stream_id = ANY(%(streams)s) AND state = 'ACCEPTED' ORDER BY visit
"""

# Who closes a gate updates the gate row first and the message rows after it, with SKIP LOCKED; so a
# row whose gate is being changed now stays queued, the claim never waits, and no lock cycle exists.
_DUE = """
WITH head AS MATERIALIZED (
    SELECT * FROM {s}.send_queue WHERE state = 'QUEUED' AND not_before <= %(now)s
     ORDER BY not_before, message_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), gate_contacts AS MATERIALIZED (
    SELECT contact_id, email, email_hmac FROM {s}.contacts
     WHERE contact_id = ANY(ARRAY(SELECT contact_id FROM head)) FOR SHARE SKIP LOCKED
), gate_campaigns AS MATERIALIZED (
    SELECT campaign_id, status, sender FROM {s}.campaigns
     WHERE campaign_id = ANY(ARRAY(SELECT campaign_id FROM head)) FOR SHARE SKIP LOCKED
)
SELECT h.message_id, h.stream_id, h.campaign_id, h.contact_id, h.hold_reason,
       c.email IS NOT NULL,
       EXISTS (SELECT 1 FROM {s}.suppressions b WHERE b.family = 'email'
                AND b.address_hmac = c.email_hmac
                AND (b.expires_at IS NULL OR b.expires_at > %(now)s)),
       g.status, d.sender IS NOT NULL, coalesce(d.verified, false), coalesce(d.paused, false)
  FROM head h JOIN gate_campaigns g USING (campaign_id)
  LEFT JOIN gate_contacts c USING (contact_id)
  LEFT JOIN {s}.senders d ON d.sender = coalesce(nullif(h.sender, ''), g.sender)
 WHERE c.contact_id IS NOT NULL
    OR NOT EXISTS (SELECT 1 FROM {s}.contacts x WHERE x.contact_id = h.contact_id)
 ORDER BY h.not_before, h.message_id
"""

_HOLD = """
UPDATE {s}.send_queue SET not_before = greatest(not_before, %(until)s), hold_reason = %(reason)s
 WHERE message_id = ANY(%(ids)s) AND state IN ('PLANNED', 'QUEUED')
"""

_SIGN = """
UPDATE {s}.send_queue SET since = now(), worker = %(worker)s
 WHERE message_id = ANY(%(ids)s) AND state = 'SENDING'
"""

_FRESH = """
SELECT q.message_id FROM {s}.send_queue q
  JOIN unnest(%(ids)s::uuid[], %(attempts)s::integer[]) AS u (id, attempt)
    ON q.message_id = u.id AND q.attempt = u.attempt
  JOIN {s}.campaigns g USING (campaign_id)
  JOIN {s}.contacts c USING (contact_id)
 WHERE q.state = 'SENDING' AND q.worker = %(worker)s
   AND q.since > clock_timestamp() - make_interval(secs => %(guard)s) AND g.status = 'active'
   AND NOT EXISTS (SELECT 1 FROM {s}.suppressions b
                    WHERE b.family = 'email' AND b.address_hmac = c.email_hmac)
   AND NOT EXISTS (SELECT 1 FROM {s}.events e
                    WHERE e.originator_id = q.stream_id AND e.topic IN ('paused', 'exited')
                      AND e.originator_version > (
                          SELECT max(a.originator_version) FROM {s}.events a
                           WHERE a.originator_id = q.stream_id
                             AND a.topic = 'send_attempt_started'))
"""

_STALE = """
SELECT message_id, stream_id, attempt FROM {s}.send_queue
 WHERE state = 'SENDING' AND since < now() - make_interval(secs => %(sweep)s)
 ORDER BY since LIMIT %(limit)s
"""

_EXPIRED = """
SELECT message_id, stream_id, attempt FROM {s}.send_queue
 WHERE state IN ('PLANNED', 'QUEUED') AND expires_at <= %(now)s AND not_before < '9999-01-01'
 ORDER BY expires_at LIMIT %(limit)s
"""

# Webhooks are alive when, of at least 20 messages accepted in the last day and older than an hour,
# 99 in 100 have a fact, and the newest fact is younger than an hour. Too few messages count as no.
_SILENT = """
WITH recent AS (
    SELECT q.message_id, EXISTS (SELECT 1 FROM {s}.webhook_inbox w
                                  WHERE w.message_id = q.message_id) AS told
      FROM {s}.send_queue q WHERE q.state = 'ACCEPTED'
       AND q.accepted_at BETWEEN %(now)s - interval '24 hours' AND %(now)s - interval '1 hour'
), alive AS (
    SELECT count(*) >= 20 AND count(*) FILTER (WHERE told) >= 0.99 * count(*)
       AND (SELECT max(occurred_at) FROM {s}.webhook_inbox) > %(now)s - interval '1 hour' AS yes
      FROM recent
)
SELECT message_id, stream_id, attempt FROM {s}.send_queue
 WHERE state = 'UNKNOWN' AND not_before < %(since)s AND (SELECT yes FROM alive)
 ORDER BY planned_at LIMIT %(limit)s
"""
