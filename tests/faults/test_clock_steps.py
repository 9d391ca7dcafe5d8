"""The clock of all processes steps between restarts: nothing leaves early, nothing twice."""

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.faults.people import later
from tests.faults.processes import until
from tests.faults.reckoning import reckon, require
from tests.faults.world import Setup, World, standing

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.long,
]

STEPS = (timedelta(hours=-1), timedelta(days=1), timedelta(hours=23), timedelta(days=2))
"""Against the clock of the start: an hour back, a day on, an hour back again, a day on."""
SETTLE_S = 150
DELAY = "PT2H"
"""A real minute."""
_EARLY = """
SELECT count(*) FROM {s}.events a JOIN {s}.send_queue q
    ON q.message_id::text = convert_from(a.state, 'UTF8')::jsonb -> 'f' ->> 'message_id'
 WHERE a.topic = 'send_attempt_started'
   AND (convert_from(a.state, 'UTF8')::jsonb -> 'f' ->> 'at')::timestamptz < q.due_at
"""


def test_a_clock_that_steps_sends_nothing_early_and_nothing_twice(tmp_path: Path) -> None:
    setup, held = Setup(workers=2), []
    with standing(tmp_path / "w", setup) as world:
        for shift in (timedelta(0), *STEPS):
            with world.running(replace(setup, shift=shift)):
                world.enrol(30)
                until(lambda: world.states()["ACCEPTED"] > 10, 60, lambda: f"{world.states()}")
                if shift != STEPS[-1]:
                    world.enrol(30, later(DELAY))  # they wait over the step
                    held.append(world.states()["PLANNED"] + world.states()["QUEUED"])
                else:
                    until(lambda: not _waits(world), SETTLE_S, lambda: f"{world.states()}")
                    world.settle(SETTLE_S)
        early = world.number(_EARLY)
        figures = reckon(world, world.roles) | {"early": early, "waited over a step": held}
        require(figures)
        assert early == 0
        assert min(held) > 0
        assert figures["states"] == {"ACCEPTED": figures["messages"]}


def _waits(world: World) -> int:
    return world.states()["PLANNED"] + world.states()["QUEUED"]
