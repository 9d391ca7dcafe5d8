"""The library's own test cases, unchanged, on our recorders in a tenant schema.

They run twice: as the tenant on the shared pool, and as the owner on a datastore of the library.
"""

import gc
from collections.abc import Iterator

import pytest
from eventsourcing.persistence import NotSupportedError
from eventsourcing.postgres import PostgresDatastore
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from domain.ids import TenantId, schema_of
from infra.recorder import BorrowingDatastore, LogRecorder, StreamRecorder, TrackingRecorder
from infra.tenancy import Database
from tests.infra.library_cases import persistence as library

pytestmark = pytest.mark.postgres


class OnBorrowedPool:
    @pytest.fixture(autouse=True)
    def _datastore(self, database: Database, tenant: TenantId) -> None:
        self.datastore: PostgresDatastore = BorrowingDatastore(database, tenant)


class OnOwnPool:
    @pytest.fixture(autouse=True)
    def _datastore(self, database_url: str, tenant: TenantId) -> Iterator[None]:
        place = {name: str(value) for name, value in conninfo_to_dict(database_url).items()}
        with PostgresDatastore(
            dbname=place["dbname"],
            host=place["host"],
            port=place["port"],
            user=place["user"],
            password=place.get("password", ""),
            pool_size=1,
            max_overflow=19,
            schema=schema_of(tenant),
        ) as datastore:
            self.datastore = datastore
            yield


class TestLogRecorder(OnBorrowedPool, library.ApplicationRecorderTestCase):
    def create_recorder(self) -> LogRecorder:
        return LogRecorder(self.datastore)


class TestLogRecorderOnOwnPool(OnOwnPool, library.ApplicationRecorderTestCase):
    def create_recorder(self) -> LogRecorder:
        return LogRecorder(self.datastore)


class TestPositions(OnBorrowedPool, library.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> LogRecorder:
        return LogRecorder(self.datastore)


class TestPositionsOnOwnPool(OnOwnPool, library.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> LogRecorder:
        return LogRecorder(self.datastore)


class TestTrackingRecorder(OnBorrowedPool, library.TrackingRecorderTestCase):
    def create_recorder(self) -> TrackingRecorder:
        return TrackingRecorder(self.datastore)


class TestTrackingRecorderOnOwnPool(OnOwnPool, library.TrackingRecorderTestCase):
    def create_recorder(self) -> TrackingRecorder:
        return TrackingRecorder(self.datastore)


class TestStreamRecorder(OnOwnPool, library.AggregateRecorderTestCase):
    """On a table of its own: without positions it is no recorder for a log."""

    def create_recorder(self) -> StreamRecorder:
        recorder = StreamRecorder(self.datastore, events_table_name="streams_without_positions")
        recorder.create_table()
        return recorder


def test_a_collected_datastore_leaves_the_shared_pool_open(
    database: Database, tenant: TenantId
) -> None:
    LogRecorder(BorrowingDatastore(database, tenant)).max_notification_id()
    gc.collect()
    assert LogRecorder(BorrowingDatastore(database, tenant)).max_notification_id() is None


def test_a_recorder_leaves_the_pool_with_plain_rows(database_url: str, tenant: TenantId) -> None:
    database = Database(database_url, size=1)
    LogRecorder(BorrowingDatastore(database, tenant)).max_notification_id()
    with database.tenant_tx(tenant) as curs:
        assert curs.execute("SELECT 1").fetchone() == (1,)
    database.close()


def test_twenty_recorders_share_the_connections_of_the_pool(
    database_url: str, tenant: TenantId
) -> None:
    name = f"recorders of {tenant}"
    database = Database(make_conninfo(database_url, application_name=name), size=2)
    for _ in range(20):
        LogRecorder(BorrowingDatastore(database, tenant)).max_notification_id()
    query = "SELECT count(*) BETWEEN 1 AND 2 FROM pg_stat_activity WHERE application_name = %s"
    with database.tenant_tx(tenant) as curs:
        assert curs.execute(query, (name,)).fetchone() == (True,)
    database.close()


def test_the_log_is_not_followed_by_a_pooled_connection(
    database: Database, tenant: TenantId
) -> None:
    with pytest.raises(NotSupportedError):
        LogRecorder(BorrowingDatastore(database, tenant)).subscribe()
