"""The log of a tenant in memory, and the rows that its facts move; made for `LogCampaigns`.

The product's own load-decide-append, with its retries and halves, runs on top of it. Only the two
functions that turn row changes into SQL are put aside while `rows_in_memory` is open.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from domain.ids import StreamId, TenantId
from handlers.ports import Conflict
from infra import campaigns as product
from infra.changes import StaleRow
from infra.log import Entry, Loaded
from projections.projection import Change, Clear, Move, Put
from tests.simulation.memory_database import Key, Memory, Row, Tx

LOG = ("lock", "log")
Changes = Iterable[tuple[StreamId, Change]]
DEFAULTS: dict[str, Row] = {
    "send_queue": dict.fromkeys(
        ("hold_reason", "reason", "body_mac", "provider_id", "accepted_at", "since", "worker")
    )
    | {"claim": None},
    "timers": {"state": "due", "lease_until": None, "fence": 0},
}
"""Columns that no projection writes at first."""


class MemoryLog:
    """Stands for infra.log.Log where LogCampaigns asks it."""

    def __init__(self, memory: Memory, tenant: TenantId) -> None:
        self.tenant = tenant
        self._memory = memory

    def load(self, stream: StreamId) -> Loaded:
        self._memory.around.step("log.load")
        return self._memory.loaded.get(stream, Loaded())

    def load_many(self, tx: Tx, streams: Iterable[StreamId]) -> dict[StreamId, Loaded]:
        self._memory.around.step("log.load_many", tx)
        return {stream: _seen(self._memory, tx, stream) for stream in dict.fromkeys(streams)}

    def append(
        self,
        tx: Tx,
        entries: Sequence[Entry],
        states: Mapping[StreamId, Loaded],  # noqa: ARG002  # nothing is kept: nothing is folded
    ) -> list[int]:
        """Store entries; the log is locked from here to the commit."""
        self._memory.around.step("log.append", tx)
        lock_log(tx)
        positions = []
        for entry in entries:
            stream = StreamId(entry.originator_id)
            now = _seen(self._memory, tx, stream)
            if now.version != entry.originator_version - 1:
                raise Conflict("another writer was first")
            tx.loaded[stream] = now.after(entry.body.fact)
            self._memory.position += 1  # as a sequence: not given back by a rollback
            positions.append(self._memory.position)
        tx.entries += entries
        tx.positions += positions
        return positions

    def holds(self, entry: Entry) -> bool:
        """Whether just this entry is stored, once every append that is under way has ended."""
        with self._memory.begin() as tx:
            lock_log(tx)
            stored = self._memory.streams.get(StreamId(entry.originator_id), [])
        place = entry.originator_version - 1
        return place < len(stored) and stored[place].body.append == entry.body.append


def lock_log(tx: Tx) -> None:
    """One append at a time, to the end of its transaction."""
    tx.lock(*LOG)


def _seen(memory: Memory, tx: Tx, stream: StreamId) -> Loaded:
    return tx.loaded.get(stream) or memory.loaded.get(stream, Loaded())


# --- rows -----------------------------------------------------------------------------------------


@contextmanager
def rows_in_memory() -> Iterator[None]:
    """Let LogCampaigns write rows of a memory there, and all others to SQL as ever."""
    sql_lock, sql_apply = product.lock_rows, product.apply

    def lock(curs: Any, schema: str, changes: Changes) -> None:
        (_lock_rows if isinstance(curs, Tx) else _with(schema, sql_lock))(curs, changes)

    def write(curs: Any, schema: str, changes: Changes) -> None:
        (_apply if isinstance(curs, Tx) else _with(schema, sql_apply))(curs, changes)

    product.lock_rows, product.apply = lock, write
    try:
        yield
    finally:
        product.lock_rows, product.apply = sql_lock, sql_apply


def _with(schema: str, call: Callable[[Any, str, Changes], None]) -> Callable[[Any, Changes], None]:
    return lambda curs, changes: call(curs, schema, changes)


def _lock_rows(tx: Tx, changes: Changes) -> None:
    """As infra.row_locks: rows to be moved or cleared, in one order for all writers."""
    wanted: set[tuple[str, Key]] = set()
    for stream, change in changes:
        if isinstance(change, Move):
            wanted.add((change.table.name, next(iter(change.key.values()))))
        elif isinstance(change, Clear):
            rows = tx.rows(change.table.name)
            wanted |= {(change.table.name, key) for key, row in rows if row["stream_id"] == stream}
    if wanted:
        tx.memory.around.step("rows.lock", tx)
    for table, key in sorted(wanted, key=lambda place: (place[0], str(place[1]))):
        tx.lock(table, key)


def _apply(tx: Tx, changes: Changes) -> None:
    for stream, change in changes:
        if isinstance(change, Put):
            _put(tx, change)
        elif isinstance(change, Move):
            _move(tx, change)
        elif isinstance(change, Clear):
            _clear(tx, stream, change)
        else:
            raise TypeError(change)


def _put(tx: Tx, put: Put) -> None:
    key = _key(put.row, put.table.key)
    tx.lock(put.table.name, key)
    before = tx.get(put.table.name, key)
    known = DEFAULTS.get(put.table.name, {}) if before is None else before
    tx.put(put.table.name, key, {**known, **put.row})


def _move(tx: Tx, move: Move) -> None:
    key = _key(move.key, move.table.key)
    tx.lock(move.table.name, key)
    row = tx.get(move.table.name, key)
    if row is None or any(row[name] not in values for name, values in move.expect.items()):
        found = row and {name: row[name] for name in move.expect}
        tx.memory.broken.append(f"{move.table.name} {key}: expected {move.expect}, found {found}")
        raise StaleRow(tx.memory.broken[-1])
    tx.put(move.table.name, key, {**row, **move.row})


def _clear(tx: Tx, stream: StreamId, clear: Clear) -> None:
    for key, row in list(tx.rows(clear.table.name)):
        found = all(row.get(name) == value for name, value in clear.where.items())
        if found and row["stream_id"] == stream:
            tx.delete(clear.table.name, key)


def _key(values: Any, names: Sequence[str]) -> Key:
    return values[names[0]] if len(names) == 1 else tuple(values[name] for name in names)
