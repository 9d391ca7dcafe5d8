"""R2: whatever is ordered, reported or fails, the model and PostgreSQL stay the same."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.two_stores import TwoStores
from tests.stories.house import House


@pytest.fixture
def machine(house: House) -> Iterator[type[TwoStores]]:
    logging.disable(logging.CRITICAL)
    yield type("OfThisHouse", (TwoStores,), {"house": house})
    logging.disable(logging.NOTSET)


def _settings(examples: int, *, derandomize: bool) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=40,
        deadline=None,
        derandomize=derandomize,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.postgres
@pytest.mark.redis
def test_memory_and_postgres_stay_the_same(machine: type[TwoStores]) -> None:
    run_state_machine_as_test(machine, settings=_settings(12, derandomize=True))  # type: ignore[no-untyped-call]  # of hypothesis


@pytest.mark.long
@pytest.mark.postgres
@pytest.mark.redis
def test_memory_and_postgres_stay_the_same_for_long(machine: type[TwoStores]) -> None:
    run_state_machine_as_test(machine, settings=_settings(400, derandomize=False))  # type: ignore[no-untyped-call]  # of hypothesis
