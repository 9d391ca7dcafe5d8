"""Token buckets in Redis: one script a call, all or nothing for each ask, fair between tenants."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, Final

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from typing_extensions import override

from domain.taxonomy import CapName
from handlers.ports.limits import Bucket, Short, Smoothing, SmoothingUnseen

TIMEOUT_S: Final = 0.5
NAMESPACE: Final = "{antiphon}:limits"
"""In braces as the broker's, so that the buckets of one ask share one slot of a cluster."""
SHARED: Final = frozenset({CapName.GLOBAL_HOUR})
"""Buckets that all tenants take from."""
DRAINED_MS: Final = 3_600_000
"""How long an empty bucket is remembered that nobody asks for."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TAKE = files("infra.limits").joinpath("take.lua").read_text(encoding="utf-8")
_GIVE_BACK = """
for i, key in ipairs(KEYS) do
    if redis.call('EXISTS', key) == 1 then redis.call('HINCRBYFLOAT', key, 'level', ARGV[i]) end
end
"""
_ANSWERS = list[tuple[int, int]]


class RedisSmoothing(Smoothing):
    """Implements handlers.ports.limits.Smoothing; connects at first use."""

    def __init__(self, url: str) -> None:
        # Once more at once, for connections that died in the pool. A take that was done and is done
        # again by this only delays.
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        )
        self._take: Callable[..., Any] = self._client.register_script(_TAKE)
        self._give_back: Callable[..., Any] = self._client.register_script(_GIVE_BACK)

    @override
    def take(
        self, asks: Sequence[Sequence[Bucket]], *, tenant: str, now: datetime
    ) -> list[Short | None]:
        alike = {id(ask): ask for ask in asks}  # most of a batch ask for the very same buckets
        buckets = {
            _key(bucket.name, bucket.key, tenant): bucket
            for ask in alike.values()
            for bucket in ask
        }
        if not buckets:
            return [None] * len(asks)
        place = {key: number for number, key in enumerate(buckets, start=1)}
        places = {
            one: sorted({place[_key(bucket.name, bucket.key, tenant)] for bucket in ask})
            for one, ask in alike.items()
        }
        given = {
            "now": _microseconds(now),
            "tenant": tenant,
            "buckets": [_spec(bucket) for bucket in buckets.values()],
            "asks": [places[id(ask)] for ask in asks],
        }
        with _seen():
            answers = _parsed(self._take(list(buckets), [msgspec.json.encode(given)]), len(asks))
            names = [None, *(bucket.name for bucket in buckets.values())]
            return [_short(names[number], wait_ms) for number, wait_ms in answers]

    @override
    def give_back(self, asks: Sequence[Sequence[Bucket]], *, tenant: str, now: datetime) -> None:
        tokens: dict[str, int] = {}
        for ask in asks:
            for key in {_key(bucket.name, bucket.key, tenant) for bucket in ask}:
                tokens[key] = tokens.get(key, 0) + 1
        if tokens:
            with _seen():
                self._give_back(list(tokens), list(tokens.values()))

    @override
    def drain(self, name: CapName, key: str, *, tenant: str, now: datetime) -> None:
        bucket = _key(name, key, tenant)
        with _seen(), self._client.pipeline(transaction=True) as both:
            both.hset(bucket, mapping={"level": 0, "at": _microseconds(now)})
            both.pexpire(bucket, DRAINED_MS)
            both.execute()

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()


@contextmanager
def _seen() -> Iterator[None]:
    try:
        yield
    except (redis.RedisError, OSError, msgspec.ValidationError, IndexError) as error:
        raise SmoothingUnseen(f"the buckets in Redis cannot be read: {error}") from error


def _parsed(answer: object, count: int) -> _ANSWERS:
    answers = msgspec.convert(answer, _ANSWERS)
    if len(answers) != count:
        raise SmoothingUnseen(f"Redis gave {len(answers)} answers to {count} asks")
    return answers


def _short(name: CapName | None, wait_ms: int) -> Short | None:
    return None if name is None else Short(name, wait_ms / 1000)


def _spec(bucket: Bucket) -> dict[str, object]:
    return {
        "capacity": bucket.capacity,
        "per_s": bucket.per_s,
        "seed": bucket.seed,
        "shared": bucket.name in SHARED,
    }


def _key(name: CapName, key: str, tenant: str) -> str:
    """Names of tenants and limits have no colon, so no two buckets share a key."""
    owner = "all" if name in SHARED else f"tenant:{tenant}"
    return f"{NAMESPACE}:{owner}:{name}:{key}"


def _microseconds(now: datetime) -> int:
    return (now - _EPOCH) // _MICROSECOND
