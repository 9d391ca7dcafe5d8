"""Chance that follows from a seed alone.

SplitMix64 on plain integers instead of `random`: the core imports no source of chance, and the
same seed gives the same throws in every process, on every platform and in every Python release.
"""

import math
from statistics import NormalDist

_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_UNIT = 1.0 / (1 << 53)
_QUANTILE = NormalDist().inv_cdf


class Chance:
    """A row of throws; the same seed and number give the same row."""

    __slots__ = ("_state",)

    def __init__(self, seed: int, number: int = 0) -> None:
        self._state = _mixed((_mixed(seed & _MASK) + number * _STEP) & _MASK)

    def throw(self) -> float:
        """A number in [0, 1)."""
        self._state = state = (self._state + _STEP) & _MASK
        return (_mixed(state) >> 11) * _UNIT

    def log_normal(self, median: float, sigma: float) -> float:
        """A positive number, above and below the median equally often, with a long tail."""
        inside = min(max(self.throw(), 1e-9), 1 - 1e-9)
        return median * math.exp(sigma * _QUANTILE(inside))


def _mixed(number: int) -> int:
    number = ((number ^ (number >> 30)) * _FIRST) & _MASK
    number = ((number ^ (number >> 27)) * _SECOND) & _MASK
    return number ^ (number >> 31)
