"""Everything that is looked at, in the order in which people mend it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from infra.bootstrap import System
from infra.doctor import audit, server, tables, work
from infra.doctor.finding import Bounds, Finding, Word, judged
from infra.migrations.run import MigrationChanged, migrate
from infra.retention import periods_of
from infra.tenancy import Tenant

NAMES_SHOWN = 3


def examine(system: System) -> list[Finding]:
    """Look at the server and at every tenant; nothing is changed."""
    return list(_all(system))


def _all(system: System) -> Iterator[Finding]:
    migrations = _migrations(system)
    yield migrations
    data = _own_data(system)
    with closing(system.database.direct()) as connection:
        connection.execute("SET default_transaction_read_only = on")
        yield from server.looks(connection, data)
        if migrations.word is not Word.OK:
            return  # other tables than those we would ask for
        for tenant in system.database.tenants():
            yield from tables.looks(connection, tenant.name)
            yield from audit.looks(connection, tenant.name, system.audit_files)
            examined = _examined(system, tenant)
            if isinstance(examined, Finding):
                yield examined
            else:
                yield from work.looks(connection, examined)


def _migrations(system: System) -> Finding:
    try:
        missing = migrate(system.database, check=True)
        seen = ", ".join(missing[:NAMES_SHOWN]) or "everything is at this version"
        mend = "antiphon migrate"
    except MigrationChanged as error:
        missing, seen, mend = ["changed"], str(error), "restore the file"
    return judged(
        "migrations",
        len(missing),
        Bounds(warn=1, bad=1),
        unit="missing",
        seen=seen,
        mend=f"{mend}, then look again: the tables of tenants were not looked at",
    )


def _own_data(system: System) -> Path | None:
    embedded = system.settings.database_url is None
    return system.settings.home / "postgres" if embedded else None


def _examined(system: System, tenant: Tenant) -> work.Examined | Finding:
    try:
        periods = periods_of(tenant)
    except msgspec.ValidationError as error:
        return Finding(
            name="retention",
            word=Word.BAD,
            number=None,
            bound=None,
            unit="",
            seen=f"the setting cannot be read, so nothing is forgotten: {error}",
            mend=f"antiphon tenant retention {tenant.name} --raw-days 30",
            tenant=tenant.name,
        )
    return work.Examined(
        database=system.database,
        tenant=tenant.name,
        periods=periods,
        now=system.clock.now(),
        clock_factor=system.settings.clock_factor,
    )
