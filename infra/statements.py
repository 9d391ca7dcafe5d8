"""SQL of one tenant schema: every statement names its schema, none is put together from values."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, LiteralString, cast

from psycopg import Cursor
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Composed, Identifier

from domain.ids import TenantId
from handlers.ports import Transaction
from infra.tenancy import Database

Row = tuple[Any, ...]


class Statements:
    """Runs statements in an open tenant transaction; `{s}` in a text stands for the schema."""

    def __init__(self, schema: str) -> None:
        self.schema = schema

    def rows(
        self, tx: Transaction, text: LiteralString, params: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """All rows that a statement returns, as tuples."""
        with cursor_of(tx).connection.cursor(row_factory=tuple_row) as curs:
            curs.execute(written(self.schema, text), params, prepare=True)
            return curs.fetchall()

    def listed(
        self, tx: Transaction, text: LiteralString, params: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """The same, planned anew for these values: what a list is narrowed to may be all or none.

        A prepared statement gets one plan for any values after its fifth use, and walks then.
        """
        with cursor_of(tx).connection.cursor(row_factory=tuple_row) as curs:
            curs.execute(written(self.schema, text), params, prepare=False, binary=True)
            return curs.fetchall()

    def run(
        self, tx: Transaction, text: LiteralString, params: Mapping[str, Any] | None = None
    ) -> int:
        """Run a statement; the number of rows it touched."""
        curs = cursor_of(tx)
        curs.execute(written(self.schema, text), params, prepare=True)
        return curs.rowcount


@lru_cache(maxsize=4096)
def composed(schema: str, text: LiteralString) -> Composed:
    """The statement with its schema quoted in."""
    return SQL(text).format(s=Identifier(schema))


@lru_cache(maxsize=4096)
def written(schema: str, text: LiteralString) -> bytes:
    """The same as it is sent: what is put together anew at each call costs more than to send it."""
    return composed(schema, text).as_bytes(None)


def cursor_of(tx: Transaction) -> Cursor[Any]:
    """What a transaction is inside infra."""
    return cast("Cursor[Any]", tx)


def transaction(curs: Cursor[Any]) -> Transaction:
    """How infra hands a cursor out."""
    return Transaction(curs)


@contextmanager
def inside(
    database: Database, tenant: TenantId, tx: Transaction | None = None
) -> Iterator[Transaction]:
    """The caller's transaction, or one of its own."""
    if tx is not None:
        yield tx
        return
    with database.tenant_tx(tenant) as curs:
        yield transaction(curs)
