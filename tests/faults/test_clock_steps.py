"""The clock of all processes steps between restarts: nothing leaves early, nothing twice."""

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.faults.processes import until
from tests.faults.reckoning import reckon, require
from tests.faults.world import Setup, standing

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
_EARLY = """
SELECT count(*) FROM {s}.events a JOIN {s}.send_queue q
    ON q.message_id::text = convert_from(a.state, 'UTF8')::jsonb -> 'f' ->> 'message_id'
 WHERE a.topic = 'send_attempt_started'
   AND (convert_from(a.state, 'UTF8')::jsonb -> 'f' ->> 'at')::timestamptz < q.due_at
"""


def test_a_clock_that_steps_sends_nothing_early_and_nothing_twice(tmp_path: Path) -> None:
    setup = Setup(workers=2)
    held = 0
    with standing(tmp_path / "w", setup) as world:
        with world.running() as roles:
            world.enrol(100)
            until(lambda: world.states()["ACCEPTED"] > 20, 60, lambda: f"{world.states()}")
            world.enrol(50)
        for shift in STEPS:
            with world.running(replace(setup, shift=shift)) as roles:
                held += world.states()["QUEUED"] + world.states()["PLANNED"]
                world.enrol(30)
                world.settle(SETTLE_S)
        early = world.number(_EARLY)
        figures = reckon(world, roles) | {"early": early, "waited over a step": held}
        require(figures)
        assert early == 0
        assert figures["states"] == {"ACCEPTED": figures["messages"]}
