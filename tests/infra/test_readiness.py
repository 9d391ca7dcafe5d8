"""The probes of /readyz against a real server."""

import pytest

from domain.ids import TenantId, schema_of
from infra.heartbeat import Heartbeat
from infra.readiness import NotWell, beat_probe, behind, database_probe, lag_probe, ping_probe
from infra.statements import Statements, transaction
from infra.tenancy import Database, DatabaseOutOfReach

pytestmark = pytest.mark.postgres


def test_a_database_that_runs_plpgsql_is_well_and_one_that_is_away_is_not(
    database: Database,
) -> None:
    assert database_probe(database)() == "answers"
    away = Database("postgresql://nobody@127.0.0.1:1/nothing", size=1)
    with pytest.raises(DatabaseOutOfReach):
        database_probe(away)()


def test_a_role_is_alive_as_long_as_it_beats(database: Database) -> None:
    probe = beat_probe(database, "probed")
    with pytest.raises(NotWell, match="probed"):
        probe()
    Heartbeat(database, "probed-1", "probed").beat()
    assert probe().endswith("s ago")
    with database.control_tx() as curs:
        curs.execute(
            "UPDATE control.heartbeats SET beat_at = now() - interval '1 minute'"
            " WHERE name = 'probed-1'"
        )
    with pytest.raises(NotWell):
        probe()
    with database.control_tx() as curs:
        curs.execute("DELETE FROM control.heartbeats WHERE name = 'probed-1'")


def test_the_lag_is_that_of_the_slowest_read_model(database: Database, tenant: TenantId) -> None:
    sql = Statements(schema_of(tenant))
    assert behind(database, tenant) == 0
    text = """INSERT INTO {s}.tracking (application_name, notification_id)
        VALUES ('contact_campaigns', -7), ('activity_feed', -3), ('rebuild', -100)"""
    with database.tenant_tx(tenant) as curs:
        sql.run(transaction(curs), text)
    assert behind(database, tenant) == 7
    assert lag_probe(database)().endswith("facts behind")


def test_a_ping_that_raises_is_not_well() -> None:
    def away() -> None:
        raise ConnectionError

    assert ping_probe(lambda: True)() == "answers"
    with pytest.raises(ConnectionError):
        ping_probe(away)()
