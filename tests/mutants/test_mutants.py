"""The rigs find every mutant of trust.md 4, and nothing where there is none."""

import logging
import sys
from collections.abc import Callable, Iterator

import pytest

from domain.ids import TenantId
from tests.mutants.mutants import MUTANTS, Mutant, Patched
from tests.mutants.on_postgres import counted_twice, gap_filled_later, stored_but_not_told
from tests.simulation.runs import run
from tests.simulation.scenes import SCENES
from tests.simulation.tempers import TEMPERS
from tests.stories.house import House

SEEDS_MAX = 1_500
"""So many runs a mutant gets to show itself."""
TEMPER_OF = {2: "slow", 8: "crowded", 9: "wild"}
"""Where the states that show a mutant are not so rare; all others show in any run."""
SIMULATED = [mutant for mutant in MUTANTS if mutant.number not in (4, 7)]
ON_POSTGRES = [mutant for mutant in MUTANTS if mutant.number in (4, 7, 10)]
Row = tuple[int, str, str, str]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """What the product logs of faults would be most of the output."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def table() -> Iterator[list[Row]]:
    """Who found what, printed when all have tried."""
    found: list[Row] = []
    yield found
    lines = [f"{number:>2} {name:<52} {rig:<10} {how}" for number, name, rig, how in sorted(found)]
    caught = len({number for number, *_ in found})
    sys.stdout.write("\n".join(["", *lines, f"found {caught} of {len(MUTANTS)}", ""]))


def seeds_for(mutant: Mutant) -> Iterator[int]:
    """The seeds it is looked for in: of one temper, or all."""
    wanted = TEMPER_OF.get(mutant.number)
    seed = tried = 0
    while tried < SEEDS_MAX:
        if wanted in (None, TEMPERS[seed // len(SCENES) % len(TEMPERS)].name):
            tried += 1
            yield seed
        seed += 1


@pytest.mark.slow
@pytest.mark.parametrize("mutant", SIMULATED, ids=lambda mutant: str(mutant.number))
def test_the_simulation_finds_it(mutant: Mutant, table: list[Row]) -> None:
    for tried, seed in enumerate(seeds_for(mutant), start=1):
        with mutant.open():
            why = run(seed).violation
        if why and not run(seed).violation:  # what goes wrong without it, too, says nothing of it
            how = f"after {tried} seeds ({TEMPER_OF.get(mutant.number, 'all')}): {why[:60]}"
            table.append((mutant.number, mutant.name, "R1", how))
            return
    pytest.fail(f"{mutant.name} was not found in {SEEDS_MAX} runs")


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.parametrize("mutant", ON_POSTGRES, ids=lambda mutant: str(mutant.number))
def test_a_real_database_finds_it(
    mutant: Mutant, table: list[Row], house: House, database_url: str
) -> None:
    database = house.system.database
    finds: dict[int, Callable[[TenantId], str]] = {
        4: lambda tenant: gap_filled_later(database, tenant),
        7: lambda tenant: counted_twice(database, tenant),
        10: lambda tenant: stored_but_not_told(database_url, tenant),
    }
    find = finds[mutant.number]
    assert _found(mutant.open(), lambda: find(house.tenant)), f"{mutant.name} was not found"
    table.append((mutant.number, mutant.name, "Postgres", "at once"))


@pytest.mark.postgres
@pytest.mark.redis
def test_a_gap_is_not_filled_later(house: House) -> None:
    assert gap_filled_later(house.system.database, house.tenant) == ""


@pytest.mark.postgres
@pytest.mark.redis
def test_a_projection_that_dies_counts_once(house: House) -> None:
    assert counted_twice(house.system.database, house.tenant) == ""


@pytest.mark.postgres
@pytest.mark.redis
def test_what_is_stored_is_told(house: House, database_url: str) -> None:
    assert stored_but_not_told(database_url, house.tenant) == ""


def _found(patched: Patched, find: Callable[[], str]) -> str:
    with patched:
        return find()
