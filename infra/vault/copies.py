"""What the vault has of one contact, table by table, as it stands."""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

import msgspec
from psycopg.rows import dict_row
from typing_extensions import override

from domain.ids import ContactId, StreamId, TenantId, schema_of
from handlers.services import Copies
from infra.statements import Statements, cursor_of, transaction, written
from infra.tenancy import Database

ROWS_MAX = 10_000
"""Of one table; more than anybody who was written to a few dozen times can have."""


class SqlCopies(Copies):
    """Implements handlers.services.Copies for one tenant."""

    def __init__(self, database: Database, tenant: TenantId, *, per_day: int) -> None:
        self._database = database
        self._tenant = tenant
        self._per_day = per_day
        self._sql = Statements(schema_of(tenant))

    @override
    def count(self, contact_id: ContactId, ordered_by: str) -> bool:
        params = {"contact": contact_id, "by": ordered_by, "most": self._per_day}
        with self._database.tenant_tx(self._tenant) as curs:
            return self._sql.run(transaction(curs), _COUNT, params) > 0

    @override
    def streams(self, contact_id: ContactId) -> Sequence[StreamId]:
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _STREAMS, {"contact": contact_id})
        return [StreamId(row[0]) for row in rows]

    @override
    def rows(self, contact_id: ContactId) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        params = {"contact": contact_id, "most": ROWS_MAX}
        found: dict[str, Sequence[Mapping[str, Any]]] = {}
        with self._database.tenant_tx(self._tenant) as curs:
            cursor = cursor_of(transaction(curs)).connection.cursor(row_factory=dict_row)
            for table, text in _TABLES.items():
                cursor.execute(written(self._sql.schema, text), params)
                found[table] = [_readable(row) for row in cursor.fetchall()]
        return found


def _readable(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: _text(value) for name, value in row.items()}


def _text(value: Any) -> Any:  # noqa: ANN401  # any column
    """Bytes as text where they are one: rendered mails are in our own packing."""
    if not isinstance(value, bytes | memoryview):
        return value
    raw = bytes(value)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        pass
    try:
        return msgspec.to_builtins(msgspec.msgpack.decode(raw))
    except msgspec.DecodeError:
        return raw.decode(errors="replace")


_STREAMS = "SELECT stream_id FROM {s}.streams WHERE contact_id = %(contact)s ORDER BY stream_id"

# Two at once may both find room for the last one: a quota, not a lock.
_COUNT = """
INSERT INTO {s}.contact_exports (export_id, contact_id, ordered_by)
SELECT gen_random_uuid(), %(contact)s, %(by)s
 WHERE (SELECT count(*) FROM {s}.contact_exports WHERE at > now() - interval '24 hours')
       < %(most)s
"""

_TABLES: Mapping[str, LiteralString] = {
    "consents": """
SELECT ground, at, expires_at, source, text_version, recorded_at FROM {s}.consents
 WHERE contact_id = %(contact)s ORDER BY consent_id LIMIT %(most)s""",
    "suppressions": """
SELECT family, reason, ground, source, suppressed_at, expires_at, lifted_at FROM {s}.suppressions
 WHERE address_hmac IN (
       SELECT email_hmac FROM {s}.contacts WHERE contact_id = %(contact)s
       UNION SELECT email_hmac FROM {s}.former_addresses WHERE contact_id = %(contact)s)
 ORDER BY suppressed_at LIMIT %(most)s""",
    "mails": """
SELECT message_id, to_email, mail, created_at FROM {s}.bodies
 WHERE contact_id = %(contact)s ORDER BY created_at LIMIT %(most)s""",
    "links": """
SELECT l.message_id, l.number, l.url FROM {s}.bodies b JOIN {s}.links l USING (message_id)
 WHERE b.contact_id = %(contact)s ORDER BY 1, 2 LIMIT %(most)s""",
    "replies": """
SELECT reply_id, message_id, received_at, class, subject, text, html, sender FROM {s}.replies
 WHERE contact_id = %(contact)s ORDER BY received_at LIMIT %(most)s""",
    "notes": """
SELECT subject_id, kind, text, created_at FROM {s}.notes
 WHERE contact_id = %(contact)s OR subject_id IN (
       SELECT stream_id FROM {s}.streams WHERE contact_id = %(contact)s)
 ORDER BY note_id LIMIT %(most)s""",
    "notices": """
SELECT notice_id, recipient, text, created_at, read_at FROM {s}.notices
 WHERE contact_id = %(contact)s ORDER BY created_at LIMIT %(most)s""",
    "reports": """
SELECT i.kind, i.occurred_at, i.received_at, i.state, i.raw
  FROM {s}.streams x JOIN {s}.send_queue q USING (stream_id)
  JOIN {s}.webhook_inbox i ON i.about = q.message_id
 WHERE x.contact_id = %(contact)s ORDER BY i.inbox_id LIMIT %(most)s""",
}
"""Everything of the vault but plans, which come with the contact-campaigns they are of."""
