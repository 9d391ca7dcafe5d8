"""Ports that two stores share so that they see the same: no chance, room for all, one provider."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from typing_extensions import override

from domain.ids import MessageId
from domain.limits import Counter
from handlers.ports import (
    Answer,
    Bucket,
    GlobalShare,
    Limits,
    Mail,
    Reserved,
    Rng,
    Short,
    Smoothing,
    Transaction,
    Used,
)
from infra.entropy import SystemRng
from tests.simulation.baton import Killed


class Middle(Rng):
    """No chance where two stores must draw the same; ids may differ."""

    _ids = SystemRng()

    @override
    def uniform(self, low: float, high: float) -> float:
        return (low + high) / 2

    @override
    def new_id(self) -> UUID:
        return self._ids.new_id()


class Plenty(GlobalShare):
    """The other tenants leave room for everything."""

    @override
    def is_paused(self) -> bool:
        return False

    @override
    def reserve(self, wanted: int, now: Any) -> Reserved:
        return Reserved(granted=wanted, used=0, limit=20_000)

    @override
    def give_back(self, reserved: Reserved, unused: int) -> None:
        pass

    @override
    def drop_old(self, now: Any) -> int:
        return 0


class Smooth(Smoothing):
    """It is everybody's turn."""

    @override
    def take(
        self, asks: Sequence[Sequence[Bucket]], *, tenant: str, now: Any
    ) -> list[Short | None]:
        return [None] * len(asks)

    @override
    def give_back(self, asks: Sequence[Sequence[Bucket]], *, tenant: str, now: Any) -> None:
        pass

    @override
    def drain(self, name: Any, key: str, *, tenant: str, now: Any) -> None:
        pass


class Mortal(Limits):
    """The counters of a process that dies when it comes to `dies_at`, once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.dies_at = ""

    def reach(self, point: str) -> None:
        """Die here if it is time."""
        if self.dies_at == point:
            self.dies_at = ""
            raise Killed

    @override
    def lock(self, tx: Transaction) -> None:
        self._limits.lock(tx)

    @override
    def used(self, tx: Transaction, counters: Sequence[Counter]) -> list[Used]:
        return self._limits.used(tx, counters)

    @override
    def take(self, tx: Transaction, taken: Mapping[Counter, int]) -> None:
        self.reach("claim")
        self._limits.take(tx, taken)

    @override
    def give_back(self, tx: Transaction, taken: Mapping[Counter, int]) -> None:
        self.reach("record")
        self._limits.give_back(tx, taken)

    @override
    def drop_old(self, now: Any) -> int:
        return self._limits.drop_old(now)


class Played:
    """Implements handlers.ports.Provider: answers as it was told, and may never come back."""

    def __init__(self, life: Mortal, answer: Callable[[Mail, int], Answer]) -> None:
        self.calls: list[tuple[MessageId, int]] = []
        self._life = life
        self._answer = answer

    def send(self, mail: Mail, *, attempt: int, tenant_tag: str) -> Answer:
        assert tenant_tag
        self._life.reach("call")
        self.calls.append((mail.message_id, attempt))
        self._life.reach("answer")
        return self._answer(mail, attempt)
