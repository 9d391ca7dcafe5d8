"""Token buckets on a real server: all or nothing, fair between tenants, seeded, or unseen."""

import socket
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.taxonomy import CapName
from handlers.ports.limits import Bucket, Short, SmoothingUnseen
from infra.limits.smoothing import NAMESPACE, RedisSmoothing
from infra.redis import connect

pytestmark = pytest.mark.redis

NOW = datetime(2026, 9, 7, 12, 0, tzinfo=UTC)
SENDER, DOMAIN, TENANT, ALL = (
    CapName.SENDER_MINUTE,
    CapName.DOMAIN_HOUR,
    CapName.TENANT_HOUR,
    CapName.GLOBAL_HOUR,
)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def bucket(
    name: CapName = SENDER,
    key: str = "sam",
    capacity: float = 4,
    per_s: float = 1,
    seed: float | None = None,
) -> Bucket:
    return Bucket(name, key, capacity, per_s, capacity if seed is None else seed)


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    client = connect(redis_url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def smoothing(client: "redis.Redis", redis_url: str) -> Iterator[RedisSmoothing]:
    assert client.dbsize() == 0
    made = RedisSmoothing(redis_url)
    yield made
    made.close()


def taken(answers: Sequence[Short | None]) -> int:
    return sum(short is None for short in answers)


def test_a_bucket_gives_what_it_holds_and_then_fills_evenly(smoothing: RedisSmoothing) -> None:
    asks = [[bucket()]] * 10
    assert taken(smoothing.take(asks, tenant="t1", now=NOW)) == 4
    assert taken(smoothing.take(asks, tenant="t1", now=after(0.9))) == 0
    assert taken(smoothing.take(asks, tenant="t1", now=after(2.5))) == 2
    assert taken(smoothing.take(asks, tenant="t1", now=after(3))) == 1
    assert taken(smoothing.take(asks, tenant="t1", now=after(3600))) == 4


def test_who_waits_is_told_for_how_long_one_behind_the_other(smoothing: RedisSmoothing) -> None:
    asks = [[bucket(capacity=1, per_s=0.5)]] * 4
    answers = smoothing.take(asks, tenant="t1", now=NOW)
    assert answers == [None, Short(SENDER, 2), Short(SENDER, 4), Short(SENDER, 6)]
    assert taken(smoothing.take(asks[:1], tenant="t1", now=after(1.999))) == 0
    assert taken(smoothing.take(asks[:1], tenant="t1", now=after(2))) == 1


def test_nothing_asked_is_nothing_answered(smoothing: RedisSmoothing) -> None:
    assert smoothing.take([], tenant="t1", now=NOW) == []
    assert smoothing.take([[], []], tenant="t1", now=NOW) == [None, None]
    assert smoothing.take([[], [bucket()]], tenant="t1", now=NOW) == [None, None]
    smoothing.give_back([], tenant="t1", now=NOW)


def test_an_ask_takes_of_all_its_buckets_or_of_none(smoothing: RedisSmoothing) -> None:
    sender, empty = bucket(capacity=3), bucket(DOMAIN, "d1", per_s=0.1, seed=0)
    asks = [[sender, empty]] * 5 + [[sender, bucket(DOMAIN, "d2")]] * 4
    answers = smoothing.take(asks, tenant="t1", now=NOW)
    assert [short.name for short in answers if short] == [DOMAIN] * 5 + [SENDER]
    assert answers[5:8] == [None] * 3


@pytest.mark.parametrize("short", [SENDER, DOMAIN, TENANT, ALL])
def test_whichever_bucket_is_short_the_others_keep_their_tokens(
    smoothing: RedisSmoothing, short: CapName
) -> None:
    names = [SENDER, DOMAIN, TENANT, ALL]
    full = [bucket(name, per_s=1e-9) for name in names]
    lacking = [bucket(name, per_s=1e-9, seed=0 if name == short else None) for name in names]
    answers = smoothing.take([lacking] * 9, tenant="t1", now=NOW)
    assert [each.name for each in answers if each] == [short] * 9
    for name, each in zip(names, full, strict=True):
        given = taken(smoothing.take([[each]] * 9, tenant="t1", now=NOW))
        assert given == (0 if name == short else 4)


def test_the_bucket_that_lasts_longest_is_named(smoothing: RedisSmoothing) -> None:
    ask = [bucket(seed=0, per_s=0.5), bucket(DOMAIN, "d1", seed=0, per_s=0.1)]
    assert smoothing.take([ask], tenant="t1", now=NOW) == [Short(DOMAIN, 10)]


def test_a_bucket_named_twice_in_an_ask_gives_one_token(smoothing: RedisSmoothing) -> None:
    ask = [bucket(capacity=2), bucket(capacity=2)]
    assert taken(smoothing.take([ask] * 3, tenant="t1", now=NOW)) == 2


@pytest.mark.parametrize(
    "hopeless",
    [bucket(capacity=0.5), bucket(per_s=0, seed=0), bucket(capacity=-3), bucket(per_s=-1, seed=-7)],
)
def test_a_bucket_that_can_hold_no_token_never_gives_one(
    smoothing: RedisSmoothing, hopeless: Bucket
) -> None:
    for seconds in (0, 60, 86_400):
        answers = smoothing.take([[hopeless]], tenant="t1", now=after(seconds))
        assert [each and each.name for each in answers] == [SENDER]
        assert all(each and 0 < each.wait_s <= 3600 for each in answers)


def test_tenants_and_keys_do_not_share_their_buckets(smoothing: RedisSmoothing) -> None:
    asks = [[bucket()]] * 9
    for tenant in ("t1", "t2", "all"):
        assert taken(smoothing.take(asks, tenant=tenant, now=NOW)) == 4
    assert taken(smoothing.take([[bucket(key="ann")]] * 9, tenant="t1", now=NOW)) == 4
    assert taken(smoothing.take([[bucket(DOMAIN)]] * 9, tenant="t1", now=NOW)) == 4


# --- seeds, losses, the clock ---------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "given"), [(3, 3), (0, 0), (-5, 0), (99, 4), (2.9, 2)])
def test_a_bucket_that_is_not_there_begins_with_what_is_left(
    smoothing: RedisSmoothing, seed: float, given: int
) -> None:
    assert taken(smoothing.take([[bucket(seed=seed)]] * 9, tenant="t1", now=NOW)) == given


def test_a_flush_in_the_middle_begins_again_with_what_is_left(
    smoothing: RedisSmoothing, client: "redis.Redis"
) -> None:
    given = taken(smoothing.take([[bucket()]] * 3, tenant="t1", now=NOW))
    for _ in range(3):
        client.flushall()
        asks = [[bucket(seed=4 - given)]] * 9
        given += taken(smoothing.take(asks, tenant="t1", now=NOW))
    assert given == 4


def test_a_seed_says_nothing_to_a_bucket_that_is_there(smoothing: RedisSmoothing) -> None:
    assert taken(smoothing.take([[bucket(seed=0)]] * 9, tenant="t1", now=NOW)) == 0
    assert taken(smoothing.take([[bucket(seed=4)]] * 9, tenant="t1", now=NOW)) == 0


def test_a_server_that_forgot_the_script_is_given_it_again(
    smoothing: RedisSmoothing, client: "redis.Redis"
) -> None:
    for _ in range(2):
        client.script_flush()
        assert taken(smoothing.take([[bucket()]], tenant="t1", now=NOW)) == 1


def test_a_clock_set_back_fills_nothing_and_goes_on_from_there(smoothing: RedisSmoothing) -> None:
    asks = [[bucket()]] * 9
    assert taken(smoothing.take(asks, tenant="t1", now=NOW)) == 4
    assert taken(smoothing.take(asks, tenant="t1", now=after(-3600))) == 0
    assert taken(smoothing.take(asks, tenant="t1", now=after(-3598))) == 2


def test_a_clock_set_forward_a_day_fills_a_bucket_once(smoothing: RedisSmoothing) -> None:
    asks = [[bucket()]] * 9
    assert taken(smoothing.take(asks, tenant="t1", now=NOW)) == 4
    assert taken(smoothing.take(asks, tenant="t1", now=after(86_400))) == 4
    assert taken(smoothing.take(asks, tenant="t1", now=after(86_400))) == 0


def test_idle_buckets_vanish(smoothing: RedisSmoothing, client: "redis.Redis") -> None:
    ask = [bucket(), bucket(DOMAIN, per_s=0.001), bucket(ALL, ""), bucket(TENANT, per_s=0)]
    smoothing.take([ask], tenant="t1", now=NOW)
    smoothing.drain(SENDER, "ann", tenant="t1", now=NOW)
    keys = client.keys("*")
    assert len(keys) == 5
    assert all(key.startswith(NAMESPACE.encode()) for key in keys)
    assert all(60_000 <= client.pttl(key) <= 86_400_000 for key in keys)


def test_a_drained_bucket_gives_nothing_until_it_fills(smoothing: RedisSmoothing) -> None:
    asks = [[bucket()]] * 9
    assert taken(smoothing.take(asks[:1], tenant="t1", now=NOW)) == 1
    smoothing.drain(SENDER, "sam", tenant="t1", now=NOW)
    assert taken(smoothing.take(asks, tenant="t1", now=NOW)) == 0
    assert taken(smoothing.take(asks, tenant="t1", now=after(2))) == 2
    smoothing.drain(SENDER, "new", tenant="t1", now=NOW)
    assert taken(smoothing.take([[bucket(key="new")]], tenant="t1", now=NOW)) == 0
    smoothing.drain(ALL, "", tenant="t1", now=NOW)
    assert taken(smoothing.take([[bucket(ALL, "")]], tenant="t1", now=NOW)) == 0


def test_tokens_given_back_are_there_again_and_never_more_than_it_holds(
    smoothing: RedisSmoothing, client: "redis.Redis"
) -> None:
    asks = [[bucket(), bucket(ALL, "")]] * 3
    assert taken(smoothing.take(asks, tenant="t1", now=NOW)) == 3
    smoothing.give_back(asks[:2], tenant="t1", now=NOW)
    assert taken(smoothing.take(asks * 3, tenant="t1", now=NOW)) == 3
    smoothing.give_back(asks * 5, tenant="t1", now=NOW)
    assert taken(smoothing.take(asks * 3, tenant="t1", now=NOW)) == 4
    client.flushall()
    smoothing.give_back(asks, tenant="t1", now=NOW)
    assert client.dbsize() == 0


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    capacity=st.integers(1, 5),
    per_s=st.sampled_from([0.05, 0.5, 3.0]),
    steps=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 6), st.integers(0, 8_000)),
        min_size=1,
        max_size=25,
    ),
    name=st.sampled_from([SENDER, ALL]),
)
def test_no_stretch_of_time_gets_more_than_a_bucket_and_what_flows_into_it(
    smoothing: RedisSmoothing,
    client: "redis.Redis",
    capacity: int,
    per_s: float,
    steps: list[tuple[str, int, int]],
    name: CapName,
) -> None:
    client.flushall()
    one, now = bucket(name, "", capacity, per_s), NOW
    given: list[datetime] = []
    for tenant, asked, passed_ms in steps:
        now += timedelta(milliseconds=passed_ms)
        who = tenant if name == ALL else "a"
        given += [now] * taken(smoothing.take([[one]] * asked, tenant=who, now=now))
    for first, begin in enumerate(given):
        for last, end in enumerate(given[first:], start=first):
            flowed = (end - begin).total_seconds() * per_s
            assert last - first + 1 <= capacity + flowed + 1e-6


# --- fair between tenants -------------------------------------------------------------------------


def _shared(asked: int, capacity: float = 20, per_s: float = 10) -> list[list[Bucket]]:
    return [[bucket(ALL, "", capacity, per_s)]] * asked


def _crowd(
    smoothing: RedisSmoothing, crowd: dict[str, tuple[int, int]], tenths: int, since: int = 100
) -> Tally[str]:
    """Each asks for so many every so many tenths of a second; what it got from `since` on."""
    got: Tally[str] = Tally()
    for tenth in range(tenths):
        for tenant, (asked, every) in crowd.items():
            if tenth % every == 0:
                answers = smoothing.take(_shared(asked), tenant=tenant, now=after(tenth / 10))
                got[tenant] += taken(answers) if tenth >= since else 0
    return got


@pytest.mark.parametrize(
    "crowd",
    [
        {"busy": (50, 1), "calm": (50, 7)},
        {"calm": (50, 7), "busy": (50, 1)},
        {"busy": (50, 1), "calm": (50, 7), "slow": (50, 10)},
        {"one": (50, 1), "two": (50, 1), "three": (50, 1)},
    ],
)
def test_tenants_at_a_short_bucket_get_equal_parts_however_often_they_ask(
    smoothing: RedisSmoothing, crowd: dict[str, tuple[int, int]]
) -> None:
    got = _crowd(smoothing, crowd, tenths=700)
    assert sum(got.values()) == pytest.approx(600, abs=20)
    assert [got[tenant] for tenant in crowd] == pytest.approx(
        [600 / len(crowd)] * len(crowd), abs=10
    )


def test_a_small_tenant_gets_all_it_wants_and_the_busy_one_the_rest(
    smoothing: RedisSmoothing,
) -> None:
    got = _crowd(smoothing, {"busy": (50, 1), "small": (1, 10)}, tenths=700)
    assert got["small"] == 60
    assert got["busy"] == pytest.approx(540, abs=5)


def test_who_asks_no_more_gets_no_part_any_more(smoothing: RedisSmoothing) -> None:
    _crowd(smoothing, {"gone": (50, 1), "stays": (50, 1)}, tenths=50)
    smoothing.take(_shared(50), tenant="stays", now=after(15.1))  # ten seconds after the last ask
    assert taken(smoothing.take(_shared(50), tenant="stays", now=after(16.1))) == 10


@pytest.mark.parametrize(("capacity", "per_s"), [(20, 10), (1, 1)])
def test_who_is_held_by_a_bucket_of_its_own_keeps_nothing_from_others(
    smoothing: RedisSmoothing, capacity: float, per_s: float
) -> None:
    asks = _shared(50, capacity, per_s)
    held = [[bucket(SENDER, seed=0, per_s=0), *asks[0]]] * 50
    smoothing.take(asks, tenant="free", now=NOW)
    got = 0
    for second in range(1, 11):
        assert taken(smoothing.take(held, tenant="held", now=after(second))) == 0
        got += taken(smoothing.take(asks, tenant="free", now=after(second)))
    assert got == 10 * per_s


def test_a_bucket_with_enough_for_all_makes_nobody_wait(smoothing: RedisSmoothing) -> None:
    for tenant in ("t1", "t2", "t3"):
        asks = _shared(50, capacity=1000)
        assert taken(smoothing.take(asks, tenant=tenant, now=NOW)) == 50


@pytest.mark.parametrize(("capacity", "tenants"), [(2, 6), (1, 2), (2.5, 3), (1.5, 9)])
def test_more_tenants_than_tokens_all_get_their_turn(
    smoothing: RedisSmoothing, capacity: float, tenants: int
) -> None:
    got: Tally[int] = Tally()
    for second in range(360):
        for number in range(tenants):
            asks = _shared(5, capacity=capacity, per_s=1)
            answers = smoothing.take(asks, tenant=f"t{number}", now=after(second))
            got[number] += taken(answers)
    assert sum(got.values()) == pytest.approx(360, abs=capacity + 1)
    assert [got[number] for number in range(tenants)] == pytest.approx(
        [360 / tenants] * tenants, abs=capacity + 1
    )


def test_whose_turn_it_is_but_comes_no_more_is_waited_for_ten_seconds(
    smoothing: RedisSmoothing,
) -> None:
    asks = _shared(1, capacity=1, per_s=1)
    for tenant in ("stays", "gone"):
        assert taken(smoothing.take(asks, tenant=tenant, now=NOW)) == (tenant == "stays")
    assert [
        taken(smoothing.take(asks, tenant="stays", now=after(second))) for second in (1, 5, 10, 11)
    ] == [0, 0, 0, 1]


def test_a_clock_set_back_lets_nobody_keep_a_part_for_an_hour(smoothing: RedisSmoothing) -> None:
    _crowd(smoothing, {"gone": (50, 1), "stays": (50, 1)}, tenths=50)
    smoothing.take(_shared(50), tenant="stays", now=after(-3600))
    smoothing.take(_shared(50), tenant="stays", now=after(-3589))
    assert taken(smoothing.take(_shared(50), tenant="stays", now=after(-3588))) == 10


# --- unseen ---------------------------------------------------------------------------------------


def test_a_server_that_is_away_is_unseen() -> None:
    nowhere = RedisSmoothing("redis://127.0.0.1:1/0")
    with pytest.raises(SmoothingUnseen):
        nowhere.take([[bucket()]], tenant="t1", now=NOW)
    with pytest.raises(SmoothingUnseen):
        nowhere.give_back([[bucket()]], tenant="t1", now=NOW)
    with pytest.raises(SmoothingUnseen):
        nowhere.drain(SENDER, "sam", tenant="t1", now=NOW)


def test_a_server_that_does_not_answer_is_unseen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with pytest.raises(SmoothingUnseen, match=r"[Tt]imeout"):
            RedisSmoothing(url).take([[bucket()]], tenant="t1", now=NOW)


def test_a_connection_that_died_in_the_pool_is_no_reason_to_hold(
    smoothing: RedisSmoothing, client: "redis.Redis"
) -> None:
    assert taken(smoothing.take([[bucket()]], tenant="t1", now=NOW)) == 1
    client.client_kill_filter(_type="normal", skipme=True)
    assert taken(smoothing.take([[bucket()]], tenant="t1", now=NOW)) == 1


def test_a_key_that_holds_something_else_is_unseen(
    smoothing: RedisSmoothing, client: "redis.Redis"
) -> None:
    client.set(f"{NAMESPACE}:tenant:t1:{SENDER}:sam", "nonsense")
    with pytest.raises(SmoothingUnseen):
        smoothing.take([[bucket(), bucket(ALL, "")]], tenant="t1", now=NOW)


@pytest.mark.parametrize("level", ["nonsense", "nan", "-7", ""])
def test_a_level_that_is_no_number_is_an_empty_bucket(
    smoothing: RedisSmoothing, client: "redis.Redis", level: str
) -> None:
    smoothing.take([[bucket()]], tenant="t1", now=NOW)
    client.hset(f"{NAMESPACE}:tenant:t1:{SENDER}:sam", "level", level)
    assert taken(smoothing.take([[bucket()]], tenant="t1", now=NOW)) == 0
    assert taken(smoothing.take([[bucket()]], tenant="t1", now=after(1))) == 1


def test_credits_that_are_nonsense_are_no_credits(
    smoothing: RedisSmoothing, client: "redis.Redis"
) -> None:
    smoothing.take(_shared(1), tenant="t1", now=NOW)
    nonsense = {"t:t2": "nonsense", "t:t3": "nan nan nan", "t:t4": "1e99 1e99 0", "other": "x"}
    client.hset(f"{NAMESPACE}:all:{ALL}:", mapping=nonsense)
    assert taken(smoothing.take(_shared(50), tenant="t1", now=NOW)) == 19


@pytest.mark.parametrize(
    "nonsense", [None, b"OK", [], [[0, 0], [0, 0]], [[7, 0]], [["x", 0]], [[0]], [[-9, 1]]]
)
def test_an_answer_that_says_nothing_is_unseen(smoothing: RedisSmoothing, nonsense: object) -> None:
    smoothing._take = lambda *_: nonsense
    with pytest.raises(SmoothingUnseen):
        smoothing.take([[bucket()]], tenant="t1", now=NOW)


def test_a_bucket_of_no_number_is_unseen(smoothing: RedisSmoothing) -> None:
    with pytest.raises(SmoothingUnseen):
        smoothing.take([[bucket(per_s=float("nan"))]], tenant="t1", now=NOW)
