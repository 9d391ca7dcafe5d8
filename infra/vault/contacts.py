"""Contacts: written in batches, by their external id; every change makes a new snapshot."""

import json
import secrets  # noqa: TID251  # a vault key is a secret, drawn where it is stored
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from typing_extensions import override

from domain.ids import ContactId, TenantId, schema_of
from handlers.contacts import ContactBook, ContactRow
from handlers.ports import People, Person, Rng, Transaction
from infra.statements import Statements, transaction
from infra.tenancy import Database
from infra.vault.addresses import AddressMac

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
)


class ImportedRow(msgspec.Struct, frozen=True):
    """The contact that a given row became, and whether it is new."""

    contact_id: ContactId
    created: bool


class Contacts(ContactBook, People):
    """The contacts of one tenant."""

    def __init__(self, database: Database, tenant: TenantId, mac: AddressMac, rng: Rng) -> None:
        self._database = database
        self._tenant = tenant
        self._mac = mac
        self._rng = rng
        self._sql = Statements(schema_of(tenant))

    @override
    def put(self, rows: Sequence[ContactRow]) -> list[ImportedRow]:
        named = [msgspec.structs.replace(row, external_id=self._name(row)) for row in rows]
        last = {row.external_id: row for row in named}
        with self._database.tenant_tx(self._tenant) as curs:
            found = self._sql.rows(transaction(curs), _PUT, self._columns(list(last.values())))
        by_name = {name: ImportedRow(ContactId(cid), created) for name, cid, created in found}
        return [by_name[row.external_id] for row in named]

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
        columns: dict[str, Any] = {field: [getattr(row, field) for row in rows] for field in FIELDS}
        columns["ids"] = [self._rng.new_id() for _ in rows]
        columns["macs"] = [self._mac(row.email) if row.email else None for row in rows]
        columns["tags"] = [json.dumps(row.tags) for row in rows]
        columns["attributes"] = [json.dumps(dict(row.attributes)) for row in rows]
        columns["keys"] = [secrets.token_bytes(32) for _ in rows]
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
        columns: dict[str, Any] = {
            field: [getattr(person, field) for person in ordered] for field in FIELDS
        }
        columns["ids"] = [person.contact_id for person in ordered]
        columns["macs"] = [self._mac(one.email) if one.email else None for one in ordered]
        columns["tags"] = [json.dumps(person.tags) for person in ordered]
        columns["attributes"] = [json.dumps(dict(person.attributes)) for person in ordered]
        self._sql.run(tx, _OVERWRITE, columns)


def people_in(
    sql: Statements, tx: Transaction, ids: Iterable[ContactId]
) -> dict[ContactId, Person]:
    """Contacts by id inside an open transaction."""
    found = (_person(row) for row in sql.rows(tx, _BY_ID, {"ids": list(ids)}))
    return {person.contact_id: person for person in found}


def _person(row: Sequence[Any]) -> Person:
    fields = dict(zip(FIELDS, row[5:], strict=True))
    return Person(
        contact_id=ContactId(row[0]),
        snapshot=row[1],
        vault_key=bytes(row[2]),
        tags=tuple(row[3]),
        attributes=row[4],
        **fields,
    )


_COLUMNS = """contact_id, snapshot, vault_key, tags, attributes, external_id, email, first_name,
       last_name, title, company, city, timezone, linkedin_url, phone"""

_PUT = """
INSERT INTO {s}.contacts AS c (contact_id, external_id, email, email_hmac, first_name, last_name,
       title, company, city, timezone, linkedin_url, phone, tags, attributes, vault_key)
SELECT id, external_id, email, mac, first_name, last_name, title, company, city, timezone,
       linkedin_url, phone, ARRAY(SELECT jsonb_array_elements_text(tags::jsonb)),
       attributes::jsonb, key
  FROM unnest(%(ids)s::uuid[], %(external_id)s::text[], %(email)s::text[], %(macs)s::bytea[],
              %(first_name)s::text[], %(last_name)s::text[], %(title)s::text[], %(company)s::text[],
              %(city)s::text[], %(timezone)s::text[], %(linkedin_url)s::text[], %(phone)s::text[],
              %(tags)s::text[], %(attributes)s::text[], %(keys)s::bytea[])
       AS u (id, external_id, email, mac, first_name, last_name, title, company, city, timezone,
             linkedin_url, phone, tags, attributes, key)
 ORDER BY external_id
ON CONFLICT (external_id) DO UPDATE SET
       email = excluded.email, email_hmac = excluded.email_hmac, first_name = excluded.first_name,
       last_name = excluded.last_name, title = excluded.title, company = excluded.company,
       city = excluded.city, timezone = excluded.timezone, linkedin_url = excluded.linkedin_url,
       phone = excluded.phone, tags = excluded.tags, attributes = excluded.attributes,
       snapshot = c.snapshot + 1, updated_at = now()
RETURNING external_id, contact_id, xmax = 0
"""

_BY_ID = f"SELECT {_COLUMNS} FROM {{s}}.contacts WHERE contact_id = ANY(%(ids)s)"  # noqa: S608  # constant columns

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
       linkedin_url = u.linkedin_url, phone = u.phone,
       tags = ARRAY(SELECT jsonb_array_elements_text(u.tags::jsonb)),
       attributes = u.attributes::jsonb, snapshot = c.snapshot + 1, updated_at = now()
  FROM unnest(%(ids)s::uuid[], %(email)s::text[], %(macs)s::bytea[],
              %(first_name)s::text[], %(last_name)s::text[], %(title)s::text[], %(company)s::text[],
              %(city)s::text[], %(timezone)s::text[], %(linkedin_url)s::text[], %(phone)s::text[],
              %(tags)s::text[], %(attributes)s::text[])
       AS u (id, email, mac, first_name, last_name, title, company, city, timezone,
             linkedin_url, phone, tags, attributes)
 WHERE c.contact_id = u.id
"""

_BY_NAME = """
SELECT external_id, contact_id FROM {s}.contacts WHERE external_id = ANY(%(names)s)
"""
