"""The log read three times, by topic: what each stream came to, facts about messages, reports.

Each reading becomes a typed temporary table. Only the second and the third open bodies, and each
body once. PostgreSQL reads with all its workers for a `CREATE TABLE AS`, for an INSERT it does not.
"""

from typing import LiteralString

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier

from domain.events import (
    ContactUpdateRequested,
    NotificationRequested,
    WebhookRequested,
    WebhookResolved,
    topic_of,
)
from infra.invariants.moves import topics_of_messages
from infra.statements import composed

ERRAND_TOPICS = [
    topic_of(fact)
    for fact in (
        WebhookRequested,
        WebhookResolved,
        ContactUpdateRequested,
        NotificationRequested,
    )
]

_BY_METRICS = """
       e.notification_id <= coalesce((SELECT notification_id FROM {s}.tracking
                                       WHERE application_name = 'metrics'), 0)
       AND e.notification_id <> ALL (SELECT position FROM {s}.projection_poison
                                      WHERE projection = 'metrics')
"""
_BY_CONTACT_CAMPAIGNS = """
       e.notification_id <= coalesce((SELECT notification_id FROM {s}.tracking
                                       WHERE application_name = 'contact_campaigns'), 0)
       AND e.notification_id <> ALL (SELECT position FROM {s}.projection_poison
                                      WHERE projection = 'contact_campaigns')
"""

# `turn` is the last fact that changed the stage, and that stage: the greatest by its version.
# `opened` and `closed` tell of most attempts at once that their stream was active.
_COURSES = """
CREATE TEMPORARY TABLE courses AS
SELECT g.*, x.campaign_id AS campaign,
       (ARRAY['draft', 'scheduled', 'active', 'paused', 'ended'])[g.turn %% 8] AS stage
  FROM (SELECT e.originator_id AS stream, count(*) AS facts,
               min(e.originator_version) AS first, max(e.originator_version) AS last,
               min(e.topic) FILTER (WHERE e.originator_version = 1) AS first_topic,
               count(*) FILTER (WHERE e.topic = 'node_entered') AS nodes,
               count(*) FILTER (WHERE e.topic = 'message_accepted') AS sent,
               min(e.originator_version) FILTER (WHERE e.topic = 'campaign_started') AS opened,
               min(e.originator_version)
                   FILTER (WHERE e.topic IN ('paused', 'completed', 'exited')) AS closed,
               max(e.originator_version * 8 + CASE e.topic
                   WHEN 'plan_accepted' THEN 1 WHEN 'start_scheduled' THEN 2 WHEN 'paused' THEN 4
                   WHEN 'completed' THEN 5 WHEN 'exited' THEN 5 ELSE 3 END)
                   FILTER (WHERE e.topic IN ('plan_accepted', 'start_scheduled', 'paused',
                                             'resumed', 'campaign_started', 'completed', 'exited'))
                   AS turn,
               min(e.notification_id) FILTER (WHERE e.topic = 'plan_accepted') AS enrolled_at,
               count(*) FILTER (WHERE e.topic = 'plan_accepted') AS enrolments,
               count(*) FILTER (WHERE e.topic = 'plan_accepted' AND {shown}) AS shown,
               count(*) FILTER (WHERE e.topic = 'plan_accepted' AND {counted}) AS enrolled,
               count(*) FILTER (WHERE e.topic = 'campaign_started' AND {counted}) AS started,
               count(*) FILTER (WHERE e.topic = 'completed' AND {counted}) AS completed,
               count(*) FILTER (WHERE e.topic = 'exited' AND {counted}) AS exited
          FROM {s}.events e GROUP BY e.originator_id) AS g
  LEFT JOIN {s}.streams x ON x.stream_id = g.stream
"""

# A letter for each topic: the facts of a message make a short word. `recent` are the attempts
# whose limits are recounted: only of these the limits are kept, for they are most of a body.
_FACTS = """
CREATE TEMPORARY TABLE facts AS
SELECT e.originator_id AS stream, e.originator_version AS version, e.notification_id AS position,
       e.topic, chr(96 + array_position(%(topics)s::text[], e.topic)) AS letter,
       x.campaign_id AS campaign, f.message_id AS message, f.attempt, f.node, {counted} AS counted,
       coalesce(f.call_id, f.notice_id, f.update_id) AS errand,
       CASE e.topic WHEN 'message_queued' THEN coalesce(f.domain, 'other') END AS domain,
       CASE e.topic WHEN 'send_attempt_started' THEN f.at::timestamptz END AS at,
       CASE e.topic WHEN 'send_attempt_started' THEN f.seen ->> 'sender' END AS sender,
       CASE WHEN e.topic = 'send_attempt_started' AND f.seen IS NOT NULL
            THEN coalesce((f.seen ->> 'apart_days')::integer, 60) END AS apart_days,
       CASE e.topic WHEN 'send_attempt_started'
            THEN (f.seen ->> 'contacted_at')::timestamptz END AS contacted_at,
       CASE e.topic WHEN 'send_attempt_started' THEN f.seen ? 'caps' END AS limited,
       CASE e.topic WHEN 'send_attempt_started'
            THEN f.seen @? 'strict $.caps[*] ? (@[1] >= @[2])' END AS over,
       CASE WHEN e.topic = 'send_attempt_started' AND e.notification_id >= {recent}
            THEN f.seen -> 'caps' END AS caps
  FROM {s}.events e LEFT JOIN {s}.streams x ON x.stream_id = e.originator_id
 CROSS JOIN LATERAL jsonb_to_record({body}) AS f (
       message_id uuid, attempt integer, node text, domain text, at text, seen jsonb,
       call_id uuid, notice_id uuid, update_id uuid)
 WHERE e.topic = ANY(%(topics)s::text[])
   AND coalesce(f.message_id, f.call_id, f.notice_id, f.update_id) IS NOT NULL
"""
_RECENT = """
       (SELECT coalesce(min(position), 0)
          FROM (SELECT notification_id FROM {s}.events WHERE topic = 'send_attempt_started'
                 ORDER BY notification_id DESC LIMIT %(calls)s) AS newest (position))
"""

_REPORTS = """
CREATE TEMPORARY TABLE reports AS
SELECT e.originator_id AS stream, e.originator_version AS version, e.topic,
       x.campaign_id AS campaign, f.message_id AS message, f.signal AS word, f.key, f.node,
       coalesce(f.machine, false) AS machine, coalesce(f.derived, false) AS derived,
       coalesce(f.first, false) AS first, f.reader,
       coalesce(f.was_machine, false) AS was_machine, f.was_reader,
       e.topic = 'signal_judged' AND f.counted_at IS NOT NULL AS recounted, {counted} AS counted
  FROM {s}.events e LEFT JOIN {s}.streams x ON x.stream_id = e.originator_id
 CROSS JOIN LATERAL jsonb_to_record({body}) AS f (
       message_id uuid, signal text, key text, node text, machine boolean, derived boolean,
       first boolean, reader text, was_machine boolean, was_reader text, counted_at text)
 WHERE e.topic IN ('signal_recorded', 'signal_judged')
"""

_BODY = "convert_from(e.state, 'UTF8')::jsonb -> 'f'"
# Slower: an event that is no JSON is left empty here, and told by I28.
_TOLERANT = "pg_temp.fact_of(e.state)"
_FACT_OF = """
CREATE FUNCTION pg_temp.fact_of(state bytea) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE fact jsonb;
BEGIN
    fact := convert_from(state, 'UTF8')::jsonb -> 'f';
    PERFORM f.at::timestamptz, (f.seen ->> 'contacted_at')::timestamptz,
            (f.seen ->> 'apart_days')::integer
       FROM jsonb_to_record(fact) AS f (
            message_id uuid, attempt integer, at text, seen jsonb, call_id uuid, notice_id uuid,
            update_id uuid, machine boolean, derived boolean, first boolean, was_machine boolean);
    RETURN fact;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END $$
"""


def read_log(curs: Cursor[TupleRow], schema: str, calls: int) -> None:
    """Make the tables `courses`, `facts` and `reports`; of so many attempts the limits are kept."""
    curs.execute(_FACT_OF)
    asked = {"topics": [*topics_of_messages(), *ERRAND_TOPICS], "calls": calls}
    for text in (_COURSES, _FACTS, _REPORTS):
        try:
            with curs.connection.transaction():
                curs.execute(_with_parts(schema, text, _BODY), asked)
        except psycopg.DataError:
            curs.execute(_with_parts(schema, text, _TOLERANT), asked)
    curs.execute("ANALYZE pg_temp.courses, pg_temp.facts, pg_temp.reports")


def _with_parts(schema: str, text: LiteralString, body: LiteralString) -> Composed:
    return SQL(text).format(
        s=Identifier(schema),
        body=SQL(body),
        counted=composed(schema, _BY_METRICS),
        shown=composed(schema, _BY_CONTACT_CAMPAIGNS),
        recent=composed(schema, _RECENT),
    )
