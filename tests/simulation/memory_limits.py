"""Limits in memory: hard counters, the share of all tenants, and buckets that can be lost."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from typing_extensions import override

from domain.limits import Counter, counter, frees_at
from domain.taxonomy import CapName
from handlers.ports import (
    Bucket,
    GlobalShare,
    Limits,
    Reserved,
    Short,
    Smoothing,
    SmoothingUnseen,
    Transaction,
    Used,
)
from tests.simulation.memory_database import Key, Memory, Tx, of

USAGE, SHARE = "usage", "share"
CLAIMS = ("lock", "claims")


class MemoryLimits(Limits):
    """Implements handlers.ports.Limits."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    @override
    def lock(self, tx: Transaction) -> None:
        self._memory.around.step("limits.lock", of(tx))
        of(tx).lock(*CLAIMS)

    @override
    def used(self, tx: Transaction, counters: Sequence[Counter]) -> list[Used]:
        inside = of(tx)
        self._memory.around.step("limits.used", inside)
        return [_used(inside, one) for one in counters]

    @override
    def take(self, tx: Transaction, taken: Mapping[Counter, int]) -> None:
        self._memory.around.step("limits.take", of(tx))
        _add(of(tx), taken, 1)

    @override
    def give_back(self, tx: Transaction, taken: Mapping[Counter, int]) -> None:
        if taken:
            self._memory.around.step("limits.give_back", of(tx))
            _add(of(tx), taken, -1)

    @override
    def drop_old(self, now: datetime) -> int:
        return 0


def _used(tx: Tx, counted: Counter) -> Used:
    buckets = [
        (key[2], row["used"])
        for key, row in _usage(tx)
        if key[:2] == counted[:2] and key[2] >= counted.since and row["used"] > 0
    ]
    return Used(sum(used for _, used in buckets), min((at for at, _ in buckets), default=None))


def _usage(tx: Tx) -> list[tuple[tuple[CapName, str, datetime], Mapping[str, int]]]:
    return [(key, row) for key, row in tx.rows(USAGE)]  # type: ignore[misc]  # keys as put below


def _add(tx: Tx, amounts: Mapping[Counter, int], sign: int) -> None:
    for one in sorted(amounts, key=lambda counted: counted[:3]):
        key: Key = one[:3]
        tx.lock(USAGE, key)
        before = tx.get(USAGE, key)
        used = (before["used"] if before else 0) + sign * amounts[one]
        tx.put(USAGE, key, {"used": max(0, used)})


class MemoryShare(GlobalShare):
    """Implements handlers.ports.GlobalShare for a single tenant."""

    def __init__(self, memory: Memory, hour_max: int) -> None:
        self._memory = memory
        self._hour_max = hour_max

    @override
    def is_paused(self) -> bool:
        return False

    @override
    def reserve(self, wanted: int, now: datetime) -> Reserved:
        counted = counter(CapName.GLOBAL_HOUR, "", now)
        with self._memory.begin() as tx:
            self._memory.around.step("share.reserve", tx)
            tx.lock(SHARE, "turn")
            known = _used(tx, counted)
            granted = max(0, min(wanted, self._hour_max - known.used))
            if granted:
                _add(tx, {counted: granted}, 1)
        return Reserved(
            granted=granted,
            used=known.used,
            limit=self._hour_max,
            frees_at=frees_at(counted, known.oldest) if granted < wanted else None,
            bucket=counted.bucket,
        )

    @override
    def give_back(self, reserved: Reserved, unused: int) -> None:
        unused = min(unused, reserved.granted)
        if unused > 0 and reserved.bucket is not None:
            at = reserved.bucket
            with self._memory.begin() as tx:
                self._memory.around.step("share.give_back", tx)
                _add(tx, {Counter(CapName.GLOBAL_HOUR, "", at, at): unused}, -1)

    @override
    def drop_old(self, now: datetime) -> int:
        return 0


class LosableSmoothing(Smoothing):
    """Implements handlers.ports.Smoothing: buckets that fill by the clock, gone after a flush.

    `away` is set while Redis does not answer.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._levels: dict[tuple[CapName, str], tuple[float, datetime]] = {}
        self.away = False

    def flush(self) -> None:
        """Lose everything."""
        self._levels.clear()

    @override
    def take(
        self, asks: Sequence[Sequence[Bucket]], *, tenant: str, now: datetime
    ) -> list[Short | None]:
        self._reach("smoothing.take")
        return [self._take(ask, now) for ask in asks]

    def _take(self, ask: Sequence[Bucket], now: datetime) -> Short | None:
        levels = {(one.name, one.key): self._level(one, now) for one in ask}
        for one in ask:
            level = levels[one.name, one.key]
            if level < 1.0:
                return Short(one.name, (1.0 - level) / one.per_s if one.per_s else 3600.0)
        self._levels |= {key: (level - 1.0, now) for key, level in levels.items()}
        return None

    def _level(self, bucket: Bucket, now: datetime) -> float:
        known = self._levels.get((bucket.name, bucket.key))
        if known is None:
            return bucket.seed
        level, at = known
        return min(bucket.capacity, level + bucket.per_s * max((now - at).total_seconds(), 0.0))

    @override
    def give_back(self, asks: Sequence[Sequence[Bucket]], *, tenant: str, now: datetime) -> None:
        self._reach("smoothing.give_back")
        for one in (bucket for ask in asks for bucket in ask):
            known = self._levels.get((one.name, one.key))
            if known is not None:
                self._levels[one.name, one.key] = (known[0] + 1.0, known[1])

    @override
    def drain(self, name: CapName, key: str, *, tenant: str, now: datetime) -> None:
        self._reach("smoothing.drain")
        self._levels[name, key] = (0.0, now)

    def _reach(self, point: str) -> None:
        self._memory.around.step(point)
        if self.away:
            raise SmoothingUnseen("Redis does not answer")
