"""API keys in the control schema: made once, shown once, kept as HMAC under the pepper."""

import hmac
import re
import secrets  # noqa: TID251  # an API key is a secret, drawn where it is stored
from datetime import datetime
from hashlib import sha256

import msgspec

from domain.ids import TenantId
from handlers.access import KeyHolder, Role
from infra.tenancy import Database

ID_BYTES = 6
SECRET_BYTES = 32
_KEY = re.compile(r"ak_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NOBODY = bytes(32)

_ADD = """
INSERT INTO control.api_keys (key_id, tenant, role, secret_mac, expires_at)
VALUES (%s, %s, %s, %s, %s)
"""
_REVOKE = """
UPDATE control.api_keys SET revoked_at = now() WHERE key_id = %s AND revoked_at IS NULL
"""
_OWNER = "SELECT tenant FROM control.api_keys WHERE key_id = %s AND revoked_at IS NULL"
_FIND = """
SELECT key_id, tenant, role, secret_mac FROM control.api_keys
 WHERE key_id = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
"""
_USED = """
UPDATE control.api_keys SET last_used_at = now()
 WHERE key_id = %s AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
"""


class NewKey(msgspec.Struct, frozen=True):
    """A key as it is shown, once."""

    key_id: str
    text: str


def add_key(
    database: Database,
    tenant: TenantId,
    role: str,
    *,
    pepper: bytes,
    expires_at: datetime | None = None,
    key_id: str | None = None,
) -> NewKey:
    """Make a key of a tenant; its text is nowhere but in the answer."""
    key_id = key_id or new_key_id()
    secret = secrets.token_urlsafe(SECRET_BYTES)
    row = (key_id, tenant, Role(role), _mac(pepper, secret), expires_at)
    with database.control_tx() as curs:
        curs.execute(_ADD, row)
    return NewKey(key_id, f"ak_{key_id}_{secret}")


def new_key_id() -> str:
    """An id for a key, for whoever has to name it before it is made."""
    return secrets.token_hex(ID_BYTES)


def tenant_of_key(database: Database, key_id: str) -> TenantId | None:
    """Whose key it is, while it is in force."""
    with database.control_tx() as curs:
        row = curs.execute(_OWNER, (key_id,)).fetchone()
    return None if row is None else TenantId(row[0])


def revoke_key(database: Database, key_id: str) -> bool:
    """Let a key open nothing any more; False when it did not anyway."""
    with database.control_tx() as curs:
        curs.execute(_REVOKE, (key_id,))
        return curs.rowcount == 1


def check_key(database: Database, text: str, *, pepper: bytes) -> KeyHolder | None:
    """Who a key belongs to; None when it is unknown, wrong, expired or revoked."""
    given = _KEY.fullmatch(text)
    if given is None:
        return None
    with database.control_tx() as curs:
        row = curs.execute(_FIND, (given[1],)).fetchone()
        # compared also where there is nothing to compare with: the time tells nobody which ids are
        right = hmac.compare_digest(bytes(row[3]) if row else _NOBODY, _mac(pepper, given[2]))
        if row is None or not right:
            return None
        curs.execute(_USED, (given[1],))
    return KeyHolder(row[0], TenantId(row[1]), Role(row[2]))


def _mac(pepper: bytes, secret: str) -> bytes:
    return hmac.digest(pepper, secret.encode(), sha256)
