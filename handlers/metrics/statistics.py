"""How sure a rate is, and which of several rates is the best: pure, by integration, not by chance.

A rate is `hits` of `trials`. Its interval is Wilson's (1927), which stays within 0 and 1 and is
right also for few trials and for rates near 0. Rates are compared by Bayes' rule: each begins as
"any rate is as likely as any other" (Beta(1, 1)) and learns from its own trials alone.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil, e, exp, log, sqrt
from statistics import NormalDist
from typing import Any

import msgspec

CONFIDENCE = 0.95
POWER = 0.8
EFFECT = 0.5
"""The difference that a comparison is to find: one rate half as large again as the other."""
ENOUGH = 20.0
"""How much evidence makes a verdict: what is the same is called different once in 20 times."""

_NORMAL = NormalDist()
_POINTS = 24
_REACH = (0.25, 0.5, 1, 2, 3, 4, 6, 8, 11, 15, 20, 30, 45)
"""Where the range is cut around each rate, in its standard deviations."""


class Arm(msgspec.Struct, frozen=True):
    """How often something was tried, and how often it came out."""

    hits: int
    trials: int


class Standing(msgspec.Struct, frozen=True):
    """How an arm stands among its rivals.

    `best` is the probability that its rate is the highest; `loss` is by how much the highest rate
    lies above its own on average: what is given away by choosing it.
    """

    best: float
    loss: float


def wilson(hits: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The interval that has the true rate with this confidence; trials >= hits >= 0, trials > 0."""
    assert 0 <= hits <= trials, "a rate is a part of its trials"
    assert trials, "a rate of nothing has no interval"
    z = _NORMAL.inv_cdf((1 + confidence) / 2)
    rate, shrink = hits / trials, 1 + z * z / trials
    middle = (rate + z * z / (2 * trials)) / shrink
    half = z / shrink * sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    return low, 1.0 if hits == trials else min(1.0, middle + half)


def standings(arms: Sequence[Arm]) -> list[Standing]:
    """How likely each arm is the best, and what choosing it would give away; two arms or more.

    Both are integrals over the posteriors, taken piece by piece; the error is below 1e-6.
    """
    assert len(arms) > 1, "one alone has no rival"
    beliefs = [(arm.hits + 1, arm.trials - arm.hits + 1) for arm in arms]
    best, highest = [0.0] * len(arms), 0.0
    for at, weight in _grid(beliefs):
        below = [_betainc(*belief, at) for belief in beliefs]
        highest += float((weight * (1 - _product(below))).sum())
        for index, belief in enumerate(beliefs):
            rivals = _product(below[:index] + below[index + 1 :])
            best[index] += float((weight * _density(*belief, at) * rivals).sum())
    return [
        Standing(min(1.0, won), max(0.0, highest - hits / (hits + missed)))
        for won, (hits, missed) in zip(best, beliefs, strict=True)
    ]


def evidence(first: Arm, second: Arm) -> float:
    """How many times better "their rates differ" tells what was counted than "they are the same".

    Nought where the first rate is not the higher one. It is a mixture of likelihoods over
    differences of the size of EFFECT, so that one may look as often as one likes: of ENOUGH pairs
    with the same rates at most one ever reaches ENOUGH (Robbins 1970; Johari et al. 2017). The
    counts are taken as normal, which wants some hits.
    """
    trials = first.trials + second.trials
    if not first.trials or not second.trials:
        return 0.0
    common = (first.hits + second.hits + 1) / (trials + 2)
    noise = common * (1 - common) * (1 / first.trials + 1 / second.trials)
    size = (_larger(common) - common) ** 2
    gap = first.hits / first.trials - second.hits / second.trials
    if gap <= 0:
        return 0.0
    weight = size / (noise + size)
    return sqrt(1 - weight) * exp(min(700.0, gap * gap * weight / (2 * noise)))


def trials_needed(rate: float) -> int:
    """How many trials each of two arms needs, so that EFFECT is found in 80 of 100 cases.

    Found is what reaches ENOUGH by `evidence`; where the larger rate would be no rate, the smaller
    one is looked for instead.
    """
    assert 0 < rate < 1, "of a rate of 0 or 1 no part can be larger"
    other = _larger(rate)
    spread = rate * (1 - rate) + other * (1 - other)
    return ceil(_SHARPNESS * spread / (other - rate) ** 2)


def _larger(rate: float) -> float:
    """The rate that differs from this one by EFFECT."""
    other = rate * (1 + EFFECT)
    return other if other < 1 else rate / (1 + EFFECT)


def _sharpness() -> float:
    """The square of the difference in its standard errors, at which `evidence` finds it."""
    beyond, sharp = _NORMAL.inv_cdf(POWER), 1.0
    while sqrt(sharp) < beyond + sqrt(2 * (1 + sharp) / sharp * log(ENOUGH * sqrt(1 + sharp))):
        sharp += 0.01
    return sharp


_SHARPNESS = _sharpness()


def _grid(beliefs: Sequence[tuple[int, int]]) -> Iterator[tuple[Any, Any]]:
    """Gauss points and their weights, piece by piece: fine where a belief changes."""
    from scipy.special import roots_legendre  # noqa: PLC0415  # half a second, for few requests

    points, weights = roots_legendre(_POINTS)
    cuts = {0.0, 1.0}
    for hits, missed in beliefs:
        total = hits + missed
        mean, spread = hits / total, sqrt(hits * missed / (total * total * (total + 1)))
        near = (mean + sign * reach * spread for reach in _REACH for sign in (-1, 1))
        cuts |= {mean, *(cut for cut in near if 0 < cut < 1)}
    ordered = sorted(cuts)
    for begin, end in pairwise(ordered):
        half = (end - begin) / 2
        yield begin + half * (points + 1), half * weights


def _product(factors: Sequence[Any]) -> Any:  # noqa: ANN401  # an array, or 1 of nothing
    product: Any = 1.0
    for factor in factors:
        product = product * factor
    return product


def _betainc(hits: int, missed: int, at: Any) -> Any:  # noqa: ANN401  # arrays
    from scipy.special import betainc  # noqa: PLC0415  # as above

    return betainc(hits, missed, at)


def _density(hits: int, missed: int, at: Any) -> Any:  # noqa: ANN401  # arrays
    from scipy.special import betaln, xlog1py, xlogy  # noqa: PLC0415  # as above

    log = xlogy(hits - 1, at) + xlog1py(missed - 1, -at) - betaln(hits, missed)
    return e**log
