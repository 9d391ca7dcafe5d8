"""Whether the rows that gates read are what the log of accounts comes to."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from domain.accounts import Account, AccountStream, Sending, sending_stream
from domain.ids import TenantId, schema_of
from infra.accounts.log import TABLE, AccountLog, Loaded
from infra.tenancy import Database
from projections.projection import Change, Put, Table
from projections.sender_accounts import ACCOUNTS, RULES, account_changes, rule_changes

_ROWS = SQL("SELECT {columns} FROM {table} ORDER BY {key}")
_WITHOUT_ROW = SQL("""
SELECT DISTINCT originator_id FROM {events} e
 WHERE originator_id <> %b AND NOT EXISTS (
       SELECT FROM {rows} r WHERE r.stream_id = e.originator_id)
 ORDER BY originator_id
""")


class Checked(msgspec.Struct, frozen=True):
    """How many rows were looked at, and what is wrong with some of them."""

    examined: int
    complaints: tuple[str, ...]


def check_rows(database: Database, tenant: TenantId, curs: Cursor[TupleRow]) -> Checked:
    """Fold every stream and compare its row, on the snapshot of the caller's transaction."""
    of_tenant = sending_stream(tenant)
    kept = {AccountStream(row["stream_id"]): row for row in _rows(curs, tenant, ACCOUNTS)}
    (rules,) = _rows(curs, tenant, RULES)
    loaded = AccountLog(database, tenant).load(curs, [*kept, of_tenant])
    found = [f"stream {stream}: no row" for stream in _without_row(curs, tenant)]
    for stream, row in {**kept, of_tenant: rules}.items():
        found += _differences(stream, row, _changes(stream, loaded[stream]))
    return Checked(len(kept) + 1, tuple(found))


def _changes(stream: AccountStream, loaded: Loaded) -> Iterator[Change]:
    match loaded.state:
        case Account() as account:
            return account_changes(stream, account)
        case Sending() as sending:
            return rule_changes(sending)


def _differences(
    stream: AccountStream, row: Mapping[str, Any], changes: Iterator[Change]
) -> Iterator[str]:
    expected = next((change.row for change in changes if isinstance(change, Put)), None)
    if expected is None:
        yield f"stream {stream}: a row without facts"
        return
    for name, value in expected.items():
        plain = value.value if isinstance(value, Enum) else value
        if row[name] != plain:
            yield f"stream {stream}: {name} is {row[name]}, by its facts {plain}"


def _rows(curs: Cursor[TupleRow], tenant: TenantId, table: Table) -> list[dict[str, Any]]:
    names = list(table.columns)
    text = _ROWS.format(
        columns=SQL(", ").join(map(Identifier, names)),
        table=Identifier(schema_of(tenant), table.name),
        key=SQL(", ").join(map(Identifier, table.key)),
    )
    return [dict(zip(names, row, strict=True)) for row in curs.execute(text).fetchall()]


def _without_row(curs: Cursor[TupleRow], tenant: TenantId) -> list[AccountStream]:
    schema = schema_of(tenant)
    text = _WITHOUT_ROW.format(
        events=Identifier(schema, TABLE), rows=Identifier(schema, ACCOUNTS.name)
    )
    return [AccountStream(row[0]) for row in curs.execute(text, (sending_stream(tenant),))]
