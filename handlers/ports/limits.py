"""How much may still be sent: hard counters, the smoothing before them, the part of all tenants."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from domain.limits import Counter
from domain.taxonomy import CapName
from handlers.ports.streams import Transaction


class Used(msgspec.Struct, frozen=True):
    """What counts in one window now, and the oldest bucket of it."""

    used: int = 0
    oldest: datetime | None = None


class Limits(Protocol):
    """The counters of one tenant: durable, hard, written in the transaction of the claim."""

    def lock(self, tx: Transaction) -> None:
        """One claim of a tenant at a time, to the end of the transaction; waits for no row.

        Called before `used`: what the other claim took is seen by the next statement.
        """
        ...

    def used(self, tx: Transaction, counters: Sequence[Counter]) -> list[Used]:
        """What counts for each, in their order."""
        ...

    def take(self, tx: Transaction, taken: Mapping[Counter, int]) -> None:
        """Count so many sends more."""
        ...

    def give_back(self, tx: Transaction, taken: Mapping[Counter, int]) -> None:
        """Count so many sends less, in the buckets they were taken in; never below zero."""
        ...

    def drop_old(self, now: datetime) -> int:
        """Delete buckets that no window needs any more; how many, for the sweep."""
        ...


class Bucket(msgspec.Struct, frozen=True):
    """A token bucket: how much it holds, how fast it fills.

    `seed` is its level where it is not there yet, or no more since Redis lost it: the limit minus
    what the counters say was used.
    """

    name: CapName
    key: str
    capacity: float
    per_s: float
    seed: float


class Short(msgspec.Struct, frozen=True):
    """The bucket that had no token for longest, and when it can have one for this ask."""

    name: CapName
    wait_s: float


class SmoothingUnseen(Exception):
    """Redis is away or answers nonsense: nobody can say what is left, so everything is held."""


class Smoothing(Protocol):
    """Token buckets before the hard counters: they may only delay more, never permit more."""

    def take(
        self, asks: Sequence[Sequence[Bucket]], *, tenant: str, now: datetime
    ) -> list[Short | None]:
        """Each ask, in order, takes one token of each of its buckets (None), or of none (Short).

        The bucket `global_hour` is one for all tenants. While it is short, those that asked for it
        within the last seconds get equal parts of it.
        """
        ...

    def give_back(self, asks: Sequence[Sequence[Bucket]], *, tenant: str, now: datetime) -> None:
        """Put the tokens of asks back that were not used after all."""
        ...

    def drain(self, name: CapName, key: str, *, tenant: str, now: datetime) -> None:
        """Empty a bucket: the provider said 429."""
        ...


class Reserved(msgspec.Struct, frozen=True, kw_only=True):
    """Of the wanted sends so many are granted; `used` counts what was before them.

    `frees_at` is set where less was granted than wanted because the limit was reached.
    """

    granted: int
    used: int
    limit: int
    paused: bool = False
    frees_at: datetime | None = None
    bucket: datetime | None = None
    """Where they are counted, for whoever gives some of them back."""


class GlobalShare(Protocol):
    """The limit of the whole installation and its emergency stop; a short transaction of its own.

    Asked before the claim. A crash between the two counts too much, never too little.
    """

    def is_paused(self) -> bool:
        """Whether all sending is stopped; asked once more right before calls."""
        ...

    def reserve(self, wanted: int, now: datetime) -> Reserved:
        """Count up to `wanted` sends as sent; none while all sending is paused."""
        ...

    def give_back(self, reserved: Reserved, unused: int) -> None:
        """Count less what was reserved and not sent; never below zero."""
        ...

    def drop_old(self, now: datetime) -> int:
        """Delete buckets that no window needs any more; how many, for the sweep."""
        ...
