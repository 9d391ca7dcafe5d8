"""Keeps one child alive: starts it, probes it, starts it again when it dies, ends it."""

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from infra.embedded.child import Child, ChildEvent, ChildKeepsDying, Happening, Patience
from infra.embedded.running import Adopted, Running, spawn

LOG_BYTES_MAX = 10 * 1024 * 1024
PROBE_EVERY_S = 0.05
HARD_TIMEOUT_S = 5.0

Listener = Callable[[ChildEvent], None]


class Keeper:
    """The only one that starts, signals and buries the process of its child."""

    def __init__(self, child: Child, log: Path, on_event: Listener, patience: Patience) -> None:
        self.child = child
        self.log = log
        self.ready = asyncio.Event()
        self.pid: int | None = None
        self._stop = asyncio.Event()
        self._on_event = on_event
        self._patience = patience
        self._deaths: deque[float] = deque()
        self._doubt = ""

    def request_stop(self) -> None:
        """End the child and do not start it again."""
        self._stop.set()

    def why_not_ready(self) -> str:
        """What the last probe or the end of the child tells."""
        return f"did not become ready within {self.child.ready_timeout_s:g} s{self._doubt}"

    async def keep(self) -> None:
        """Start the child again each time it dies, until it dies too often."""
        while not self._stop.is_set():
            await self._live_once()
            if self._stop.is_set() or not self.child.restart:
                return
            await _wait_for(self._stop, self._patience.delay_s(self._count_death()))

    async def _live_once(self) -> None:
        running = await self._begin()
        self.pid = running.pid
        ended = asyncio.create_task(running.wait())
        asked = asyncio.create_task(self._stop.wait())
        probe = asyncio.create_task(self._probe(running.pid))
        await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
        happening: Happening = "died" if ended.done() else "stopped"
        if not ended.done():
            await self._end(running, ended)
        for task in (asked, probe):
            task.cancel()
        await asyncio.wait({asked, probe})
        self.pid = None
        self.ready.clear()
        status = ended.result()
        self._doubt = f" and ended with status {status}"
        self._tell(happening, running.pid, status)

    async def _begin(self) -> Running:
        found = await asyncio.to_thread(self.child.find_running)
        if found is not None:
            self._tell("adopted", found)
            return Adopted(found, self.child.find_running)
        await asyncio.to_thread(self.child.before)
        with _open_log(self.log) as log:
            running = await spawn(self.child, log)
        self._tell("started", running.pid)
        return running

    async def _probe(self, pid: int) -> None:
        while not await self._is_ready():  # noqa: ASYNC110 - another program is asked
            await asyncio.sleep(PROBE_EVERY_S)
        self.ready.set()
        self._tell("ready", pid)

    async def _is_ready(self) -> bool:
        try:
            answer = await asyncio.to_thread(self.child.ready)  # it may block on the network
            return answer if isinstance(answer, bool) else await answer
        except Exception as error:  # noqa: BLE001 - a probe that fails says no; the reason is kept
            self._doubt = f" ({error!r})"
            return False

    async def _end(self, running: Running, ended: asyncio.Task[int | None]) -> None:
        for number, timeout_s in (
            (self.child.stop_signal, self.child.stop_timeout_s),
            (self.child.hard_signal, HARD_TIMEOUT_S),
            (signal.SIGKILL, None),
        ):
            running.send(number)
            await asyncio.wait({ended}, timeout=timeout_s)
            if ended.done():
                return

    def _count_death(self) -> int:
        now = asyncio.get_running_loop().time()
        self._deaths.append(now)
        while self._deaths[0] < now - self._patience.within_s:
            self._deaths.popleft()
        deaths = len(self._deaths)
        if deaths >= self._patience.deaths_max:
            why = f"died {deaths} times within {self._patience.within_s:g} s"
            raise ChildKeepsDying(self.child.name, why, self.log)
        return deaths

    def _tell(self, what: Happening, pid: int, status: int | None = None) -> None:
        self._on_event(ChildEvent(self.child.name, what, pid, status))


def _open_log(path: Path) -> BinaryIO:
    with suppress(FileNotFoundError):
        if path.stat().st_size > LOG_BYTES_MAX:
            path.replace(path.with_suffix(".log.1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


async def _wait_for(event: asyncio.Event, timeout_s: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), timeout_s)
