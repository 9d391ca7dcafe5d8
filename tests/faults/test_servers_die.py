"""The broker is emptied and killed, PostgreSQL stops at once: late, but nothing twice or lost."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tests.faults.processes import until
from tests.faults.reckoning import reckon, require, spread
from tests.faults.world import Setup, World, standing

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.faults, pytest.mark.slow]

LOAD = 60
"""People who are enrolled before each fault, so that it happens in the middle of sending."""
DRAINED_S = 30
UP_AGAIN_S = 60
SETTLE_S = 150


def _drained_s(world: World, fault: Callable[[], object]) -> float:
    """Seconds from a fault under load until nothing that was due is left in the queue."""
    world.enrol(LOAD)
    fault()
    return until(lambda: not world.waiting(), 120, lambda: f"{world.waiting()} are waiting")


def _flush(world: World) -> None:
    with redis.Redis.from_url(world.valkey().url) as client:
        client.flushall()


def _kill_broker(world: World) -> None:
    pid = world.valkey().running_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def _stop_postgres_at_once(world: World) -> float:
    """An immediate stop, as a power cut for the sessions; seconds until it serves again."""
    os.kill(world.postgres_pid(), signal.SIGQUIT)
    began = time.monotonic()
    until(lambda: not world.postgres().ready(), 10, lambda: "it did not stop")
    until(world.postgres().ready, UP_AGAIN_S, lambda: "it did not come back")
    return time.monotonic() - began


def _broker_faults(folder: Path, times: int) -> None:
    with standing(folder, Setup(workers=2)) as world:
        with world.running() as roles:
            flushed = [_drained_s(world, lambda: _flush(world)) for _ in range(times)]
            killed = [_drained_s(world, lambda: _kill_broker(world)) for _ in range(times)]
            world.settle(SETTLE_S)
        figures = reckon(world, roles) | {
            "drained s after FLUSHALL": spread(flushed),
            "drained s after a kill of the broker": spread(killed),
            "broker up again s": spread(world.servers.recoveries_s("valkey")),
        }
        require(figures)
        assert max(*flushed, *killed) <= DRAINED_S
        assert world.servers.deaths("valkey") == times


def _postgres_faults(folder: Path, times: int) -> None:
    back: list[float] = []
    with standing(folder, Setup(workers=2)) as world:
        with world.running() as roles:
            with world.poster() as poster:
                drained = [
                    _drained_s(world, lambda: back.append(_stop_postgres_at_once(world)))
                    for _ in range(times)
                ]
            world.settle(SETTLE_S)
        figures = reckon(world, roles, poster) | {
            "PostgreSQL serves again s": spread(back),
            "drained s after a stop of PostgreSQL": spread(drained),
        }
        require(figures)
        assert world.servers.deaths("postgres") == times


def test_an_empty_and_a_killed_broker_make_nothing_but_late(tmp_path: Path) -> None:
    _broker_faults(tmp_path / "w", 1)


@pytest.mark.long
def test_a_broker_that_dies_often_makes_nothing_but_late(tmp_path: Path) -> None:
    _broker_faults(tmp_path / "w", 10)


@pytest.mark.long
def test_postgres_that_stops_at_once_under_load_loses_nothing_acknowledged(
    tmp_path: Path,
) -> None:
    _postgres_faults(tmp_path / "w", 10)
