"""The endpoints of a tenant; their secrets are derived: no dump of the database has them."""

import hmac
from collections.abc import Iterable, Mapping
from hashlib import sha256

from typing_extensions import override

from domain.ids import TenantId, schema_of
from handlers.errands.endpoints import EndpointBook, NewEndpoint
from handlers.errors import Fault, NotAcceptable, OutOfStep
from handlers.ports import Endpoint, Rng
from infra.endpoints.addresses import AddressRefused, checked_url
from infra.endpoints.signing import secret_text
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database


class SqlEndpoints(EndpointBook):
    """The registered endpoints of one tenant, in PostgreSQL."""

    def __init__(
        self,
        database: Database,
        tenant: TenantId,
        *,
        pepper: bytes,
        rng: Rng,
        allow_private: bool = False,
    ) -> None:
        self._database = database
        self._tenant = tenant
        self._pepper = pepper
        self._rng = rng
        self._allow_private = allow_private
        self._sql = Statements(schema_of(tenant))

    @override
    def named(self, names: Iterable[str]) -> Mapping[str, Endpoint]:
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _NAMED, {"names": sorted(names)})
        return {row[0]: self._endpoint(row) for row in rows}

    @override
    def all(self) -> list[Endpoint]:
        with self._database.tenant_tx(self._tenant) as curs:
            return [self._endpoint(row) for row in self._sql.rows(transaction(curs), _ALL)]

    @override
    def add(self, name: str, url: str) -> NewEndpoint:
        try:
            checked_url(url, allow_private=self._allow_private)
        except AddressRefused as refused:
            fault = Fault("/url", "url", str(refused))
            raise NotAcceptable("the endpoint cannot be taken", [fault]) from None
        salt = self._rng.new_id().bytes + self._rng.new_id().bytes
        with self._database.tenant_tx(self._tenant) as curs:
            params = {"name": name, "url": url, "salt": salt}
            rows = self._sql.rows(transaction(curs), _ADD, params)
        if not rows:
            raise OutOfStep("an endpoint of this name is there already; remove it first")
        made = self._endpoint(rows[0])
        return NewEndpoint(made, secret_text(made.secret))

    @override
    def remove(self, name: str) -> bool:
        with self._database.tenant_tx(self._tenant) as curs:
            return self._sql.run(transaction(curs), _REMOVE, {"name": name}) == 1

    def _endpoint(self, row: Row) -> Endpoint:
        name, url, salt, enabled, created_at = row
        known_by = f"endpoint:{self._tenant}:{name}:".encode()
        secret = hmac.digest(self._pepper, known_by + bytes(salt), sha256)
        return Endpoint(name=name, url=url, secret=secret, enabled=enabled, created_at=created_at)


_NAMED = """
SELECT name, url, salt, enabled, created_at FROM {s}.endpoints WHERE name = ANY(%(names)s)
"""

_ALL = "SELECT name, url, salt, enabled, created_at FROM {s}.endpoints ORDER BY name"

_ADD = """
INSERT INTO {s}.endpoints (name, url, salt) VALUES (%(name)s, %(url)s, %(salt)s)
ON CONFLICT (name) DO NOTHING RETURNING name, url, salt, enabled, created_at
"""

_REMOVE = "DELETE FROM {s}.endpoints WHERE name = %(name)s"
