"""A limit is kept by two workers through kills, restarts and an empty Redis: never one over."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

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

LIMIT = 60
PEOPLE = 200
FACTOR = 10.0
"""Slow enough for the hour of the limit to outlast the run."""
TIRED_S = 120
AFTER_S = 8
"""So long it is watched that nothing more leaves."""


def _flush(world: World) -> None:
    with redis.Redis.from_url(world.valkey().url) as client:
        client.flushall()


def _kill_workers(world: World) -> None:
    for name in ("worker-1-1", "worker-1-2"):
        world.roles.send(name, signal.SIGKILL)


def _stop_postgres(world: World) -> None:
    os.kill(world.postgres_pid(), signal.SIGQUIT)
    until(lambda: not world.postgres().ready(), 10, lambda: "it did not stop")
    until(world.postgres().ready, 60, lambda: "it did not come back")


def _replace_all(world: World) -> None:
    world.replace_all()


TROUBLES: tuple[Callable[[World], None], ...] = (
    _flush,
    _kill_workers,
    _flush,
    _stop_postgres,
    _flush,
    _replace_all,
)


def _used(world: World) -> int:
    """What may have left: accepted, or nobody knows."""
    states = world.states()
    return PEOPLE - states["QUEUED"] - states["PLANNED"]


def _until_used(world: World, number: int) -> None:
    until(lambda: _used(world) >= number, TIRED_S, lambda: f"{world.states()}")


def test_a_limit_holds_through_every_loss(tmp_path: Path) -> None:
    setup = Setup(workers=2, factor=FACTOR, sender={"hour_max": LIMIT})
    with standing(tmp_path / "w", setup) as world:
        with world.running() as roles:
            world.enrol(PEOPLE)
            for number, trouble in enumerate(TROUBLES, start=1):
                aim = LIMIT * number // (len(TROUBLES) + 2)
                _until_used(world, aim)
                trouble(world)
            _until_used(world, LIMIT)
            for trouble in TROUBLES:
                trouble(world)
            time.sleep(AFTER_S)
            used = _used(world)
        figures = reckon(world, roles) | {"limit": LIMIT, "used": used}
        require(figures)
        assert used == LIMIT
        assert world.book.accepts().total() <= LIMIT
