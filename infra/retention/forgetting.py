"""Deletes what its period is over for: in batches, each of them a short transaction."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import LiteralString

import psycopg

from domain.ids import TenantId, schema_of
from infra.retention.periods import Periods
from infra.retention.rules import RULES, Rule
from infra.statements import Statements, transaction
from infra.tenancy import Database

LOG = logging.getLogger(__name__)
BATCH = 2_000
"""Rows of one transaction: some ten milliseconds, so that nobody waits for a row of it."""
SPENT_S_MAX = 5.0
"""What is left then is for the next run."""
SILENT_DAYS = 7
GRACE = timedelta(days=2)
"""So late may a row go before somebody is told."""

_DELETE: LiteralString = """
DELETE FROM {table} WHERE ctid = ANY(ARRAY(
       SELECT t.ctid FROM {rows} LIMIT %(limit)s FOR UPDATE OF t SKIP LOCKED))
"""


class ForgettingFailed(Exception):
    """Rows of these tables are still there; all others had their turn."""


def forget(
    database: Database,
    tenant: TenantId,
    periods: Periods,
    now: datetime,
    *,
    stopwatch: Callable[[], float] = time.monotonic,
) -> Mapping[str, int]:
    """How many rows went, by table; `now` by the clock of the plans. Safe to run twice at once.

    A table whose rows cannot go now keeps no other from its turn; it is told at the end.
    """
    until = stopwatch() + SPENT_S_MAX
    gone: dict[str, int] = {}
    failed: dict[str, psycopg.Error] = {}
    for rule in RULES:
        gone[rule.table] = 0
        try:
            while True:
                number = _batch(database, tenant, rule, periods, now)
                gone[rule.table] += number
                if number < BATCH or stopwatch() > until:
                    break
        except psycopg.Error as error:
            why = type(error).__name__
            LOG.warning("%s of %s: nothing more is forgotten now: %s", rule.table, tenant, why)
            failed[rule.table] = error
    if failed:
        raise ForgettingFailed(", ".join(failed)) from next(iter(failed.values()))
    return {table: number for table, number in gone.items() if number}


def overdue(database: Database, tenant: TenantId, periods: Periods, now: datetime) -> list[str]:
    """The tables with rows that should have gone days ago."""
    real_now = database.now() - GRACE
    sql = Statements(schema_of(tenant))
    late = []
    for rule in RULES:
        text: LiteralString = _EXISTS.replace("{rows}", rule.rows)
        with database.tenant_tx(tenant) as curs:
            given = _given(rule, periods, now - GRACE, real_now)
            if sql.rows(transaction(curs), text, given)[0][0]:
                late.append(rule.table)
    return late


def forget_processes(database: Database) -> int:
    """Signs of life of processes that have had none for a week."""
    with database.control_tx() as curs:
        curs.execute(
            "DELETE FROM control.heartbeats WHERE beat_at < now() - make_interval(days => %s)",
            (SILENT_DAYS,),
        )
        return curs.rowcount


def _batch(
    database: Database, tenant: TenantId, rule: Rule, periods: Periods, now: datetime
) -> int:
    text: LiteralString = rule.how or _DELETE.replace("{table}", f"{{s}}.{rule.table}")
    given = {**_given(rule, periods, now, database.now()), "limit": BATCH}
    with database.tenant_tx(tenant) as curs:
        statement: LiteralString = text.replace("{rows}", rule.rows)
        return Statements(schema_of(tenant)).run(transaction(curs), statement, given)


def _given(rule: Rule, periods: Periods, now: datetime, real_now: datetime) -> dict[str, datetime]:
    clock = now if rule.by_plans else real_now
    return {"before": clock - rule.kept(periods), "now": clock}


_EXISTS: LiteralString = "SELECT EXISTS (SELECT FROM {rows})"
