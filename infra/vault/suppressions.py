"""Addresses that must not be written to, by their HMAC; they outlive the contact.

A row is one ground of one address. It bans as long as its `expires_at` is to come or empty. A
lifted row stays: what is dated before it was lifted, and comes again, bans nobody.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from typing_extensions import override

from domain.ids import ContactId, TenantId, schema_of
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.ports import Ban, Lift, Suppression, Suppressions, Transaction
from infra.statements import Statements, transaction
from infra.tenancy import Database
from infra.vault.addresses import AddressMac

_Said = TypeVar("_Said", bound=Suppression | Lift)


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
        # The gate row first: a claim that would share it skips it, so nobody waits.
        self._sql.rows(tx, _LOCK_CONTACTS, {"macs": self._own(bans), "contacts": _people(bans)})
        first = _one_each(self._keyed(tx, bans))
        keys = sorted(first)
        params = {
            "families": [family for family, _, _ in keys],
            "macs": [mac for _, mac, _ in keys],
            "grounds": [ground for _, _, ground in keys],
            "reasons": [first[key].ban.reason for key in keys],
            "sources": [first[key].ban.source for key in keys],
            "times": [first[key].ban.at for key in keys],
            "causes": [_text(first[key].ban.cause) for key in keys],
            "told": [first[key].told_at for key in keys],
            "ends": [first[key].expires_at for key in keys],
        }
        self._sql.run(tx, _ADD, params)

    @override
    def lift(self, lifts: Sequence[Lift]) -> None:
        if not lifts:
            return
        with self._database.tenant_tx(self._tenant) as curs:
            tx = transaction(curs)
            latest = {
                (one.family, mac, one.ground): one
                for mac, one in self._keyed(tx, sorted(lifts, key=lambda one: one.at))
            }
            keys = sorted(latest)
            params = {
                "families": [family for family, _, _ in keys],
                "macs": [mac for _, mac, _ in keys],
                "grounds": [ground for _, _, ground in keys],
                "times": [latest[key].at for key in keys],
            }
            self._sql.run(tx, _LIFT, params)

    def _own(self, said: Sequence[Suppression | Lift]) -> list[bytes]:
        return [self._mac(one.address) for one in said if one.address]

    def _keyed(self, tx: Transaction, said: Sequence[_Said]) -> list[tuple[bytes, _Said]]:
        """Each with every address that it is about: its own, and all of who said it."""
        people = _people(said)
        rows = self._sql.rows(tx, _ADDRESSES, {"contacts": people}) if people else []
        theirs: dict[ContactId | None, set[bytes]] = {
            row[0]: set(map(bytes, row[1])) for row in rows
        }
        return [
            (mac, one)
            for one in said
            for mac in sorted({*self._own([one]), *theirs.get(one.contact_id, ())})
        ]

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

    def remove(self, family: str, address: str, at: datetime) -> bool:
        """Lift every ground that bans an address now; false when there was none."""
        params = {"family": family, "mac": self._mac(address), "at": at}
        with self._database.tenant_tx(self._tenant) as curs:
            return self._sql.run(transaction(curs), _REMOVE, params) > 0

    def page(self, after: bytes | None, limit: int) -> list[tuple[str, bytes, str, str, datetime]]:
        """Bans by their keys: family, HMAC, reason, source, since; of the first ground."""
        params = {"after": after or b"", "limit": limit}
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _PAGE, params)
        return [(row[0], bytes(row[1]), row[2], row[3], row[4]) for row in rows]

    def of_contact(self, contact_id: ContactId) -> list[Ban]:
        """Bans and lifted bans of a contact's addresses, also of those that it left."""
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _OF_CONTACT, {"contact": contact_id})
        return [
            Ban(
                family=row[0],
                address_hmac=bytes(row[1]),
                ground=row[2],
                reason=row[3],
                source=row[4],
                at=row[5],
                expires_at=row[6],
                cause=_cause(row[7]),
            )
            for row in rows
        ]


def _text(cause: Cause | None) -> str:
    return "" if cause is None else f"{cause.kind}:{cause.id}"


def _cause(text: str) -> Cause | None:
    kind, _, known_as = text.partition(":")
    return Cause(CauseKind(kind), known_as) if kind else None


# Who said it, and everybody who has or had one of the addresses that it is about.
_LOCK_CONTACTS = """
WITH about AS MATERIALIZED (
    SELECT unnest(%(macs)s::bytea[]) AS mac
    UNION SELECT email_hmac FROM {s}.contacts WHERE contact_id = ANY(%(contacts)s::uuid[])
    UNION SELECT email_hmac FROM {s}.former_addresses WHERE contact_id = ANY(%(contacts)s::uuid[]))
SELECT contact_id FROM {s}.contacts
 WHERE contact_id = ANY(%(contacts)s::uuid[] || ARRAY(
       SELECT contact_id FROM {s}.contacts WHERE email_hmac = ANY(ARRAY(SELECT mac FROM about))
       UNION SELECT contact_id FROM {s}.former_addresses
              WHERE email_hmac = ANY(ARRAY(SELECT mac FROM about))))
 ORDER BY contact_id FOR UPDATE
"""

_ADDRESSES = """
SELECT contact_id, array_agg(email_hmac)
  FROM (SELECT contact_id, email_hmac FROM {s}.contacts
         WHERE contact_id = ANY(%(contacts)s) AND email_hmac IS NOT NULL
        UNION SELECT contact_id, email_hmac FROM {s}.former_addresses
         WHERE contact_id = ANY(%(contacts)s)) AS theirs
 GROUP BY contact_id
"""

# For good is longer than any date. What comes again from before it was lifted changes nothing.
_ADD = """
INSERT INTO {s}.suppressions AS s (family, address_hmac, ground, reason, source, suppressed_at,
                                   told_at, expires_at, cause)
SELECT * FROM unnest(%(families)s::text[], %(macs)s::bytea[], %(grounds)s::text[],
                     %(reasons)s::text[], %(sources)s::text[], %(times)s::timestamptz[],
                     %(told)s::timestamptz[], %(ends)s::timestamptz[], %(causes)s::text[])
ON CONFLICT (family, address_hmac, ground) DO UPDATE
   SET expires_at = CASE WHEN s.lifted_at IS NOT NULL THEN excluded.expires_at
                         WHEN s.expires_at IS NULL OR excluded.expires_at IS NULL THEN NULL
                         ELSE greatest(s.expires_at, excluded.expires_at) END,
       suppressed_at = CASE WHEN s.lifted_at IS NULL THEN s.suppressed_at
                            ELSE excluded.suppressed_at END,
       reason = CASE WHEN s.lifted_at IS NULL THEN s.reason ELSE excluded.reason END,
       source = CASE WHEN s.lifted_at IS NULL THEN s.source ELSE excluded.source END,
       cause = CASE WHEN s.lifted_at IS NULL THEN s.cause ELSE excluded.cause END,
       pushed_at = CASE WHEN s.lifted_at IS NULL THEN s.pushed_at END,
       told_at = greatest(s.told_at, excluded.told_at),
       lifted_at = NULL
 WHERE (s.lifted_at IS NULL
        AND (s.expires_at IS NOT NULL OR s.told_at < excluded.told_at))
    OR s.lifted_at < excluded.told_at
"""

_LIFT = """
INSERT INTO {s}.suppressions AS s (family, address_hmac, ground, reason, source, suppressed_at,
                                   told_at, expires_at, lifted_at)
SELECT family, mac, ground, 'lifted', 'lifted', at, at, at, at
  FROM unnest(%(families)s::text[], %(macs)s::bytea[], %(grounds)s::text[],
              %(times)s::timestamptz[]) AS u (family, mac, ground, at)
ON CONFLICT (family, address_hmac, ground) DO UPDATE
   SET lifted_at = excluded.lifted_at, expires_at = excluded.lifted_at
 WHERE s.told_at <= excluded.lifted_at
   AND (s.lifted_at IS NULL OR s.lifted_at < excluded.lifted_at)
"""

_HOLDS = """
SELECT 1 FROM {s}.suppressions WHERE family = %(family)s AND address_hmac = %(mac)s
   AND (expires_at IS NULL OR expires_at > %(now)s)
"""

_BANNED = """
SELECT DISTINCT address_hmac FROM {s}.suppressions
 WHERE family = %(family)s AND address_hmac = ANY(%(macs)s::bytea[])
   AND (expires_at IS NULL OR expires_at > %(now)s)
"""

# What a person said once is a row at each of the addresses: they go together.
_REMOVE = """
UPDATE {s}.suppressions s SET lifted_at = %(at)s, expires_at = %(at)s
 WHERE s.family = %(family)s AND s.lifted_at IS NULL
   AND (s.expires_at IS NULL OR s.expires_at > %(at)s)
   AND s.address_hmac = ANY(ARRAY[%(mac)s::bytea] || ARRAY(
       WITH people AS (SELECT contact_id FROM {s}.contacts WHERE email_hmac = %(mac)s
                       UNION SELECT contact_id FROM {s}.former_addresses WHERE email_hmac = %(mac)s)
       SELECT email_hmac FROM {s}.contacts
        WHERE contact_id = ANY(ARRAY(SELECT contact_id FROM people))
       UNION SELECT email_hmac FROM {s}.former_addresses
        WHERE contact_id = ANY(ARRAY(SELECT contact_id FROM people))))
   AND (s.address_hmac = %(mac)s
        OR EXISTS (SELECT FROM {s}.suppressions o
                    WHERE o.family = s.family AND o.address_hmac = %(mac)s
                      AND o.ground = s.ground AND o.cause = s.cause AND o.cause <> ''
                      AND o.suppressed_at = s.suppressed_at AND o.lifted_at IS NULL
                      AND (o.expires_at IS NULL OR o.expires_at > %(at)s)))
"""

_PAGE = """
SELECT DISTINCT ON (address_hmac, family) family, address_hmac, reason, source, suppressed_at
  FROM {s}.suppressions
 WHERE address_hmac > %(after)s AND lifted_at IS NULL
 ORDER BY address_hmac, family, suppressed_at, ground LIMIT %(limit)s
"""

_OF_CONTACT = """
SELECT family, address_hmac, ground, reason, source, suppressed_at, expires_at, cause
  FROM {s}.suppressions
 WHERE family = 'email' AND suppressed_at IS DISTINCT FROM lifted_at
   AND address_hmac = ANY(ARRAY(
       SELECT email_hmac FROM {s}.contacts
        WHERE contact_id = %(contact)s AND email_hmac IS NOT NULL
       UNION SELECT email_hmac FROM {s}.former_addresses WHERE contact_id = %(contact)s))
 ORDER BY suppressed_at, ground
"""


class _Ground(NamedTuple):
    """One ground of one address as a batch tells it: the first ban, and the latest instants."""

    ban: Suppression
    told_at: datetime
    expires_at: datetime | None


def _people(said: Sequence[Suppression | Lift]) -> list[ContactId]:
    return sorted({one.contact_id for one in said if one.contact_id is not None})


def _one_each(
    bans: Iterable[tuple[bytes, Suppression]],
) -> dict[tuple[str, bytes, str], _Ground]:
    found: dict[tuple[str, bytes, str], _Ground] = {}
    for mac, ban in bans:
        key = (ban.family, mac, ban.ground or ban.reason)
        known = found.get(key, _Ground(ban, ban.at, ban.expires_at))
        for_good = known.expires_at is None or ban.expires_at is None
        found[key] = _Ground(
            known.ban,
            max(known.told_at, ban.at),
            None if for_good else max(filter(None, (known.expires_at, ban.expires_at))),
        )
    return found
