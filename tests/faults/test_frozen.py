"""Processes sleep through their own sweep and wake; fleets run twice; orders stop at once."""

import signal
import time
from pathlib import Path

import pytest

from tests.faults.processes import until
from tests.faults.reckoning import reckon, require
from tests.faults.world import SWEEP_AFTER_S, Setup, standing

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.redis,
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.long,
]

FREEZING = (
    "after_claim_statement",
    "before_claim_commit",
    "after_claim_commit",
    "before_call",
    "after_call_written",
    "after_answer",
    "before_record_commit",
    "after_ingest_lease",
)
"""C10 of trust.md 1.2: asleep in the middle of each step."""
SWEPT_S = SWEEP_AFTER_S + 10 + 4
"""The age of a doubt, one sweep, and some patience."""
SETTLE_S = 150
ROUNDS = 3
TIRED_S = 240


def test_whoever_sleeps_through_the_sweep_sends_nothing_twice(tmp_path: Path) -> None:
    late = 0
    with standing(tmp_path / "w", Setup(workers=3)) as world:
        with world.running() as roles:
            for first in range(0, len(FREEZING), 2):
                sleepers = dict(
                    zip(("worker-1-1", "worker-1-2"), FREEZING[first : first + 2], strict=True)
                )
                world.orders.fixed = {name: f"{at}:1:freeze" for name, at in sleepers.items()}
                frozen = world.orders.freezes().total()
                for name in sleepers:
                    roles.send(name, signal.SIGKILL)

                def both_sleep(frozen: int = frozen) -> bool:
                    world.enrol(10)
                    return world.orders.freezes().total() >= frozen + 2

                until(both_sleep, TIRED_S, lambda: f"{world.orders.freezes()}; {world.held()}")
                time.sleep(SWEPT_S)
                world.orders.fixed = {}
                before = world.book.accepts().keys()
                doubts = world.states()["UNKNOWN"]
                for name in sleepers:
                    roles.send(name, signal.SIGCONT)
                time.sleep(3)
                late += doubts - world.states()["UNKNOWN"]
                assert before <= world.book.accepts().keys()
            world.calm()
            world.settle(SETTLE_S)
        figures = reckon(world, roles) | {
            "freezes by place": dict(world.orders.freezes()),
            "doubts that ended when somebody woke": late,
        }
        require(figures)
        assert set(FREEZING) <= world.orders.freezes().keys()
        assert figures["unknown"] > 0


def test_two_fleets_do_the_work_once(tmp_path: Path) -> None:
    with standing(tmp_path / "w", Setup(workers=2, fleets=2)) as world:
        with world.running() as roles:
            for _ in range(10):
                world.enrol(50)
            world.settle(SETTLE_S)
        figures = reckon(world, roles)
        require(figures)
        assert figures["states"] == {"ACCEPTED": figures["messages"]}


def test_a_stop_signal_in_the_middle_of_a_batch_leaves_no_doubt(tmp_path: Path) -> None:
    stopped, busy = 0, 0
    with standing(tmp_path / "w", Setup(workers=2)) as world:
        with world.running() as roles:
            for _ in range(ROUNDS * 3):
                world.enrol(50)
                until(lambda: world.states()["SENDING"], 30, lambda: "nothing is being sent")
                busy += world.states()["SENDING"] > 0
                for name in ("worker-1-1", "worker-1-2"):
                    stopped += roles.send(name, signal.SIGTERM) is not None
                until(lambda: not world.waiting(), 60, lambda: f"{world.waiting()} are waiting")
            world.settle(SETTLE_S)
        figures = reckon(world, roles) | {"stops": stopped, "stops in a batch": busy}
        require(figures)
        assert busy > 0
        assert figures["unknown"] == 0
        assert figures["states"] == {"ACCEPTED": figures["messages"]}


def test_after_a_pause_is_acknowledged_nothing_is_called_but_what_was_on_the_wire(
    tmp_path: Path,
) -> None:
    after = []
    with standing(tmp_path / "w", Setup(workers=2)) as world:
        with world.running() as roles:
            for _ in range(ROUNDS):
                world.enrol(100)
                until(lambda: world.states()["SENDING"], 30, lambda: "nothing is being sent")
                world.order("pause")
                acknowledged = world.book.accepts().total()
                time.sleep(0.3)
                on_the_wire = world.book.accepts().total()
                after.append(on_the_wire - acknowledged)
                held = world.waiting() + world.states()["QUEUED"]
                time.sleep(4)
                assert world.book.accepts().total() == on_the_wire
                assert held
                world.order("resume")
                until(lambda: not world.waiting(), 60, lambda: f"{world.waiting()} are waiting")
            world.settle(SETTLE_S)
        require(reckon(world, roles) | {"accepted after the acknowledgement": after})
