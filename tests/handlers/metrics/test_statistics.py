"""Intervals and comparisons against references that reckon in other ways."""

from fractions import Fraction
from math import comb
from random import Random  # noqa: TID251  # seeded: the same trials for the same seed

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from handlers.metrics.statistics import ENOUGH, Arm, evidence, standings, trials_needed, wilson


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


def drawn(chance: Random, rate: float, trials: int) -> int:
    return sum(chance.random() < rate for _ in range(trials))


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.03, 0.2])
def test_of_equal_pairs_one_in_twenty_at_most_is_called_different_however_often_one_looks(
    rate: float,
) -> None:
    """Looked at after every 50 trials of each, up to 2500."""
    chance, called, lives = Random(5), 0, 200  # noqa: S311  # repeatable on purpose
    for _ in range(lives):
        first = second = 0
        for trials in range(50, 2_501, 50):
            first, second = first + drawn(chance, rate, 50), second + drawn(chance, rate, 50)
            one, other = Arm(first, trials), Arm(second, trials)
            if first + second >= 10 and max(evidence(one, other), evidence(other, one)) >= ENOUGH:
                called += 1
                break
    assert called / lives <= 0.05


@pytest.mark.parametrize("rate", [0.01, 0.03, 0.1, 0.3, 0.6, 0.9])
def test_the_sample_that_is_needed_finds_the_difference_in_about_80_of_100_cases(
    rate: float,
) -> None:
    """By the normal law of the gap: how often it is so large that the evidence is enough."""
    needed = trials_needed(rate)
    other = rate * 1.5 if rate * 1.5 < 1 else rate / 1.5
    low, high = sorted((rate, other))
    spread = ((rate * (1 - rate) + other * (1 - other)) / needed) ** 0.5
    middle = (rate + other) / 2

    def enough(gap: float) -> bool:
        hits = round(needed * (middle - gap / 2)), round(needed * (middle + gap / 2))
        return evidence(Arm(hits[1], needed), Arm(hits[0], needed)) >= ENOUGH

    bounds = [gap / 10_000 for gap in range(1, round(10_000 * min(2 * middle, 2 - 2 * middle)))]
    least = next(gap for gap in bounds if enough(gap))
    power = stats.norm.sf((least - (high - low)) / spread)
    assert 0.68 < power < 0.92


def test_evidence_grows_with_the_sample_and_with_the_gap_and_is_of_the_higher_rate() -> None:
    assert evidence(Arm(60, 1000), Arm(30, 1000)) < evidence(Arm(600, 10_000), Arm(300, 10_000))
    assert evidence(Arm(60, 1000), Arm(30, 1000)) < evidence(Arm(90, 1000), Arm(30, 1000))
    assert evidence(Arm(30, 1000), Arm(60, 1000)) == 0
    assert evidence(Arm(0, 0), Arm(0, 10)) == evidence(Arm(5, 10), Arm(0, 0)) == 0
    assert evidence(Arm(10**6, 10**7), Arm(1, 10**7)) > 1e100
