"""Every projection folded from zero beside the live one, compared row for row (I23)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from domain.events import topic_of
from domain.ids import StreamId
from infra.changes import StaleRow, apply
from infra.invariants.finding import EXAMPLES_MAX, Finding, Tally
from infra.invariants.snapshot import Snapshot
from infra.invariants.streams import Stream
from infra.rebuild import MOVED_BY_WORK, TAKEN_BY_WORK
from projections.projection import Change, Table
from projections.registry import ALL, READ, WORK

TEMPORARY = "pg_temp"
"""The schema of what exists in this session only."""

_LIKE = SQL("CREATE TEMPORARY TABLE {name} (LIKE {live} INCLUDING ALL)")
_HEAD = "SELECT coalesce(max(notification_id), 0) FROM {s}.events"
_POSITIONS = "SELECT application_name, notification_id FROM {s}.tracking"
_POISON = "SELECT projection, position FROM {s}.projection_poison"
_BROKEN = SQL("""
SELECT count(*) OVER (), to_jsonb(l), to_jsonb(r), {key_texts}
  FROM (SELECT {columns} FROM {live}{chosen}) AS l
  {join} (SELECT {columns} FROM {rebuilt}) AS r USING ({key})
 WHERE l.* IS DISTINCT FROM r.* ORDER BY {key} LIMIT {limit}
""")
_CHOSEN = SQL(" WHERE stream_id IN (SELECT stream_id FROM pg_temp.looked_at)")
_ROWS = SQL("SELECT count(*) FROM {}")
# A timer may go without a fact once it was due; one that is to come must be there.
_LOST_TIMERS = """
SELECT r.stream_id, r.timer_id, r.kind FROM pg_temp.timers r
 WHERE r.due_at > %(due)s
   AND NOT EXISTS (SELECT FROM {s}.timers l WHERE l.timer_id = r.timer_id)
 ORDER BY r.stream_id, r.timer_id
"""


class Rebuilt:
    """Folds the chosen streams into temporary tables, each projection up to its own position."""

    def __init__(self, taken: Snapshot, *, whole: bool, timers_due_after: datetime) -> None:
        self._tally = Tally("I23", "Projections folded from zero are the live ones, row for row")
        self._whole = whole
        # Counters are sums over all streams: of a part of them they would say nothing.
        self._folded = [
            each
            for each in ALL
            if whole or all("stream_id" in table.columns for table in each.tables)
        ]
        self._timers_due_after = timers_due_after
        head = taken.number(_HEAD)
        reached: Mapping[str, int] = dict(taken.rows(_POSITIONS))
        self._upto = {each.name: head for each in WORK} | {
            each.name: reached.get(each.name, 0) for each in READ
        }
        self._aside = {(name, position) for name, position in taken.rows(_POISON)}

    @staticmethod
    def make_tables(taken: Snapshot) -> None:
        """A temporary table like each table of a projection."""
        for table in (table for projection in ALL for table in projection.tables):
            name, live = Identifier(TEMPORARY, table.name), Identifier(taken.schema, table.name)
            taken.curs.execute(_LIKE.format(name=name, live=live))

    def take(self, taken: Snapshot, batch: Sequence[Stream]) -> None:
        """A stream whose facts make no rows is counted; it spoils no other."""
        fault = self._written(taken, batch)
        if fault is None:
            return
        if len(batch) == 1:
            self._tally.add(f"stream {batch[0].id} makes no rows: {fault}")
            return
        middle = len(batch) // 2
        self.take(taken, batch[:middle])
        self.take(taken, batch[middle:])

    def _written(self, taken: Snapshot, batch: Sequence[Stream]) -> str | None:
        try:
            with taken.curs.connection.transaction():
                apply(taken.curs, TEMPORARY, self._changes(batch))
        except (StaleRow, psycopg.DataError, psycopg.IntegrityError) as error:
            return f"{type(error).__name__}: {error}".splitlines()[0]
        return None

    def _changes(self, batch: Iterable[Stream]) -> Iterator[tuple[StreamId, Change]]:
        for stream in batch:
            for recorded in stream.facts:
                topic = topic_of(recorded.fact)
                for projection in self._folded:
                    name = projection.name
                    if (
                        topic in projection.topics
                        and recorded.position <= self._upto[name]
                        and (name, recorded.position) not in self._aside
                    ):
                        for change in projection.changes(recorded):
                            yield stream.id, change

    def findings(self, taken: Snapshot, note: str) -> list[Finding]:
        """Compare what was folded."""
        for table in (table for projection in self._folded for table in projection.tables):
            self._compare(taken, table)
        lost = taken.rows(_LOST_TIMERS, {"due": self._timers_due_after})
        for stream, timer, kind in lost:
            self._tally.add(f"timers {timer} ({kind}) of stream {stream}: missing")
        return [self._tally.finding(note)]

    def _compare(self, taken: Snapshot, table: Table) -> None:
        rebuilt = Identifier(TEMPORARY, table.name)
        self._tally.examined += int(taken.curs.execute(_ROWS.format(rebuilt)).fetchall()[0][0])
        found = taken.curs.execute(self._text(taken, table)).fetchall()
        examples = [_told(table, live, folded) for _, live, folded, *_ in found]
        self._tally.add_many(int(found[0][0]) if found else 0, examples)

    def _text(self, taken: Snapshot, table: Table) -> Composed:
        ignored = MOVED_BY_WORK.get(table.name, frozenset())
        columns = [Identifier(name) for name in table.columns if name not in ignored]
        key = SQL(", ").join(map(Identifier, table.key))
        return _BROKEN.format(
            columns=SQL(", ").join(columns),
            key=key,
            key_texts=key,
            live=Identifier(taken.schema, table.name),
            rebuilt=Identifier(TEMPORARY, table.name),
            chosen=SQL("") if self._whole else _CHOSEN,
            join=SQL("LEFT JOIN" if table.name in TAKEN_BY_WORK else "FULL JOIN"),
            limit=EXAMPLES_MAX,
        )


def _told(table: Table, live: Mapping[str, Any] | None, folded: Mapping[str, Any] | None) -> str:
    row = live or folded or {}
    name = f"{table.name} {', '.join(str(row[column]) for column in table.key)}"
    if live is None:
        return f"{name}: missing"
    if folded is None:
        return f"{name}: not from the log"
    other = [
        f"{column} is {live[column]!r}, folded {folded[column]!r}"
        for column in live
        if live[column] != folded[column]
    ]
    return f"{name}: {'; '.join(other)}"
