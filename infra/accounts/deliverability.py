"""What became of the mails of each sender, from the daily numbers and the send queue."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time

from typing_extensions import override

from domain.accounts import Counts
from domain.ids import TenantId, schema_of
from handlers.ports.accounts import Deliverability
from infra.statements import Statements, transaction
from infra.tenancy import Database


class SqlDeliverability(Deliverability):
    """The numbers of one tenant. They are a read model: some moments behind the log."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant
        self._sql = Statements(schema_of(tenant))

    @override
    def between(self, first: date, last: date) -> Mapping[str, Counts]:
        params = {
            "first": datetime.combine(first, time(), UTC),
            "last": datetime.combine(last, time(), UTC),
        }
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _COUNTS, params)
        return {row[0]: Counts(*row[1:]) for row in rows}

    @override
    def waiting(self, sender: str) -> int:
        with self._database.tenant_tx(self._tenant) as curs:
            ((number,),) = self._sql.rows(transaction(curs), _WAITING, {"sender": sender})
        return int(number)


_COUNTS = """
SELECT sender, sum(accepted)::bigint, sum(delivered)::bigint, sum(bounces)::bigint,
       sum(complaints)::bigint
  FROM {s}.metrics_daily WHERE bucket BETWEEN %(first)s AND %(last)s AND sender <> ''
 GROUP BY sender ORDER BY sender
"""

_WAITING = """
SELECT count(*) FROM {s}.send_queue q JOIN {s}.campaigns g USING (campaign_id)
 WHERE q.state IN ('PLANNED', 'QUEUED') AND coalesce(nullif(q.sender, ''), g.sender) = %(sender)s
"""
