"""Lives that were really lived, copied by COPY with new ids: bulk for a benchmark, as it is stored.

Rows are copied as text, so that every fact has the shape that this release writes; only ids, keyed
digests and positions become others. The digests of copies are digests of nothing, but as unique.
"""

import re
from collections.abc import Collection, Iterator, Sequence

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier

from infra.tenancy import Database

OF_STREAMS = ("streams", "events", "send_queue", "timers", "outreach")
"""What a stream has in the log and to do."""
READ = ("contact_campaigns", "activity_feed")
"""What people look at, a row a stream or fact; counters are left as they are."""
PEOPLE = ("contacts", "plan_contacts")
POSITIONS = frozenset({"notification_id", "position", "inbox_id"})

_HEX = "(?:3[0-9]|6[1-6])"
_MARKS = re.compile(
    rf"(?P<id>[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})"
    rf"|(?P<stored>{_HEX}{{8}}(?:2d{_HEX}{{4}}){{3}}2d{_HEX}{{12}})"
    rf"|@(?P<position>\d+)@"
    rf"|(?<![0-9a-f:])(?P<mac>[0-9a-f]{{64}})(?![0-9a-f])"
    rf"|(?<=22)(?P<key>{_HEX}{{64}})(?=22)"
)
"""Ids, ids inside stored facts, positions, digests, digests inside stored facts."""
_COLUMNS = """
SELECT column_name FROM information_schema.columns
 WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position
"""
_CONSTRAINTS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
 WHERE conrelid = %s::regclass AND contype IN ('p', 'u') ORDER BY conname
"""
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
 WHERE schemaname = %s AND tablename = %s AND indexname NOT IN (
       SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass) ORDER BY indexname
"""


class Copies:
    """Copies the streams of a tenant whose read models are at the head, table by table."""

    def __init__(self, database: Database, schema: str, keep: Collection[str] = ()) -> None:
        self._database = database
        self._schema = schema
        self._keep = frozenset(keep)

    def make(self, copies: int, tables: Sequence[str] = (*OF_STREAMS, *READ, *PEOPLE)) -> None:
        """So many copies of all that there is."""
        with self._database.direct() as owner, owner.transaction():
            owner.execute("SET LOCAL statement_timeout = 0")
            owner.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            head = self._number(owner, "SELECT coalesce(max(notification_id), 0) FROM {s}.events")
            for table in tables:
                self._without_indexes(owner, table, copies, head)
            self._run(owner, _MOVED, head * (1 + copies))
        with self._database.direct() as owner:
            owner.execute("SET statement_timeout = 0")
            owner.execute("VACUUM ANALYZE")
            owner.execute("CHECKPOINT")

    def _without_indexes(
        self, owner: Connection[TupleRow], table: str, copies: int, head: int
    ) -> None:
        """Every row that is added to an index by itself costs far more than an index made anew."""
        place = f"{self._schema}.{table}"
        constraints = owner.execute(_CONSTRAINTS, (place,)).fetchall()
        indexes = owner.execute(_INDEXES, (self._schema, table, place)).fetchall()
        whole = Identifier(self._schema, table)
        for name, _ in constraints:
            owner.execute(SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(whole, Identifier(name)))
        for name, _ in indexes:
            owner.execute(SQL("DROP INDEX {}").format(Identifier(self._schema, name)))
        self._copy(owner, table, copies, head)
        for name, text in constraints:
            add = SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(whole, Identifier(name))
            owner.execute(add + SQL(text))
        for _, text in indexes:
            owner.execute(text)

    def _copy(self, owner: Connection[TupleRow], table: str, copies: int, head: int) -> None:
        names = [row[0] for row in owner.execute(_COLUMNS, (self._schema, table)).fetchall()]
        columns = SQL(", ").join(map(Identifier, names))
        place = Identifier(self._schema, table)
        source = SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(_marked(names), place)
        curs = owner.cursor()
        with curs.copy(source) as out:
            text = "".join(bytes(part).decode() for part in out)
        template = Template(text, self._keep)
        with curs.copy(SQL("COPY {} ({}) FROM STDIN").format(place, columns)) as into:
            for number in range(1, copies + 1):
                into.write(template.copy(number, head))

    def _run(self, owner: Connection[TupleRow], text: str, *params: object) -> None:
        statement = SQL(text).format(s=Identifier(self._schema))
        owner.execute(statement, {"at": params[0]} if params else None)

    def _number(self, owner: Connection[TupleRow], text: str) -> int:
        statement = SQL(text).format(s=Identifier(self._schema))
        row = owner.execute(statement).fetchone()
        assert row is not None
        return int(row[0])


def _marked(names: Sequence[str]) -> Composed:
    """Positions stand between marks, to be found among other numbers."""
    shown = (
        SQL("'@' || {} || '@'").format(Identifier(name)) if name in POSITIONS else Identifier(name)
        for name in names
    )
    return SQL(", ").join(shown)


class Template:
    """Rows as text, cut at every id, digest and position."""

    def __init__(self, text: str, keep: Collection[str] = ()) -> None:
        kept = {*keep, *(one.encode().hex() for one in keep)}
        self._parts: list[str] = []
        self._slots: list[tuple[str, str]] = []
        end = 0
        for found in _MARKS.finditer(text):
            kind = found.lastgroup
            if kind is None or found[0] in kept:
                continue
            self._parts.append(text[end : found.start()])
            self._slots.append((kind, found[kind]))
            end = found.end()
        self._rest = text[end:]
        self._distinct = sorted(set(self._slots))

    def copy(self, number: int, head: int) -> str:
        """The rows of one copy."""
        new = {slot: _new(*slot, number, head) for slot in self._distinct}
        return "".join((*self._interleaved([new[slot] for slot in self._slots]), self._rest))

    def _interleaved(self, values: Sequence[str]) -> Iterator[str]:
        for part, value in zip(self._parts, values, strict=True):
            yield part
            yield value


def _new(kind: str, old: str, number: int, head: int) -> str:
    match kind:
        case "position":
            return str(int(old) + number * head)
        case "stored" | "key":
            return _other(bytes.fromhex(old[:16]).decode(), number).encode().hex() + old[16:]
        case _:
            return _other(old[:8], number) + old[8:]


def _other(beginning: str, number: int) -> str:
    """Another one for each number: copies lie scattered in every index, as random ids do."""
    return f"{int(beginning, 16) ^ (number * _SCATTER & 0xFFFF_FFFF):08x}"


_SCATTER = 0x9E37_79B1
"""Odd, so that no two numbers below 2**32 come to the same."""
_MOVED = """
WITH moved AS (UPDATE {s}.tracking SET notification_id = %(at)s)
SELECT setval('{s}.events_notification_id_seq', %(at)s)
"""
