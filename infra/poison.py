"""Facts that a projection could not take: set aside with their place, shown until a rebuild."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from domain.events import topic_of
from domain.ids import StreamId, TenantId, schema_of
from domain.recorded import Recorded
from infra.tenancy import Database

POISON_TABLE = "projection_poison"
ERROR_LENGTH_MAX = 500

_ADD = SQL("""
INSERT INTO {} (projection, position, stream_id, topic, error) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (projection, position) DO UPDATE SET error = excluded.error, set_aside_at = now()
""")
_FIRST = SQL("""
SELECT stream_id, min(position) FROM {}
WHERE projection = %s AND stream_id = ANY(%s) GROUP BY stream_id
""")
_ALL = SQL("""
SELECT projection, position, stream_id, topic, error, set_aside_at FROM {}
ORDER BY projection, position
""")


class Poisoned(msgspec.Struct, frozen=True):
    """One fact that one projection has not taken, and why."""

    projection: str
    position: int
    stream: StreamId
    topic: str
    error: str
    set_aside_at: datetime


def poisoned(database: Database, tenant: TenantId) -> list[Poisoned]:
    """All facts of a tenant that were set aside, by projection and position."""
    with database.tenant_tx(tenant) as curs:
        curs.execute(_ALL.format(_table(schema_of(tenant))))
        return [Poisoned(*row) for row in curs]


class SetAside:
    """The facts that one projection of one tenant has set aside, in the caller's transaction."""

    def __init__(self, schema: str, projection: str) -> None:
        self._projection = projection
        self._table = _table(schema)
        self._first = _FIRST.format(self._table).as_bytes(None)

    def add(
        self, curs: Cursor[TupleRow], position: int, stream: StreamId, topic: str, error: str
    ) -> None:
        """Keep the place of a fact and the reason."""
        row = (self._projection, position, stream, topic, error[:ERROR_LENGTH_MAX])
        curs.execute(_ADD.format(self._table), row)

    def add_followers(self, curs: Cursor[TupleRow], page: Sequence[Recorded]) -> Iterable[Recorded]:
        """Set aside what follows a fact that was set aside in its stream; what is left."""
        streams = list({recorded.stream for recorded in page})
        found = curs.execute(self._first, (self._projection, streams))
        first: dict[StreamId, int] = dict(found.fetchall())
        for recorded in page:
            if recorded.stream in first:
                error = f"follows position {first[recorded.stream]} of the same stream"
                topic = topic_of(recorded.fact)
                self.add(curs, recorded.position, recorded.stream, topic, error)
        return [recorded for recorded in page if recorded.stream not in first]


def _table(schema: str) -> Identifier:
    return Identifier(schema, POISON_TABLE)
