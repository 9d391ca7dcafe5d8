"""The rate matrix: each limit alone and all together, many hands, every mishap: never one over."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.ids import TenantId
from domain.taxonomy import CapName
from infra.limits.smoothing import RedisSmoothing
from infra.redis import connect
from infra.tenancy import Database
from tests.infra.limits_stage import (
    Desk,
    Message,
    allow_in_all,
    forget_usage,
    made_tenant,
    most_sent,
    own_database,
)

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

START = datetime(2026, 9, 5, 12, 0, tzinfo=UTC)
"""The day before clocks are set forward at midnight, where the senders of these tests live."""
CAPS: Mapping[CapName, int] = {
    CapName.SENDER_MINUTE: 3,
    CapName.SENDER_HOUR: 9,
    CapName.SENDER_DAY: 15,
    CapName.WARMUP_DAY: 14,
    CapName.TENANT_HOUR: 12,
    CapName.DOMAIN_HOUR: 7,
    CapName.CAMPAIGN_DAY: 25,
    CapName.GLOBAL_HOUR: 20,
}
IDLE_ROUNDS = 5
LEFT_BY_THE_CLOCK = {CapName.GLOBAL_HOUR: 1}
"""Two tenants have half a token each until time flows again."""
STEPS_S = (1, 5, 0, 20, 33, 2, 61, 180, 7, 1500, 1, 29, 600, 3600, 11, 18_000, 1, 40)
"""Seconds between two looks at the queue: within a minute, an hour, a day, and over them."""


Stores = tuple[Database, Sequence[TenantId]]


class Office:
    """Two processes for each of two tenants, all busy at once."""

    def __init__(self, house: Stores, redis_url: str, caps: Mapping[CapName, int]) -> None:
        self.now = START
        self.sent: list[tuple[datetime, Message]] = []
        self._database, self._tenants = house
        self._redis_url, self._caps = redis_url, caps
        self._open = ExitStack()
        forget_usage(*house)
        allow_in_all(self._database, caps.get(CapName.GLOBAL_HOUR, 100_000))
        self.flush()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def start(self) -> None:
        """All processes die and others take their place: nothing is left but the two stores."""
        self._open.close()
        self._desks = [self._desk(tenant) for tenant in self._tenants for _ in range(2)]
        self._pool = self._open.enter_context(ThreadPoolExecutor(len(self._desks)))

    def flush(self) -> None:
        """All of Redis is lost."""
        client = connect(self._redis_url)
        client.flushall()
        client.close()

    def look(self, passed: timedelta) -> int:
        """Everybody claims at once, as much as is there; how much left."""
        self.now += passed
        before = len(self.sent)
        for desk in self._desks:
            desk.sent = []
        list(self._pool.map(lambda desk: desk.claim(_due(desk.tenant), self.now), self._desks))
        for desk in self._desks:
            self.sent += desk.sent
        return len(self.sent) - before

    def fill(self) -> int:
        """Claim until nobody can any more, while the time stands still; how much left.

        One round without a send says little: all may have reserved what one of them then gave back.
        """
        rounds = [self.look(timedelta())]
        while sum(rounds[-IDLE_ROUNDS:]) > 0 or len(rounds) < IDLE_ROUNDS:
            rounds.append(self.look(timedelta()))
        return sum(rounds)

    def _desk(self, tenant: TenantId) -> Desk:
        smoothing = RedisSmoothing(self._redis_url)
        self._open.callback(smoothing.close)
        return Desk(self._database, tenant, self._caps, smoothing)


def _due(tenant: TenantId) -> Sequence[Message]:
    """Two senders, two campaigns, two domains, mixed so that no two of them go together."""
    return [
        Message(tenant, ("sam", "ann")[n % 2], ("c1", "c2")[n // 2 % 2], ("d1", "d2")[n // 3 % 2])
        for n in range(12)
    ]


@pytest.fixture(scope="module")
def apart(database_url: str) -> Iterator[Stores]:
    with own_database(database_url) as database:
        yield database, [made_tenant(database) for _ in range(2)]


@pytest.mark.parametrize("name", CAPS)
def test_each_limit_alone_is_used_up_and_never_one_over(
    apart: Stores, redis_url: str, name: CapName
) -> None:
    with Office(apart, redis_url, {name: CAPS[name]}) as office:
        for step in STEPS_S:
            office.look(timedelta(seconds=step))
        assert most_sent(name, office.sent) == CAPS[name]


def _over(sent: Sequence[tuple[datetime, Message]]) -> dict[CapName, int]:
    most = {name: most_sent(name, sent) for name in CAPS}
    return {name: count for name, count in most.items() if count > CAPS[name]}


def test_all_limits_together_are_never_one_over(apart: Stores, redis_url: str) -> None:
    with Office(apart, redis_url, CAPS) as office:
        for step in STEPS_S * 2:
            office.look(timedelta(seconds=step))
        assert _over(office.sent) == {}
        assert len(office.sent) > 40


@pytest.mark.parametrize("name", CAPS)
def test_a_flush_and_a_restart_at_the_cap_let_nothing_more_through(
    apart: Stores, redis_url: str, name: CapName
) -> None:
    with Office(apart, redis_url, {name: CAPS[name]}) as office:
        office.fill()
        assert most_sent(name, office.sent) >= CAPS[name] - LEFT_BY_THE_CLOCK.get(name, 0)
        at_the_cap = len(office.sent)
        office.flush()
        office.fill()
        office.start()
        office.fill()
        office.flush()
        office.start()
        office.look(timedelta(milliseconds=1))
        assert most_sent(name, office.sent) <= CAPS[name]
        assert len(office.sent) - at_the_cap <= LEFT_BY_THE_CLOCK.get(name, 0)
        assert office.look(timedelta(days=2)) > 0


@pytest.mark.parametrize("name", CAPS)
def test_a_clock_set_back_or_forward_at_the_cap_lets_nothing_more_through(
    apart: Stores, redis_url: str, name: CapName
) -> None:
    with Office(apart, redis_url, {name: CAPS[name]}) as office:
        office.fill()
        at_the_cap = len(office.sent)
        left = max(CAPS[name] - at_the_cap, LEFT_BY_THE_CLOCK.get(name, 0))
        for passed in (-timedelta(hours=1), timedelta(minutes=30)):
            office.look(passed)
            office.fill()
        assert len(office.sent) - at_the_cap <= left
        office.look(timedelta(days=1))
        office.fill()
        office.look(-timedelta(days=1, hours=1))
        office.fill()
        assert most_sent(name, office.sent) <= CAPS[name]
        assert len(office.sent) > at_the_cap


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    acts=st.lists(
        st.one_of(
            st.sampled_from(["flush", "restart"]),
            st.sampled_from([*STEPS_S, -3600, -60, 86_400]),
        ),
        min_size=4,
        max_size=14,
    )
)
def test_no_order_of_mishaps_lets_one_over_through(
    apart: Stores, redis_url: str, acts: list[str | int]
) -> None:
    with Office(apart, redis_url, CAPS) as office:
        assert office.look(timedelta()) > 0
        for act in acts:
            if act == "flush":
                office.flush()
            elif act == "restart":
                office.start()
            else:
                office.look(timedelta(seconds=int(act)))
        assert _over(office.sent) == {}
