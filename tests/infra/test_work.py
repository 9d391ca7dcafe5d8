"""The bells of a worker: a restored backup is asked for again when the server was away."""

from datetime import timedelta

import pytest

from domain.ids import TenantId
from infra.restore_guard import Server
from infra.work import Work
from tests.stories.house import MONDAY, House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

WAITS = plan(send("intro", way("timeout", "end", after="P9D")), stop())


class PlayedGuard:
    """As RestoreGuard, for a server that is started anew and may have a backup then."""

    def __init__(self) -> None:
        self.began_at = MONDAY
        self.restored = False
        self.looks = 0

    def server(self) -> Server:
        return Server(self.began_at, 1)

    def look(self, tenant: TenantId) -> bool:
        assert tenant
        self.looks += 1
        return self.restored


@pytest.fixture
def guard(house: House) -> PlayedGuard:
    played = PlayedGuard()
    house.system.restore_guard = played  # type: ignore[assignment]  # played
    return played


def test_a_worker_asks_once_for_each_start_of_the_server(house: House, guard: PlayedGuard) -> None:
    dispatch = Work(house.system).bells()["dispatch"]
    for _ in range(3):
        dispatch(house.tenant)
    assert guard.looks == 1
    guard.began_at += timedelta(minutes=5)
    dispatch(house.tenant)
    assert guard.looks == 2


def test_a_backup_that_was_restored_under_a_living_worker_sends_nothing(
    house: House, guard: PlayedGuard
) -> None:
    dispatch = Work(house.system).bells()["dispatch"]
    dispatch(house.tenant)
    guard.began_at += timedelta(minutes=5)
    guard.restored = True
    house.started(WAITS)
    for _ in range(3):
        assert dispatch(house.tenant) == 0
    assert house.rows("SELECT state FROM {s}.send_queue") == [("PLANNED",)]


def test_the_server_is_told_by_its_start_and_its_database(house: House) -> None:
    guard = house.system.restore_guard
    assert guard.server() == guard.server()
    (began_at,) = house.rows("SELECT pg_postmaster_start_time()")[0]
    assert guard.server().began_at == began_at
