"""What the journey costs in tables alone: plain rows, set-based statements, no log and no gates.

Written for the benchmark, as somebody would who wants nothing but speed and durability: one
transaction a batch, each row claimed before it is worked on, mails kept before they are sent.
"""

from typing import LiteralString

from psycopg.sql import SQL, Composed, Identifier

TABLES = """
CREATE SCHEMA {s};
CREATE TABLE {s}.contacts (
    contact_id uuid PRIMARY KEY, external_id text UNIQUE, email text NOT NULL, first_name text,
    last_name text, title text, company text, city text, timezone text
);
CREATE TABLE {s}.journeys (
    contact_id uuid PRIMARY KEY, plan text NOT NULL, node text NOT NULL, status text NOT NULL,
    started_at timestamptz NOT NULL, changed_at timestamptz NOT NULL, outcome text
) WITH (fillfactor = 80);
CREATE TABLE {s}.messages (
    message_id uuid PRIMARY KEY, contact_id uuid NOT NULL, node text NOT NULL,
    state text NOT NULL, due_at timestamptz NOT NULL, subject text, body text,
    provider_id text, accepted_at timestamptz, delivered_at timestamptz
) WITH (fillfactor = 80);
CREATE INDEX ON {s}.messages (due_at) WHERE state IN ('planned', 'rendered');
CREATE INDEX ON {s}.messages (contact_id);
CREATE TABLE {s}.timers (
    timer_id uuid PRIMARY KEY, contact_id uuid NOT NULL, node text NOT NULL,
    due_at timestamptz NOT NULL
);
CREATE INDEX ON {s}.timers (due_at);
CREATE INDEX ON {s}.timers (contact_id);
CREATE TABLE {s}.deliveries (
    delivery_id uuid PRIMARY KEY, received_at timestamptz NOT NULL, body bytea NOT NULL
);
CREATE TABLE {s}.inbox (
    key text PRIMARY KEY, delivery_id uuid NOT NULL, kind text NOT NULL, message_id uuid NOT NULL,
    at timestamptz NOT NULL, raw bytea NOT NULL, state text NOT NULL DEFAULT 'new'
) WITH (fillfactor = 80);
CREATE INDEX ON {s}.inbox (at) WHERE state = 'new';
"""
PUT_CONTACTS = """
INSERT INTO {s}.contacts SELECT * FROM unnest(%b::uuid[], %b::text[], %b::text[], %b::text[],
       %b::text[], %b::text[], %b::text[], %b::text[], %b::text[])
"""
ENROL = """
WITH given AS (SELECT * FROM unnest(%b::uuid[], %b::uuid[]) AS u (contact_id, message_id)),
started AS (
    INSERT INTO {s}.journeys (contact_id, plan, node, status, started_at, changed_at)
    SELECT contact_id, %b, 'hello', 'running', %b, %b FROM given
    ON CONFLICT (contact_id) DO NOTHING RETURNING contact_id
)
INSERT INTO {s}.messages (message_id, contact_id, node, state, due_at)
SELECT message_id, contact_id, 'hello', 'planned', %b FROM given JOIN started USING (contact_id)
"""
HEAD = """
SELECT m.message_id, m.node, c.email, c.first_name, c.company
  FROM {s}.messages m JOIN {s}.contacts c USING (contact_id)
 WHERE m.message_id = ANY(ARRAY(
       SELECT message_id FROM {s}.messages WHERE state = 'planned' AND due_at <= %b
        ORDER BY due_at LIMIT %b FOR UPDATE SKIP LOCKED))
"""
CLAIM = """
UPDATE {s}.messages m SET state = 'sending', subject = u.subject, body = u.body
  FROM unnest(%b::uuid[], %b::text[], %b::text[]) AS u (message_id, subject, body)
 WHERE m.message_id = u.message_id
"""
ACCEPTED = """
WITH taken AS (
    UPDATE {s}.messages m SET state = 'accepted', provider_id = u.provider_id, accepted_at = %b
      FROM unnest(%b::uuid[], %b::text[]) AS u (message_id, provider_id)
     WHERE m.message_id = u.message_id AND m.state = 'sending'
    RETURNING m.message_id, m.contact_id, m.node
)
INSERT INTO {s}.timers (timer_id, contact_id, node, due_at)
SELECT gen_random_uuid(), contact_id, node,
       %b + CASE node WHEN 'hello' THEN interval '2 days' ELSE interval '3 days' END FROM taken
"""
KEEP = """
INSERT INTO {s}.deliveries VALUES (%b, now(), %b)
"""
KEEP_ITEMS = """
INSERT INTO {s}.inbox (key, delivery_id, kind, message_id, at, raw)
SELECT key, %b, kind, message_id, at, raw
  FROM unnest(%b::text[], %b::text[], %b::uuid[], %b::timestamptz[], %b::bytea[])
       AS u (key, kind, message_id, at, raw)
    ON CONFLICT (key) DO NOTHING
"""
SETTLE = """
WITH heard AS (
    UPDATE {s}.inbox i SET state = 'done'
     WHERE i.key = ANY(ARRAY(SELECT key FROM {s}.inbox WHERE state = 'new'
                              ORDER BY at LIMIT %b FOR UPDATE SKIP LOCKED))
    RETURNING i.message_id, i.kind, i.at
), delivered AS (
    UPDATE {s}.messages m SET delivered_at = h.at
      FROM heard h WHERE h.kind = 'delivered' AND m.message_id = h.message_id
), moved AS (
    UPDATE {s}.journeys j SET node = 'again', changed_at = %b
      FROM heard h JOIN {s}.messages m USING (message_id)
     WHERE j.contact_id = m.contact_id AND j.node = 'hello' AND h.kind = 'click'
    RETURNING j.contact_id
), stopped AS (
    DELETE FROM {s}.timers t USING moved WHERE t.contact_id = moved.contact_id
), planned AS (
    INSERT INTO {s}.messages (message_id, contact_id, node, state, due_at)
    SELECT gen_random_uuid(), contact_id, 'again', 'planned', %b + interval '1 day' FROM moved
)
SELECT (SELECT count(*) FROM heard), (SELECT count(*) FROM moved)
"""
FIRE = """
WITH due AS (
    DELETE FROM {s}.timers t
     WHERE t.timer_id = ANY(ARRAY(SELECT timer_id FROM {s}.timers WHERE due_at <= %b
                                   ORDER BY due_at LIMIT %b FOR UPDATE SKIP LOCKED))
    RETURNING t.contact_id, t.node, t.due_at
), moved AS (
    UPDATE {s}.journeys j SET node = 'again', changed_at = %b
      FROM due WHERE due.node = 'hello' AND j.contact_id = due.contact_id AND j.node = 'hello'
    RETURNING j.contact_id, due.due_at
), ended AS (
    UPDATE {s}.journeys j
       SET node = 'end', status = 'completed', outcome = 'no_response', changed_at = %b
      FROM due WHERE due.node = 'again' AND j.contact_id = due.contact_id
), planned AS (
    INSERT INTO {s}.messages (message_id, contact_id, node, state, due_at)
    SELECT gen_random_uuid(), contact_id, 'again', 'planned', due_at + interval '1 day' FROM moved
)
SELECT count(*) FROM due
"""


def text_of(schema: str, text: LiteralString) -> Composed:
    """A statement with its schema."""
    return SQL(text).format(s=Identifier(schema))
