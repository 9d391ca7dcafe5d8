"""Calls keep to every cap, and a person is one campaign's (I15, I16): recounted from the log.

An attempt names in its fact what its claim saw of every cap: so much was used, so much is the
limit. Less than the limit must have been used, and what was seen as used must be no less than what
the log has of that window; then no window of that length has more than the limit that was in force
when its last call was claimed. An attempt that certainly did not leave gave its place back. Of
many calls the newest are recounted.
"""

from typing import LiteralString

from infra.invariants.snapshot import Query, Snapshot

CALLS_MAX = 100_000

# Processes read their clocks before they wait for their turn to claim: the instant that counts is
# not before that of an earlier claim, as far as the difference is one of waiting.

_OVERDRAWN = """
WITH newest AS MATERIALIZED (
    SELECT a.*, least(max(at) OVER (ORDER BY position), at + %(skew)s) AS turn_at
      FROM pg_temp.attempts a
     WHERE caps IS NOT NULL AND outcome <> 'send_attempt_returned'
), domains AS (
    SELECT message, CASE WHEN min(domain) = max(domain) THEN nullif(min(domain), 'other') END
           AS domain
      FROM pg_temp.facts
     WHERE topic = 'message_queued' AND message IN (SELECT message FROM newest) GROUP BY message
), known AS MATERIALIZED (
    SELECT a.message, a.attempt, a.position, max(a.turn_at) OVER (ORDER BY a.position) AS turn_at,
           c.value ->> 0 AS name,
           (c.value ->> 1)::integer AS used, k.key
      FROM newest a LEFT JOIN domains d USING (message)
     CROSS JOIN LATERAL jsonb_array_elements(a.caps) AS c
     CROSS JOIN LATERAL (SELECT CASE c.value ->> 0
           WHEN 'tenant_hour' THEN '' WHEN 'campaign_day' THEN a.campaign::text
           WHEN 'domain_hour' THEN d.domain WHEN 'global_hour' THEN NULL
           ELSE a.sender END) AS k (key)
     WHERE k.key IS NOT NULL
), placed AS (
    SELECT k.*, row_number() OVER w AS place
      FROM known k WHERE name NOT LIKE '%%_day'
    WINDOW w AS (PARTITION BY name, key ORDER BY turn_at, used, position)
), rolling AS (
    SELECT message, attempt, name, key, used,
           place - first_value(place) OVER w AS before
      FROM placed WHERE name = 'sender_minute'
    WINDOW w AS (PARTITION BY name, key ORDER BY turn_at
                 RANGE BETWEEN '60 seconds' PRECEDING AND CURRENT ROW)
    UNION ALL
    SELECT message, attempt, name, key, used,
           place - first_value(place) OVER w AS before
      FROM placed WHERE name <> 'sender_minute'
    WINDOW w AS (PARTITION BY name, key ORDER BY turn_at
                 RANGE BETWEEN '1 hour' PRECEDING AND CURRENT ROW)
), dated AS MATERIALIZED (
    SELECT k.*, (SELECT max(date_trunc('day', k.turn_at, z.zone)) FROM pg_temp.zones z
                  WHERE z.sender = CASE k.name WHEN 'campaign_day' THEN '' ELSE k.key END
                    AND k.turn_at BETWEEN z.since AND z.until) AS day
      FROM known k WHERE k.name LIKE '%%_day'
), daily AS (
    SELECT message, attempt, name, key, used,
           row_number() OVER (PARTITION BY name, key, day ORDER BY turn_at, used, position) - 1
           AS before
      FROM dated WHERE day IS NOT NULL
)
SELECT 'message ' || message || ', attempt ' || attempt || ': ' || (c.value ->> 0) || ' had '
       || (c.value ->> 1) || ' of ' || (c.value ->> 2) || ' used'
  FROM pg_temp.attempts a
  JOIN {s}.events e ON e.originator_id = a.stream AND e.originator_version = a.version
 CROSS JOIN LATERAL jsonb_array_elements(convert_from(e.state, 'UTF8')::jsonb
                                         #> '{{f,seen,caps}}') AS c
 WHERE a.over AND (c.value ->> 1)::integer >= (c.value ->> 2)::integer
UNION ALL
SELECT 'message ' || message || ', attempt ' || attempt || ': ' || name
       || coalesce(' of ' || nullif(key, ''), '') || ' was seen as ' || used
       || ' used, the log has ' || before
  FROM (TABLE rolling UNION ALL TABLE daily) AS counted WHERE before > used
"""

# An identity outlives contacts and their changes in `outreach`. A call that certainly did not
# reach the person binds no other campaign.
_ELSEWHERE = """
WITH shared AS MATERIALIZED (
    SELECT identity FROM {s}.outreach GROUP BY identity
    HAVING (min(campaign_id::text), min(contact_id::text))
        <> (max(campaign_id::text), max(contact_id::text))
), touched AS MATERIALIZED (
    SELECT DISTINCT o.identity, a.message, a.attempt, a.campaign, x.contact_id AS contact, a.at,
           a.position,
           a.apart_days, a.outcome = '' AS reached
      FROM shared JOIN {s}.outreach o USING (identity)
      JOIN pg_temp.attempts a ON a.stream = o.stream_id AND a.at <= o.at
      JOIN {s}.streams x ON x.stream_id = a.stream
)
SELECT DISTINCT 'message ' || t.message || ', attempt ' || t.attempt || ' of campaign '
       || t.campaign || ': campaign ' || b.campaign || ' had written to the same person '
       || extract(day FROM t.at - b.at) || ' days before'
  FROM touched t JOIN touched b ON b.identity = t.identity AND b.reached
   AND (b.campaign, b.contact) <> (t.campaign, t.contact)
   AND b.position < t.position AND t.at < b.at + t.apart_days * interval '24 hours'
 WHERE t.apart_days IS NOT NULL
UNION ALL
SELECT 'message ' || message || ', attempt ' || attempt || ': another campaign was seen to have '
       || 'written ' || extract(day FROM at - contacted_at) || ' days before'
  FROM pg_temp.attempts WHERE at < contacted_at + apart_days * interval '24 hours'
"""

_CLAIMED: LiteralString = "SELECT count(*) FROM pg_temp.attempts WHERE limited"
_RECENT = "SELECT count(*) FROM pg_temp.attempts WHERE caps IS NOT NULL"

QUERIES = (
    Query(
        "I15",
        "Calls keep to every cap: by what each claim saw, and recounted in every window "
        "of senders, tenant, campaigns and public mailbox domains",
        _CLAIMED,
        _OVERDRAWN,
    ),
    Query(
        "I16",
        "Nobody is written to by two campaigns within the days that lie between them",
        "SELECT count(*) FROM pg_temp.attempts WHERE apart_days IS NOT NULL",
        _ELSEWHERE,
    ),
)


def newest_note(taken: Snapshot) -> str:
    """For I15: how many calls were recounted where these are not all."""
    number = taken.number(_CLAIMED)
    recent = taken.number(_RECENT)
    return f"; {recent} of {number} calls recounted" if number > recent else ""
