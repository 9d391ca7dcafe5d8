"""Intervals and comparisons against references that reckon in other ways."""

from fractions import Fraction
from math import comb, inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from handlers.metrics.statistics import Arm, standings, trials_needed, wilson


@st.composite
def arms(draw: st.DrawFn, most: int = 400) -> Arm:
    trials = draw(st.integers(0, most))
    return Arm(draw(st.integers(0, trials)), trials)


@given(arms(most=100_000).filter(lambda arm: arm.trials > 0), st.floats(0.5, 0.999))
def test_an_interval_is_the_one_that_scipy_gives(arm: Arm, confidence: float) -> None:
    reference = stats.binomtest(arm.hits, arm.trials).proportion_ci(confidence, method="wilson")
    assert wilson(arm.hits, arm.trials, confidence) == pytest.approx(tuple(reference), abs=1e-12)


@given(arms(most=10_000).filter(lambda arm: arm.trials > 0))
def test_an_interval_has_the_rate_in_it_and_stays_between_nought_and_one(arm: Arm) -> None:
    low, high = wilson(arm.hits, arm.trials)
    assert 0 <= low <= arm.hits / arm.trials <= high <= 1
    assert high > low


@pytest.mark.parametrize(("rate", "trials"), [(0.02, 300), (0.05, 100), (0.2, 40), (0.5, 30)])
def test_an_interval_has_the_true_rate_in_about_95_of_100_samples(rate: float, trials: int) -> None:
    held = sum(
        stats.binom.pmf(hits, trials, rate)
        for hits in range(trials + 1)
        if (bounds := wilson(hits, trials))[0] <= rate <= bounds[1]
    )
    assert 0.92 < held < 0.99


def exactly(first: Arm, second: Arm) -> float:
    """The probability that the second rate is higher: Miller's sum over whole numbers."""
    a, b = first.hits + 1, first.trials - first.hits + 1
    c, d = second.hits + 1, second.trials - second.hits + 1

    def beta(x: int, y: int) -> Fraction:
        return Fraction(1, (x + y - 1) * comb(x + y - 2, x - 1))

    return float(
        sum(beta(a + i, b + d) / ((d + i) * beta(1 + i, d) * beta(a, b)) for i in range(c))
    )


@settings(deadline=None, max_examples=60)
@given(arms(), arms())
def test_the_better_of_two_is_as_likely_as_the_exact_sum_says(first: Arm, second: Arm) -> None:
    found = standings([first, second])
    assert found[1].best == pytest.approx(exactly(first, second), abs=1e-6)
    assert found[0].best + found[1].best == pytest.approx(1, abs=1e-6)


@settings(deadline=None, max_examples=20)
@given(arms(most=60), arms(most=60), arms(most=60))
def test_the_loss_of_three_is_as_scipy_integrates_it(first: Arm, second: Arm, third: Arm) -> None:
    three = [first, second, third]
    beliefs = [stats.beta(arm.hits + 1, arm.trials - arm.hits + 1) for arm in three]
    highest, _ = integrate.quad(
        lambda x: 1 - beliefs[0].cdf(x) * beliefs[1].cdf(x) * beliefs[2].cdf(x), 0, 1, limit=400
    )
    for found, belief in zip(standings(three), beliefs, strict=True):
        assert found.loss == pytest.approx(highest - belief.mean(), abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.lists(arms(most=2_000_000), min_size=2, max_size=5))
def test_chances_make_the_whole_also_for_very_unlike_samples(many: list[Arm]) -> None:
    found = standings(many)
    assert sum(one.best for one in found) == pytest.approx(1, abs=1e-6)
    assert all(one.loss >= 0 for one in found)


@settings(deadline=None, max_examples=30)
@given(arms(), arms())
def test_the_order_of_the_arms_does_not_matter(first: Arm, second: Arm) -> None:
    one, other = standings([first, second]), standings([second, first])
    assert one[0].best == pytest.approx(other[1].best, abs=1e-9)
    assert one[0].loss == pytest.approx(other[1].loss, abs=1e-9)


@pytest.mark.parametrize("rate", [0.01, 0.03, 0.1, 0.3, 0.6, 0.9])
def test_the_sample_that_is_needed_finds_the_difference_in_about_80_of_100_tries(
    rate: float,
) -> None:
    needed = trials_needed(rate)
    other = rate * 1.5 if rate * 1.5 < 1 else rate / 1.5
    spread = (rate * (1 - rate) / needed + other * (1 - other) / needed) ** 0.5
    power = stats.norm.sf(stats.norm.isf(0.025) - abs(other - rate) / spread)
    assert power == pytest.approx(0.8, abs=0.01)


def test_a_smaller_difference_needs_more() -> None:
    assert trials_needed(0.05, 0.25) > 3 * trials_needed(0.05, 0.5)
    assert trials_needed(0.05) < inf
