"""Raw deliveries of providers without one contact: what names it is cut out, the rest stays.

A delivery has reports about many people. Of a list of reports the contact's are taken out; a
delivery that is no such list, as a mail that came in, goes as a whole.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from domain.ids import TenantId, schema_of
from infra.statements import Statements, transaction
from infra.tenancy import Database

INBOX_PART = 5_000
DELIVERIES_PART = 500
"""Rows that one statement looks into: far below the time that a statement may take."""

_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


class RawReports:
    """The inbox and the kept deliveries of one tenant."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant
        self._sql = Statements(schema_of(tenant))

    def scrub(self, messages: Sequence[UUID], needles: Sequence[str]) -> int:
        """Cut out what is about these messages or has one of these texts; the rows that changed."""
        with self._database.tenant_tx(self._tenant) as curs:
            changed = self._sql.run(transaction(curs), _BLANK_ABOUT, {"messages": list(messages)})
        return changed + self._inbox(needles) + self._deliveries(needles)

    def _inbox(self, needles: Sequence[str]) -> int:
        """Reports that name no message of ours, and an address."""
        after: int | None = 0
        changed = 0
        while after is not None:
            params = {"after": after, "part": INBOX_PART, "needles": list(needles)}
            with self._database.tenant_tx(self._tenant) as curs:
                tx = transaction(curs)
                ((after, hits),) = self._sql.rows(tx, _IN_INBOX, params)
                if hits:
                    changed += self._sql.run(tx, _BLANK, {"ids": hits})
        return changed

    def _deliveries(self, needles: Sequence[str]) -> int:
        place: tuple[datetime, UUID] | None = datetime(1, 1, 1, tzinfo=UTC), UUID(int=0)
        changed = 0
        while place is not None:
            params = {
                "time": place[0],
                "id": place[1],
                "part": DELIVERIES_PART,
                "needles": list(needles),
            }
            with self._database.tenant_tx(self._tenant) as curs:
                tx = transaction(curs)
                rows = self._sql.rows(tx, _IN_DELIVERIES, params)
                for time, id_, body in rows:
                    if body is None:
                        continue
                    left = without(bytes(body), needles)
                    text = _DROP if left is None else _REWRITE
                    changed += self._sql.run(tx, text, {"time": time, "id": id_, "body": left})
            place = (rows[-1][0], rows[-1][1]) if len(rows) == DELIVERIES_PART else None
        return changed


def needles_of(texts: Iterable[str]) -> list[str]:
    """How each text may stand in stored bytes, small letters, as PostgreSQL escapes them."""
    spelt = {form for text in texts for form in _forms(text.strip().lower()) if form}
    return sorted(spelt)


def _forms(text: str) -> tuple[str, str]:
    return _escaped(text.encode()), _escaped(json.dumps(text)[1:-1].encode())


def _escaped(raw: bytes) -> str:
    """As encode(..., 'escape') writes them."""
    return "".join(_letter(byte) for byte in raw)


def _letter(byte: int) -> str:
    if byte == ord("\\"):
        return "\\\\"
    return chr(byte) if 0 < byte < 0x80 else f"\\{byte:03o}"  # noqa: PLR2004  # ASCII


def without(body: bytes, needles: Sequence[str]) -> bytes | None:
    """The list of reports without those that name one of the needles; None where none is left."""
    try:
        items = _ITEMS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    kept = [bytes(item) for item in items if not _names(bytes(item), needles)]
    return b"[" + b",".join(kept) + b"]" if kept else None


def _names(item: bytes, needles: Sequence[str]) -> bool:
    text = _escaped(item).lower()
    return any(needle in text for needle in needles)


# What is not settled yet is left to the workers; the sweep comes by later.
_BLANK_ABOUT = """
UPDATE {s}.webhook_inbox SET raw = ''
 WHERE about = ANY(%(messages)s::uuid[]) AND raw <> '' AND state NOT IN ('new', 'claimed')
   AND (state <> 'orphan' OR reason = 'given_up')
"""

# What names a person and no message of ours will never be about one.
_BLANK = """
UPDATE {s}.webhook_inbox
   SET raw = '', reason = CASE state WHEN 'orphan' THEN 'erased' ELSE reason END,
       settled_at = coalesce(settled_at, now()),
       state = CASE state WHEN 'orphan' THEN 'no_news' ELSE state END
 WHERE inbox_id = ANY(%(ids)s) AND raw <> '' AND state NOT IN ('new', 'claimed')
"""

_IN_INBOX = """
WITH part AS MATERIALIZED (
    SELECT inbox_id, about, raw FROM {s}.webhook_inbox WHERE inbox_id > %(after)s
     ORDER BY inbox_id LIMIT %(part)s)
SELECT CASE WHEN (SELECT count(*) FROM part) = %(part)s THEN (SELECT max(inbox_id) FROM part) END,
       ARRAY(SELECT inbox_id FROM part
              WHERE about IS NULL AND EXISTS (
                    SELECT FROM unnest(%(needles)s::text[]) AS n (needle)
                     WHERE strpos(lower(encode(raw, 'escape')), n.needle) > 0))
"""

_IN_DELIVERIES = """
SELECT received_at, delivery_id, CASE WHEN EXISTS (
       SELECT FROM unnest(%(needles)s::text[]) AS n (needle)
        WHERE strpos(lower(encode(body, 'escape')), n.needle) > 0) THEN body END
  FROM {s}.webhook_deliveries
 WHERE (received_at, delivery_id) > (%(time)s, %(id)s)
 ORDER BY received_at, delivery_id LIMIT %(part)s
"""

_REWRITE = """
UPDATE {s}.webhook_deliveries SET body = %(body)s
 WHERE received_at = %(time)s AND delivery_id = %(id)s
"""

_DROP = """
DELETE FROM {s}.webhook_deliveries WHERE received_at = %(time)s AND delivery_id = %(id)s
"""
