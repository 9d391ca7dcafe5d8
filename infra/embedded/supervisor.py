"""Starts programs in order, watches them and stops them in reverse order."""

import asyncio
from collections.abc import Sequence
from typing import Self

from infra.embedded.child import Child, ChildNotReady, Patience, StopRequested
from infra.embedded.home import Home
from infra.embedded.keeper import Keeper, Listener


class Supervisor:
    """Owner of some children: `async with` starts and stops them, `wait` watches them."""

    def __init__(
        self,
        children: Sequence[Child],
        home: Home,
        on_event: Listener = lambda _event: None,
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        self._home = home
        self._keepers = {
            child.name: Keeper(child, home.logs / f"{child.name}.log", on_event, patience)
            for child in children
        }
        assert len(self._keepers) == len(children), "each child has a name and log of its own"
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._over = asyncio.Event()
        self._failure: BaseException | None = None

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the children in order, each when the one before is ready."""
        self._home.create()
        for name, keeper in self._keepers.items():
            task = self._tasks[name] = asyncio.create_task(keeper.keep())
            task.add_done_callback(self._note_end)
            await self._until_ready(keeper, task)
            if self._failure:
                raise self._failure
            if self._over.is_set():
                raise StopRequested
            if not keeper.ready.is_set():
                raise ChildNotReady(name, keeper.why_not_ready(), keeper.log)

    async def wait(self) -> None:
        """Return after `request_stop`; raise as soon as a child is given up."""
        await self._over.wait()
        if self._failure:
            raise self._failure

    async def stop(self) -> None:
        """Stop the children in reverse order, each by its signal and within its time."""
        for name, keeper in reversed(self._keepers.items()):
            keeper.request_stop()
            if name in self._tasks:
                await asyncio.gather(self._tasks[name], return_exceptions=True)

    def request_stop(self) -> None:
        """End `start` or `wait`; for signal handlers, in the thread of the event loop."""
        self._over.set()

    def pid(self, name: str) -> int | None:
        """The pid of the child of this name while it runs."""
        return self._keepers[name].pid

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._failure = self._failure or error
            self._over.set()

    async def _until_ready(self, keeper: Keeper, task: asyncio.Task[None]) -> None:
        waits = [asyncio.create_task(event.wait()) for event in (keeper.ready, self._over)]
        try:
            await asyncio.wait(
                {*waits, task},
                timeout=keeper.child.ready_timeout_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            for wait in waits:
                wait.cancel()
