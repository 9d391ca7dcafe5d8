"""The library's Postgres recorders on our pool: binary arrays in, one lock and channel per log."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, cast
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    NotSupportedError,
    ProcessRecorder,
    StoredEvent,
    Subscription,
)
from eventsourcing.postgres import (
    PostgresAggregateRecorder,
    PostgresApplicationRecorder,
    PostgresDatastore,
    PostgresTrackingRecorder,
)
from eventsourcing.utils import Environment
from psycopg import Connection, Cursor
from psycopg.rows import DictRow, TupleRow, dict_row, tuple_row
from psycopg.sql import SQL, Identifier
from typing_extensions import override

from domain.ids import TenantId, schema_of, tenant_of
from infra.audit.chain import GENESIS, Chain
from infra.tenancy import Database

EVENTS_TABLE = "events"
TRACKING_TABLE = "tracking"

_INSERT = (
    "INSERT INTO {table} (originator_id, originator_version, topic, state{column}) "
    "SELECT facts.* "
    "FROM unnest(%b::uuid[], %b::bigint[], %b::text[], %b::bytea[]{array}) AS facts"
)
_CHAIN = {"column": SQL(", chain"), "array": SQL(", %b::bytea[]")}
_NO_CHAIN = {"column": SQL(""), "array": SQL("")}
# Before a version: the last fact that has its hash, and those behind it, which have none.
_BEFORE = """
SELECT originator_id, originator_version, topic, state, chain
FROM unnest(%b::uuid[], %b::bigint[]) AS asked (stream, version)
JOIN {table} AS facts ON originator_id = stream AND originator_version < version
 AND originator_version >= coalesce(
       (SELECT originator_version FROM {table}
         WHERE originator_id = stream AND originator_version < version AND chain IS NOT NULL
         ORDER BY originator_version DESC LIMIT 1), 0)
ORDER BY originator_id, originator_version
"""
# One statement with the insert: no row has its position before the lock is held. And a statement
# that ends is followed by the server's watch over idle transactions. The end of psycopg's pipeline
# mode is not: it sends a flush, which calls that watch off, so that a process that froze right
# behind it kept the log locked for good.
_HELD = "pg_advisory_xact_lock(hashtextextended({log}, 0)), pg_notify({channel}, '')"

Columns = tuple[list[Any], list[int], list[str], list[bytes]]
Chained = tuple[list[Any], list[int], list[str], list[bytes], list[bytes]]
"""The same with the hash of each row, which `LogRecorder.chain` computes."""


class BorrowedPool:
    """What a datastore needs of a pool, made of the transactions of one tenant."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant

    def open(self, *_: object) -> None:
        """Nothing to do: the database opens its pool at first use."""

    @contextmanager
    def connection(self) -> Iterator[Connection[DictRow]]:
        """A connection inside a tenant transaction, with rows as the library reads them."""
        with self._database.tenant_tx(self._tenant) as curs:
            connection = cast(Connection[DictRow], curs.connection)
            before = connection.row_factory
            connection.row_factory = dict_row
            try:
                yield connection
            finally:
                connection.row_factory = before


class BorrowingDatastore(PostgresDatastore):
    """A datastore of one tenant that shares the pool of the process.

    It makes no pool of its own, so the constructor of the library, which makes one, is not called.
    """

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self.schema = schema_of(tenant)
        self.originator_id_type = "uuid"
        self.single_row_tracking = True
        self.enable_db_functions = False  # the function takes no lock: readers would skip events
        self.lock_timeout = 0  # bounded by the connection's own settings
        self.pool_open_timeout = None
        self.db_type_names = set()  # arrays of plain types need no adapters, whose oids
        self.psycopg_type_adapters = {}  # would differ in each schema
        self.psycopg_python_types = {}
        self.pool = cast(Any, BorrowedPool(database, tenant))

    @override
    def register_type_adapters(self) -> None:
        """There are none."""

    @override
    def close(self) -> None:
        """The pool is not ours; the library closes a datastore when it is collected."""


class StreamRecorder(PostgresAggregateRecorder):
    """Streams without positions and hashes; binary arrays are ten times as fast as the library."""

    def __init__(self, datastore: PostgresDatastore, *, events_table_name: str) -> None:
        super().__init__(datastore, events_table_name=events_table_name)
        table = Identifier(datastore.schema, events_table_name)
        self._insert = SQL(_INSERT).format(table=table, **_NO_CHAIN).as_bytes(None)

    @override
    def _insert_stored_events(
        self, curs: Cursor[Any], stored_events: Sequence[StoredEvent], **_: Any
    ) -> None:
        curs.execute(self._insert, columns_of(stored_events), prepare=True)


class LogRecorder(StreamRecorder, PostgresApplicationRecorder):
    """The one writer of a log: positions grow in the order of commits, no gap is filled later.

    Each row has the hash of its stream up to itself.
    """

    def __init__(
        self, datastore: PostgresDatastore, *, events_table_name: str = EVENTS_TABLE
    ) -> None:
        super().__init__(datastore, events_table_name=events_table_name)
        log = f"{datastore.schema}.{events_table_name}"
        table = Identifier(datastore.schema, events_table_name)
        self.chain = Chain(tenant_of(datastore.schema))
        self._before = SQL(_BEFORE).format(table=table).as_bytes(None)
        self.channel_name = log.replace(".", "_")
        # Not the library's table lock, which waits for VACUUM; and with the schema in its key,
        # since advisory locks belong to the whole database.
        self.lock_table_statements = [
            SQL("SELECT pg_advisory_xact_lock(hashtextextended({}, 0))").format(log)
        ]
        held = SQL(_HELD).format(log=log, channel=self.channel_name).as_bytes(None)
        insert = SQL(_INSERT).format(table=table, **_CHAIN).as_bytes(None)
        self._insert = (
            insert + b" CROSS JOIN (SELECT " + held + b") AS held RETURNING notification_id"
        )

    def lock(self, curs: Cursor[Any]) -> None:
        """Hold the log until this transaction ends; no other append is under way then."""
        self._lock_table(curs)

    def insert(self, curs: Cursor[TupleRow], columns: Chained) -> list[int]:
        """Insert in the caller's transaction, one round trip; the positions in order of the rows.

        The log is locked from here on: commit at once.
        """
        curs.execute(self._insert, columns, prepare=True)
        return [position for (position,) in curs.fetchall()]

    def append(
        self,
        curs: Cursor[TupleRow],
        stored_events: Sequence[StoredEvent],
        heads: Mapping[UUID, bytes] = MappingProxyType({}),
    ) -> list[int]:
        """The same with events of the library; what `heads` leaves out is looked up first."""
        streams, versions, topics, states = columns = columns_of(stored_events)
        known = self.heads(curs, streams, versions, heads)
        hashes = self.chain.on(known, streams, versions, topics, states)
        return self.insert(curs, (*columns, hashes))

    def heads(
        self,
        curs: Cursor[TupleRow],
        streams: Sequence[UUID],
        versions: Sequence[int],
        known: Mapping[UUID, bytes] = MappingProxyType({}),
    ) -> dict[UUID, bytes]:
        """The hash before the first of these versions of each stream, where there is one.

        Nothing is asked for what is `known` from loading, or begins with its first version.
        """
        heads = dict(known)
        first = dict(zip(reversed(streams), reversed(versions), strict=True))
        sought = {
            stream: version
            for stream, version in first.items()
            if stream not in known and version > 1
        }
        if sought:
            asked = (list(sought), list(sought.values()))
            curs.execute(self._before, asked, prepare=True, binary=True)
            for stream, version, topic, state, chain in curs.fetchall():
                before = heads.get(stream, GENESIS)
                heads[stream] = chain or self.chain.link(stream, version, topic, before, state)
        return heads

    @override
    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Insert in a transaction of its own.

        Not tried again after a lost connection, as the library does: if the commit was done after
        all, the second try would take its own rows for a conflict.
        """
        if not stored_events:
            return None
        with self.datastore.transaction(commit=True) as curs:
            return self.append(curs.connection.cursor(row_factory=tuple_row), stored_events)

    @override
    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Refused: it would keep a pooled connection for each reader."""
        raise NotSupportedError("the projector listens on one connection for all logs")


class TrackingRecorder(PostgresTrackingRecorder):
    """Positions of readers; only `_insert_tracking` writes them, on the cursor of the reader."""

    def __init__(
        self, datastore: PostgresDatastore, *, tracking_table_name: str = TRACKING_TABLE
    ) -> None:
        super().__init__(datastore, tracking_table_name=tracking_table_name)


class RecorderFactory(InfrastructureFactory[TrackingRecorder]):
    """Gives the library's application our recorders on tables that migrations made."""

    def __init__(self, env: Environment, datastore: PostgresDatastore) -> None:
        super().__init__(env)
        self._datastore = datastore

    @override
    def aggregate_recorder(self, purpose: str = EVENTS_TABLE) -> AggregateRecorder:
        return StreamRecorder(self._datastore, events_table_name=purpose)

    @override
    def application_recorder(self) -> LogRecorder:
        return LogRecorder(self._datastore)

    @override
    def tracking_recorder(
        self, tracking_recorder_class: type[TrackingRecorder] | None = None
    ) -> TrackingRecorder:
        return (tracking_recorder_class or TrackingRecorder)(self._datastore)

    @override
    def process_recorder(self) -> ProcessRecorder:
        raise NotSupportedError("no process of ours writes events and positions together")


def recorder_of(database: Database, tenant: TenantId, table: str) -> LogRecorder:
    """The one writer of a log table of a tenant; each table has positions and a lock of its own."""
    return LogRecorder(BorrowingDatastore(database, tenant), events_table_name=table)


def stored(stream: UUID, version: int, topic: str, state: bytes) -> StoredEvent:
    """A row of a log as the library writes it."""
    return StoredEvent(stream, version, topic, state)


def columns_of(stored_events: Sequence[StoredEvent]) -> Columns:
    """The four columns of some rows."""
    return (
        [event.originator_id for event in stored_events],
        [event.originator_version for event in stored_events],
        [event.topic for event in stored_events],
        [event.state for event in stored_events],
    )
