"""Builds a projection from zero beside the live one, compares row for row, and swaps it in."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import msgspec
from msgspec.structs import replace
from psycopg import Connection, Cursor, IsolationLevel
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from infra.changes import apply
from infra.leadership import Leadership
from infra.log import Log
from infra.pages import OwnPages
from infra.poison import POISON_TABLE
from infra.projector import PAGE_MAX, Runner, head_in, head_of, position_in
from infra.recorder import TRACKING_TABLE
from infra.swap import beside, drop_beside, make_beside, swap
from infra.tenancy import Database
from projections.projection import Projection, Table
from projections.registry import WORK

EXAMPLES_MAX = 10

Progress = Callable[[int, int], None]
"""Told the position reached and the one aimed at."""

MOVED_BY_WORK: Mapping[str, frozenset[str]] = {
    "send_queue": frozenset({"not_before", "hold_reason"})
}
"""Columns that claims move without a fact: a hold that is no news for the log."""
TAKEN_BY_WORK = frozenset({"timers", "errands"})
"""Tables whose rows go when they are settled, also where no fact followed."""

_TURN = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
_FREEZE = SQL("SELECT notification_id FROM {} WHERE application_name = %s FOR UPDATE")
_COMPARE = SQL("""
SELECT count(*) OVER (), to_jsonb(l), to_jsonb(n)
FROM (SELECT {columns} FROM {live}) AS l {join} (SELECT {columns} FROM {next}) AS n USING ({key})
WHERE l.* IS DISTINCT FROM n.* ORDER BY {key} LIMIT %s
""")


class RebuildUnderWay(Exception):
    """The same projection of the same tenant is being rebuilt by somebody else."""


class Difference(msgspec.Struct, frozen=True):
    """One row that is not the same; None where it is missing."""

    table: str
    live: Mapping[str, Any] | None
    rebuilt: Mapping[str, Any] | None


class Rebuilt(msgspec.Struct, frozen=True):
    """What a rebuild found: both stood at `position` when they were compared."""

    projection: str
    position: int
    events: int
    rows: int
    set_aside: int
    differences: int
    examples: tuple[Difference, ...]
    swapped: bool


def rebuild(
    database: Database,
    tenant: TenantId,
    projection: Projection,
    on_progress: Progress = lambda _reached, _aim: None,
) -> Rebuilt:
    """Build beside, compare, and swap unless it is a table of work; the live one serves meanwhile.

    Needs the rights of the owner of the schema. A rebuild that was cut off begins anew.
    """
    with _owner(database, tenant, projection) as owner, closing(Leadership(database)) as leads:
        return _Rebuild(database, tenant, projection, leads, on_progress).run(owner)


@contextmanager
def _owner(
    database: Database, tenant: TenantId, projection: Projection
) -> Iterator[Connection[TupleRow]]:
    with database.direct() as connection:
        turn = f"{schema_of(tenant)}:rebuild:{projection.name}"
        if not _row(connection.execute(_TURN, (turn,)))[0]:
            raise RebuildUnderWay(f"{projection.name} of {tenant}")
        connection.execute("SET statement_timeout = 0")  # comparing big tables takes its time
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        yield connection


class _Rebuild:
    """One rebuild; its own rows, position and set-aside facts go under the name of the next."""

    def __init__(
        self,
        database: Database,
        tenant: TenantId,
        projection: Projection,
        leadership: Leadership,
        on_progress: Progress,
    ) -> None:
        self._database = database
        self._tenant = tenant
        self._schema = schema_of(tenant)
        self._live = projection
        self._next = beside(projection)
        self._is_work = projection.name in {work.name for work in WORK}
        self._log = Log(database, tenant)
        self._leadership = leadership
        self._on_progress = on_progress
        self._events = 0

    def run(self, owner: Connection[TupleRow]) -> Rebuilt:
        """Compared, and swapped where nothing but facts moves the rows."""
        make_beside(owner, self._tenant, self._live, self._next)
        runner = self._runner(self._next)
        if self._is_work:
            self._bring(runner, head_of(self._database, self._tenant))
            return self._compare_work(owner, runner)
        self._bring(runner, self._live_position())
        with owner.transaction(), owner.cursor() as curs:
            position = self._freeze(curs)
            self._bring(runner, position)
            result = self._compared(curs, position)
            swap(curs, self._tenant, self._live, self._next)
        return replace(result, swapped=True)

    def _live_position(self) -> int:
        """Where the live one stands; it is brought to the head first when nobody else runs it."""
        live = self._runner(self._live)
        while live.step():
            pass
        with self._database.tenant_tx(self._tenant) as curs:
            return position_in(curs, self._tenant, self._live.name) or 0

    def _bring(self, runner: Runner, aim: int) -> None:
        while folded := runner.step(aim):
            self._events += folded
            self._on_progress(runner.position or 0, aim)

    def _freeze(self, curs: Cursor[TupleRow]) -> int:
        """The live position, which no runner can move until we commit."""
        table = Identifier(self._schema, TRACKING_TABLE)
        row = curs.execute(_FREEZE.format(table), (self._live.name,)).fetchone()
        return 0 if row is None else int(row[0])

    def _compare_work(self, owner: Connection[TupleRow], runner: Runner) -> Rebuilt:
        """In one snapshot: log and work rows are of one position there, and no writer waits."""
        owner.isolation_level = IsolationLevel.REPEATABLE_READ
        with owner.transaction(), owner.cursor() as curs:
            position = head_in(curs, self._tenant)
            self._write_rest(curs, runner.position or 0, position)
            result = self._compared(curs, position)
            drop_beside(curs, self._tenant, self._next)
        return result

    def _write_rest(self, curs: Cursor[TupleRow], reached: int, aim: int) -> None:
        fold = self._next.changes
        while reached < aim:
            found = self._log.page(reached, PAGE_MAX, self._next.topics)
            page = [recorded for recorded in found if recorded.position <= aim]
            apply(curs, self._schema, ((each.stream, row) for each in page for row in fold(each)))
            self._events += len(page)
            reached = page[-1].position if len(page) == PAGE_MAX else aim

    def _compared(self, curs: Cursor[TupleRow], position: int) -> Rebuilt:
        differences, examples = 0, list[Difference]()
        for live, rebuilt in zip(self._live.tables, self._next.tables, strict=True):
            found = self._differences(curs, live, rebuilt)
            differences += found[0][0] if found else 0
            examples += [Difference(live.name, *rows) for _, *rows in found]
        return Rebuilt(
            projection=self._live.name,
            position=position,
            events=self._events,
            rows=sum(self._count(curs, table) for table in self._next.tables),
            set_aside=self._set_aside(curs),
            differences=differences,
            examples=tuple(examples[:EXAMPLES_MAX]),
            swapped=False,
        )

    def _differences(self, curs: Cursor[TupleRow], live: Table, rebuilt: Table) -> list[TupleRow]:
        ignored = MOVED_BY_WORK.get(live.name, frozenset())
        columns = [name for name in live.columns if name not in ignored]
        join = SQL("LEFT JOIN" if live.name in TAKEN_BY_WORK else "FULL JOIN")
        query = _COMPARE.format(
            columns=SQL(", ").join(map(Identifier, columns)),
            live=Identifier(self._schema, live.name),
            join=join,
            next=Identifier(self._schema, rebuilt.name),
            key=SQL(", ").join(map(Identifier, live.key)),
        )
        return curs.execute(query, (EXAMPLES_MAX,)).fetchall()

    def _count(self, curs: Cursor[TupleRow], table: Table) -> int:
        query = SQL("SELECT count(*) FROM {}").format(Identifier(self._schema, table.name))
        return int(_row(curs.execute(query))[0])

    def _set_aside(self, curs: Cursor[TupleRow]) -> int:
        table = Identifier(self._schema, POISON_TABLE)
        query = SQL("SELECT count(*) FROM {} WHERE projection = %s").format(table)
        return int(_row(curs.execute(query, (self._next.name,)))[0])

    def _runner(self, projection: Projection) -> Runner:
        pages = OwnPages(self._log)
        return Runner(self._database, self._tenant, projection, self._leadership, pages=pages)


def _row(curs: Cursor[TupleRow]) -> TupleRow:
    row = curs.fetchone()
    assert row is not None
    return row
