"""The facts of a log in its order, as they are stored; and the leaves that they make."""

from collections.abc import Callable, Iterator
from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from infra.audit.chain import GENESIS, Chain
from infra.audit.merkle import leaf
from infra.recorder import recorder_of
from infra.tenancy import Database

Progress = Callable[[int, int | None], None]
"""Told after each page: facts so far, and how many there will be at least, where that is known."""
LOGS = ("events", "account_events", "admin_events")
"""The logs of a tenant; each has a tree of its own."""
PAGE = 10_000

# The id of a stream as bytes: an object of it costs more than its digest.
_WHOLE = """
SELECT uuid_send(originator_id), originator_version, notification_id, topic, state, chain
FROM {log} WHERE notification_id > %b ORDER BY notification_id LIMIT %b
"""
_STREAM = """
SELECT originator_version, notification_id, topic, state, chain
FROM {log} WHERE originator_id = %b ORDER BY originator_version
"""
_HASHES = """
SELECT uuid_send(originator_id), originator_version, notification_id, chain,
       CASE WHEN chain IS NULL THEN topic END, CASE WHEN chain IS NULL THEN state END
FROM {log} WHERE notification_id > %b ORDER BY notification_id LIMIT %b
"""


class Stored(msgspec.Struct, frozen=True):
    """A fact of one stream as it is stored, with its hash."""

    version: int
    position: int
    topic: str
    state: bytes
    head: bytes


def stream_rows(database: Database, tenant: TenantId, log: str, stream: UUID) -> list[Stored]:
    """The facts of one stream; where one has no hash, with the one that it would have."""
    link, before, found = Chain(tenant).link, GENESIS, []
    statement = SQL(_STREAM).format(log=Identifier(schema_of(tenant), log))
    with database.tenant_tx(tenant) as curs:
        curs.execute(statement, (stream,), binary=True)
        for version, position, topic, state, chain in curs.fetchall():
            before = chain or link(stream, version, topic, before, state)
            found.append(Stored(version, position, topic, state, before))
    return found


def whole(
    database: Database, tenant: TenantId, log: str, after: int = 0, page: int = PAGE
) -> Iterator[list[TupleRow]]:
    """Pages of stream, version, position, topic, body, hash. What is appended later comes, too."""
    return _pages(database, tenant, (log, _WHOLE), after, page)


class Leaves:
    """Reads the leaves of one log by the hashes that stand in it; nothing is verified."""

    def __init__(self, database: Database, tenant: TenantId, log: str) -> None:
        self._database = database
        self._tenant = tenant
        self._log = log
        self._recorder = recorder_of(database, tenant, log)

    def pages(self, after: int = 0, page: int = PAGE) -> Iterator[tuple[list[bytes], list[int]]]:
        """The leaves after a position, each page with the positions of its leaves."""
        for rows in _pages(self._database, self._tenant, (self._log, _HASHES), after, page):
            yield self._leaves(rows), [row[2] for row in rows]

    def _leaves(self, rows: list[TupleRow]) -> list[bytes]:
        if any(row[3] is None for row in rows):
            rows = self._chained(rows)
        return [leaf(row[3], row[0], row[1]) for row in rows]

    def _chained(self, rows: list[TupleRow]) -> list[TupleRow]:
        """The same with the hashes of facts that have none: an older release wrote them."""
        sought = [(UUID(bytes=row[0]), row[1]) for row in rows if row[3] is None]
        streams, versions = zip(*sought, strict=True)
        with self._database.tenant_tx(self._tenant) as curs:
            heads = self._recorder.heads(curs, streams, versions)
        chained = []
        for stream, version, position, chain, topic, state in rows:
            known = UUID(bytes=stream)
            head = chain or self._recorder.chain.link(
                known, version, topic, heads.get(known, GENESIS), state
            )
            heads[known] = head
            chained.append((stream, version, position, head))
        return chained


def _pages(
    database: Database, tenant: TenantId, query: tuple[str, LiteralString], after: int, page: int
) -> Iterator[list[TupleRow]]:
    log, text = query
    statement = SQL(text).format(log=Identifier(schema_of(tenant), log)).as_bytes(None)
    while True:
        with database.tenant_tx(tenant) as curs:
            rows = _read(curs, statement, after, page)
        if rows:
            yield rows
        if len(rows) < page:
            return
        after = rows[-1][2]


def _read(curs: Cursor[TupleRow], statement: bytes, after: int, page: int) -> list[TupleRow]:
    curs.execute(statement, (after, page), prepare=True, binary=True)
    return curs.fetchall()
