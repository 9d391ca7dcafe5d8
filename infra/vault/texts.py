"""Plans, rendered mails, links, replies and notes: everything that has words in it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from typing_extensions import override

from domain.ids import ContactId, MessageId, TenantId, schema_of
from domain.plan import Plan
from handlers.ports import (
    Mail,
    Note,
    Person,
    PlanRef,
    Rendered,
    ReportRef,
    Sender,
    Transaction,
    Vault,
)
from infra.statements import Statements, inside, transaction
from infra.tenancy import Database
from infra.vault.contacts import people_in
from plans.compile import compile_plan

PLANS_KEPT = 20_000
"""Compiled plans that a process keeps; each is some kilobytes."""

OPT_OUT = {"List-Unsubscribe", "List-Unsubscribe-Post"}


class SqlVault(Vault):
    """The vault of one tenant."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant
        self._sql = Statements(schema_of(tenant))
        self._plans: dict[PlanRef, Plan] = {}
        self._mails = msgspec.msgpack.Decoder(Mail)

    @override
    def people(
        self, ids: Iterable[ContactId], tx: Transaction | None = None
    ) -> Mapping[ContactId, Person]:
        with inside(self._database, self._tenant, tx) as own:
            return people_in(self._sql, own, ids)

    @override
    def senders(self, tx: Transaction | None = None) -> Mapping[str, Sender]:
        with inside(self._database, self._tenant, tx) as own:
            rows = self._sql.rows(own, _SENDERS)
        return {row[0]: Sender(**dict(zip(_SENDER_FIELDS, row, strict=True))) for row in rows}

    @override
    def plans(
        self, wanted: Iterable[PlanRef], tx: Transaction | None = None
    ) -> Mapping[PlanRef, Plan]:
        asked = dict.fromkeys(wanted)
        missing = [ref for ref in asked if ref not in self._plans]
        if missing:
            found = self.documents({ref.plan_hash for ref in missing}, tx)
            self._keep(
                {
                    ref: compile_plan(found[ref.plan_hash], *ref)
                    for ref in missing
                    if ref.plan_hash in found
                }
            )
        return {ref: self._plans[ref] for ref in asked if ref in self._plans}

    def _keep(self, made: Mapping[PlanRef, Plan]) -> None:
        while len(self._plans) + len(made) > PLANS_KEPT and self._plans:
            self._plans.pop(next(iter(self._plans)))
        self._plans.update(made)

    @override
    def documents(
        self, hashes: Iterable[str], tx: Transaction | None = None
    ) -> Mapping[str, Mapping[str, Any]]:
        with inside(self._database, self._tenant, tx) as own:
            rows = self._sql.rows(own, _DOCUMENTS, {"hashes": list(hashes)})
        return {name: json.loads(document) for name, document in rows}

    @override
    def reports(self, wanted: Iterable[ReportRef]) -> Mapping[ReportRef, bytes]:
        asked = list(wanted)
        params = {
            "hashes": [ref.plan_hash for ref in asked],
            "digests": [ref.digest for ref in asked],
        }
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _REPORTS, params)
        return {ReportRef(row[0], row[1]): bytes(row[2]) for row in rows}

    @override
    def keep_rendered(self, tx: Transaction, rendered: Sequence[Rendered]) -> None:
        if not rendered:
            return
        bodies = {
            "ids": [one.message_id for one in rendered],
            "contacts": [one.contact_id for one in rendered],
            "snapshots": [one.snapshot for one in rendered],
            "mails": [msgspec.msgpack.encode(one.mail) for one in rendered],
            "addresses": [one.mail.to_email for one in rendered],
            "opt_outs": [one.mail.headers.keys() >= OPT_OUT for one in rendered],
        }
        linked = [(one, number) for one in rendered for number in range(len(one.links))]
        if not linked:
            self._sql.run(tx, _KEEP_BODIES, bodies)
            return
        links = {
            "linked": [one.message_id for one, _ in linked],
            "numbers": [number for _, number in linked],
            "owners": [one.contact_id for one, _ in linked],
            "urls": [one.links[number] for one, number in linked],
        }
        self._sql.run(tx, _KEEP_BODIES_AND_LINKS, bodies | links)

    @override
    def mails(
        self, ids: Iterable[MessageId], tx: Transaction | None = None
    ) -> Mapping[MessageId, tuple[Mail, bytes]]:
        wanted = list(ids)
        if not wanted:
            return {}
        with inside(self._database, self._tenant, tx) as own:
            rows = self._sql.rows(own, _MAILS, {"ids": wanted})
        return {MessageId(row[0]): (self._mails.decode(row[1]), bytes(row[2])) for row in rows}

    @override
    def keep_note(self, subject: UUID, contact: ContactId | None, kind: str, text: str) -> None:
        params = {"subject": subject, "contact": contact, "kind": kind, "text": text}
        with self._database.tenant_tx(self._tenant) as curs:
            self._sql.run(transaction(curs), _KEEP_NOTE, params)

    @override
    def noted(self, subjects: Iterable[UUID], limit: int) -> list[Note]:
        params = {"subjects": list(subjects), "limit": limit}
        with self._database.tenant_tx(self._tenant) as curs:
            rows = self._sql.rows(transaction(curs), _NOTED, params)
        return [Note(*row) for row in rows]

    @override
    def link(self, message_id: MessageId, number: int) -> str | None:
        with self._database.tenant_tx(self._tenant) as curs:
            params = {"id": message_id, "number": number}
            rows = self._sql.rows(transaction(curs), _LINK, params)
        return rows[0][0] if rows else None

    @override
    def keep_reply(self, reply_id: UUID, received: Mapping[str, Any]) -> None:
        with self._database.tenant_tx(self._tenant) as curs:
            self._sql.run(transaction(curs), _KEEP_REPLY, {"id": reply_id, **received})


_SENDER_FIELDS = (
    "sender",
    "from_email",
    "from_name",
    "first_name",
    "calendar_url",
    "reply_domain",
    "postal_address",
    "verified",
    "paused",
)

_SENDERS = """
SELECT sender, from_email, from_name, first_name, calendar_url, reply_domain, postal_address,
       verified, paused FROM {s}.senders
"""

_DOCUMENTS = "SELECT plan_hash, document FROM {s}.plans WHERE plan_hash = ANY(%(hashes)s)"

_REPORTS = """
SELECT plan_hash, digest, report FROM {s}.plan_reports
  JOIN unnest(%(hashes)s::text[], %(digests)s::text[]) AS asked (plan_hash, digest)
 USING (plan_hash, digest)
"""

_NOTED = """
SELECT subject_id, kind, text, created_at
  FROM (SELECT * FROM {s}.notes WHERE subject_id = ANY(%(subjects)s)
         ORDER BY note_id DESC LIMIT %(limit)s) AS latest
 ORDER BY note_id
"""

_KEEP_BODIES = """
INSERT INTO {s}.bodies (message_id, contact_id, snapshot, mail, to_email, opt_out)
SELECT * FROM unnest(%(ids)b::uuid[], %(contacts)b::uuid[], %(snapshots)b::bigint[],
                     %(mails)b::bytea[], %(addresses)b::text[], %(opt_outs)b::boolean[])
ON CONFLICT (message_id) DO UPDATE SET snapshot = excluded.snapshot, mail = excluded.mail,
       to_email = excluded.to_email, opt_out = excluded.opt_out
"""

_KEEP_BODIES_AND_LINKS = f"""
WITH bodies AS ({_KEEP_BODIES})
INSERT INTO {{s}}.links (message_id, number, contact_id, url)
SELECT * FROM unnest(%(linked)b::uuid[], %(numbers)b::integer[], %(owners)b::uuid[],
                     %(urls)b::text[])
ON CONFLICT (message_id, number) DO UPDATE SET url = excluded.url
"""  # noqa: S608  # constant text

_MAILS = """
SELECT b.message_id, b.mail, c.vault_key FROM {s}.bodies b JOIN {s}.contacts c USING (contact_id)
 WHERE b.message_id = ANY(%(ids)b)
"""

_KEEP_NOTE = """
INSERT INTO {s}.notes (contact_id, subject_id, kind, text)
VALUES (%(contact)s, %(subject)s, %(kind)s, %(text)s)
"""

_LINK = "SELECT url FROM {s}.links WHERE message_id = %(id)s AND number = %(number)s"

_KEEP_REPLY = """
INSERT INTO {s}.replies (reply_id, contact_id, message_id, received_at, class, subject, text, html,
                         sender)
SELECT %(id)s, (SELECT contact_id FROM {s}.send_queue WHERE message_id = %(message_id)s),
       %(message_id)s, now(), %(class)s, %(subject)s, %(text)s, %(html)s, %(sender)s
ON CONFLICT (reply_id) DO NOTHING
"""
