"""What people were told: kept with the contact that it is about, marked when it was read."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import LiteralString
from uuid import UUID

from typing_extensions import override

from domain.ids import ContactId, ErrandId, StreamId, TenantId, schema_of
from handlers.errands.lists import NoticeList, NoticeRow, WantedNotices
from handlers.ports import Notice, Transaction
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database

END = datetime.max.replace(tzinfo=UTC), ErrandId(UUID(int=2**128 - 1))
"""After every notice."""


class SqlNotices(NoticeList):
    """The notices of one tenant, in PostgreSQL."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant
        self._sql = Statements(schema_of(tenant))

    @override
    def keep(self, tx: Transaction, notices: Sequence[Notice]) -> None:
        params = {
            "ids": [one.notice_id for one in notices],
            "streams": [one.stream for one in notices],
            "contacts": [one.contact_id for one in notices],
            "recipients": [one.recipient for one in notices],
            "texts": [one.text for one in notices],
            "times": [one.at for one in notices],
        }
        if notices:
            self._sql.run(tx, _KEEP, params)

    @override
    def page(self, wanted: WantedNotices) -> list[NoticeRow]:
        """A place in an index names its first column, too: no other index will do for it."""
        time, notice_id = wanted.before or END
        params = {
            "recipient": wanted.recipient,
            "time": time,
            "id": notice_id,
            "limit": wanted.limit,
        }
        text: LiteralString = _NOTICES
        if wanted.recipient is None:
            text += " WHERE (created_at, notice_id) < (%(time)s, %(id)s)"
        else:
            text += _TO_ONE
        if wanted.unread:
            text += " AND read_at IS NULL"
        text += " ORDER BY created_at DESC, notice_id DESC LIMIT %(limit)s"
        with self._database.tenant_tx(self._tenant) as curs:
            return [_notice(row) for row in self._sql.listed(transaction(curs), text, params)]

    @override
    def mark_read(self, notice_id: ErrandId, at: datetime) -> NoticeRow | None:
        params = {"id": notice_id, "at": at}
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _READ, params)
        return _notice(rows[0]) if rows else None


def _notice(row: Row) -> NoticeRow:
    return NoticeRow(
        id=ErrandId(row[0]),
        contact_campaign_id=StreamId(row[1]),
        contact_id=ContactId(row[2]),
        recipient=row[3],
        text=row[4],
        created_at=row[5],
        read_at=row[6],
    )


_KEEP = """
INSERT INTO {s}.notices (notice_id, stream_id, contact_id, recipient, text, created_at)
SELECT * FROM unnest(%(ids)s::uuid[], %(streams)s::uuid[], %(contacts)s::uuid[],
                     %(recipients)s::text[], %(texts)s::text[], %(times)s::timestamptz[])
ON CONFLICT (notice_id) DO NOTHING
"""

_NOTICES: LiteralString = """
SELECT notice_id, stream_id, contact_id, recipient, text, created_at, read_at FROM {s}.notices"""

_TO_ONE: LiteralString = """
 WHERE recipient = %(recipient)s AND left(recipient, 200) = left(%(recipient)s, 200)
   AND (left(recipient, 200), created_at, notice_id)
       < (left(%(recipient)s, 200), %(time)s, %(id)s)"""

_READ = """
UPDATE {s}.notices SET read_at = coalesce(read_at, %(at)s) WHERE notice_id = %(id)s
RETURNING notice_id, stream_id, contact_id, recipient, text, created_at, read_at
"""
