"""Calls that take seconds: two at a time in a process, so that all others are served meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event, Semaphore

import msgspec

from tests.handlers.test_api_simulation import PLAN
from tests.handlers.web_fakes import NOON, World


class HeldClock:
    """Lets nobody know the time before it may go; everybody who asks is counted."""

    def __init__(self) -> None:
        self.asked, self.go = Semaphore(0), Event()

    def now(self) -> datetime:
        self.asked.release()
        assert self.go.wait(30)
        return NOON


def test_a_third_simulation_waits_and_other_calls_do_not() -> None:
    world, clock = World(), HeldClock()
    ports = msgspec.structs.replace(world.ports, clock=clock)
    world.tenant = msgspec.structs.replace(world.tenant, ports=ports)
    body = {"plan": PLAN, "runs": 1}
    with world.client, ThreadPoolExecutor(3) as callers:
        answers = [callers.submit(world.post, "/v1/plans/simulate", body) for _ in range(3)]
        assert all(clock.asked.acquire(timeout=30) for _ in range(2))
        for _ in range(50):
            assert world.get("/v1/plans/schema").status_code == 200
        third_began = clock.asked.acquire(blocking=False)
        clock.go.set()
        assert [answer.result(30).status_code for answer in answers] == [200] * 3
    assert not third_began
