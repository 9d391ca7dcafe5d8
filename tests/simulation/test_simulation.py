"""R1: seeded runs of the whole send path in which anything may fail; what must hold, holds."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.simulation.figures import ALWAYS, OFTEN, Figures, figures_of, shortest
from tests.simulation.replay import told
from tests.simulation.runs import run
from tests.simulation.scenes import SCENES
from tests.simulation.tempers import TEMPERS

SAMPLE = len(SCENES) * len(TEMPERS) * 18
LONG_RUN = 100_000
PORTION = 500
PROCESSES = 2
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """What the product logs of faults would be most of the output."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def checked(figures: Figures, required: tuple[str, ...], seeds: int) -> None:
    """The figures are printed; one violation, or one state that was not reached, fails."""
    sys.stdout.write("\n".join(["", *figures.lines(), ""]))
    if figures.violations:
        seed, scene, why = figures.violations[0]
        sys.stdout.write("\n".join([f"seed {seed}, {scene}: {why}", *told(shortest(seed))]))
    assert not figures.violations, f"{len(figures.violations)} of {seeds} seeds: see above"
    assert not figures.missing(required), f"never reached: {figures.missing(required)}"


@pytest.mark.slow
def test_a_sample_of_seeds_breaks_nothing() -> None:
    checked(figures_of(range(SAMPLE)), OFTEN, SAMPLE)


@pytest.mark.long
def test_a_hundred_thousand_seeds_break_nothing() -> None:
    figures = Figures()
    portions = [range(first, first + PORTION) for first in range(0, LONG_RUN, PORTION)]
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn"), initializer=silent) as at:
        for part in at.map(figures_of, portions):
            figures.merge(part)
            if figures.seeds % (20 * PORTION) == 0:
                sys.stderr.write(f"\n{figures.seeds} seeds, {len(figures.violations)} violations")
    checked(figures, ALWAYS, LONG_RUN)


def silent() -> None:
    """A process of the pool logs nothing, either."""
    logging.disable(logging.CRITICAL)


def test_a_seed_is_the_same_run_in_every_process() -> None:
    seeds = range(len(SCENES) * len(TEMPERS))
    here = [sum(run(seed).choices) for seed in seeds]
    script = (
        "import logging; logging.disable(50)\n"
        "from tests.simulation.runs import run\n"
        f"print([sum(run(seed).choices) for seed in range({len(seeds)})])"
    )
    there = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "4711"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == str(here)


def test_a_run_is_replayed_from_its_choices() -> None:
    for seed in range(len(SCENES)):
        done = run(seed)
        again = run(seed, done.choices)
        assert (again.choices, again.tally) == (done.choices, done.tally)


def test_without_choices_nothing_goes_wrong() -> None:
    for seed in range(len(SCENES)):
        calm = run(seed, [])
        assert not calm.violation
        assert not [name for name in calm.tally if name.startswith(("death", "freeze", "commit"))]
        assert calm.states == {"ACCEPTED": calm.messages} or SCENES[seed].campaigns > 1
