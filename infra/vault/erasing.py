"""What an erasure takes out of a tenant's tables: all that is kept of a contact but its id."""

from collections.abc import Sequence
from typing import Any, LiteralString

from typing_extensions import override

from domain.ids import ContactId, StreamId, TenantId, schema_of
from handlers.erasure import Erasure, Erasures
from handlers.ports import Transaction
from infra.erasure_list import ErasureList
from infra.statements import Statements, transaction
from infra.tenancy import Database
from infra.vault.raw_reports import RawReports, needles_of


class SqlErasures(Erasures):
    """Implements handlers.erasure.Erasures for one tenant."""

    def __init__(self, database: Database, tenant: TenantId, listed: ErasureList) -> None:
        self._database = database
        self._tenant = tenant
        self._listed = listed
        self._sql = Statements(schema_of(tenant))
        self._raw = RawReports(database, tenant)

    @override
    def known(self, contact_id: ContactId) -> Erasure | None:
        rows = self._rows(_KNOWN, contact=contact_id)
        if not rows:
            return None
        names = ("contact_id", "ground", "ordered_by", "begun_at", "finished_at")
        return Erasure(**dict(zip(names, rows[0], strict=True)))

    @override
    def begin(self, tx: Transaction, contact_id: ContactId, ground: str, ordered_by: str) -> bool:
        there = bool(self._sql.rows(tx, _LOCK, {"contact": contact_id}))
        params = {"contact": contact_id, "ground": ground, "by": ordered_by}
        self._sql.run(tx, _BEGIN, params)
        return there

    @override
    def remember(self, contact_id: ContactId, ground: str) -> None:
        self._listed.add(self._tenant, contact_id, ground)

    @override
    def sharing(self, contact_id: ContactId) -> Sequence[str]:
        return [name for (name,) in self._rows(_SHARING, contact=contact_id)]

    @override
    def streams(self, contact_id: ContactId) -> Sequence[StreamId]:
        return [StreamId(row[0]) for row in self._rows(_STREAMS, contact=contact_id)]

    @override
    def scrub(self, contact_id: ContactId) -> int:
        addresses = [row[0] for row in self._rows(_ADDRESSES, contact=contact_id)]
        messages = [row[0] for row in self._rows(_MESSAGES, contact=contact_id)]
        return self._raw.scrub(messages, needles_of([*addresses, *map(str, messages)]))

    @override
    def forget(self, contact_id: ContactId) -> None:
        with self._database.tenant_tx(self._tenant) as curs:
            tx = transaction(curs)
            params = self._about(tx, contact_id)
            for text in _FORGET:
                self._sql.run(tx, text, params)

    def _about(self, tx: Transaction, contact_id: ContactId) -> dict[str, Any]:
        """All ids of the contact, and the words that an answer to somebody may have of it."""
        asked = {"contact": contact_id}
        self._sql.rows(tx, _LOCK, asked)
        hashes = [row[0] for row in self._sql.rows(tx, _HOLD_PLANS, asked)]
        ids = [row[0] for row in self._sql.rows(tx, _IDS, asked)]
        words = [row[0] for row in self._sql.rows(tx, _WORDS, asked)]
        return {
            **asked,
            "hashes": hashes,
            "streams": [row[0] for row in self._sql.rows(tx, _STREAMS, asked)],
            "messages": [row[0] for row in self._sql.rows(tx, _MESSAGES, asked)],
            "subjects": ids,
            "needles": needles_of([*map(str, [contact_id, *ids]), *words]),
        }

    @override
    def unfinished(self) -> Sequence[ContactId]:
        listed = self._listed.of(self._tenant)
        rows = self._rows(_UNFINISHED, listed=list(listed))
        return [ContactId(row[0]) for row in rows]

    def _rows(self, text: LiteralString, **params: object) -> list[tuple[Any, ...]]:
        with self._database.tenant_tx(self._tenant) as curs:
            return self._sql.rows(transaction(curs), text, params)


_KNOWN = """
SELECT contact_id, ground, ordered_by, begun_at, finished_at FROM {s}.erasures
 WHERE contact_id = %(contact)s
"""

# A claim that would share this row skips it, so nobody waits.
_LOCK = "SELECT contact_id FROM {s}.contacts WHERE contact_id = %(contact)s FOR UPDATE"

_BEGIN = """
INSERT INTO {s}.erasures (contact_id, ground, ordered_by)
VALUES (%(contact)s, %(ground)s, %(by)s) ON CONFLICT (contact_id) DO NOTHING
"""

_SHARING = """
SELECT DISTINCT o.external_id FROM {s}.contacts c JOIN {s}.contacts o
    ON o.email_hmac = c.email_hmac OR o.linkedin_hmac = c.linkedin_hmac
 WHERE c.contact_id = %(contact)s AND o.contact_id <> c.contact_id ORDER BY 1
"""

_STREAMS = "SELECT stream_id FROM {s}.streams WHERE contact_id = %(contact)s ORDER BY stream_id"

_MESSAGES = """
SELECT q.message_id FROM {s}.streams x JOIN {s}.send_queue q USING (stream_id)
 WHERE x.contact_id = %(contact)s ORDER BY q.message_id
"""

# Where mail went, also before the address was changed.
_ADDRESSES = """
SELECT email FROM {s}.contacts WHERE contact_id = %(contact)s AND email IS NOT NULL
UNION SELECT to_email FROM {s}.bodies WHERE contact_id = %(contact)s AND to_email IS NOT NULL
"""

# Notes are about streams, messages, errands and tasks.
_IDS = """
SELECT stream_id FROM {s}.streams WHERE contact_id = %(contact)s
UNION SELECT q.message_id FROM {s}.streams x JOIN {s}.send_queue q USING (stream_id)
       WHERE x.contact_id = %(contact)s
UNION SELECT t.task_id FROM {s}.streams x JOIN {s}.tasks t USING (stream_id)
       WHERE x.contact_id = %(contact)s
UNION SELECT e.errand_id FROM {s}.streams x JOIN {s}.errands e USING (stream_id)
       WHERE x.contact_id = %(contact)s
UNION SELECT notice_id FROM {s}.notices WHERE contact_id = %(contact)s
"""

# Shorter words are part of too many others.
_WORDS = """
SELECT word FROM {s}.contacts c CROSS JOIN LATERAL unnest(
       ARRAY[external_id, email, first_name, last_name, title, company, city, linkedin_url, phone,
             consent_source, consent_text] || tags
       || ARRAY(SELECT value FROM jsonb_each_text(attributes))) AS w (word)
 WHERE c.contact_id = %(contact)s AND length(word) >= 4
"""

# Before anybody looks who else has them: an enrolment that takes such a plan now waits for us.
_HOLD_PLANS = """
SELECT plan_hash FROM {s}.plans WHERE plan_hash IN (
       SELECT plan_hash FROM {s}.plan_contacts WHERE contact_id = %(contact)s)
 ORDER BY plan_hash FOR UPDATE
"""

_UNUSED: LiteralString = """plan_hash = ANY(%(hashes)s)
   AND NOT EXISTS (SELECT FROM {s}.plan_contacts o WHERE o.plan_hash = p.plan_hash)"""

_FORGET: tuple[LiteralString, ...] = (
    "DELETE FROM {s}.links WHERE message_id = ANY(%(messages)s)",
    "DELETE FROM {s}.bodies WHERE contact_id = %(contact)s",
    """DELETE FROM {s}.replies r
        WHERE contact_id = %(contact)s OR message_id = ANY(%(messages)s)""",
    "DELETE FROM {s}.notes WHERE contact_id = %(contact)s OR subject_id = ANY(%(subjects)s)",
    "DELETE FROM {s}.notices WHERE contact_id = %(contact)s",
    "DELETE FROM {s}.consents WHERE contact_id = %(contact)s",
    "DELETE FROM {s}.outreach WHERE stream_id = ANY(%(streams)s)",
    """DELETE FROM {s}.address_checks a USING (
              SELECT email_hmac FROM {s}.contacts WHERE contact_id = %(contact)s
              UNION SELECT email_hmac FROM {s}.former_addresses WHERE contact_id = %(contact)s) m
        WHERE a.address_hmac = m.email_hmac AND NOT EXISTS (
              SELECT FROM {s}.contacts o
               WHERE o.email_hmac = m.email_hmac AND o.contact_id <> %(contact)s)""",
    "DELETE FROM {s}.former_addresses WHERE contact_id = %(contact)s",
    "DELETE FROM {s}.plan_contacts WHERE contact_id = %(contact)s",
    f"DELETE FROM {{s}}.plan_reports p WHERE {_UNUSED}",  # noqa: S608  # constant text
    f"DELETE FROM {{s}}.plans p WHERE {_UNUSED}",  # noqa: S608  # constant text
    """UPDATE {s}.tasks SET assignee_id = 0
        WHERE stream_id = ANY(%(streams)s) AND assignee_id IS DISTINCT FROM 0""",
    """DELETE FROM {s}.assignees a
        WHERE NOT EXISTS (SELECT FROM {s}.tasks t WHERE t.assignee_id = a.assignee_id)""",
    """DELETE FROM {s}.idempotency_keys k WHERE EXISTS (
              SELECT FROM unnest(%(needles)s::text[]) AS n (needle)
               WHERE strpos(lower(encode(k.answer, 'escape')), n.needle) > 0)""",
    "DELETE FROM {s}.contacts WHERE contact_id = %(contact)s",
    """UPDATE {s}.erasures SET finished_at = now()
        WHERE contact_id = %(contact)s AND finished_at IS NULL""",
)

# The last part: reports of mails that were under way come later than the erasure, and bring the
# address with them. Older than a quarter they are forgotten by their own period.
_UNFINISHED = """
SELECT contact_id FROM {s}.contacts WHERE contact_id = ANY(%(listed)s::uuid[])
UNION
SELECT e.contact_id FROM {s}.erasures e
 WHERE (e.finished_at IS NULL AND e.begun_at < now() - interval '1 minute')
    OR (e.finished_at > now() - interval '120 days' AND (
        EXISTS (SELECT FROM {s}.contacts c WHERE c.contact_id = e.contact_id)
        OR EXISTS (SELECT FROM {s}.plan_contacts p WHERE p.contact_id = e.contact_id)
        OR EXISTS (SELECT FROM {s}.replies r WHERE r.contact_id = e.contact_id)
        OR EXISTS (SELECT FROM {s}.bodies b WHERE b.contact_id = e.contact_id)
        OR EXISTS (SELECT FROM {s}.streams x JOIN {s}.contact_campaigns c USING (stream_id)
                    WHERE x.contact_id = e.contact_id AND c.ended_at IS NULL)
        OR EXISTS (SELECT FROM {s}.streams x JOIN {s}.send_queue q USING (stream_id)
                     JOIN {s}.webhook_inbox i ON i.about = q.message_id
                    WHERE x.contact_id = e.contact_id AND i.raw <> ''
                      AND i.state NOT IN ('new', 'claimed')
                      AND (i.state <> 'orphan' OR i.reason = 'given_up'))))
"""
