"""The webhook inbox as operators see it: what was set aside, and what nobody knows."""

from typing import LiteralString

from psycopg.errors import UniqueViolation
from typing_extensions import override

from domain.ids import TenantId, schema_of
from handlers.dead_letters import DeadLetter, DeadLetters
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database

NUMBER_MAX = 2**63 - 1


class SqlDeadLetters(DeadLetters):
    """The dead letters of one tenant, in PostgreSQL."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant
        self._sql = Statements(schema_of(tenant))

    @override
    def page(self, state: str, after: int | None, limit: int) -> list[DeadLetter]:
        params = {"state": state, "after": after or 0, "limit": limit}
        with self._database.tenant_tx(self._tenant) as curs:
            return [_letter(row) for row in self._sql.listed(transaction(curs), _PAGE, params)]

    @override
    def one(self, number: int) -> DeadLetter | None:
        if number > NUMBER_MAX:
            return None
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _ONE, {"id": number})
        return _letter(rows[0]) if rows else None

    @override
    def again(self, number: int) -> bool:
        try:
            with self._database.tenant_tx(self._tenant) as curs:
                return self._sql.run(transaction(curs), _AGAIN, {"id": number}) == 1
        except UniqueViolation:  # of the semantic key: the same fact is there a second time
            return False


def _letter(row: Row) -> DeadLetter:
    return DeadLetter(**dict(zip(DeadLetter.__struct_fields__, row, strict=True)))


_SELECT: LiteralString = """
SELECT inbox_id, delivery_id, provider, kind, state, reason, occurred_at, received_at, tries,
       CASE WHEN state IN ('new', 'orphan') AND isfinite(next_try_at) THEN next_try_at END,
       stream_id, message_id
  FROM {s}.webhook_inbox
"""

_PAGE: LiteralString = (
    _SELECT + " WHERE state = %(state)s AND inbox_id > %(after)s ORDER BY inbox_id LIMIT %(limit)s"
)

_ONE: LiteralString = _SELECT + " WHERE inbox_id = %(id)s"

# An orphan that was given up had all its tries: they count anew.
_AGAIN = """
UPDATE {s}.webhook_inbox
   SET state = 'new', reason = NULL, tries = 0, next_try_at = now(), lease_until = NULL,
       settled_at = NULL, fence = fence + 1
 WHERE inbox_id = %(id)s AND state IN ('orphan', 'parked')
"""
