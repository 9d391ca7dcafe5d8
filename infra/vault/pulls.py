"""How far a provider's lists were read, and which opt-outs it still has to be told."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from typing_extensions import override

from domain.ids import TenantId, schema_of
from handlers.ports import PullBook, Unpushed
from infra.statements import Statements, transaction
from infra.tenancy import Database

OPT_OUTS = ("unsubscribe", "unsubscribed", "opt_out", "manual")
"""Grounds that a person set by saying no, or that an operator set for one."""


class SqlPullBook(PullBook):
    """The pull book of one tenant."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant
        self._sql = Statements(schema_of(tenant))

    @override
    def read_to(self, provider: str) -> Mapping[str, datetime]:
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _READ_TO, {"provider": provider})
        return {row[0]: row[1] for row in rows}

    @override
    def note(self, provider: str, name: str, at: datetime) -> None:
        params = {"provider": provider, "list": name, "at": at}
        with self._database.tenant_tx(self._tenant) as curs:
            self._sql.run(transaction(curs), _NOTE, params)

    @override
    def unpushed(self, limit: int) -> list[Unpushed]:
        params = {"grounds": list(OPT_OUTS), "limit": limit}
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _UNPUSHED, params)
        return [Unpushed(row[0], bytes(row[1])) for row in rows]

    @override
    def pushed(self, told: Sequence[Unpushed], at: datetime) -> None:
        params = {"macs": [one.address_hmac for one in told], "at": at}
        with self._database.tenant_tx(self._tenant) as curs:
            self._sql.run(transaction(curs), _PUSHED, params)


_READ_TO = "SELECT list, read_to FROM {s}.suppression_pulls WHERE provider = %(provider)s"

_NOTE = """
INSERT INTO {s}.suppression_pulls AS p (provider, list, read_to)
VALUES (%(provider)s, %(list)s, %(at)s)
ON CONFLICT (provider, list) DO UPDATE SET read_to = greatest(p.read_to, excluded.read_to)
"""

# An address is known as long as its contact is; what the provider itself told, it knows.
_UNPUSHED = """
SELECT DISTINCT ON (b.address_hmac) c.email, b.address_hmac
  FROM {s}.suppressions b JOIN {s}.contacts c ON c.email_hmac = b.address_hmac
 WHERE b.family = 'email' AND b.pushed_at IS NULL AND b.expires_at IS NULL
   AND b.ground = ANY(%(grounds)s) AND b.source NOT IN ('sendgrid', 'sendgrid_list')
   AND c.email IS NOT NULL
 ORDER BY b.address_hmac, c.contact_id LIMIT %(limit)s
"""

_PUSHED = """
UPDATE {s}.suppressions SET pushed_at = %(at)s
 WHERE family = 'email' AND address_hmac = ANY(%(macs)s::bytea[]) AND pushed_at IS NULL
   AND source NOT IN ('sendgrid', 'sendgrid_list')
"""
