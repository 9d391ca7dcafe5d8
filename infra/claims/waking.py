"""What a gate held is looked at again when an order has opened the gate.

A claim that saw the gate closed puts its rows off before it ends; so who opens one takes the lock
of the claims first of all, and every later claim sees it open. An order wakes so many itself; for
more it leaves a row, and a sweep goes on from there.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.ids import CampaignId, TenantId, schema_of
from domain.taxonomy import HoldReason
from handlers.ports import Transaction
from infra.limits.counters import CLAIM_LOCK
from infra.statements import Statements, transaction
from infra.tenancy import Database
from projections.send_queue import NEVER

PART = 10_000
"""Messages that one transaction wakes: no claim begins meanwhile, and none should wait for long."""
_NOBODY = UUID(int=0)


def lock_claims(sql: Statements, tx: Transaction) -> None:
    """Wait for the claim under way, and let none begin before this transaction ends."""
    sql.rows(tx, CLAIM_LOCK, {"claims": f"{sql.schema}.claims"})


def wake(
    sql: Statements,
    tx: Transaction,
    reasons: Collection[HoldReason],
    now: datetime,
    *,
    senders: Collection[str] | None = None,
    campaign: CampaignId | None = None,
) -> int:
    """Make due what these reasons hold, of some senders or of a campaign only; how many at once.

    A row is only ever moved forward, so no order can put off what waits. One that somebody has
    locked is being moved by a fact.
    """
    if not reasons:
        return 0
    held = {
        "reasons": sorted(reasons),
        "senders": None if senders is None else sorted(senders),
        "campaign": campaign,
    }
    woken, reached = _part(sql, tx, {**held, "reached": _NOBODY}, now)
    if reached is not None:
        sql.run(tx, _LEAVE, {**held, "reached": reached})
    return woken


def go_on(database: Database, tenant: TenantId, now: datetime) -> int:
    """Wake the next part of what an order left; how many messages, nought when nothing is left."""
    sql = Statements(schema_of(tenant))
    with database.tenant_tx(tenant) as curs:
        tx = transaction(curs)
        if not sql.rows(tx, _LEFT):
            return 0
        lock_claims(sql, tx)
        for waking_id, *held in sql.rows(tx, _NEXT):
            names = ("reasons", "senders", "campaign", "reached")
            woken, reached = _part(sql, tx, dict(zip(names, held, strict=True)), now)
            done = {"id": waking_id, "reached": reached}
            sql.run(tx, _DONE if reached is None else _REACHED, done)
            return woken
    return 0


def _part(
    sql: Statements, tx: Transaction, held: dict[str, Any], now: datetime
) -> tuple[int, UUID | None]:
    """How many were woken, and the last of them where there may be more."""
    sql.run(tx, _BY_WHAT_IS_ASKED)
    ((woken, met, last),) = sql.rows(tx, _WAKE, {**held, "now": now, "limit": PART, "never": NEVER})
    return woken, last if met == PART else None


# A plan made for any reasons would look at all that waits, also for those that hold nothing.
_BY_WHAT_IS_ASKED = "SET LOCAL plan_cache_mode = force_custom_plan"

# What is only planned has no sender of its own yet where a set of them takes turns, and it may have
# been asked for one before it was due.
_WAKE = """
WITH held AS MATERIALIZED (
    SELECT message_id FROM {s}.send_queue
     WHERE state IN ('PLANNED', 'QUEUED') AND hold_reason IS NOT NULL
       AND hold_reason = ANY(%(reasons)s::text[]) AND not_before > %(now)s
       AND not_before <> %(never)s AND message_id > %(reached)s
       AND (%(campaign)s::uuid IS NULL OR campaign_id = %(campaign)s)
       AND (%(senders)s::text[] IS NULL OR sender = ANY(%(senders)s) OR sender = ''
            OR state = 'PLANNED')
     ORDER BY message_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), woken AS (
    UPDATE {s}.send_queue q
       SET not_before = CASE q.state WHEN 'PLANNED' THEN greatest(q.due_at, %(now)s)
                                     ELSE %(now)s END
      FROM held WHERE q.message_id = held.message_id RETURNING 1
)
SELECT (SELECT count(*) FROM woken), (SELECT count(*) FROM held),
       (SELECT message_id FROM held ORDER BY message_id DESC LIMIT 1)
"""

_LEAVE = """
INSERT INTO {s}.wakings (reasons, senders, campaign_id, reached)
VALUES (%(reasons)s, %(senders)s, %(campaign)s, %(reached)s)
"""

_LEFT = "SELECT 1 FROM {s}.wakings LIMIT 1"

_NEXT = """
SELECT waking_id, reasons, senders, campaign_id, reached FROM {s}.wakings
 ORDER BY waking_id LIMIT 1 FOR UPDATE SKIP LOCKED
"""

_REACHED = "UPDATE {s}.wakings SET reached = %(reached)s WHERE waking_id = %(id)s"

_DONE = "DELETE FROM {s}.wakings WHERE waking_id = %(id)s"
