"""The hard counters on a real server: durable, serialised by tenant, never one over."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.ids import TenantId
from domain.limits import WINDOWS, Counter, counter, needless_before
from domain.taxonomy import CapName
from handlers.ports.limits import Used
from infra.limits.counters import SqlLimits
from infra.statements import Statements, transaction
from infra.tenancy import Database, role_of

pytestmark = pytest.mark.postgres

NOW = datetime(2026, 9, 7, 12, 0, 30, tzinfo=UTC)
MINUTE, HOUR, DAY = CapName.SENDER_MINUTE, CapName.SENDER_HOUR, CapName.SENDER_DAY
_NUMBERS = count(1)


class Till:
    """The counters of one tenant, each call in a transaction of its own."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self.limits = SqlLimits(database, tenant)
        self.database, self.tenant = database, tenant

    def used(self, *counters: Counter) -> list[Used]:
        with self.database.tenant_tx(self.tenant) as curs:
            return self.limits.used(transaction(curs), counters)

    def take(self, taken: dict[Counter, int]) -> None:
        with self.database.tenant_tx(self.tenant) as curs:
            self.limits.take(transaction(curs), taken)

    def give_back(self, taken: dict[Counter, int]) -> None:
        with self.database.tenant_tx(self.tenant) as curs:
            self.limits.give_back(transaction(curs), taken)

    def claim(
        self, counted: Counter, limit: int, *, waits: threading.Barrier | None = None
    ) -> bool:
        """One message, as T1 would let it through."""
        with self.database.tenant_tx(self.tenant) as curs:
            tx = transaction(curs)
            if waits:
                waits.wait()
            self.limits.lock(tx)
            if self.limits.used(tx, [counted])[0].used >= limit:
                return False
            self.limits.take(tx, {counted: 1})
            return True

    def rows(self) -> int:
        with self.database.tenant_tx(self.tenant) as curs:
            found = Statements(f"t_{self.tenant}").rows(
                transaction(curs), "SELECT count(*) FROM {s}.usage"
            )
        return int(found[0][0])


@pytest.fixture
def till(database: Database, tenant: TenantId) -> Till:
    return Till(database, tenant)


def test_nothing_is_used_where_nothing_was_taken(till: Till) -> None:
    assert till.used(counter(HOUR, "sam", NOW)) == [Used(0, None)]
    assert till.used() == []
    till.take({})
    till.give_back({})


def test_counts_come_in_the_order_of_the_questions(till: Till) -> None:
    names = [(HOUR, "sam"), (MINUTE, "sam"), (HOUR, "ann"), (DAY, "sam")]
    counters = [counter(name, key, NOW) for name, key in names]
    till.take({counted: number for number, counted in enumerate(counters, start=1)})
    asked = [*reversed(counters), counters[0]]
    assert [each.used for each in till.used(*asked)] == [4, 3, 2, 1, 1]


def test_a_window_counts_its_buckets_and_names_the_oldest(till: Till) -> None:
    first, second = (counter(HOUR, "sam", NOW + timedelta(minutes=m)) for m in (0, 20))
    till.take({first: 2})
    till.take({second: 3})
    till.take({second: 1})
    assert till.used(second) == [Used(6, first.bucket)]
    later = counter(HOUR, "sam", NOW + timedelta(minutes=61))
    assert till.used(later) == [Used(4, second.bucket)]
    assert till.used(counter(HOUR, "sam", NOW + timedelta(hours=2))) == [Used(0, None)]


def test_what_is_given_back_is_free_and_never_below_nothing(till: Till) -> None:
    now, later = counter(HOUR, "sam", NOW), counter(HOUR, "sam", NOW + timedelta(minutes=5))
    till.take({now: 2, later: 1})
    till.give_back({now: 5})
    assert till.used(now) == [Used(1, later.bucket)]
    till.give_back({counter(HOUR, "nobody", NOW): 1})
    assert till.rows() == 2


def test_one_bucket_under_two_days_is_one_row(till: Till) -> None:
    """The sender moved to another zone within one transaction: the day differs, the time not."""
    here, there = counter(DAY, "sam", NOW), counter(DAY, "sam", NOW, "America/New_York")
    assert here.bucket == there.bucket
    till.take({here: 1, there: 2})
    assert till.used(here, there) == [Used(3, here.bucket)] * 2
    till.give_back({here: 1, there: 1})
    assert till.used(here)[0].used == 1


def test_a_transaction_that_is_given_up_counts_nothing(till: Till) -> None:
    counted = counter(HOUR, "sam", NOW)
    with till.database.tenant_tx(till.tenant) as curs:
        till.limits.take(transaction(curs), {counted: 1})
        curs.connection.rollback()
    assert till.used(counted) == [Used(0, None)]


def test_tenants_count_apart(till: Till, new_tenant: Callable[[], TenantId]) -> None:
    other = Till(till.database, new_tenant())
    counted = counter(HOUR, "sam", NOW)
    till.take({counted: 7})
    assert other.used(counted) == [Used(0, None)]


def test_a_row_that_was_edited_below_nothing_is_refused_by_the_table(till: Till) -> None:
    till.take({counter(HOUR, "sam", NOW): 1})
    with (
        pytest.raises(psycopg.errors.CheckViolation),
        till.database.tenant_tx(till.tenant) as curs,
    ):
        Statements(f"t_{till.tenant}").run(transaction(curs), "UPDATE {s}.usage SET used = -1")


# --- many hands -----------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(database_url: str, till: Till) -> Iterator[Till]:
    """The same tenant as another process sees it."""
    database = Database(database_url, size=4)
    yield Till(database, till.tenant)
    database.close()


def test_two_processes_at_once_are_never_one_over(till: Till, elsewhere: Till) -> None:
    counted, limit = counter(HOUR, "sam", NOW), 7
    for _ in range(12):
        both = threading.Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            claims = [
                pool.submit(each.claim, counted, limit, waits=both) for each in (till, elsewhere)
            ]
            assert all(isinstance(claim.result(), bool) for claim in claims)
        assert till.used(counted)[0].used <= limit
    assert till.used(counted)[0].used == limit


def test_a_claim_waits_for_the_other_claim_and_sees_what_it_took(
    till: Till, elsewhere: Till
) -> None:
    counted = counter(HOUR, "sam", NOW)
    with ThreadPoolExecutor(1) as pool:
        with till.database.tenant_tx(till.tenant) as curs:
            tx = transaction(curs)
            till.limits.lock(tx)
            second = pool.submit(elsewhere.claim, counted, 1)
            _until_somebody_waits_for(till, curs.connection.info.backend_pid)
            till.limits.take(tx, {counted: 1})
        assert second.result() is False


def test_claims_of_two_tenants_do_not_wait_for_each_other(
    till: Till, new_tenant: Callable[[], TenantId]
) -> None:
    other = Till(till.database, new_tenant())
    with till.database.tenant_tx(till.tenant) as curs:
        till.limits.lock(transaction(curs))
        assert other.claim(counter(HOUR, "sam", NOW), 1)


def test_a_bucket_that_is_in_use_stops_no_sweep(till: Till) -> None:
    old, older = (counter(MINUTE, "sam", NOW - timedelta(days=d)) for d in (1, 2))
    till.take({old: 1, older: 1})
    with till.database.tenant_tx(till.tenant) as curs:
        till.limits.give_back(transaction(curs), {old: 1})
        assert SqlLimits(till.database, till.tenant).drop_old(NOW) == 1
    assert till.rows() == 1


def _until_somebody_waits_for(till: Till, pid: int) -> None:
    query = "SELECT FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    with till.database.direct() as connection:
        while connection.execute(query, (pid,)).rowcount == 0:
            connection.execute("SELECT pg_sleep(0.01)")


# --- time -----------------------------------------------------------------------------------------


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from([MINUTE, HOUR]),
    limit=st.integers(1, 4),
    gaps=st.lists(st.integers(-400, 1000), min_size=1, max_size=20),
)
def test_rows_are_never_one_over_in_any_window_whatever_the_clock_does(
    till: Till, name: CapName, limit: int, gaps: list[int]
) -> None:
    key, now, sent = f"sam{next(_NUMBERS)}", NOW, []
    span = WINDOWS[name].span
    assert span is not None
    for gap in gaps:
        now += span * gap / 1000
        if till.claim(counter(name, key, now), limit):
            sent.append(now)
    assert sent
    assert max(sum(begin <= at <= begin + span for at in sent) for begin in sent) <= limit


def test_a_sweep_drops_what_no_window_needs_and_nothing_else(till: Till) -> None:
    for name in CapName:
        edge = needless_before(name, NOW)
        at = counter(name, "k", NOW)._replace
        till.take({at(bucket=edge): 1, at(bucket=edge - timedelta(seconds=1)): 1})
        till.take({counter(name, "k", NOW): 1})
    assert till.limits.drop_old(NOW) == len(CapName)
    assert till.limits.drop_old(NOW) == 0
    assert till.rows() == 2 * len(CapName)


def test_the_role_of_another_tenant_sees_no_counters(
    till: Till, new_tenant: Callable[[], TenantId]
) -> None:
    other = new_tenant()
    assert role_of(other) != role_of(till.tenant)
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        till.database.tenant_tx(other) as curs,
    ):
        SqlLimits(till.database, till.tenant).used(transaction(curs), [counter(HOUR, "k", NOW)])
