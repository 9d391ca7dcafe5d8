"""Chance that follows from a seed and names alone, so that a run can be repeated."""

import base64
import hashlib
import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import TypeVar

T = TypeVar("T")

_MANTISSA_BITS = 53
_STANDARD_NORMAL = NormalDist()


class Dice:
    """A row of throws; the same seed and names give the same row in every process."""

    def __init__(self, seed: int, *names: str | int) -> None:
        text = "\x1f".join(str(name) for name in (seed, *names))
        self._key = hashlib.blake2b(text.encode(), digest_size=32).digest()
        self._thrown = 0

    def throw(self) -> float:
        """A number in [0, 1)."""
        self._thrown += 1
        row = hashlib.blake2b(self._thrown.to_bytes(8), key=self._key, digest_size=8).digest()
        return (int.from_bytes(row) >> (64 - _MANTISSA_BITS)) / (1 << _MANTISSA_BITS)

    def chance(self, share: float) -> bool:
        """True in the given share of throws."""
        return self.throw() < share

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.throw()

    def whole(self, below: int) -> int:
        """A whole number in [0, below)."""
        return int(self.throw() * below)

    def pick(self, things: Sequence[T]) -> T:
        """One of the things, each as likely."""
        return things[self.whole(len(things))]

    def log_normal(self, median: float, sigma: float) -> float:
        """A positive number with a long tail, above and below the median equally often."""
        inside = min(max(self.throw(), 1e-9), 1 - 1e-9)
        return median * math.exp(sigma * _STANDARD_NORMAL.inv_cdf(inside))

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """The things in another order."""
        return [thing for _, _, thing in sorted((self.throw(), i, t) for i, t in enumerate(things))]

    def token(self, size: int = 16) -> str:
        """An opaque base64url text of so many bytes, without padding."""
        self._thrown += 1
        row = hashlib.blake2b(self._thrown.to_bytes(8), key=self._key, digest_size=size).digest()
        return base64.urlsafe_b64encode(row).rstrip(b"=").decode()
