"""Processes kill themselves at every named place; nothing goes out twice and nothing is lost."""

import os
import time
from pathlib import Path

import pytest

from tests.faults.orders import PLACES_OF, PROJECTOR, TICKER, WEB, WORKER
from tests.faults.processes import until
from tests.faults.reckoning import reckon, require
from tests.faults.world import Setup, World, standing

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.faults, pytest.mark.slow]

EVERY = (*WORKER, *PROJECTOR, *TICKER, *WEB)
SAMPLE = (
    "after_claim_commit",
    "after_call_written",
    "before_record_commit",
    "after_ingest_commit",
    "in_projection",
)
FED, FED_EVERY_S = 15, 0.5
"""So many new people at a time and how often, as long as processes die."""
SETTLE_S = 120


def _until_killed(world: World, places: tuple[str, ...], times: int, seconds: float) -> None:
    fed_at = 0.0

    def enough() -> bool:
        nonlocal fed_at
        if time.monotonic() - fed_at > FED_EVERY_S:
            world.enrol(FED)
            fed_at = time.monotonic()
        killed = world.orders.kills()
        return all(killed[place] >= times for place in places)

    until(enough, seconds, lambda: f"killed so far: {world.orders.kills()}")
    world.calm()


def test_a_few_kills_in_the_middle_of_sending_cost_nothing(tmp_path: Path) -> None:
    with standing(tmp_path / "w", Setup(workers=2)) as world:
        world.orders.places = SAMPLE
        with world.running() as roles:
            _until_killed(world, SAMPLE, 1, 60)
            world.end_leases()
            world.settle(SETTLE_S)
        require(reckon(world, roles))


@pytest.mark.long
def test_kills_at_every_place_cost_nothing(tmp_path: Path) -> None:
    times = int(os.environ.get("FAULTS_KILLS", "20"))
    with standing(tmp_path / "w", Setup(workers=3)) as world:
        world.orders.places, world.orders.wanted = EVERY, times
        with world.running() as roles:
            _until_killed(world, EVERY, times, 1800)
            settled_s = world.settle(SETTLE_S)
        figures = reckon(world, roles) | {"settled after s": round(settled_s, 1)}
    require(figures)
    assert figures["kills"] >= 10 * times
    assert {place: figures["kills by place"].get(place, 0) >= times for place in EVERY} == (
        dict.fromkeys(EVERY, True)
    )
    assert PLACES_OF.keys() == {"worker", "projector", "ticker", "web"}
