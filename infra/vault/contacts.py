"""Contacts: written in batches, by their external id; every change makes a new snapshot."""

import json
import secrets  # noqa: TID251  # a vault key is a secret, drawn where it is stored
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from typing_extensions import override

from domain.ids import ContactId, TenantId, schema_of
from handlers.contacts import ContactBook, ContactRow
from handlers.ports import People, Person, Rng, Transaction
from handlers.ports.vault import Consent
from infra.statements import Statements, transaction
from infra.tenancy import Database
from infra.vault.addresses import AddressMac
from infra.vault.same_person import SamePerson

FIELDS = (
    "external_id",
    "email",
    "first_name",
    "last_name",
    "title",
    "company",
    "city",
    "timezone",
    "linkedin_url",
    "phone",
    "country",
    "subscriber",
)


class ImportedRow(msgspec.Struct, frozen=True):
    """The contact that a given row became, whether it is new, and who else seems to be it."""

    contact_id: ContactId
    created: bool
    same_address_as: tuple[str, ...] = ()


class Contacts(ContactBook, People):
    """The contacts of one tenant."""

    def __init__(self, database: Database, tenant: TenantId, mac: AddressMac, rng: Rng) -> None:
        self._database = database
        self._tenant = tenant
        self._rng = rng
        self._sql = Statements(schema_of(tenant))
        self._same = SamePerson(self._sql, mac)

    @override
    def put(self, rows: Sequence[ContactRow]) -> list[ImportedRow]:
        names = [self._name(row) for row in rows]
        last = {
            name: msgspec.structs.replace(row, external_id=name)
            for name, row in zip(names, rows, strict=True)
        }
        with self._database.tenant_tx(self._tenant) as curs:
            tx = transaction(curs)
            columns = self._columns(list(last.values()))
            self._sql.run(tx, _KEEP_FORMER, columns)
            found = self._sql.rows(tx, _PUT, columns)
            ids = {name: ContactId(cid) for name, cid, _ in found}
            self._note(tx, list(ids.values()))
            others = self._same.others(tx, last)
        by_name = {
            name: ImportedRow(ids[name], created, others[name]) for name, _, created in found
        }
        return [by_name[name] for name in names]

    @override
    def sharing(self, rows: Sequence[ContactRow]) -> list[tuple[str, ...]]:
        names = [self._name(row) for row in rows]
        with self._database.tenant_tx(self._tenant) as curs:
            named = dict(zip(names, rows, strict=True))
            others = self._same.others(transaction(curs), named)
        return [others[name] for name in names]

    def _note(self, tx: Transaction, ids: Sequence[ContactId]) -> None:
        """Keep a changed consent as evidence, and let the checkers look at new addresses."""
        self._sql.run(tx, _KEEP_CONSENTS, {"ids": ids})
        self._sql.run(tx, _MAKE_DUE, {"ids": ids})

    @override
    def change(self, contact_id: ContactId, to: Callable[[Person], Person]) -> Person | None:
        with self._database.tenant_tx(self._tenant) as curs:
            tx = transaction(curs)
            before = self.locked(tx, [contact_id]).get(contact_id)
            if before is None:
                return None
            self.overwrite(tx, [to(before)])
            return people_in(self._sql, tx, [contact_id])[contact_id]

    def _name(self, row: ContactRow) -> str:
        return row.external_id or str(self._rng.new_id())

    def _columns(self, rows: Sequence[ContactRow]) -> dict[str, Any]:
        columns = self._values(rows)
        columns["ids"] = [self._rng.new_id() for _ in rows]
        columns["keys"] = [secrets.token_bytes(32) for _ in rows]
        return columns

    def _values(self, rows: Sequence[ContactRow | Person]) -> dict[str, Any]:
        """What a contact given and a contact changed have in common, a list for each column."""
        columns: dict[str, Any] = {field: [getattr(row, field) for row in rows] for field in FIELDS}
        columns["macs"] = [self._same.email_key(row) for row in rows]
        columns["profiles"] = [self._same.profile_key(row) for row in rows]
        columns["tags"] = [json.dumps(row.tags) for row in rows]
        columns["attributes"] = [json.dumps(dict(row.attributes)) for row in rows]
        for field in Consent.__struct_fields__:
            columns[f"consent_{field}"] = [getattr(row.consent, field, None) for row in rows]
        return columns

    @override
    def by_id(self, ids: Iterable[ContactId]) -> dict[ContactId, Person]:
        with self._database.tenant_tx(self._tenant) as curs:
            return people_in(self._sql, transaction(curs), ids)

    def by_external_id(self, names: Iterable[str]) -> dict[str, ContactId]:
        """The ids of contacts by the caller's own keys."""
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _BY_NAME, {"names": list(names)})
        return {name: ContactId(cid) for name, cid in rows}

    @override
    def page(self, after: UUID | None, limit: int) -> list[Person]:
        params = {"after": after or UUID(int=0), "limit": limit}
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _PAGE, params)
        return [_person(row) for row in rows]

    @override
    def locked(self, tx: Transaction, ids: Iterable[ContactId]) -> Mapping[ContactId, Person]:
        wanted = list(ids)
        self._sql.rows(tx, _LOCK, {"ids": wanted})
        return people_in(self._sql, tx, wanted)

    @override
    def overwrite(self, tx: Transaction, people: Sequence[Person]) -> None:
        if not people:
            return
        ordered = sorted(people, key=lambda person: person.contact_id)
        columns = self._values(ordered)
        columns["ids"] = [person.contact_id for person in ordered]
        columns["external_id"] = [person.external_id for person in ordered]
        self._sql.run(tx, _KEEP_FORMER, columns)
        self._sql.run(tx, _OVERWRITE, columns)
        self._note(tx, columns["ids"])


def people_in(
    sql: Statements, tx: Transaction, ids: Iterable[ContactId]
) -> dict[ContactId, Person]:
    """Contacts by id inside an open transaction."""
    wanted = list(ids)
    rows = sql.rows(tx, _BY_ID, {"ids": wanted}) if wanted else ()
    return {person.contact_id: person for person in map(_person, rows)}


def _person(row: Sequence[Any]) -> Person:
    fields = dict(zip(FIELDS, row[10:], strict=True))
    return Person(
        contact_id=ContactId(row[0]),
        snapshot=row[1],
        vault_key=bytes(row[2]),
        tags=tuple(row[3]),
        attributes=row[4],
        consent=_consent(*row[5:10]),
        **fields,
    )


def _consent(
    ground: str | None,
    at: datetime | None,
    expires_at: datetime | None,
    source: str | None,
    text_version: str | None,
) -> Consent | None:
    if ground is None or at is None:
        return None
    return Consent(
        ground=ground,
        at=at,
        expires_at=expires_at,
        source=source or "",
        text_version=text_version or "",
    )


_COLUMNS = """contact_id, snapshot, vault_key, tags, attributes, consent_ground, consent_at,
       consent_expires_at, consent_source, consent_text, external_id, email, first_name, last_name,
       title, company, city, timezone, linkedin_url, phone, country, subscriber"""

# In the order in which an import takes them; what a person said at an address holds at the next.
_KEEP_FORMER = """
WITH before AS (
    SELECT c.contact_id, c.email_hmac, u.mac FROM {s}.contacts c
      JOIN unnest(%(external_id)s::text[], %(macs)s::bytea[]) AS u (external_id, mac)
     USING (external_id) ORDER BY external_id FOR UPDATE OF c)
INSERT INTO {s}.former_addresses (contact_id, email_hmac)
SELECT contact_id, email_hmac FROM before
 WHERE email_hmac IS NOT NULL AND email_hmac IS DISTINCT FROM mac
ON CONFLICT (contact_id, email_hmac) DO NOTHING
"""

# Who does not tell a country, a kind or a consent takes none of them away: without its country a
# contact would be under milder rules.
_PUT = """
INSERT INTO {s}.contacts AS c (contact_id, external_id, email, email_hmac, first_name, last_name,
       title, company, city, timezone, linkedin_url, linkedin_hmac, phone, country, subscriber,
       consent_ground, consent_at, consent_expires_at, consent_source, consent_text,
       tags, attributes, vault_key)
SELECT id, external_id, email, mac, first_name, last_name, title, company, city, timezone,
       linkedin_url, profile, phone, country, subscriber, ground, at, expires_at, source, text,
       ARRAY(SELECT jsonb_array_elements_text(tags::jsonb)), attributes::jsonb, key
  FROM unnest(%(ids)s::uuid[], %(external_id)s::text[], %(email)s::text[], %(macs)s::bytea[],
              %(first_name)s::text[], %(last_name)s::text[], %(title)s::text[], %(company)s::text[],
              %(city)s::text[], %(timezone)s::text[], %(linkedin_url)s::text[],
              %(profiles)s::bytea[], %(phone)s::text[], %(country)s::text[],
              %(subscriber)s::text[], %(consent_ground)s::text[], %(consent_at)s::timestamptz[],
              %(consent_expires_at)s::timestamptz[], %(consent_source)s::text[],
              %(consent_text_version)s::text[], %(tags)s::text[], %(attributes)s::text[],
              %(keys)s::bytea[])
       AS u (id, external_id, email, mac, first_name, last_name, title, company, city, timezone,
             linkedin_url, profile, phone, country, subscriber, ground, at, expires_at, source,
             text, tags, attributes, key)
 ORDER BY external_id
ON CONFLICT (external_id) DO UPDATE SET
       email = excluded.email, email_hmac = excluded.email_hmac, first_name = excluded.first_name,
       last_name = excluded.last_name, title = excluded.title, company = excluded.company,
       city = excluded.city, timezone = excluded.timezone, linkedin_url = excluded.linkedin_url,
       linkedin_hmac = excluded.linkedin_hmac, phone = excluded.phone,
       country = coalesce(excluded.country, c.country),
       subscriber = coalesce(excluded.subscriber, c.subscriber),
       (consent_ground, consent_at, consent_expires_at, consent_source, consent_text) = (
           SELECT excluded.consent_ground, excluded.consent_at, excluded.consent_expires_at,
                  excluded.consent_source, excluded.consent_text
            WHERE excluded.consent_ground IS NOT NULL
           UNION ALL
           SELECT c.consent_ground, c.consent_at, c.consent_expires_at, c.consent_source,
                  c.consent_text
            WHERE excluded.consent_ground IS NULL),
       tags = excluded.tags, attributes = excluded.attributes,
       snapshot = c.snapshot + 1, updated_at = now()
RETURNING external_id, contact_id, xmax = 0
"""

_BY_ID = f"SELECT {_COLUMNS} FROM {{s}}.contacts WHERE contact_id = ANY(%(ids)b)"  # noqa: S608  # constant columns

_PAGE = f"""
SELECT {_COLUMNS} FROM {{s}}.contacts WHERE contact_id > %(after)s
 ORDER BY contact_id LIMIT %(limit)s
"""  # noqa: S608  # constant columns

# In the order in which an import takes them.
_LOCK = """
SELECT contact_id FROM {s}.contacts WHERE contact_id = ANY(%(ids)s) ORDER BY external_id FOR UPDATE
"""

# The external id is the caller's own key: no plan changes it.
_OVERWRITE = """
UPDATE {s}.contacts c SET
       email = u.email, email_hmac = u.mac, first_name = u.first_name, last_name = u.last_name,
       title = u.title, company = u.company, city = u.city, timezone = u.timezone,
       linkedin_url = u.linkedin_url, linkedin_hmac = u.profile, phone = u.phone,
       country = u.country, subscriber = u.subscriber, consent_ground = u.ground,
       consent_at = u.at, consent_expires_at = u.expires_at, consent_source = u.source,
       consent_text = u.text,
       tags = ARRAY(SELECT jsonb_array_elements_text(u.tags::jsonb)),
       attributes = u.attributes::jsonb, snapshot = c.snapshot + 1, updated_at = now()
  FROM unnest(%(ids)s::uuid[], %(email)s::text[], %(macs)s::bytea[],
              %(first_name)s::text[], %(last_name)s::text[], %(title)s::text[], %(company)s::text[],
              %(city)s::text[], %(timezone)s::text[], %(linkedin_url)s::text[],
              %(profiles)s::bytea[], %(phone)s::text[], %(country)s::text[],
              %(subscriber)s::text[], %(consent_ground)s::text[], %(consent_at)s::timestamptz[],
              %(consent_expires_at)s::timestamptz[], %(consent_source)s::text[],
              %(consent_text_version)s::text[], %(tags)s::text[], %(attributes)s::text[])
       AS u (id, email, mac, first_name, last_name, title, company, city, timezone, linkedin_url,
             profile, phone, country, subscriber, ground, at, expires_at, source, text, tags,
             attributes)
 WHERE c.contact_id = u.id
"""

# A repeated import says the same again: only what differs from the last evidence is evidence.
_KEEP_CONSENTS = """
INSERT INTO {s}.consents (contact_id, ground, at, expires_at, source, text_version)
SELECT c.contact_id, c.consent_ground, c.consent_at, c.consent_expires_at, c.consent_source,
       c.consent_text
  FROM {s}.contacts c LEFT JOIN LATERAL (
       SELECT ground, at, expires_at, source, text_version FROM {s}.consents
        WHERE contact_id = c.contact_id ORDER BY consent_id DESC LIMIT 1) AS e ON true
 WHERE c.contact_id = ANY(%(ids)s)
   AND (c.consent_ground, c.consent_at, c.consent_expires_at, c.consent_source, c.consent_text)
       IS DISTINCT FROM (e.ground, e.at, e.expires_at, e.source, e.text_version)
 ORDER BY c.contact_id
"""

_MAKE_DUE = """
INSERT INTO {s}.address_checks AS a (address_hmac)
SELECT DISTINCT email_hmac FROM {s}.contacts
 WHERE contact_id = ANY(%(ids)s) AND email_hmac IS NOT NULL ORDER BY email_hmac
ON CONFLICT (address_hmac) DO UPDATE SET due_at = DEFAULT WHERE a.due_at IS NULL
"""

_BY_NAME = """
SELECT external_id, contact_id FROM {s}.contacts WHERE external_id = ANY(%(names)s)
"""
