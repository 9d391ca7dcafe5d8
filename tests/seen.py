"""A supervisor's listener for tests: keeps what happened and waits for what must happen."""

import asyncio

from infra.embedded.child import ChildEvent, Happening


class Seen:
    """All events so far, and the next one of a kind."""

    def __init__(self) -> None:
        self.all: list[tuple[str, Happening]] = []
        self._news: asyncio.Queue[ChildEvent] = asyncio.Queue()

    def __call__(self, event: ChildEvent) -> None:
        self.all.append((event.name, event.what))
        self._news.put_nowait(event)

    async def until(self, name: str, what: Happening) -> ChildEvent:
        async with asyncio.timeout(60):
            while True:
                event = await self._news.get()
                if (event.name, event.what) == (name, what):
                    return event
