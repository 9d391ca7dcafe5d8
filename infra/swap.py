"""Tables beside the live ones: made alike, and put in their place in one transaction."""

from collections.abc import Iterator
from typing import Any, LiteralString

from msgspec.structs import replace
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composable, Identifier, Literal

from domain.ids import TenantId, schema_of
from domain.recorded import Recorded
from infra.poison import POISON_TABLE
from infra.recorder import TRACKING_TABLE
from projections.projection import Change, Projection

_OPTIONS = """
SELECT option_name, option_value FROM pg_class, pg_options_to_table(reloptions)
WHERE oid = to_regclass(%s)
"""
_RIGHTS = """
SELECT privilege_type, grantee, pg_get_userbyid(grantee), is_grantable
FROM pg_class, aclexplode(relacl) WHERE oid = to_regclass(%s) AND grantee <> relowner
"""
_INDEXES = """
SELECT relname, substring(pg_get_indexdef(indexrelid) FROM ' USING .*$'), indisunique
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE indrelid = to_regclass(%s) ORDER BY 2, 3, 1
"""
_VIEWS = """
SELECT DISTINCT n.nspname, v.relname, v.reloptions, pg_get_viewdef(v.oid)
FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
JOIN pg_namespace n ON n.oid = v.relnamespace
WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
  AND d.refobjid = to_regclass(%s)
"""


def beside(projection: Projection) -> Projection:
    """The same projection into tables of other names, with a position of its own."""
    tables = {table.name: replace(table, name=_next(table.name)) for table in projection.tables}

    def changes(recorded: Recorded) -> Iterator[Change]:
        for change in projection.changes(recorded):
            yield replace(change, table=tables[change.table.name])

    return replace(
        projection,
        name=f"{projection.name}@next",
        tables=tuple(tables.values()),
        changes=changes,
    )


def make_beside(
    owner: Connection[TupleRow], tenant: TenantId, live: Projection, rebuilt: Projection
) -> None:
    """Empty tables like the live ones; what an earlier rebuild left is taken away first."""
    schema = schema_of(tenant)
    with owner.transaction(), owner.cursor() as curs:
        drop_beside(curs, tenant, rebuilt)
        for table in live.tables:
            _make_alike(curs, schema, table.name)


def _make_alike(curs: Cursor[TupleRow], schema: str, table: str) -> None:
    """With the options and rights too, which LIKE leaves out."""
    names = {"live": Identifier(schema, table), "next": Identifier(schema, _next(table))}
    _run(curs, "CREATE TABLE {next} (LIKE {live} INCLUDING ALL)", **names)
    for name, value in curs.execute(_OPTIONS, (_quoted(schema, table),)).fetchall():
        option = {"name": Identifier(name), "value": Literal(value)}
        _run(curs, "ALTER TABLE {next} SET ({name} = {value})", **names, **option)
    for right, oid, role, grantable in curs.execute(_RIGHTS, (_quoted(schema, table),)).fetchall():
        parts = {
            "right": _trusted(right),
            "role": Identifier(role) if oid else SQL("PUBLIC"),
            "option": SQL("WITH GRANT OPTION" if grantable else ""),
        }
        _run(curs, "GRANT {right} ON {next} TO {role} {option}", **names, **parts)


def drop_beside(curs: Cursor[TupleRow], tenant: TenantId, rebuilt: Projection) -> None:
    """Take away the tables, the position and the set-aside facts of a rebuild."""
    schema = schema_of(tenant)
    for table in rebuilt.tables:
        _run(curs, "DROP TABLE IF EXISTS {next}", next=Identifier(schema, table.name))
    for text in (
        "DELETE FROM {tracking} WHERE application_name = {name}",
        "DELETE FROM {poison} WHERE projection = {name}",
    ):
        _run(curs, text, **_places(schema), name=Literal(rebuilt.name))


def swap(curs: Cursor[TupleRow], tenant: TenantId, live: Projection, rebuilt: Projection) -> None:
    """Put the rebuilt tables in place of the live ones, in the caller's transaction.

    The live position must be frozen in it. Views follow; indexes keep their names.
    """
    schema = schema_of(tenant)
    for table in live.tables:
        _swap_table(curs, schema, table.name)
    names = {"live": Literal(live.name), "rebuilt": Literal(rebuilt.name)}
    for text in (
        "DELETE FROM {poison} WHERE projection = {live}",
        "UPDATE {poison} SET projection = {live} WHERE projection = {rebuilt}",
        "DELETE FROM {tracking} WHERE application_name = {rebuilt}",
    ):
        _run(curs, text, **_places(schema), **names)


def _swap_table(curs: Cursor[TupleRow], schema: str, table: str) -> None:
    names = {
        "live": Identifier(schema, table),
        "next": Identifier(schema, _next(table)),
        "old": Identifier(schema, f"{table}_old"),
        "live_name": Identifier(table),
        "old_name": Identifier(f"{table}_old"),
    }
    views = curs.execute(_VIEWS, (_quoted(schema, table),)).fetchall()
    live_indexes = curs.execute(_INDEXES, (_quoted(schema, table),)).fetchall()
    next_indexes = curs.execute(_INDEXES, (_quoted(schema, _next(table)),)).fetchall()
    _run(curs, "ALTER TABLE {live} RENAME TO {old_name}", **names)
    _run(curs, "ALTER TABLE {next} RENAME TO {live_name}", **names)
    for view in views:
        _point_anew(curs, *view)
    _run(curs, "DROP TABLE {old}", **names)
    for (name, *_), (its_name, *_) in zip(next_indexes, live_indexes, strict=True):
        index = {"index": Identifier(schema, name), "its_name": Identifier(its_name)}
        _run(curs, "ALTER INDEX {index} RENAME TO {its_name}", **index)


def _point_anew(
    curs: Cursor[TupleRow], schema: str, view: str, options: list[str] | None, query: str
) -> None:
    """The same text again: it names the table, so it now means the new one; rights stay."""
    pairs = (option.partition("=") for option in options or ())
    given = SQL(", ").join(
        SQL("{} = {}").format(Identifier(name), Literal(value)) for name, _, value in pairs
    )
    _run(
        curs,
        "CREATE OR REPLACE VIEW {view} {options} AS {query}",
        view=Identifier(schema, view),
        options=SQL("WITH ({})").format(given) if options else SQL(""),
        query=_trusted(query),
    )


def _run(curs: Cursor[TupleRow], text: LiteralString, **parts: Composable) -> None:
    curs.execute(SQL(text).format(**parts))


def _trusted(text: Any) -> SQL:  # noqa: ANN401  # what the catalogue itself wrote
    return SQL(text)


def _places(schema: str) -> dict[str, Identifier]:
    return {
        "tracking": Identifier(schema, TRACKING_TABLE),
        "poison": Identifier(schema, POISON_TABLE),
    }


def _next(table: str) -> str:
    return f"{table}_next"


def _quoted(schema: str, table: str) -> str:
    return f'"{schema}"."{table}"'
