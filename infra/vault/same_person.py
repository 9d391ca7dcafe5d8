"""Who among the contacts seems to be one person: by the digests of the address and the profile."""

from collections.abc import Mapping

from handlers.contacts import ContactRow
from handlers.ports import Person, Transaction
from infra.statements import Statements
from infra.vault.addresses import AddressMac

OTHERS_MAX = 5
"""How many others of a person are named."""


class SamePerson:
    """Knows contacts by their digests."""

    def __init__(self, sql: Statements, mac: AddressMac) -> None:
        self._sql = sql
        self._mac = mac

    def email_key(self, one: ContactRow | Person) -> bytes | None:
        """The digest of the address."""
        return self._mac(one.email) if one.email else None

    def profile_key(self, one: ContactRow | Person) -> bytes | None:
        """The digest of the LinkedIn profile."""
        return self._mac.of_profile(one.linkedin_url) if one.linkedin_url else None

    def others(self, tx: Transaction, rows: Mapping[str, ContactRow]) -> dict[str, tuple[str, ...]]:
        """By external id those of the other contacts with the address or the profile of a row.

        What the rows say of themselves goes before what is stored under the same external id.
        """
        keys = {name: self._keys(row) for name, row in rows.items()}
        holders: dict[bytes, set[str]] = {}
        for name, found in keys.items():
            for key in found:
                holders.setdefault(key, set()).add(name)
        for name, *held in self._sql.rows(tx, _HOLDERS, {"keys": sorted(holders)}):
            if name not in keys:
                for key in (bytes(one) for one in held if one is not None):
                    holders.setdefault(key, set()).add(name)
        return {
            name: tuple(sorted({*(one for key in found for one in holders[key])} - {name}))[
                :OTHERS_MAX
            ]
            for name, found in keys.items()
        }

    def _keys(self, row: ContactRow) -> tuple[bytes, ...]:
        return tuple(key for key in (self.email_key(row), self.profile_key(row)) if key)


_HOLDERS = """
SELECT external_id, email_hmac, linkedin_hmac FROM {s}.contacts
 WHERE email_hmac = ANY(%(keys)s::bytea[]) OR linkedin_hmac = ANY(%(keys)s::bytea[])
"""
