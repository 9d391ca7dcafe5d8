"""Raw deliveries by the reports that were in them."""

from collections.abc import Collection, Mapping

from domain.ids import TenantId, schema_of
from handlers.services import RawDelivery
from infra.statements import Statements, transaction
from infra.tenancy import Database


class SqlDeliveries:
    """Implements handlers.services.Deliveries for one tenant."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant
        self._sql = Statements(schema_of(tenant))

    def __call__(self, numbers: Collection[int]) -> Mapping[int, RawDelivery]:
        """Those that are kept still."""
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _RAW, {"numbers": list(numbers)})
        return {number: RawDelivery(*rest) for number, *rest in rows}


# A report and its delivery have the same instant: they were written by one statement.
_RAW = """
SELECT i.inbox_id, d.delivery_id, d.provider, d.received_at, encode(sha256(d.body), 'hex')
  FROM {s}.webhook_inbox i
  JOIN {s}.webhook_deliveries d
    ON d.received_at = i.received_at AND d.delivery_id = i.delivery_id
 WHERE i.inbox_id = ANY(%(numbers)s)
"""
