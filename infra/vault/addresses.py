"""Addresses as keys: normalised, then hidden behind an HMAC under the tenant's pepper."""

import hmac
from hashlib import sha256

from domain.ids import TenantId

_GMAIL = ("gmail.com", "googlemail.com")


def normalised(address: str) -> str:
    """One spelling for all spellings of a mailbox: case, plus tags, and the dots Gmail ignores.

    It errs towards "the same person": two mailboxes taken for one are written to less, never more.
    """
    local, _, domain = address.strip().lower().rpartition("@")
    local = local.partition("+")[0]
    if domain in _GMAIL:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain.rstrip('.')}"


class AddressMac:
    """HMAC-SHA256 of normalised addresses; the pepper is never in the database."""

    def __init__(self, pepper: bytes, tenant: TenantId) -> None:
        self._key = hmac.digest(pepper, b"address:" + tenant.encode(), sha256)

    def __call__(self, address: str) -> bytes:
        return hmac.digest(self._key, normalised(address).encode(), sha256)
