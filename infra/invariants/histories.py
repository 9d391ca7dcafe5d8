"""What happened to each message, as a word of its facts in order; the same words are judged once.

Of many messages only some dozen words are different. A message is doubtful if its word breaks the
table of states, or if its row is not where the word ends: only of these the facts are laid out one
by one. So the cost of a check is that of one sorting, and grows no further where all is well.
"""

from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL

from infra.invariants.moves import moves, topics_of_messages
from infra.statements import composed

_MESSAGES = """
CREATE TEMPORARY TABLE messages AS
SELECT coalesce(l.message, q.message_id) AS message, l.word, l.stream, q.stream_id AS row_stream,
       q.state, q.attempt
  FROM (SELECT message,
               string_agg(letter || coalesce(attempt::text, ''), ' ' ORDER BY version) AS word,
               any_value(stream) FILTER (WHERE topic = 'node_entered') AS stream
          FROM pg_temp.facts WHERE message IS NOT NULL GROUP BY message) AS l
  FULL JOIN {s}.send_queue q ON q.message_id = l.message
"""

# A fact that moves nothing leaves the state of the last one that did: the greatest by its version,
# which is put before it. One order serves all windows, for sorting is what costs.
_STEPS = SQL("""
SELECT n.*, EXISTS (SELECT FROM unnest(%(states_before)s::text[], %(topics_allowed)s::text[])
                             AS m (state, topic)
                     WHERE m.topic = n.topic AND m.state = n.before) AS lawful,
       n.topic <> 'send_attempt_started' OR n.next IS NULL
       OR coalesce(n.next_attempt = n.attempt AND n.next IN
              ('send_attempt_returned', 'message_accepted', 'message_failed', 'message_unknown'),
          false) AS answered
  FROM (SELECT own, version, topic, attempt, attempts, after,
               coalesce(lag(after) OVER w, '') AS before, lead(topic) OVER w AS next,
               lead(attempt) OVER w AS next_attempt
          FROM (SELECT f.own, f.version, f.topic, f.attempt,
                       count(*) FILTER (WHERE f.topic = 'send_attempt_started') OVER w AS attempts,
                       substr(max(to_char(f.version, 'FM0000000000') || t.state) OVER w, 11)
                       AS after
                  FROM ({facts}) AS f (own, version, topic, attempt)
                  LEFT JOIN unnest(%(topics_moving)s::text[], %(states_after)s::text[])
                            AS t (topic, state) ON t.topic = f.topic
                WINDOW w AS (PARTITION BY f.own ORDER BY f.version)) AS carried
        WINDOW w AS (PARTITION BY own ORDER BY version)) AS n
""")
_WORDS = SQL("""
CREATE TEMPORARY TABLE words AS
SELECT own AS word, bool_or(NOT (lawful AND answered) OR coalesce(attempt <> attempts, false))
       AS faulty, (array_agg(after ORDER BY version DESC))[1] AS after, max(attempts) AS attempts,
       count(*) FILTER (WHERE topic = 'node_entered') AS planned,
       count(*) FILTER (WHERE topic = 'message_accepted') AS accepted,
       count(*) FILTER (WHERE topic = 'send_attempt_returned') AS returned,
       count(*) FILTER (WHERE topic = 'resend_ordered') AS ordered
  FROM ({steps}) AS s GROUP BY own
""")
_SPELLED = SQL("""
SELECT w.word, i.place, (%(topics)s::text[])[ascii(i.letter) - 96],
       nullif(substr(i.letter, 2), '')::integer
  FROM (SELECT DISTINCT word FROM pg_temp.messages WHERE word IS NOT NULL) AS w
 CROSS JOIN LATERAL string_to_table(w.word, ' ') WITH ORDINALITY AS i (letter, place)
""")
_DOUBTFUL = """
CREATE TEMPORARY TABLE doubtful AS
SELECT m.message FROM pg_temp.messages m JOIN pg_temp.words w USING (word)
 WHERE w.faulty OR (m.state, m.attempt::bigint) IS DISTINCT FROM (w.after, w.attempts)
"""
_CHAIN = SQL("""
CREATE TEMPORARY TABLE chain AS SELECT s.own AS message, s.* FROM ({steps}) AS s
""")
_LAID_OUT = SQL("""
SELECT f.message, f.version, f.topic, f.attempt
  FROM pg_temp.doubtful JOIN pg_temp.facts f USING (message)
""")


def tell_histories(curs: Cursor[TupleRow], schema: str) -> None:
    """Make the tables `messages`, `words` and, of doubtful messages, `chain`, from `facts`."""
    asked = {"topics": topics_of_messages(), **moves()}
    curs.execute(composed(schema, _MESSAGES))
    curs.execute("ANALYZE pg_temp.messages")
    curs.execute(_WORDS.format(steps=_STEPS.format(facts=_SPELLED)), asked)
    curs.execute("ANALYZE pg_temp.words")
    curs.execute(_DOUBTFUL)
    curs.execute("ANALYZE pg_temp.doubtful")
    curs.execute(_CHAIN.format(steps=_STEPS.format(facts=_LAID_OUT)), asked)
    curs.execute("ANALYZE pg_temp.chain")
