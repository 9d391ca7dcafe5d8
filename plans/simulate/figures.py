"""The few figures that a simulation needs: shares with their intervals, quantiles."""

import math
from collections.abc import Sequence
from typing import TypeVar

DIGITS = 4
"""Of every share and day: finer than any simulation is."""

_Z_95 = 1.959963984540054

T = TypeVar("T")


def wilson(count: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share by Wilson's score; it never leaves [0, 1]."""
    share, z2 = count / of, _Z_95 * _Z_95
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z_95 * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    low = 0.0 if count == 0 else max(0.0, middle - half)
    high = 1.0 if count == of else min(1.0, middle + half)
    return round(low, DIGITS), round(high, DIGITS)


def quantile(ordered: Sequence[T], share: float) -> T:
    """The smallest of ordered values that this share of them does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
