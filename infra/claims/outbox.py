"""The send queue: rows locked to be rendered or claimed, doubts found by time, reports matched."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from typing_extensions import override

from domain.gates.holds import DATED_BY_RULE, PAUSES
from domain.ids import CampaignId, ContactId, MessageId, StreamId, TenantId, schema_of
from domain.taxonomy import HoldReason
from handlers.ports import (
    Clock,
    Doubt,
    Due,
    Lane,
    Limits,
    Marked,
    Match,
    Outbox,
    Planned,
    Report,
    Sent,
    Transaction,
)
from infra.claims.doubts import EXPIRED, IDLE, SILENT, STALE
from infra.claims.gates import DUE, FRESH, LOOK, due_of
from infra.claims.matching import Matcher
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database

RENDER_LEAD = timedelta(hours=1)
"""How long before its due time a message is rendered."""
SILENCE_LASTS = timedelta(hours=72)
_DATED = sorted({*DATED_BY_RULE, HoldReason.GATE_ERROR})
_PAUSES = sorted(PAUSES)
NOBODY = UUID(int=0)
"""Before every message id."""


class Claimant(msgspec.Struct, frozen=True, kw_only=True):
    """Who claims messages, and by which guards against processes that died or slept."""

    worker: str
    call_guard_s: int = 30
    sweep_s: int = 60
    unchecked_is: str = "valid"
    """What an address is taken for that nobody has looked at yet."""


class SqlOutbox(Outbox):
    """The send queue of one tenant, in PostgreSQL."""

    def __init__(
        self,
        database: Database,
        tenant: TenantId,
        claimant: Claimant,
        *,
        matcher: Matcher,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._database = database
        self._tenant = tenant
        self._claimant = claimant
        self._matcher = matcher
        self._limits = limits
        self._clock = clock
        self._guards = {"guard": claimant.call_guard_s, "sweep": claimant.sweep_s}
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
        wanted = list(streams)
        found = self._sql.rows(tx, _SENT, {"streams": wanted}) if wanted else ()
        return [Sent(MessageId(row[0]), StreamId(row[1]), *row[2:]) for row in found]

    @override
    def waiting(self, now: datetime, limit: int) -> int:
        with self._database.tenant_tx(self._tenant) as curs:
            params = {"now": now, "limit": limit}
            return int(self._sql.rows(transaction(curs), _WAITING, params)[0][0])

    @override
    def due(self, tx: Transaction, now: datetime, limit: int) -> list[Due]:
        found = self._sql.rows(tx, DUE, {"now": now, "limit": limit})
        return [self._due_of(row) for row in found]

    @override
    def look(self, message_id: MessageId, now: datetime) -> Due | None:
        with self._database.tenant_tx(self._tenant) as curs:
            params = {"id": message_id, "now": now}
            found = self._sql.rows(transaction(curs), LOOK, params)
        return self._due_of(found[0]) if found else None

    def _due_of(self, row: Row) -> Due:
        return due_of(row, self._matcher.domain_key, self._claimant.unchecked_is)

    @override
    def lanes(self, tx: Transaction, wanted: Iterable[Lane]) -> Mapping[Lane, datetime]:
        asked = list(wanted)
        params = {"names": [lane.name for lane in asked], "keys": [lane.key for lane in asked]}
        return {Lane(*row[:2]): row[2] for row in self._sql.rows(tx, _LANES, params)}

    @override
    def hold(
        self, tx: Transaction, ids: Sequence[MessageId], reason: HoldReason, until: datetime
    ) -> None:
        self.hold_each(tx, dict.fromkeys(ids, (reason, until)))

    @override
    def hold_each(
        self, tx: Transaction, held: Mapping[MessageId, tuple[HoldReason, datetime]]
    ) -> None:
        if held:
            reasons = [reason.value for reason, _ in held.values()]
            untils = [until for _, until in held.values()]
            params = {"ids": list(held), "reasons": reasons, "untils": untils, "dated": _DATED}
            self._sql.run(tx, _HOLD, params)

    @override
    def mark(self, tx: Transaction, marked: Marked) -> None:
        if marked.lanes:
            names, keys = zip(*marked.lanes, strict=True)
            untils = list(marked.lanes.values())
            self._sql.run(
                tx, _TAKE_LANES, {"names": list(names), "keys": list(keys), "untils": untils}
            )
        if not marked.claimed:
            return
        ids = [due.message_id for due in marked.claimed]
        worker, claim = self._claimant.worker, marked.token
        self._sql.run(tx, _MARK, {"ids": ids, "worker": worker, "claim": claim})
        written = [
            (identity, due.stream, due.campaign_id, due.recipient.contact_id)
            for due in marked.claimed
            for identity in due.recipient.identities
        ]
        if written:
            names = ("identities", "streams", "campaigns", "contacts")
            columns = dict(zip(names, map(list, zip(*written, strict=True)), strict=True))
            self._sql.run(tx, _WRITE_TO, {**columns, "now": marked.now})

    @override
    def claimed(self, token: str) -> set[MessageId]:
        with self._database.tenant_tx(self._tenant) as curs:
            tx = transaction(curs)
            self._limits.lock(tx)  # so that the claim in question has ended, one way or the other
            return {MessageId(row[0]) for row in self._sql.rows(tx, _CLAIMED, {"claim": token})}

    @override
    def fresh(self, token: str, claims: Mapping[MessageId, int]) -> set[MessageId]:
        params = {
            "ids": list(claims),
            "attempts": list(claims.values()),
            "claim": token,
            "now": self._clock.now(),
            **self._guards,
        }
        with self._database.tenant_tx(self._tenant) as curs:
            return {MessageId(row[0]) for row in self._sql.rows(transaction(curs), FRESH, params)}

    @override
    def provider_id(self, message_id: MessageId) -> str | None:
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _PROVIDER_ID, {"id": message_id})
        return rows[0][0] if rows else None

    @override
    def not_contacted(self, tx: Transaction, messages: Iterable[MessageId]) -> None:
        wanted = list(messages)
        if wanted:
            self._sql.run(tx, _NOT_CONTACTED, {"ids": wanted})

    @override
    def stale(self, after: MessageId | None, limit: int) -> list[Doubt]:
        with self._database.tenant_tx(self._tenant) as curs:
            params = {"after": after or NOBODY, "limit": limit, **self._guards}
            return _doubts(self._sql.rows(transaction(curs), STALE, params))

    @override
    def expired(self, now: datetime, after: MessageId | None, limit: int) -> list[Doubt]:
        with self._database.tenant_tx(self._tenant) as curs:
            params = {"after": after or NOBODY, "limit": limit, "now": now, "pauses": _PAUSES}
            return _doubts(self._sql.rows(transaction(curs), EXPIRED, params))

    @override
    def silent(self, now: datetime, after: MessageId | None, limit: int) -> list[Doubt]:
        with self._database.tenant_tx(self._tenant) as curs:
            first = after or NOBODY
            params = {"after": first, "limit": limit, "now": now, "since": now - SILENCE_LASTS}
            return _doubts(self._sql.rows(transaction(curs), SILENT, params))

    @override
    def idle_since(self, before: datetime) -> datetime | None:
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), IDLE, {"before": before})
        since: datetime | None = rows[0][0]
        return since

    @override
    def find(self, tx: Transaction, reports: Sequence[Report]) -> list[Match | None]:
        return self._matcher.find(tx, reports)


def _doubts(rows: Sequence[tuple[object, ...]]) -> list[Doubt]:
    return [Doubt(*row) for row in rows]  # type: ignore[arg-type]  # columns as selected below


# A change of the contact's data that the plan asked for comes first: the words depend on it.
_HEAD = """
SELECT p.message_id FROM {s}.send_queue p
 WHERE p.state = 'PLANNED' AND p.due_at <= %(lead)s
   AND (p.hold_reason IS NULL OR p.hold_reason NOT IN ('gate_error', 'sender_paused')
        OR p.not_before <= %(now)s)
   AND NOT EXISTS (SELECT FROM {s}.errands e
                    WHERE e.stream_id = p.stream_id AND e.kind = 'update')
 ORDER BY p.due_at, p.message_id LIMIT %(limit)s FOR UPDATE OF p SKIP LOCKED
"""

# A statement of its own, begun when the rows are locked: a revision that was made while the locks
# were taken is seen, and a later one waits.
_PLANNED = """
SELECT q.message_id, q.stream_id, q.contact_id, q.campaign_id, q.node, q.variant,
       coalesce(nullif(q.sender, ''), c.sender, ''), s.plan_hash
  FROM {s}.send_queue q JOIN {s}.streams s USING (stream_id)
  LEFT JOIN {s}.campaigns c ON c.campaign_id = q.campaign_id
 WHERE q.message_id = ANY(%(ids)b::uuid[])
 ORDER BY q.due_at, q.message_id
"""

_SENT = """
SELECT message_id, stream_id, node, visit, attempt, sender FROM {s}.send_queue
 WHERE stream_id = ANY(%(streams)b::uuid[]) AND state = 'ACCEPTED' ORDER BY visit
"""

_WAITING = """
SELECT count(*) FROM (SELECT FROM {s}.send_queue WHERE state = 'QUEUED' AND not_before <= %(now)s
                       LIMIT %(limit)s) AS head
"""

_LANES = """
SELECT name, key, until FROM {s}.lanes
  JOIN unnest(%(names)b::text[], %(keys)b::text[]) AS u (name, key) USING (name, key)
"""

_TAKE_LANES = """
INSERT INTO {s}.lanes (name, key, until)
SELECT * FROM unnest(%(names)b::text[], %(keys)b::text[], %(untils)b::timestamptz[])
ON CONFLICT (name, key) DO UPDATE SET until = excluded.until
"""

# Asked before its time and not let go, what has a due time of its own waits for that again.
_HOLD = """
UPDATE {s}.send_queue q
   SET hold_reason = u.reason,
       not_before = greatest(q.not_before, u.until,
                             CASE WHEN u.reason = ANY(%(dated)b::text[]) THEN q.due_at END)
  FROM unnest(%(ids)b::uuid[], %(reasons)b::text[], %(untils)b::timestamptz[])
       AS u (id, reason, until)
 WHERE q.message_id = u.id AND CASE WHEN q.state IN ('PLANNED', 'QUEUED') THEN true END
"""

# By their keys: CASE keeps the planner from an index of the state and from what old statistics say
# of it, here, in _HOLD and in FRESH.
_MARK = """
UPDATE {s}.send_queue SET since = now(), worker = %(worker)s, claim = %(claim)s
 WHERE message_id = ANY(%(ids)b::uuid[]) AND CASE WHEN state = 'SENDING' THEN true END
"""

_WRITE_TO = """
INSERT INTO {s}.outreach AS o (identity, stream_id, campaign_id, contact_id, at)
SELECT DISTINCT ON (1, 2) *, %(now)s
  FROM unnest(%(identities)b::bytea[], %(streams)b::uuid[], %(campaigns)b::uuid[],
              %(contacts)b::uuid[])
ON CONFLICT (identity, stream_id) DO UPDATE SET at = greatest(o.at, excluded.at)
"""

_NOT_CONTACTED = """
DELETE FROM {s}.outreach o
 WHERE o.stream_id = ANY(ARRAY(SELECT stream_id FROM {s}.send_queue
                                WHERE message_id = ANY(%(ids)b::uuid[])))
   AND NOT EXISTS (SELECT FROM {s}.send_queue q WHERE q.stream_id = o.stream_id
                    AND q.message_id <> ALL(%(ids)b::uuid[])
                    AND q.state IN ('SENDING', 'ACCEPTED', 'UNKNOWN', 'PRESUMED_LOST'))
   AND NOT EXISTS (SELECT FROM {s}.events e WHERE e.originator_id = o.stream_id
                    AND e.topic = 'message_unknown')
"""

_CLAIMED = "SELECT message_id FROM {s}.send_queue WHERE claim = %(claim)s AND state = 'SENDING'"

_PROVIDER_ID = "SELECT provider_id FROM {s}.send_queue WHERE message_id = %(id)s"
