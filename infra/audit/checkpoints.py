"""Checkpoints: the signed state of each log of a tenant, taken by the ticker (trust.md 7).

They are written to the database first and to the files outside from there, so that a file that
could not be written for a while misses none.
"""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from domain.acts import SigningKeyListed
from domain.ids import TenantId, schema_of
from infra.acts import SqlActLog
from infra.audit.files import AuditFiles
from infra.audit.merkle import Frontier
from infra.audit.notes import Checkpoint, key_id, origin_of, signed
from infra.audit.rows import LOGS, PAGE, Leaves
from infra.statements import written
from infra.tenancy import Database

EVERY_S = 60.0
SIGNER = "checkpoints"
"""Who lists signing keys."""
AT_ONCE = 20
"""Pages that one sweep takes in; the rest of a long log comes with the next ones."""


class Taken(msgspec.Struct, frozen=True):
    """How far the checkpoints of a log are; nothing when there is none."""

    size: int = 0
    position: int = 0
    frontier: bytes = b""
    at: datetime | None = None


class Checkpoints:
    """Takes checkpoints of one tenant; safe to run twice at once."""

    def __init__(self, database: Database, tenant: TenantId, files: AuditFiles) -> None:
        self._database = database
        self._tenant = tenant
        self._files = files
        self._schema = schema_of(tenant)
        self._acts = SqlActLog(database, tenant)
        self._last = {
            log: SQL(_LAST)
            .format(s=Identifier(self._schema), log=Identifier(self._schema, log))
            .as_bytes(None)
            for log in LOGS
        }

    def sweep(self) -> int:
        """Take what is due, a minute or 10,000 facts after the last one; how many facts are new."""
        return sum(self._take(log, at_most=AT_ONCE) for log in LOGS if self._due(log))

    def take(self) -> int:
        """Take one of every log that has grown, however long ago the last one was."""
        return sum(self._take(log) for log in LOGS)

    def newest(self, log: str) -> Taken:
        """The last checkpoint of a log, as the database has it."""
        with self._database.tenant_tx(self._tenant) as curs:
            return self._newest(curs, log)

    def notes(self, log: str) -> list[str]:
        """The signed checkpoints of a log as the database has them, oldest first."""
        return self._after(log, 0)

    def deliver(self) -> None:
        """Append to each file outside what it has not; raises OSError where one cannot be written.

        The others are written nevertheless.
        """
        failed: OSError | None = None
        for path in self._files.files(self._tenant):
            try:
                for log in LOGS:
                    last = self._files.newest(path, origin_of(self._tenant, log))
                    fresh = self._after(log, 0 if last is None else last.size)
                    self._files.add(path, fresh)
            except OSError as error:
                failed = error
        if failed is not None:
            raise failed

    def _due(self, log: str) -> bool:
        with self._database.tenant_tx(self._tenant) as curs:
            row = curs.execute(self._last[log], {"log": log}).fetchone()
        assert row is not None
        head, last, age_s = row
        fresh = (head or 0) - (last or 0)
        return fresh >= PAGE or (fresh > 0 and (age_s is None or age_s >= EVERY_S))

    def _take(self, log: str, at_most: int | None = None) -> int:
        before = began = self.newest(log)
        leaves = Leaves(self._database, self._tenant, log)
        for number, (page, positions) in enumerate(leaves.pages(before.position), 1):
            frontier = Frontier(before.size, before.frontier)
            frontier.add(page)
            before = self._write(log, frontier, positions[-1])
            if number == at_most:
                break
        if before.size > began.size:
            self.deliver()
        return before.size - began.size

    def _write(self, log: str, frontier: Frontier, position: int) -> Taken:
        key = self._listed(self._files.signing_key())
        with self._database.tenant_tx(self._tenant) as curs:
            (now,) = curs.execute("SELECT clock_timestamp()").fetchone() or (None,)
            assert isinstance(now, datetime)
            checkpoint = Checkpoint(
                origin=origin_of(self._tenant, log),
                size=frontier.size,
                root=frontier.root(),
                position=position,
                at=f"{now:%Y-%m-%dT%H:%M:%SZ}",
            )
            row = {
                "log": log,
                "size": frontier.size,
                "position": position,
                "frontier": frontier.encoded(),
                "note": signed(checkpoint, key),
                "at": now,
            }
            curs.execute(written(self._schema, _WRITE), row)
        return Taken(frontier.size, position, frontier.encoded(), now)

    def _listed(self, key: Ed25519PrivateKey) -> Ed25519PrivateKey:
        """The same key; its public one is in the administrators' log before anything is signed."""
        public = key.public_key().public_bytes_raw()
        known = key_id(public)
        if known not in self._acts.signing_keys():
            fact = SigningKeyListed(
                key_id=known, public_key=public.hex(), at=self._database.now().astimezone(UTC)
            )
            request = UUID(bytes=public[:16])  # no request: the same key is the same cause
            self._acts.record(fact, actor=SIGNER, request=request)
        return key

    def _newest(self, curs: Cursor[TupleRow], log: str) -> Taken:
        row = curs.execute(written(self._schema, _NEWEST), {"log": log}).fetchone()
        return Taken() if row is None else Taken(row[0], row[1], bytes(row[2]), row[3])

    def _after(self, log: str, size: int) -> list[str]:
        with self._database.tenant_tx(self._tenant) as curs:
            curs.execute(written(self._schema, _NOTES), {"log": log, "size": size})
            return [note for (note,) in curs.fetchall()]


_NEWEST = """
SELECT size, position, frontier, taken_at FROM {s}.audit_checkpoints
 WHERE log = %(log)s ORDER BY size DESC LIMIT 1
"""

_LAST = """
SELECT (SELECT max(notification_id) FROM {log}), last.position,
       extract(epoch FROM clock_timestamp() - last.taken_at)::float8
  FROM (SELECT 1) AS one
  LEFT JOIN (SELECT position, taken_at FROM {s}.audit_checkpoints
              WHERE log = %(log)s ORDER BY size DESC LIMIT 1) AS last ON true
"""

_WRITE = """
INSERT INTO {s}.audit_checkpoints (log, size, position, frontier, note, taken_at)
VALUES (%(log)s, %(size)s, %(position)s, %(frontier)s, %(note)s, %(at)s) ON CONFLICT DO NOTHING
"""

_NOTES = """
SELECT note FROM {s}.audit_checkpoints WHERE log = %(log)s AND size > %(size)s ORDER BY size
"""
