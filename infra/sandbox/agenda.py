"""Planned acts on simulated time, carried out by one task when they are due."""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import datetime

from infra.sandbox.clock import Now

NAP_S_MAX = 0.25  # a clock that is moved by hand is looked at this often
ACTS_IN_A_ROW_MAX = 100  # then requests get their turn


class Agenda:
    """A heap of acts; each is called once, on the event loop, not before its time."""

    def __init__(self, now: Now, factor: float) -> None:
        self._now, self._factor = now, factor
        self._heap: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._woken = asyncio.Event()

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, due: datetime, act: Callable[[], None]) -> None:
        """Plan an act; acts of one instant keep the order in which they were planned."""
        heapq.heappush(self._heap, (due, next(self._order), act))
        if self._heap[0][0] == due:
            self._woken.set()

    async def run(self) -> None:
        """Carry out what is due, until cancelled."""
        while True:
            self._woken.clear()
            if self._carry_out_due():
                await asyncio.sleep(0)
                continue
            try:
                async with asyncio.timeout(self._nap_s()):
                    await self._woken.wait()
            except TimeoutError:
                pass

    def _carry_out_due(self) -> bool:
        """True when there may be more to do at once."""
        now = self._now()
        for _ in range(ACTS_IN_A_ROW_MAX):
            if not self._heap or self._heap[0][0] > now:
                return False
            _, _, act = heapq.heappop(self._heap)
            act()
        return True

    def _nap_s(self) -> float:
        if not self._heap:
            return NAP_S_MAX
        left_s = (self._heap[0][0] - self._now()).total_seconds() / self._factor
        return min(max(left_s, 0.0), NAP_S_MAX)
