"""A small database in memory: read committed, row locks, advisory locks, rollback, lost commits.

It stands for one tenant's schema on PostgreSQL: each call of it is one statement, which sees what
is committed and what its own transaction wrote. Who writes a row has it locked to the end.
"""

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Any, Protocol

import psycopg

from domain.ids import StreamId
from handlers.ports import Transaction
from infra.log import Entry, Loaded
from infra.tenancy import CommitUnknown

Row = dict[str, Any]
Key = Hashable
Place = tuple[str, Key]
"""A table and the key of a row in it; advisory locks have a table of their own."""


class CommitFate(Enum):
    """What becomes of a commit."""

    ANSWERED = "answered"
    STORED_UNANSWERED = "stored, answer lost"
    LOST = "not stored, answer lost"


class Surroundings(Protocol):
    """What happens around each statement: others run, processes die, connections break."""

    def step(self, point: str, tx: "Tx | None" = None) -> None: ...

    def commit_fate(self) -> CommitFate: ...

    def wait_for(self, tx: "Tx", place: Place) -> None:
        """Let others run until the lock may be free."""
        ...

    def committed(self, tx: "Tx") -> None: ...

    def owner(self) -> object:
        """Who opens transactions now."""
        ...

    def real_now(self) -> float:
        """The database's own clock, in seconds."""
        ...


class Tx:
    """One open transaction: what it wrote, the facts it appended, the locks it holds."""

    def __init__(self, memory: "Memory", owner: object) -> None:
        self.memory = memory
        self.owner = owner
        self.writes: dict[Place, Row | None] = {}
        self.entries: list[Entry] = []
        self.loaded: dict[StreamId, Loaded] = {}
        self.positions: list[int] = []
        self.locks: set[Place] = set()
        self.over = False

    def get(self, table: str, key: Key) -> Row | None:
        """One row as this transaction sees it."""
        place = (table, key)
        if place in self.writes:
            return self.writes[place]
        return self.memory.tables.get(table, {}).get(key)

    def rows(self, table: str) -> Iterator[tuple[Key, Row]]:
        """All rows of a table, in the order in which they came to be."""
        own = {key: row for (name, key), row in self.writes.items() if name == table}
        for key, row in self.memory.tables.get(table, {}).items():
            seen = own.pop(key, row)
            if seen is not None:
                yield key, seen
        yield from ((key, row) for key, row in own.items() if row is not None)

    def put(self, table: str, key: Key, row: Row) -> None:
        """Write a whole row; waits for who has it locked."""
        self.lock(table, key)
        self.writes[table, key] = row

    def change(self, table: str, key: Key, **values: Any) -> None:
        """Change columns of a row that is there."""
        self.lock(table, key)
        row = self.get(table, key)
        assert row is not None, f"{table} has no row {key}"
        self.writes[table, key] = {**row, **values}

    def delete(self, table: str, key: Key) -> None:
        """Take a row away."""
        self.lock(table, key)
        self.writes[table, key] = None

    def lock(self, table: str, key: Key) -> None:
        """Lock for update, after whoever has it."""
        place = (table, key)
        while not self.try_lock(table, key):
            self.memory.around.wait_for(self, place)
            self.alive()

    def try_lock(self, table: str, key: Key, *, share: bool = False) -> bool:
        """Lock unless somebody else has it: SKIP LOCKED."""
        place = (table, key)
        holders = self.memory.locks.setdefault(place, {})
        others = [mode for tx, mode in holders.items() if tx is not self]
        if any(not (share and mode) for mode in others):
            return False
        holders[self] = share and holders.get(self, True)
        self.locks.add(place)
        return True

    def alive(self) -> None:
        """Raise where the server has given this transaction up."""
        if self.over:
            raise psycopg.OperationalError("the connection is closed")


class Memory:
    """The tables, the log and the locks of one tenant."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.tables: dict[str, dict[Key, Row]] = {}
        self.streams: dict[StreamId, list[Entry]] = {}
        self.loaded: dict[StreamId, Loaded] = {}
        self.log: list[tuple[int, Entry]] = []
        self.position = 0
        self.locks: dict[Place, dict[Tx, bool]] = {}
        self.broken: list[str] = []
        """Rows that were not as their facts would have them; whoever met one may have hidden it."""
        self._open: set[Tx] = set()

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        """One transaction; rolled back by any exception, also by the death of its process."""
        self.around.step("begin")
        tx = Tx(self, self.around.owner())
        self._open.add(tx)
        try:
            yield tx
            self._commit(tx)
        finally:
            self.roll_back(tx)

    def roll_back(self, tx: Tx) -> None:
        """End a transaction; what it wrote and did not commit is gone."""
        tx.over = True
        self._open.discard(tx)
        for place in tx.locks:
            holders = self.locks[place]
            del holders[tx]
            if not holders:
                del self.locks[place]
        tx.locks = set()

    def _commit(self, tx: Tx) -> None:
        self.around.step("commit", tx)
        tx.alive()
        fate = self.around.commit_fate()
        if fate is not CommitFate.LOST:
            self._store(tx)
            self.roll_back(tx)
            self.around.committed(tx)
        if fate is not CommitFate.ANSWERED:
            raise CommitUnknown("the connection was lost during COMMIT")
        self.around.step("committed")

    def _store(self, tx: Tx) -> None:
        for (name, key), row in tx.writes.items():
            table = self.tables.setdefault(name, {})
            if row is None:
                table.pop(key, None)
            else:
                table[key] = row
        for position, entry in zip(tx.positions, tx.entries, strict=True):
            self.streams.setdefault(StreamId(entry.originator_id), []).append(entry)
            self.log.append((position, entry))
        self.loaded.update(tx.loaded)

    def open_by(self, owner: object) -> list[Tx]:
        """The transactions that somebody has open."""
        return [tx for tx in self._open if tx.owner is owner]

    def committed_rows(self, table: str) -> Mapping[Key, Row]:
        """What is committed, for those who look at a run from outside."""
        return self.tables.get(table, {})


def of(tx: Transaction) -> Tx:
    """What a transaction is inside the memory."""
    assert isinstance(tx, Tx)
    return tx
