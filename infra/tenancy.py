"""Connections by tenant: one pool per process, one role and one transaction per use."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import Any

import msgspec
import psycopg
from psycopg import Connection, Cursor
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool, PoolTimeout

from domain.ids import TenantId
from handlers.ports import Unsure
from infra.uuids import adapters

CONTROL = "control"
CONTROL_ROLE = "antiphon_control"

CONNECT_TIMEOUT_S = 5
BORROW_TIMEOUT_S = 10.0
ALIVE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""A connection whose other end is gone without a word is given up: its thread would wait on."""
SETTINGS = {
    "search_path": "pg_catalog",  # a statement that forgets its schema is an error, not a leak
    "timezone": "UTC",
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
}


class DatabaseOutOfReach(psycopg.OperationalError):
    """No connection could be had; the text says where it was sought and what mends it."""


class CommitUnknown(psycopg.OperationalError, Unsure):
    """The connection was lost while a commit was under way: it may be done or not."""


class UnknownTenant(Exception):
    """There is no tenant of this name here."""


class Tenant(msgspec.Struct, frozen=True):
    """A tenant as the control schema has it; `tag` is its opaque name outside."""

    name: TenantId
    tag: str
    policy: Mapping[str, Any] = {}
    settings: Mapping[str, Any] = {}


def role_of(tenant: TenantId) -> str:
    """The database role that may touch the schema of this tenant and nothing else."""
    return f"antiphon_t_{tenant}"


def analyst_of(tenant: TenantId) -> str:
    """The database role that may read the views of this tenant and nothing else."""
    return f"antiphon_analyst_{tenant}"


class Database:
    """The database of this process: at most `size` pooled connections, opened at first use."""

    def __init__(self, url: str, *, size: int = 10) -> None:
        given = conninfo_to_dict(url)
        options = [str(given.get("options") or "")]
        options += [f"-c {name}={value}" for name, value in SETTINGS.items()]
        timeout = given.get("connect_timeout") or CONNECT_TIMEOUT_S
        self._conninfo = make_conninfo(
            url,
            options=" ".join(options).strip(),
            connect_timeout=timeout,
            application_name=given.get("application_name") or "antiphon",
            **{name: given.get(name) or value for name, value in ALIVE.items()},
        )
        self._place = _place(given)
        self._pool = ConnectionPool(
            self._conninfo,
            min_size=1,
            max_size=size,
            # transactions begin together with their role
            kwargs={"autocommit": True, "context": adapters()},
            open=False,
            timeout=BORROW_TIMEOUT_S,
            reconnect_timeout=BORROW_TIMEOUT_S,
            name="antiphon",
        )
        self._opening = Lock()

    @contextmanager
    def tenant_tx(self, tenant: TenantId) -> Iterator[Cursor[TupleRow]]:
        """One transaction with the rights of one tenant; the only way to its schema."""
        with self._transaction(role_of(tenant)) as connection, connection.cursor() as curs:
            yield curs

    @contextmanager
    def control_tx(self) -> Iterator[Cursor[TupleRow]]:
        """One transaction with the rights to the control schema and to no tenant's."""
        with self._transaction(CONTROL_ROLE) as connection, connection.cursor() as curs:
            yield curs

    def tenants(self) -> list[Tenant]:
        """All tenants of this installation, by name."""
        query = "SELECT name, tag, policy, settings FROM control.tenants ORDER BY name"
        with self.control_tx() as curs:
            return [Tenant(*row) for row in curs.execute(query)]

    def now(self) -> datetime:
        """The database's own time."""
        with self._connection() as connection:
            row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        now: datetime = row[0]
        return now

    def direct(self) -> Connection[TupleRow]:
        """A connection of one's own, as the login role: for LISTEN, leader locks, migrations."""
        try:
            return psycopg.connect(self._conninfo, autocommit=True)
        except psycopg.OperationalError as error:
            raise self._out_of_reach(error) from error

    def close(self) -> None:
        """Give all pooled connections back to the server."""
        self._pool.close()

    @contextmanager
    def _transaction(self, role: str) -> Iterator[Connection[TupleRow]]:
        with self._connection() as connection:
            _begin(connection, role)
            yield connection
            _commit(connection)

    @contextmanager
    def _connection(self) -> Iterator[Connection[TupleRow]]:
        self._open()
        try:
            connection = self._pool.getconn()
        except PoolTimeout as error:
            raise self._out_of_reach(error) from error
        try:
            with connection:  # rolls back after an error; the pool keeps it open
                yield connection
        finally:
            self._pool.putconn(connection)

    def _open(self) -> None:
        if not self._pool.closed:
            return
        with self._opening:
            if self._pool.closed:
                self.direct().close()  # says at once what a pool says only after its time-out
                self._pool.open()

    def _out_of_reach(self, error: Exception) -> DatabaseOutOfReach:
        why = " ".join(str(error).split()).rstrip(".?")
        return DatabaseOutOfReach(
            f"no connection to PostgreSQL at {self._place}: {why}. "
            "Start that server or correct ANTIPHON_DATABASE_URL; "
            "without this setting antiphon runs a server of its own."
        )


def _place(given: Mapping[str, Any]) -> str:
    host, port = given.get("host") or "the default socket", given.get("port") or 5432
    return f"{host}, port {port}, database {given.get('dbname') or 'of the user'}"


def _begin(connection: Connection[TupleRow], role: str) -> None:
    try:
        connection.execute(_begin_as(role))
    except psycopg.errors.InvalidParameterValue as error:
        raise UnknownTenant(f"no database role {role}: add the tenant or migrate") from error


@lru_cache(maxsize=1024)
def _begin_as(role: str) -> bytes:
    """Both in one round trip."""
    return SQL("BEGIN; SET LOCAL ROLE {}").format(Identifier(role)).as_bytes(None)


def _commit(connection: Connection[TupleRow]) -> None:
    if connection.info.transaction_status == TransactionStatus.INERROR:
        # The server would answer this COMMIT with a silent ROLLBACK.
        raise psycopg.errors.InFailedSqlTransaction("a statement failed: nothing is committed")
    try:
        connection.commit()
    except psycopg.OperationalError as error:
        if connection.broken:
            raise CommitUnknown("the connection was lost during COMMIT") from error
        raise
