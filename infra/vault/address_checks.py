"""What was found out about addresses, by their digests, and when each is looked at again."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from typing_extensions import override

from domain.ids import ContactId, TenantId, schema_of
from domain.taxonomy import AddressVerdict
from handlers.addresses import AddressChecks, Checked, ToCheck
from infra.statements import Statements, transaction
from infra.tenancy import Database


class SqlAddressChecks(AddressChecks):
    """The address checks of one tenant."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant
        self._sql = Statements(schema_of(tenant))

    @override
    def verdicts(self, ids: Iterable[ContactId]) -> Mapping[ContactId, AddressVerdict]:
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _VERDICTS, {"ids": list(ids)})
        return {ContactId(row[0]): AddressVerdict(row[1]) for row in rows}

    @override
    def take(self, now: datetime, again_at: datetime, limit: int) -> list[ToCheck]:
        params = {"now": now, "again": again_at, "limit": limit}
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _TAKE, params)
        return [ToCheck(bytes(key), address) for key, address in rows if address is not None]

    @override
    def keep(self, checked: Sequence[Checked], now: datetime, due_at: datetime) -> None:
        if not checked:
            return
        ordered = sorted(checked, key=lambda one: one.key)
        params = {
            "keys": [one.key for one in ordered],
            "verdicts": [one.verdict.value for one in ordered],
            "sources": [one.source for one in ordered],
            "now": now,
            "due": due_at,
        }
        with self._database.tenant_tx(self._tenant) as curs:
            self._sql.run(transaction(curs), _KEEP, params)


_VERDICTS = """
SELECT c.contact_id, coalesce(a.verdict, 'unchecked')
  FROM {s}.contacts c LEFT JOIN {s}.address_checks a ON a.address_hmac = c.email_hmac
 WHERE c.contact_id = ANY(%(ids)s) AND c.email_hmac IS NOT NULL
"""

# An address that no contact has any more is due no more, until a contact gets it.
_TAKE = """
WITH due AS (
    SELECT address_hmac FROM {s}.address_checks WHERE due_at <= %(now)s
     ORDER BY due_at, address_hmac LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), held AS (
    SELECT DISTINCT ON (d.address_hmac) d.address_hmac, c.email
      FROM due d LEFT JOIN {s}.contacts c ON c.email_hmac = d.address_hmac
     ORDER BY d.address_hmac, c.contact_id
)
UPDATE {s}.address_checks a
   SET due_at = CASE WHEN h.email IS NOT NULL THEN %(again)s END
  FROM held h WHERE a.address_hmac = h.address_hmac
RETURNING a.address_hmac, h.email
"""

_KEEP = """
UPDATE {s}.address_checks a
   SET verdict = u.verdict, source = u.source, checked_at = %(now)s, due_at = %(due)s
  FROM unnest(%(keys)s::bytea[], %(verdicts)s::text[], %(sources)s::text[])
       AS u (key, verdict, source)
 WHERE a.address_hmac = u.key
"""
