"""Addresses as keys: normalised, then hidden behind an HMAC under the tenant's pepper."""

import hmac
import re
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from domain.ids import TenantId

_LINKEDIN = re.compile(r"(?:[a-z]{2,3}\.)?linkedin\.com")
_PROFILE = re.compile(r"/in/([^/]+)(?:/.*)?")
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


def profile_key(url: str) -> str:
    """One spelling for all spellings of a profile: scheme, case, slash, query, country.

    A LinkedIn profile goes by its name alone: a language may follow it.
    """
    text = url.strip().lower()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
    except ValueError:  # brackets that are no address: only the very same text is the same
        return text
    host = parts.netloc.removeprefix("www.")
    path = unquote(parts.path).lower().rstrip("/")
    if _LINKEDIN.fullmatch(host):
        found = _PROFILE.fullmatch(path)
        host, path = "linkedin.com", f"/in/{found[1]}" if found else path
    return host + path


class AddressMac:
    """HMAC-SHA256 of normalised addresses; the pepper is never in the database."""

    def __init__(self, pepper: bytes, tenant: TenantId) -> None:
        self._key = hmac.digest(pepper, b"address:" + tenant.encode(), sha256)

    def __call__(self, address: str) -> bytes:
        return hmac.digest(self._key, normalised(address).encode(), sha256)

    def of_profile(self, url: str) -> bytes:
        """The key of a profile; it is never the one of an address."""
        return hmac.digest(self._key, b"profile:" + profile_key(url).encode(), sha256)
