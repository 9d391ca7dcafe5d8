"""Addresses that must not be written to, by their HMAC; they outlive the contact."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from typing_extensions import override

from domain.ids import TenantId, schema_of
from handlers.ports import Suppression, Suppressions, Transaction
from infra.statements import Statements, transaction
from infra.tenancy import Database
from infra.vault.addresses import AddressMac


class SqlSuppressions(Suppressions):
    """The suppression list of one tenant."""

    def __init__(self, database: Database, tenant: TenantId, mac: AddressMac) -> None:
        self._database = database
        self._tenant = tenant
        self._mac = mac
        self._sql = Statements(schema_of(tenant))

    @override
    def add(self, tx: Transaction | None, bans: Sequence[Suppression]) -> None:
        if not bans:
            return
        if tx is None:
            with self._database.tenant_tx(self._tenant) as curs:
                self.add(transaction(curs), bans)
            return
        first = {(ban.family, self._mac(ban.address)): ban for ban in reversed(bans)}
        keys = sorted(first)
        params = {
            "families": [family for family, _ in keys],
            "macs": [mac for _, mac in keys],
            "reasons": [first[key].reason for key in keys],
            "sources": [first[key].source for key in keys],
            "times": [first[key].at for key in keys],
        }
        # The gate row first: a claim that would share it skips it, so nobody waits.
        self._sql.rows(tx, _LOCK_CONTACTS, {"macs": params["macs"]})
        self._sql.run(tx, _ADD, params)

    @override
    def banned(self, family: str, addresses: Iterable[str], now: datetime) -> set[str]:
        by_mac = {address: self._mac(address) for address in addresses}
        params = {"family": family, "macs": sorted(set(by_mac.values())), "now": now}
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _BANNED, params)
        found = {bytes(row[0]) for row in rows}
        return {address for address, mac in by_mac.items() if mac in found}

    def holds(self, family: str, address: str, now: datetime) -> bool:
        """Whether an address is banned at this instant."""
        params = {"family": family, "mac": self._mac(address), "now": now}
        with self._database.tenant_tx(self._tenant) as curs:
            return bool(self._sql.rows(transaction(curs), _HOLDS, params))

    def remove(self, family: str, address: str) -> bool:
        """Lift a ban; false when there was none."""
        params = {"family": family, "mac": self._mac(address)}
        with self._database.tenant_tx(self._tenant) as curs:
            return self._sql.run(transaction(curs), _REMOVE, params) > 0

    def page(self, after: bytes | None, limit: int) -> list[tuple[str, bytes, str, str, datetime]]:
        """Bans in the order of their keys: family, HMAC, reason, source, since."""
        params = {"after": after or b"", "limit": limit}
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _PAGE, params)
        return [(row[0], bytes(row[1]), row[2], row[3], row[4]) for row in rows]


_LOCK_CONTACTS = """
SELECT contact_id FROM {s}.contacts WHERE email_hmac = ANY(%(macs)s::bytea[])
 ORDER BY contact_id FOR UPDATE
"""

_ADD = """
INSERT INTO {s}.suppressions (family, address_hmac, reason, source, suppressed_at)
SELECT * FROM unnest(%(families)s::text[], %(macs)s::bytea[], %(reasons)s::text[],
                     %(sources)s::text[], %(times)s::timestamptz[])
ON CONFLICT (family, address_hmac) DO UPDATE SET expires_at = NULL
 WHERE suppressions.expires_at IS NOT NULL
"""

_HOLDS = """
SELECT 1 FROM {s}.suppressions WHERE family = %(family)s AND address_hmac = %(mac)s
   AND (expires_at IS NULL OR expires_at > %(now)s)
"""

_BANNED = """
SELECT address_hmac FROM {s}.suppressions
 WHERE family = %(family)s AND address_hmac = ANY(%(macs)s::bytea[])
   AND (expires_at IS NULL OR expires_at > %(now)s)
"""

_REMOVE = """
DELETE FROM {s}.suppressions WHERE family = %(family)s AND address_hmac = %(mac)s
"""

_PAGE = """
SELECT family, address_hmac, reason, source, suppressed_at FROM {s}.suppressions
 WHERE address_hmac > %(after)s ORDER BY address_hmac, family LIMIT %(limit)s
"""
