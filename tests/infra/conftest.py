"""A migrated database and tenants that live for one test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId, schema_of
from infra.entropy import SystemRng
from infra.migrations.run import create_tenant, migrate
from infra.tenancy import Database, analyst_of, role_of
from tests.infra.cli_running import Cli
from tests.stories.house import House


@pytest.fixture(scope="session")
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, size=16)
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def new_tenant(database: Database) -> Iterator[Callable[[], TenantId]]:
    made: list[TenantId] = []

    def make() -> TenantId:
        name = TenantId(f"x{SystemRng().new_id().hex[:12]}")
        create_tenant(database, name, tag=f"tag-{name}")
        made.append(name)
        return name

    yield make
    for tenant in made:
        drop_tenant(database, tenant)


@pytest.fixture
def tenant(new_tenant: Callable[[], TenantId]) -> TenantId:
    return new_tenant()


def drop_tenant(database: Database, tenant: TenantId) -> None:
    schema = Identifier(schema_of(tenant))
    with database.direct() as connection:
        connection.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
        for role in (role_of(tenant), analyst_of(tenant)):
            connection.execute(SQL("DROP OWNED BY {}").format(Identifier(role)))
            connection.execute(SQL("DROP ROLE {}").format(Identifier(role)))
        connection.execute("DELETE FROM control.tenants WHERE name = %s", (tenant,))


@pytest.fixture
def cli(house: House, database_url: str, redis_url: str, tmp_path: Path) -> Cli:
    """The commands on the stores of a house, with its secrets and its clock as it stands now."""
    pepper = house.system.settings.pepper
    assert pepper is not None
    return Cli(
        tmp_path,
        {
            "ANTIPHON_DATABASE_URL": database_url,
            "ANTIPHON_REDIS_URL": redis_url,
            "ANTIPHON_PEPPER": pepper.get_secret_value(),
            "ANTIPHON_CLOCK_ORIGIN_REAL": house.system.database.now().isoformat(),
            "ANTIPHON_CLOCK_ORIGIN_SIMULATED": house.clock.now().isoformat(),
        },
    )
