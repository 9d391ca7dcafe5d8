"""Work that nobody waits for, but that is counted, and whose errors are told."""

import asyncio
import logging
from collections.abc import Coroutine

LOG = logging.getLogger(__name__)


class Tasks:
    """Running tasks; they are cancelled together."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Let it run on the present event loop."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._end)

    async def cancel(self) -> None:
        """Stop all and wait until they have."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("a task of the sandbox failed", exc_info=error)
