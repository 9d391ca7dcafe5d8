"""Who leads: session locks on a connection of one's own; the others stand by until it is gone."""

from collections.abc import Sequence
from contextlib import suppress
from threading import Lock

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from infra.tenancy import Database

_TAKE = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
_STILL_THERE = "SELECT true"


class Leadership:
    """All leads of a process, on one direct connection; they end with it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection[TupleRow] | None = None
        self._held: set[str] = set()
        self._guard = Lock()

    def holds(self, key: str) -> bool:
        """Whether we lead under this key, taking it where it is free; asks the server each time.

        When the connection was lost all leads are, and the error is the caller's to retry.
        """
        with self._guard:
            try:
                return self._take(key)
            except psycopg.Error:
                self._end()
                raise

    def holds_all(self, keys: Sequence[str]) -> bool:
        """The same for several keys; those that are held are asked for once."""
        with self._guard:
            try:
                held = [key for key in keys if key in self._held]
                new = [key for key in keys if key not in self._held]
                return all(self._take(key) for key in (*held[:1], *new))
            except psycopg.Error:
                self._end()
                raise

    def close(self) -> None:
        """Give all leads up; whoever stands by can take them as soon as this returns."""
        with self._guard:
            if self._connection is not None and self._held:
                with suppress(psycopg.Error):  # the server gives up the leads of a dead connection
                    self._connection.execute("SELECT pg_advisory_unlock_all()")
            self._end()

    def _take(self, key: str) -> bool:
        if self._connection is None:
            self._connection = self._database.direct()
        if key in self._held:
            self._connection.execute(_STILL_THERE)
            return True
        row = self._connection.execute(_TAKE, (key,)).fetchone()
        taken = row is not None and bool(row[0])
        if taken:
            self._held.add(key)
        return taken

    def _end(self) -> None:
        self._held.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
