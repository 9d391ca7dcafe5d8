"""The administrators' log of a tenant in PostgreSQL: one stream, appended in its order."""

from uuid import UUID

import msgspec
from msgspec.json import Decoder, Encoder
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier
from typing_extensions import override

from domain.acts import AdminEnvelope, AdminEvent, AdminRecorded, SigningKeyListed, admin_stream
from domain.events import topic_of
from domain.ids import TenantId, schema_of
from handlers.ports.acts import ActLog
from infra.codec import UnreadableEvent
from infra.recorder import recorder_of, stored
from infra.tenancy import Database

TABLE = "admin_events"

_LAST = "SELECT coalesce(max(originator_version), 0) FROM {log} WHERE originator_id = %b"
_KEYS = """
SELECT originator_version, notification_id, topic, state FROM {log}
WHERE originator_id = %b AND topic = %b ORDER BY originator_version
"""
_PAGE = """
SELECT originator_version, notification_id, topic, state FROM {log}
WHERE originator_id = %b AND originator_version < coalesce(%b::bigint, 9223372036854775807)
ORDER BY originator_version DESC LIMIT %b
"""


class SqlActLog(ActLog):
    """Implements handlers.ports.acts.ActLog on the third log of a tenant."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant
        self._stream = admin_stream(tenant)
        self._recorder = recorder_of(database, tenant, TABLE)
        self._encoder = Encoder()
        self._decoder: Decoder[AdminEnvelope] = Decoder(AdminEnvelope)
        log = Identifier(schema_of(tenant), TABLE)
        self._last = SQL(_LAST).format(log=log).as_bytes(None)
        self._keys = SQL(_KEYS).format(log=log).as_bytes(None)
        self._page = SQL(_PAGE).format(log=log).as_bytes(None)

    @override
    def record(self, fact: AdminEvent, *, actor: str, request: UUID) -> int:
        body = self._encoder.encode(AdminEnvelope(fact, request, actor))
        with self._database.tenant_tx(self._tenant) as curs:
            self._recorder.lock(curs)  # one stream: whoever comes next waits, and none conflicts
            row = curs.execute(self._last, (self._stream,)).fetchone()
            assert row is not None
            version = int(row[0]) + 1
            self._recorder.append(curs, [stored(self._stream, version, topic_of(fact), body)])
        return version

    @override
    def page(self, before: int | None, limit: int) -> list[AdminRecorded]:
        with self._database.tenant_tx(self._tenant) as curs:
            curs.execute(self._page, (self._stream, before, limit))
            return [self._read(row) for row in curs.fetchall()]

    def signing_keys(self) -> dict[str, bytes]:
        """The public keys that checkpoints of this tenant were signed with, by their ids."""
        with self._database.tenant_tx(self._tenant) as curs:
            curs.execute(self._keys, (self._stream, topic_of(SigningKeyListed)))
            facts = [self._read(row).fact for row in curs.fetchall()]
        return {
            fact.key_id: bytes.fromhex(fact.public_key)
            for fact in facts
            if isinstance(fact, SigningKeyListed)
        }

    def _read(self, row: TupleRow) -> AdminRecorded:
        version, position, topic, state = row
        try:
            body = self._decoder.decode(bytes(state))
        except msgspec.DecodeError as error:
            raise UnreadableEvent(topic, str(error)).at(self._stream, position) from error
        return AdminRecorded(version, position, body.fact, body.request, body.actor)
