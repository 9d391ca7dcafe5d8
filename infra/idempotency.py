"""Answers by idempotency key, in the tenant's schema, for 24 hours."""

import hmac
from hashlib import sha256

from typing_extensions import override

from domain.ids import TenantId, schema_of
from handlers.errors import KeyReused, StillRunning
from handlers.services import Answered, Memory
from infra.statements import Statements, transaction
from infra.tenancy import Database

KEPT_S = 24 * 3600
GIVEN_UP_S = 300
"""A request without an answer after this died on the way; the next one carries it out again."""


class SqlMemory(Memory):
    """Implements handlers.services.Memory for one tenant; requests are kept as HMAC only."""

    def __init__(self, database: Database, tenant: TenantId, pepper: bytes) -> None:
        self._database = database
        self._tenant = tenant
        self._key = hmac.digest(pepper, b"idempotency:" + tenant.encode(), sha256)
        self._sql = Statements(schema_of(tenant))

    @override
    def begin(self, route: str, key: str, request: bytes) -> Answered | None:
        mac = hmac.digest(self._key, request, sha256)
        params = {
            "route": route,
            "key": key,
            "mac": mac,
            "kept": KEPT_S,
            "given_up": GIVEN_UP_S,
        }
        with self._database.tenant_tx(self._tenant) as curs:
            tx = transaction(curs)
            if self._sql.run(tx, _TAKE, params):
                return None
            rows = self._sql.rows(tx, _FIND, params)
        if not rows:  # it was forgotten at this moment: whoever had it failed
            raise StillRunning("send it again")
        before, status, body = rows[0]
        if not hmac.compare_digest(bytes(before), mac):
            raise KeyReused("this Idempotency-Key came with another request; draw a new one")
        if status is None:
            raise StillRunning("the first request with this key is not answered yet")
        return Answered(status, bytes(body))

    @override
    def keep(self, route: str, key: str, answered: Answered) -> None:
        params = {"route": route, "key": key, "status": answered.status, "body": answered.body}
        with self._database.tenant_tx(self._tenant) as curs:
            self._sql.run(transaction(curs), _KEEP, params)

    @override
    def forget(self, route: str, key: str) -> None:
        with self._database.tenant_tx(self._tenant) as curs:
            self._sql.run(transaction(curs), _FORGET, {"route": route, "key": key})


_TAKE = """
INSERT INTO {s}.idempotency_keys AS k (route, key, body_mac)
VALUES (%(route)s, %(key)s, %(mac)s)
ON CONFLICT (route, key) DO UPDATE
   SET body_mac = excluded.body_mac, status = NULL, answer = NULL, created_at = now()
 WHERE k.created_at < now() - make_interval(secs => %(kept)s)
    OR (k.status IS NULL AND k.body_mac = excluded.body_mac
        AND k.created_at < now() - make_interval(secs => %(given_up)s))
"""

_FIND = """
SELECT body_mac, status, answer FROM {s}.idempotency_keys
 WHERE route = %(route)s AND key = %(key)s
"""

_KEEP = """
UPDATE {s}.idempotency_keys SET status = %(status)s, answer = %(body)s
 WHERE route = %(route)s AND key = %(key)s
"""

_FORGET = """
DELETE FROM {s}.idempotency_keys
 WHERE route = %(route)s AND key = %(key)s AND status IS NULL
"""
