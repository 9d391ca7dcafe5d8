"""Processes under supervisors that run in a thread, so that a test can kill what it likes."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial

from infra.embedded.child import Child, ChildEvent, Patience
from infra.embedded.home import Home
from infra.embedded.supervisor import Supervisor

UNTIRING = Patience(backoff_s=0.02, backoff_s_max=0.02, deaths_max=1_000_000)
START_S = 120.0


class Processes:
    """Children of one supervisor; each that dies is started again at once, however often."""

    def __init__(self, home: Home, children: Sequence[Child]) -> None:
        self._home = home
        self._children = children
        self._started: Future[Callable[[], object]] = Future()
        self._ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._supervisor: Supervisor | None = None
        self.events: list[tuple[float, ChildEvent]] = []

    def start(self) -> None:
        """Return when all are ready."""
        self._thread.start()
        self._request_stop = self._started.result(START_S)

    def stop(self) -> None:
        """End all in reverse order, each by its own signal; raise what went wrong meanwhile."""
        with suppress(RuntimeError):  # the loop is closed: a child was given up
            self._request_stop()
        self._thread.join()
        self._ended.result()

    def pid(self, name: str) -> int | None:
        """The pid of a child while it runs."""
        return self._supervisor.pid(name) if self._supervisor else None

    def send(self, name: str, number: signal.Signals) -> int | None:
        """Signal a child if it runs; its pid."""
        pid = self.pid(name)
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return pid

    def deaths(self, name: str) -> int:
        """How often a child has died without being told to."""
        return sum(event.name == name and event.what == "died" for _, event in list(self.events))

    def recoveries_s(self, prefix: str) -> list[float]:
        """Seconds from each death of these children until the next one was ready."""
        died_at: dict[str, float] = {}
        found = []
        for at, event in list(self.events):
            if not event.name.startswith(prefix):
                continue
            if event.what == "died":
                died_at.setdefault(event.name, at)
            elif event.what == "ready" and event.name in died_at:
                found.append(at - died_at.pop(event.name))
        return found

    def _serve(self) -> None:
        async def supervise() -> None:
            loop = asyncio.get_running_loop()
            supervisor = Supervisor(self._children, self._home, self._note, UNTIRING)
            async with supervisor:
                self._supervisor = supervisor
                self._started.set_result(
                    partial(loop.call_soon_threadsafe, supervisor.request_stop)
                )
                await supervisor.wait()

        try:
            asyncio.run(supervise())
        except BaseException as error:  # noqa: BLE001  # handed to the thread that waits for it
            (self._ended if self._started.done() else self._started).set_exception(error)
        else:
            self._ended.set_result(None)

    def _note(self, event: ChildEvent) -> None:
        self.events.append((time.monotonic(), event))


def until(holds: Callable[[], object], seconds: float, what: Callable[[], str]) -> float:
    """Wait until something holds; how many seconds that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, what()
        time.sleep(0.05)
    return time.monotonic() - began
