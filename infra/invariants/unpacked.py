"""The facts and counters of a tenant, unpacked once into temporary tables.

So no invariant reads the log by itself, and each is a short statement.
"""

from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.invariants.histories import tell_histories
from infra.invariants.log_tables import read_log
from infra.statements import composed

_TABLES = """
CREATE TEMPORARY TABLE zones (
    sender text NOT NULL, zone text NOT NULL, since timestamptz NOT NULL,
    until timestamptz NOT NULL);
CREATE TEMPORARY TABLE closed (
    sender text NOT NULL, why text NOT NULL, since timestamptz NOT NULL,
    until timestamptz NOT NULL);
CREATE TEMPORARY TABLE while_closed (
    message uuid NOT NULL, attempt integer, position bigint NOT NULL,
    at timestamptz NOT NULL, why text NOT NULL, since timestamptz NOT NULL);
CREATE TEMPORARY TABLE counters (
    place text NOT NULL, campaign uuid NOT NULL, day timestamptz NOT NULL, node text NOT NULL,
    variant text NOT NULL, sender text NOT NULL, domain text NOT NULL, counter text NOT NULL,
    amount bigint NOT NULL)
"""

_ATTEMPTS = """
CREATE TEMPORARY TABLE attempts AS
SELECT f.message, f.attempt, f.stream, f.version, f.position, f.campaign, f.at,
       coalesce(f.sender, '') AS sender, f.apart_days, f.contacted_at,
       coalesce(f.limited, false) AS limited, coalesce(f.over, false) AS over, f.caps,
       coalesce(r.topic, '') AS outcome
  FROM pg_temp.facts f
  LEFT JOIN (SELECT message, attempt, min(topic) AS topic FROM pg_temp.facts
              WHERE topic IN ('send_attempt_returned', 'message_failed') GROUP BY 1, 2) AS r
    ON r.message = f.message AND r.attempt = f.attempt
 WHERE f.topic = 'send_attempt_started'
"""

# A stream whose attempts all lie after its start, and before it was first closed and before a
# person first answered, needs no second look.
_SUSPECTS = """
CREATE TEMPORARY TABLE suspects AS
SELECT DISTINCT a.stream FROM pg_temp.attempts a LEFT JOIN pg_temp.courses c USING (stream)
  LEFT JOIN (SELECT stream, min(version) AS told_at FROM pg_temp.reports
              WHERE topic = 'signal_recorded' AND NOT machine
                AND word IN ('replied', 'unsubscribed', 'spam_reported') GROUP BY stream) AS t
 USING (stream)
 WHERE NOT coalesce(a.version > c.opened AND a.version < coalesce(c.closed, a.version + 1)
                    AND a.version < coalesce(t.told_at, a.version + 1), false)
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


def unpack(curs: Cursor[TupleRow], schema: str, calls: int) -> None:
    """Make the tables from what this transaction sees; limits are kept of so many attempts."""
    curs.execute(_TABLES)
    read_log(curs, schema, calls)
    tell_histories(curs, schema)
    curs.execute(_ATTEMPTS)
    curs.execute(_SUSPECTS)
    curs.execute(composed(schema, _COUNTERS))
    curs.execute("ANALYZE pg_temp.attempts, pg_temp.suspects, pg_temp.counters")
