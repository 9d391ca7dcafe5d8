from datetime import UTC, datetime, timedelta

import pytest

from infra.clock import ScaledClock, SystemClock, VirtualClock
from infra.tenancy import Database

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Server:
    """A database whose time is set by the test; it counts how often it was asked."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.asked = 0

    def now(self) -> datetime:
        self.asked += 1
        return self.at


class Monotonic:
    """The clock of the process, moved by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at_s = 100.0
        monkeypatch.setattr("infra.clock.time.monotonic", lambda: self.at_s)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Monotonic:
    return Monotonic(monkeypatch)


def test_time_is_the_databases_and_goes_on_with_the_process(process: Monotonic) -> None:
    server = Server(NOON)
    clock = SystemClock(server)
    assert clock.now() == NOON
    asked = server.asked
    process.at_s += 2.5
    assert clock.now() == NOON + timedelta(seconds=2.5)
    assert server.asked == asked


def test_time_is_compared_with_the_database_now_and_then(process: Monotonic) -> None:
    server = Server(NOON)
    clock = SystemClock(server)
    clock.now()
    server.at = NOON + timedelta(minutes=3)
    process.at_s += 6
    assert clock.now() == NOON + timedelta(minutes=3)


def test_time_never_goes_back(process: Monotonic) -> None:
    server = Server(NOON)
    clock = SystemClock(server)
    process.at_s += 1
    before = clock.now()
    server.at = NOON - timedelta(minutes=1)
    process.at_s += 6
    assert clock.now() == before
    server.at = NOON + timedelta(minutes=1)
    process.at_s += 6
    assert clock.now() > before


def test_a_day_in_a_second(process: Monotonic) -> None:
    clock = ScaledClock(
        Server(NOON),
        origin_real=NOON,
        origin_simulated=NOON - timedelta(days=300),
        factor=86_400,
    )
    assert clock.now() == NOON - timedelta(days=300)
    process.at_s += 2
    assert clock.now() == NOON - timedelta(days=298)


def test_a_virtual_clock_stands_until_it_is_moved() -> None:
    clock = VirtualClock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.advance(timedelta(days=3))
    assert clock.now() == NOON + timedelta(days=3)


@pytest.mark.postgres
def test_two_clocks_of_one_database_agree(database: Database) -> None:
    before = database.now()
    one, two = SystemClock(database).now(), SystemClock(database).now()
    after = database.now()
    slack = timedelta(seconds=1)
    assert before - slack <= one <= after + slack
    assert before - slack <= two <= after + slack
    assert one.utcoffset() == timedelta(0)
