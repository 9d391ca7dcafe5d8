"""The webhook inbox: kept before it is answered for, leased in batches, settled with its facts."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

import psycopg
from typing_extensions import override

from domain.ids import MessageId, TenantId, schema_of
from domain.taxonomy import Signal
from handlers.ports import Inbox, InboxItem, Past, Report, Rng, Settled, Transaction
from infra.claims.gathering import Gathering
from infra.statements import Statements, transaction
from infra.tenancy import Database

LEASE_S = 60
BUSY_S = 5
"""So long after its claim a batch is taken to be worked on; most take a tenth of a second."""
ORPHAN_TRIES_S = (60, 600, 3600)
"""When an orphan is matched again: after a minute, ten, then every hour."""
SIGHTED = (Signal.OPENED, Signal.CLICKED)
TELLING = (*SIGHTED, Signal.DELIVERED, Signal.REPLIED)
WEIGHT_MAX = 8_000_000
"""Of the posts that one commit keeps, together; each is bounded by itself."""
REPORT_WEIGHT = 2_000
"""What a report weighs besides the bytes of its post: rows cost more than bytes."""
PAST_MAX = 500
"""Opens and clicks of one message that a verdict looks at, the latest."""


class _Delivery(NamedTuple):
    """A post as it came, under an id of its own."""

    id: UUID
    provider: str
    headers: str
    body: bytes
    late: bool
    reports: Sequence[Report]


class SqlInbox(Inbox):
    """The webhook inbox of one tenant, in PostgreSQL."""

    def __init__(self, database: Database, tenant: TenantId, rng: Rng) -> None:
        self._database = database
        self._tenant = tenant
        self._rng = rng
        self._sql = Statements(schema_of(tenant))
        self._gathering = Gathering(
            self._keep, size=_weight, most=WEIGHT_MAX, own=(psycopg.DataError, UnicodeError)
        )

    @override
    def keep(
        self,
        provider: str,
        headers: Mapping[str, str],
        body: bytes,
        reports: Sequence[Report],
        *,
        late: bool,
    ) -> int:
        given = _Delivery(
            _id_of(self._rng.new_id(), body),
            provider,
            json.dumps(dict(headers)),
            body,
            late,
            reports,
        )
        return self._gathering.do(given)

    def _keep(self, given: Sequence["_Delivery"]) -> list[int]:
        items = [
            (one.id, place, one.provider, report)
            for one in given
            for place, report in enumerate(one.reports, start=1)
        ]
        params = {
            "deliveries": [one.id for one in given],
            "froms": [one.provider for one in given],
            "headers": [one.headers for one in given],
            "bodies": [one.body for one in given],
            "late": [one.late for one in given],
            "ids": [delivery for delivery, *_ in items],
            "places": [place for _, place, *_ in items],
            "providers": [provider for _, _, provider, _ in items],
            "kinds": [report.kind for *_, report in items],
            "keys": [report.key for *_, report in items],
            "raws": [report.raw for *_, report in items],
            "times": [report.at for *_, report in items],
            "problems": [report.problem for *_, report in items],
            "signals": [report.signal for *_, report in items],
            "about": [report.message_id for *_, report in items],
        }
        with self._database.tenant_tx(self._tenant) as curs:
            states = self._sql.rows(transaction(curs), _KEEP, params)
        fresh = Counter(delivery for delivery, state in states if state == "new")
        return [fresh[one.id] for one in given]

    @override
    def claim(self, limit: int) -> list[InboxItem]:
        with self._database.tenant_tx(self._tenant) as curs:
            params = {"limit": limit, "lease": LEASE_S, "busy": BUSY_S}
            found = self._sql.rows(transaction(curs), _CLAIM, params)
        items = [InboxItem(*row) for row in found]
        return sorted(items, key=lambda item: item.inbox_id)

    @override
    def past(self, tx: Transaction, known: Mapping[MessageId, int]) -> list[Past]:
        params = {
            "ids": list(known),
            "sizes": list(known.values()),
            "sighted": list(SIGHTED),
            "telling": list(TELLING),
            "delivered": Signal.DELIVERED,
            "replied": Signal.REPLIED,
            "limit": PAST_MAX,
        }
        rows = self._sql.rows(tx, _PAST, params)
        sights: dict[MessageId, list[tuple[str, bytes, bytes]]] = {}
        for row in rows:
            sights.setdefault(MessageId(row[0]), []).append(row[5:])
        heads = {MessageId(row[0]): row[1:5] for row in rows}
        return [
            Past(mid, sent_at, delivered_at, replied_at, size, sights[mid])
            for mid, (sent_at, delivered_at, replied_at, size) in heads.items()
        ]

    @override
    def settle(self, tx: Transaction | None, settled: Sequence[Settled]) -> None:
        if not settled:
            return
        if tx is None:
            with self._database.tenant_tx(self._tenant) as curs:
                self.settle(transaction(curs), settled)
            return
        params = {
            "ids": [one.item.inbox_id for one in settled],
            "fences": [one.item.fence for one in settled],
            "states": [one.state for one in settled],
            "reasons": [one.reason or None for one in settled],
            "streams": [one.stream for one in settled],
            "messages": [one.message_id for one in settled],
            "waits": [_next_try(one) for one in settled],
        }
        self._sql.run(tx, _SETTLE, params)

    @override
    def free_expired(self) -> int:
        with self._database.tenant_tx(self._tenant) as curs:
            return self._sql.run(transaction(curs), _FREE)


def _id_of(drawn: UUID, body: bytes) -> UUID:
    """An id that names its bytes: facts have it in their cause, so that their chain covers it."""
    return UUID(bytes=drawn.bytes[:8] + sha256(body).digest()[:8])


def _weight(given: _Delivery) -> int:
    return len(given.body) + REPORT_WEIGHT * (1 + len(given.reports))


def _next_try(settled: Settled) -> timedelta | None:
    if settled.state != "orphan" or settled.reason == "given_up":
        return None
    return timedelta(seconds=ORPHAN_TRIES_S[min(settled.item.tries, len(ORPHAN_TRIES_S) - 1)])


# A repeat of a known fact, or of one earlier in these posts, is kept as a duplicate. Of two
# transactions with the same fact the second waits at the unique key, then takes the other branch.
_KEEP = """
WITH deliveries AS (
    INSERT INTO {s}.webhook_deliveries (delivery_id, provider, received_at, headers, body,
                                        late_signature)
    SELECT id, provider, now(), headers::jsonb, body, late
      FROM unnest(%(deliveries)b::uuid[], %(froms)b::text[], %(headers)b::text[],
                  %(bodies)b::bytea[], %(late)b::boolean[])
           AS u (id, provider, headers, body, late)
), given AS (
    SELECT *, row_number() OVER (PARTITION BY key ORDER BY nth) AS again
      FROM unnest(%(ids)b::uuid[], %(places)b::integer[], %(providers)b::text[],
                  %(kinds)b::text[], %(keys)b::bytea[], %(raws)b::bytea[],
                  %(times)b::timestamptz[], %(problems)b::text[], %(signals)b::text[],
                  %(about)b::uuid[])
           WITH ORDINALITY AS u (id, item, provider, kind, key, raw, at, problem, signal, about,
                                 nth)
), fresh AS (
    INSERT INTO {s}.webhook_inbox (delivery_id, item, provider, kind, semantic_key, raw,
                                   occurred_at, received_at, state, reason, signal, about)
    SELECT id, item, provider, kind, key, raw, at, now(),
           CASE WHEN problem IS NULL THEN 'new' ELSE 'parked' END, problem, signal, about
      FROM given WHERE again = 1 ORDER BY key
    ON CONFLICT (semantic_key) WHERE state NOT IN ('duplicate', 'parked') DO NOTHING
    RETURNING delivery_id, item, state
), repeated AS (
    INSERT INTO {s}.webhook_inbox (delivery_id, item, provider, kind, semantic_key, raw,
                                   occurred_at, received_at, state, settled_at)
    SELECT g.id, g.item, g.provider, g.kind, g.key, g.raw, g.at, now(), 'duplicate', now()
      FROM given g LEFT JOIN fresh f ON f.delivery_id = g.id AND f.item = g.item
     WHERE f.item IS NULL
    RETURNING delivery_id, state
)
SELECT delivery_id, state FROM fresh UNION ALL SELECT delivery_id, state FROM repeated
"""

# Who takes reports of a message that another one is at would lose the race for its stream, and do
# all again: two workers on one tenant did a third of their work twice.
_CLAIM = """
UPDATE {s}.webhook_inbox w SET state = 'claimed', tries = tries + 1, fence = fence + 1,
       lease_until = now() + make_interval(secs => %(lease)s)
 WHERE w.inbox_id = ANY(ARRAY(
       SELECT inbox_id FROM {s}.webhook_inbox WHERE state = 'new'
          AND (about IS NULL OR about NOT IN (
               SELECT about FROM {s}.webhook_inbox WHERE state = 'claimed' AND about IS NOT NULL
                  AND lease_until > now() + make_interval(secs => %(lease)s - %(busy)s)))
        ORDER BY inbox_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
    OR w.inbox_id = ANY(ARRAY(
       SELECT inbox_id FROM {s}.webhook_inbox WHERE state = 'orphan' AND next_try_at <= now()
        ORDER BY next_try_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
RETURNING inbox_id, delivery_id, provider, raw, semantic_key, received_at, tries - 1, fence
"""

_SETTLE = """
UPDATE {s}.webhook_inbox w
   SET state = u.state, reason = u.reason, stream_id = u.stream_id, message_id = u.message_id,
       about = coalesce(u.message_id, w.about),
       lease_until = NULL, next_try_at = coalesce(now() + u.wait, 'infinity'),
       settled_at = CASE WHEN u.state = 'orphan' THEN NULL ELSE now() END
  FROM unnest(%(ids)b::bigint[], %(fences)b::bigint[], %(states)b::text[], %(reasons)b::text[],
              %(streams)b::uuid[], %(messages)b::uuid[], %(waits)b::interval[])
       AS u (id, fence, state, reason, stream_id, message_id, wait)
 WHERE w.inbox_id = u.id AND w.fence = u.fence AND w.state = 'claimed'
"""

_FREE = """
UPDATE {s}.webhook_inbox SET state = 'new', lease_until = NULL, fence = fence + 1
 WHERE state = 'claimed' AND lease_until < now()
"""

# Of messages that nobody opened there is nothing to judge. A repeat and what was set aside say
# nothing; what is still to be settled does.
_PAST = """
WITH opened AS (
    SELECT w.about, least(count(*), %(limit)s) AS size,
           min(w.occurred_at) FILTER (WHERE w.signal = %(delivered)s) AS delivered_at,
           max(w.occurred_at) FILTER (WHERE w.signal = %(replied)s) AS replied_at
      FROM unnest(%(ids)b::uuid[], %(sizes)b::integer[]) AS u (id, size)
      JOIN {s}.webhook_inbox w ON w.about = u.id
     WHERE w.signal = ANY(%(telling)s) AND w.state NOT IN ('duplicate', 'parked')
     GROUP BY w.about, u.size
    HAVING bool_or(w.signal = ANY(%(sighted)s)) AND least(count(*), %(limit)s) > u.size
)
SELECT o.about, q.accepted_at, o.delivered_at, o.replied_at, o.size,
       k.provider, k.raw, k.semantic_key
  FROM opened o CROSS JOIN LATERAL (
       SELECT provider, raw, semantic_key FROM {s}.webhook_inbox w
        WHERE w.about = o.about AND w.signal = ANY(%(sighted)s)
          AND w.state NOT IN ('duplicate', 'parked')
        ORDER BY occurred_at DESC NULLS LAST, inbox_id DESC LIMIT %(limit)s) k
  LEFT JOIN {s}.send_queue q ON q.message_id = o.about
"""
