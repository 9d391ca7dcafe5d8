"""The facts and counters of a tenant, unpacked once into temporary tables.

So no invariant reads the log by itself, and each is a short statement.
"""

from datetime import timedelta

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from domain.events import (
    ContactUpdateRequested,
    NotificationRequested,
    TaskCreated,
    TaskResolved,
    WebhookRequested,
    WebhookResolved,
    topic_of,
)
from infra.invariants.moves import moves
from infra.statements import composed
from projections.registry import ALL

_ERRAND_TOPICS = [
    topic_of(fact)
    for fact in (
        TaskCreated,
        TaskResolved,
        WebhookRequested,
        WebhookResolved,
        ContactUpdateRequested,
        NotificationRequested,
    )
]

TEMPORARY = "pg_temp"
"""The schema of what exists in this session only."""

_TABLES = """
CREATE TEMPORARY TABLE facts (
    stream uuid NOT NULL, version bigint NOT NULL, position bigint NOT NULL, topic text NOT NULL,
    campaign uuid, message uuid, attempt integer, node text, word text, key text,
    machine boolean NOT NULL, derived boolean NOT NULL, first boolean NOT NULL,
    counted boolean NOT NULL, errand uuid, reader text, judged jsonb,
    domain text, at timestamptz, sender text, caps jsonb, apart_days integer,
    contacted_at timestamptz);
CREATE TEMPORARY TABLE attempts (
    message uuid NOT NULL, attempt integer NOT NULL, stream uuid NOT NULL, position bigint NOT NULL,
    campaign uuid, contact uuid, at timestamptz NOT NULL, turn_at timestamptz NOT NULL,
    sender text NOT NULL, caps jsonb, apart_days integer,
    contacted_at timestamptz, outcome text);
CREATE TEMPORARY TABLE zones (
    sender text NOT NULL, zone text NOT NULL, since timestamptz NOT NULL,
    until timestamptz NOT NULL);
CREATE TEMPORARY TABLE closed (
    sender text NOT NULL, why text NOT NULL, since timestamptz NOT NULL,
    until timestamptz NOT NULL);
CREATE TEMPORARY TABLE while_closed (
    message uuid NOT NULL, attempt integer NOT NULL, position bigint NOT NULL,
    at timestamptz NOT NULL, why text NOT NULL, since timestamptz NOT NULL);
CREATE TEMPORARY TABLE stages (stream uuid PRIMARY KEY, stage text NOT NULL);
CREATE TEMPORARY TABLE chain (
    message uuid NOT NULL, version bigint NOT NULL, topic text NOT NULL, attempt integer,
    attempts bigint NOT NULL, after text, before text NOT NULL, next text, next_attempt integer);
CREATE TEMPORARY TABLE counters (
    place text NOT NULL, campaign uuid NOT NULL, day timestamptz NOT NULL, node text NOT NULL,
    variant text NOT NULL, sender text NOT NULL, domain text NOT NULL, counter text NOT NULL,
    amount bigint NOT NULL);
CREATE TEMPORARY TABLE looked_at (stream_id uuid PRIMARY KEY);
CREATE FUNCTION pg_temp.fact_of(state bytea) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE fact jsonb;
BEGIN
    fact := convert_from(state, 'UTF8')::jsonb -> 'f';
    PERFORM (fact ->> 'message_id')::uuid, (fact ->> 'attempt')::integer,
            (fact ->> 'task_id')::uuid, (fact ->> 'call_id')::uuid, (fact ->> 'notice_id')::uuid,
            (fact ->> 'update_id')::uuid, (fact ->> 'at')::timestamptz,
            (fact -> 'seen' ->> 'contacted_at')::timestamptz,
            (fact -> 'seen' ->> 'apart_days')::integer;
    RETURN fact;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END $$
"""
_LIKE = SQL("CREATE TEMPORARY TABLE {name} (LIKE {live} INCLUDING ALL)")

_FACTS = """
INSERT INTO pg_temp.facts
SELECT e.originator_id, e.originator_version, e.notification_id, e.topic, s.campaign_id,
       (f ->> 'message_id')::uuid, (f ->> 'attempt')::integer, f ->> 'node', f ->> 'signal',
       f ->> 'key', coalesce(f ->> 'machine' = 'true', false),
       coalesce(f ->> 'derived' = 'true', false), coalesce(f ->> 'first' = 'true', false),
       e.notification_id <= coalesce((SELECT notification_id FROM {s}.tracking
                                       WHERE application_name = 'metrics'), 0)
       AND p.position IS NULL,
       CASE WHEN e.topic = ANY(%(errand_topics)s::text[]) THEN
            coalesce(f ->> 'call_id', f ->> 'notice_id', f ->> 'update_id', f ->> 'task_id')::uuid
       END, f ->> 'reader', CASE e.topic WHEN 'signal_judged' THEN f END,
       CASE e.topic WHEN 'message_queued' THEN coalesce(f ->> 'domain', 'other') END,
       CASE WHEN e.topic = 'send_attempt_started' THEN (f ->> 'at')::timestamptz END,
       CASE WHEN e.topic = 'send_attempt_started' THEN f -> 'seen' ->> 'sender' END,
       CASE WHEN e.topic = 'send_attempt_started' THEN f -> 'seen' -> 'caps' END,
       CASE WHEN e.topic = 'send_attempt_started' AND f ? 'seen'
            THEN coalesce((f -> 'seen' ->> 'apart_days')::integer, 60) END,
       CASE WHEN e.topic = 'send_attempt_started'
            THEN (f -> 'seen' ->> 'contacted_at')::timestamptz END
  FROM {s}.events e LEFT JOIN {s}.streams s ON s.stream_id = e.originator_id
  LEFT JOIN {s}.projection_poison p
    ON p.projection = 'metrics' AND p.position = e.notification_id
"""
# OFFSET 0 keeps the planner from decoding the event again for each column.
_FAST = """
  CROSS JOIN LATERAL (SELECT convert_from(e.state, 'UTF8')::jsonb -> 'f' AS f OFFSET 0) u
"""
# Slower: an event that is no JSON is left empty here, and told by I28.
_TOLERANT = "  CROSS JOIN LATERAL (SELECT pg_temp.fact_of(e.state) AS f OFFSET 0) u"

# Processes read their clocks before they wait for their turn to claim: the instant that counts is
# not before that of an earlier claim, as far as the difference is one of waiting.
_ATTEMPTS = """
INSERT INTO pg_temp.attempts
SELECT f.message, f.attempt, f.stream, f.position, f.campaign, s.contact_id, f.at,
       least(max(f.at) OVER (ORDER BY f.position), f.at + %(skew)s), coalesce(f.sender, ''),
       f.caps, f.apart_days, f.contacted_at, r.topic
  FROM pg_temp.facts f JOIN {s}.streams s ON s.stream_id = f.stream
  LEFT JOIN (SELECT message, attempt, min(topic) AS topic FROM pg_temp.facts
              WHERE topic IN ('send_attempt_returned', 'message_failed') GROUP BY 1, 2) AS r
    ON r.message = f.message AND r.attempt = f.attempt
 WHERE f.topic = 'send_attempt_started' AND f.message IS NOT NULL AND f.at IS NOT NULL
"""

_STAGES = """
INSERT INTO pg_temp.stages
SELECT DISTINCT ON (stream) stream,
       CASE topic WHEN 'plan_accepted' THEN 'draft' WHEN 'start_scheduled' THEN 'scheduled'
                  WHEN 'paused' THEN 'paused' WHEN 'completed' THEN 'ended'
                  WHEN 'exited' THEN 'ended' ELSE 'active' END
  FROM pg_temp.facts
 WHERE topic IN ('plan_accepted', 'start_scheduled', 'campaign_started', 'paused', 'resumed',
                 'completed', 'exited')
 ORDER BY stream, version DESC
"""

# The facts of each message in order, with the state before and after. A fact that moves nothing
# leaves the state of the last one that did: the greatest by its version, which is put before it.
# One order serves all windows, for sorting is what costs.
_CHAIN = """
INSERT INTO pg_temp.chain
SELECT message, version, topic, attempt, attempts, after, coalesce(lag(after) OVER own, ''),
       lead(topic) OVER own, lead(attempt) OVER own
  FROM (SELECT f.message, f.version, f.topic, f.attempt,
               count(*) FILTER (WHERE f.topic = 'send_attempt_started') OVER own AS attempts,
               substr(max(to_char(f.version, 'FM0000000000') || t.state) OVER own, 11) AS after
          FROM pg_temp.facts f
          LEFT JOIN unnest(%(topics_moving)s::text[], %(states_after)s::text[])
                    AS t (topic, state) ON t.topic = f.topic
         WHERE f.message IS NOT NULL AND f.topic = ANY(%(topics_allowed)s::text[])
        WINDOW own AS (PARTITION BY f.message ORDER BY f.version)) AS carried
WINDOW own AS (PARTITION BY message ORDER BY version)
"""

_COUNTERS = """
INSERT INTO pg_temp.counters
SELECT place, campaign_id, date_trunc('day', bucket, 'UTC'), node, variant, sender, domain,
       c.key, c.value::bigint
  FROM (SELECT 'hourly', m.* FROM {s}.metrics_hourly m
        UNION ALL SELECT 'daily', m.* FROM {s}.metrics_daily m) AS m (place)
  CROSS JOIN LATERAL jsonb_each_text(to_jsonb(m) - ARRAY['place', 'campaign_id', 'bucket', 'node',
                                                         'variant', 'sender', 'domain']) AS c
"""


def make_tables(connection: Connection[TupleRow], schema: str) -> None:
    """Create the temporary tables, and one like each table of a projection."""
    connection.execute(_TABLES)
    for table in (table for projection in ALL for table in projection.tables):
        name, live = Identifier(TEMPORARY, table.name), Identifier(schema, table.name)
        connection.execute(_LIKE.format(name=name, live=live))


def unpack(curs: Cursor[TupleRow], schema: str, skew: timedelta) -> None:
    """Fill the tables from what this transaction sees; clocks differ by no more than `skew`."""
    asked = {"errand_topics": _ERRAND_TOPICS}
    try:
        with curs.connection.transaction():
            curs.execute(composed(schema, _FACTS + _FAST), asked)
    except psycopg.DataError:
        curs.execute(composed(schema, _FACTS + _TOLERANT), asked)
    curs.execute("ANALYZE pg_temp.facts")
    curs.execute(composed(schema, _ATTEMPTS), {"skew": skew})
    curs.execute(_STAGES)
    curs.execute(_CHAIN, moves())
    curs.execute(composed(schema, _COUNTERS))
    curs.execute("ANALYZE pg_temp.attempts, pg_temp.stages, pg_temp.chain, pg_temp.counters")
