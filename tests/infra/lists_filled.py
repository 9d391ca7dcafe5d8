"""Rows for every list of a tenant: many of the ordinary, few of what is looked for."""

from datetime import UTC, datetime
from typing import LiteralString
from uuid import UUID

from psycopg.sql import SQL, Identifier

from domain.ids import CampaignId, TenantId, schema_of
from infra.tenancy import Database

MANY = 20_000
MONDAY = datetime(2026, 9, 7, 9, tzinfo=UTC)
BUSY, QUIET = CampaignId(UUID(int=1)), CampaignId(UUID(int=2))
FEW = 3

_CAMPAIGN: LiteralString = "CASE WHEN n > {last} THEN {quiet}::uuid ELSE {busy}::uuid END"
"""The quiet campaign has the last rows of every order."""
_MESSAGES: LiteralString = """
INSERT INTO {s}.send_queue (message_id, stream_id, campaign_id, contact_id, dedupe_key, node, visit,
                            channel, state, due_at, not_before, expires_at, planned_at, accepted_at)
SELECT md5('m' || n)::uuid, md5('s' || n)::uuid, {campaign}, md5('c' || n)::uuid, 'd' || n, 'hello',
       1, 'email', state, at, at, at + interval '9 days', {monday},
       CASE state WHEN 'ACCEPTED' THEN at END
  FROM (SELECT n, CASE WHEN n > {many} * 2 / 3 THEN 'PLANNED' ELSE 'ACCEPTED' END AS state,
               {monday}::timestamptz + n * interval '1 minute' AS at
          FROM generate_series(1, {many}) AS n) AS made
"""
_ACTIVITY: LiteralString = """
INSERT INTO {s}.activity_feed (position, at, kind, category, stream_id, campaign_id, contact_id)
SELECT n, {monday}::timestamptz + n * interval '1 minute', 'signal.opened', 'engagement',
       md5('s' || n)::uuid, {campaign}, md5('c' || n)::uuid
  FROM generate_series(1, {many}) AS n
"""
_JOURNEYS: LiteralString = """
INSERT INTO {s}.contact_campaigns (stream_id, campaign_id, contact_id, run, plan_hash, status,
                                   outcome, accepted_at, changed_at)
SELECT md5('s' || n)::uuid, {campaign}, md5('c' || n)::uuid, 1, 'p',
       CASE WHEN n % 4 = 0 THEN 'completed' ELSE 'active' END,
       CASE WHEN n % 4 = 0 THEN 'no_response' END, {monday}, {monday}
  FROM generate_series(1, {many}) AS n
"""
_NOTICES: LiteralString = """
INSERT INTO {s}.notices (notice_id, stream_id, contact_id, recipient, text, created_at, read_at)
SELECT md5('n' || n)::uuid, md5('s' || n)::uuid, md5('c' || n)::uuid,
       CASE WHEN n <= {few} THEN 'kim' ELSE 'sam' END, 'told',
       {monday}::timestamptz + n * interval '1 minute', {monday}
  FROM generate_series(1, {many}) AS n
"""
_STREAMS: LiteralString = """
INSERT INTO {s}.streams (stream_id, campaign_id, contact_id, run, plan_hash)
SELECT md5('s' || n)::uuid, {campaign}, md5('c' || n)::uuid, 1, 'p'
  FROM generate_series(1, {many}) AS n
"""
_ASSIGNEES: LiteralString = "INSERT INTO {s}.assignees (name) VALUES ('sam'), ('kim')"
# Many are due at one instant, behind which the statistics expect next to none.
_TASKS: LiteralString = """
INSERT INTO {s}.tasks (task_id, stream_id, campaign_id, contact_id, version, kind, node, visit,
                       due_at, created_at, state, assignee_id)
SELECT md5('t' || n)::uuid, md5('s' || n)::uuid, {campaign}, md5('c' || n)::uuid, 1, 'call', 'ring',
       1, {monday}::timestamptz + (n * 4 / {many}) * interval '1 minute', {monday}, 'open',
       (SELECT assignee_id FROM {s}.assignees
         WHERE name = CASE WHEN n > {many} - {few} THEN 'kim' ELSE 'sam' END)
  FROM generate_series(1, {many}) AS n
"""
_INBOX: LiteralString = """
INSERT INTO {s}.webhook_inbox (delivery_id, item, provider, kind, semantic_key, raw, received_at,
                               state)
SELECT md5('w' || n)::uuid, 1, 'sendgrid', 'open', decode(md5('k' || n), 'hex'), '', {monday},
       CASE WHEN n > {many} - {few} THEN 'parked' ELSE 'recorded' END
  FROM generate_series(1, {many}) AS n
"""
_SUPPRESSIONS: LiteralString = """
INSERT INTO {s}.suppressions (family, address_hmac, ground, reason, source, suppressed_at, told_at)
SELECT 'email', decode(md5('a' || n), 'hex'), 'unsubscribed', 'unsubscribed', 'link', {monday},
       {monday}
  FROM generate_series(1, {many}) AS n
"""
TABLES = {
    "send_queue": _MESSAGES,
    "activity_feed": _ACTIVITY,
    "contact_campaigns": _JOURNEYS,
    "notices": _NOTICES,
    "streams": _STREAMS,
    "assignees": _ASSIGNEES,
    "tasks": _TASKS,
    "webhook_inbox": _INBOX,
    "suppressions": _SUPPRESSIONS,
}


def fill(database: Database, tenant: TenantId, many: int = MANY) -> None:
    """Write the rows, and have the tables as a vacuum leaves them."""
    schema = Identifier(schema_of(tenant))
    given = {"many": many, "few": FEW, "monday": MONDAY}
    campaign = SQL(_CAMPAIGN).format(last=many - FEW, quiet=QUIET, busy=BUSY)
    with database.direct() as owner:
        owner.execute("SET statement_timeout = 0")
        for table, text in TABLES.items():
            owner.execute(SQL(text).format(s=schema, campaign=campaign, **given))
            owner.execute(SQL("VACUUM (ANALYZE) {}.{}").format(schema, Identifier(table)))
