"""The limit of the whole installation: one row all wait for, an emergency stop, no room by luck."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.limits.global_share import SqlGlobalShare
from infra.tenancy import Database
from tests.infra.limits_stage import allow_in_all, forget_usage, most_in_any, own_database

pytestmark = pytest.mark.postgres

NOW = datetime(2026, 9, 7, 12, 0, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


@pytest.fixture(scope="module")
def apart(database_url: str) -> Iterator[Database]:
    with own_database(database_url) as database:
        yield database


@pytest.fixture
def share(apart: Database) -> Iterator[SqlGlobalShare]:
    """Twenty an hour, and nothing used."""
    _begin_again(apart)
    yield SqlGlobalShare(apart)
    with apart.control_tx() as curs:
        curs.execute("UPDATE control.sending SET paused = false")


def _begin_again(database: Database) -> None:
    forget_usage(database, [])
    allow_in_all(database, 20)


def test_a_new_installation_may_send_twenty_thousand_an_hour(database_url: str) -> None:
    with own_database(database_url) as database:
        reserved = SqlGlobalShare(database).reserve(50, NOW)
    assert (reserved.granted, reserved.used, reserved.limit) == (50, 0, 20_000)
    assert (reserved.paused, reserved.frees_at) == (False, None)


def test_what_is_left_is_granted_and_then_nothing_until_the_hour_has_room(
    share: SqlGlobalShare,
) -> None:
    assert share.reserve(15, NOW).granted == 15
    some = share.reserve(15, NOW + timedelta(minutes=10))
    assert (some.granted, some.used) == (5, 15)
    none = share.reserve(15, NOW + timedelta(minutes=20))
    assert (none.granted, none.used) == (0, 20)
    free = NOW.replace(second=0) + HOUR + timedelta(minutes=1)
    assert some.frees_at == none.frees_at == free
    assert share.reserve(20, free - TICK).granted == 0
    assert share.reserve(20, free).granted == 15


def test_wanting_nothing_takes_nothing(share: SqlGlobalShare) -> None:
    for wanted in (0, -3):
        reserved = share.reserve(wanted, NOW)
        assert (reserved.granted, reserved.used, reserved.frees_at) == (0, 0, None)


def test_what_was_not_used_is_given_back_to_where_it_was_counted(share: SqlGlobalShare) -> None:
    reserved = share.reserve(20, NOW)
    share.give_back(reserved, 8)
    later = share.reserve(20, NOW + timedelta(minutes=5))
    assert later.granted == 8
    share.give_back(later, 0)
    share.give_back(later, -1)
    share.give_back(later, 1000)
    assert share.reserve(0, NOW + timedelta(minutes=5)).used == 12


def test_a_crash_before_giving_back_counts_too_much_and_never_too_little(
    apart: Database, share: SqlGlobalShare
) -> None:
    share.reserve(12, NOW)
    after_restart = SqlGlobalShare(apart)
    assert after_restart.reserve(20, NOW).granted == 8


def test_the_emergency_stop_grants_nothing_and_counts_nothing(
    apart: Database, share: SqlGlobalShare
) -> None:
    with apart.control_tx() as curs:
        curs.execute("UPDATE control.sending SET paused = true")
    reserved = share.reserve(5, NOW)
    assert (reserved.granted, reserved.paused, reserved.frees_at) == (0, True, None)
    with apart.control_tx() as curs:
        curs.execute("UPDATE control.sending SET paused = false")
    assert share.reserve(5, NOW).used == 0


@pytest.mark.parametrize("limit", [0, -5])
def test_a_limit_of_nothing_is_refused_by_the_table(apart: Database, limit: int) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        allow_in_all(apart, limit)


@pytest.mark.parametrize("limit", [0, -5])
def test_a_limit_that_was_forced_to_nothing_grants_nothing(database_url: str, limit: int) -> None:
    with own_database(database_url) as database:
        with database.direct() as owner:
            owner.execute("ALTER TABLE control.sending DROP CONSTRAINT sending_hour_max_check")
        allow_in_all(database, limit)
        reserved = SqlGlobalShare(database).reserve(5, NOW)
    assert reserved.granted == 0
    assert reserved.frees_at is not None
    assert reserved.frees_at > NOW


def test_a_limit_whose_row_is_gone_grants_nothing(database_url: str) -> None:
    with own_database(database_url) as database:
        with database.control_tx() as curs:
            curs.execute("DELETE FROM control.sending")
        reserved = SqlGlobalShare(database).reserve(5, NOW)
    assert (reserved.granted, reserved.limit, reserved.paused) == (0, 0, True)


def test_there_is_one_limit_and_no_second(apart: Database) -> None:
    for value in ("true", "false"):
        with pytest.raises(psycopg.errors.IntegrityError), apart.control_tx() as curs:
            curs.execute(f"INSERT INTO control.sending (only_row) VALUES ({value})".encode())


def test_two_processes_at_once_get_the_limit_together(
    apart: Database, share: SqlGlobalShare
) -> None:
    other = SqlGlobalShare(apart)
    granted = []
    for _ in range(8):
        both = threading.Barrier(2)

        def reserve(each: SqlGlobalShare, both: threading.Barrier = both) -> int:
            both.wait()
            return each.reserve(3, NOW).granted

        with ThreadPoolExecutor(2) as pool:
            granted += list(pool.map(reserve, (share, other)))
    assert sum(granted) == 20


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    asks=st.lists(
        st.tuples(st.integers(-20, 60), st.integers(0, 12), st.integers(0, 3)),
        min_size=1,
        max_size=20,
    )
)
def test_no_hour_is_ever_one_over_whatever_the_clock_does(
    apart: Database, share: SqlGlobalShare, asks: list[tuple[int, int, int]]
) -> None:
    _begin_again(apart)
    now, sent = NOW, []
    for minutes, wanted, unused in asks:
        now += timedelta(minutes=minutes, seconds=17)
        reserved = share.reserve(wanted, now)
        share.give_back(reserved, unused)
        sent += [now] * (reserved.granted - min(unused, reserved.granted))
    assert most_in_any(sent, HOUR) <= 20


def test_a_clock_set_back_an_hour_finds_what_was_sent_and_one_set_forward_begins_anew(
    share: SqlGlobalShare,
) -> None:
    share.reserve(20, NOW)
    assert share.reserve(1, NOW - HOUR).granted == 0
    assert share.reserve(1, NOW - timedelta(days=1)).granted == 0
    assert share.reserve(1, NOW + timedelta(days=1)).granted == 1


def test_a_sweep_drops_what_no_hour_needs(share: SqlGlobalShare) -> None:
    share.reserve(5, NOW)
    assert share.drop_old(NOW + timedelta(days=2)) == 0
    assert share.drop_old(NOW + timedelta(days=3)) == 1
    assert share.drop_old(NOW + timedelta(days=3)) == 0
