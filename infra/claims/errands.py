"""Errands: leased when due, taken away with what they were for."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import LiteralString

from typing_extensions import override

from domain.ids import CampaignId, ContactId, ErrandId, StreamId, TenantId, schema_of
from handlers.ports import DueErrand, Errands, Transaction
from handlers.ports.errands import KINDS
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database

LEASE_S = 60


class SqlErrands(Errands):
    """The errands of one tenant, in PostgreSQL.

    `patience` is added to the time of calls: on a fast clock an hour is over before an answer.
    """

    def __init__(
        self, database: Database, tenant: TenantId, *, patience: timedelta = timedelta()
    ) -> None:
        self._database = database
        self._tenant = tenant
        self._patience = patience
        self._sql = Statements(schema_of(tenant))

    @override
    def claim(self, now: datetime, *, limit: int, kinds: Sequence[str] = KINDS) -> list[DueErrand]:
        params = {"now": now, "limit": limit, "lease": LEASE_S, "kinds": list(kinds)}
        with self._database.tenant_tx(self._tenant) as curs:
            found = self._sql.rows(transaction(curs), _CLAIM, params)
        errands = (_errand(row, self._patience) for row in found)
        return sorted(errands, key=lambda errand: (errand.requested_at, errand.errand_id))

    @override
    def settle(self, tx: Transaction, errands: Sequence[DueErrand]) -> list[DueErrand]:
        params = {
            "ids": [errand.errand_id for errand in errands],
            "fences": [errand.fence for errand in errands],
        }
        ours = {row[0] for row in self._sql.rows(tx, _SETTLE, params)}
        return [errand for errand in errands if errand.errand_id in ours]

    @override
    def put_off(self, errands: Mapping[DueErrand, datetime]) -> None:
        if not errands:
            return
        params = {
            "ids": [errand.errand_id for errand in errands],
            "fences": [errand.fence for errand in errands],
            "times": list(errands.values()),
        }
        with self._database.tenant_tx(self._tenant) as curs:
            self._sql.run(transaction(curs), _PUT_OFF, params)

    @override
    def free_expired(self) -> int:
        with self._database.tenant_tx(self._tenant) as curs:
            return self._sql.run(transaction(curs), _FREE)


def _errand(row: Row, patience: timedelta) -> DueErrand:
    return DueErrand(
        errand_id=ErrandId(row[0]),
        stream=StreamId(row[1]),
        campaign_id=CampaignId(row[2]),
        contact_id=ContactId(row[3]),
        plan_hash=row[4],
        kind=row[5],
        node=row[6],
        visit=row[7],
        endpoint=row[8],
        requested_at=row[9],
        give_up_at=None if row[10] is None else row[10] + patience,
        attempt=row[11],
        fence=row[12],
    )


PLAN_THEN: LiteralString = """
coalesce((SELECT convert_from(v.state, 'UTF8')::jsonb -> 'f' ->> 'old_hash' FROM {s}.events v
           WHERE v.originator_id = e.stream_id AND v.originator_version > e.version
             AND v.topic = 'plan_revised' ORDER BY v.originator_version LIMIT 1), x.plan_hash)
"""
"""The plan in force when row `e` of stream `x` was written: a later revision asks for nothing."""

# A change of contact data waits for those of its stream before it: they are made in their order.
# The rows to take are an array, so that the planner never joins past the LIMIT.
_CLAIM: LiteralString = f"""
UPDATE {{s}}.errands e SET state = 'claimed', fence = fence + 1, attempts = attempts + 1,
       lease_until = now() + make_interval(secs => %(lease)s)
  FROM {{s}}.streams x
 WHERE x.stream_id = e.stream_id AND e.errand_id = ANY(ARRAY(
       SELECT d.errand_id FROM {{s}}.errands d
        WHERE d.state = 'due' AND d.not_before <= %(now)s AND d.kind = ANY(%(kinds)s)
          AND (d.kind <> 'update' OR NOT EXISTS (
               SELECT FROM {{s}}.errands b WHERE b.stream_id = d.stream_id AND b.kind = 'update'
                  AND b.version < d.version))
        ORDER BY d.not_before, d.requested_at, d.errand_id LIMIT %(limit)s
          FOR UPDATE OF d SKIP LOCKED))
RETURNING e.errand_id, e.stream_id, x.campaign_id, x.contact_id, {PLAN_THEN}, e.kind, e.node,
          e.visit, e.endpoint, e.requested_at, e.give_up_at, e.attempts, e.fence
"""  # noqa: S608  # constant texts

_SETTLE = """
DELETE FROM {s}.errands e USING unnest(%(ids)s::uuid[], %(fences)s::bigint[]) AS u (id, fence)
 WHERE e.errand_id = u.id AND e.fence = u.fence AND e.state = 'claimed'
RETURNING e.errand_id
"""

_PUT_OFF = """
UPDATE {s}.errands e SET state = 'due', not_before = u.at, lease_until = NULL
  FROM unnest(%(ids)s::uuid[], %(fences)s::bigint[], %(times)s::timestamptz[])
       AS u (id, fence, at)
 WHERE e.errand_id = u.id AND e.fence = u.fence AND e.state = 'claimed'
"""

_FREE = """
UPDATE {s}.errands SET state = 'due', lease_until = NULL, fence = fence + 1
 WHERE state = 'claimed' AND lease_until < now()
"""
