"""Server-Sent Events: activity by its place in the log, changes of the queue and of campaigns.

Each client reads on from where it is, a page at a time: nothing is kept for it here. Who takes too
long to take a page is dropped, and comes back with `Last-Event-ID`, the last position it has.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from domain.ids import TenantId
from handlers.access import permission_for, require
from handlers.errors import Fault, NotAcceptable, NotAuthenticated
from handlers.gatekeeper import Gatekeeper
from handlers.receiving import address_of
from handlers.services import Services
from handlers.web.console.reading import ConsoleReads, Pulse
from handlers.web.console.visits import Visit

PAGE = 200
"""Events that are read and sent at once: all that a client costs in memory."""
LOOK_S = 1.0
BEAT_S = 15.0
PATIENCE_S = 20.0
"""So long a client may take for a page before it is dropped."""
LONGEST_S = 600.0
"""Then it comes anew, so that a session that is over ends its stream, too."""
RETRY_MS = 2000
POSITION_MAX = 2**63 - 1
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Type": "text/event-stream",
    "X-Accel-Buffering": "no",
}


def follow(visit: Visit) -> Response:
    """The stream for who is signed in."""
    return stream(visit.reads, visit.headers)


class Feed:
    """The stream for programs, by key."""

    def __init__(
        self,
        services: Services,
        reads: Callable[[TenantId], ConsoleReads],
        gatekeeper: Gatekeeper,
    ) -> None:
        self._services = services
        self._reads = reads
        self._gatekeeper = gatekeeper
        self._permission = permission_for("GET", "/v1/stream")

    async def serve(self, request: Request) -> Response:
        """Admit, and follow."""
        return await run_in_threadpool(self._admitted, request)

    def _admitted(self, request: Request) -> Response:
        given = request.headers.get("authorization", "")
        holder = self._gatekeeper.holder(given, address_of(request))
        require(holder, self._permission)
        if self._services.tenant(holder.tenant) is None:
            raise NotAuthenticated("the tenant of this key is gone")
        return stream(self._reads(holder.tenant), request.headers)


def stream(reads: ConsoleReads, headers: Mapping[str, str]) -> Response:
    """The events behind `Last-Event-ID`, or from now on, as they happen."""
    given = headers.get("last-event-id", "")
    after = _position(given) if given else reads.newest()
    return _Patient(lambda: _events(reads, after))


class _Patient(Response):
    """Sends as the client takes it; who takes too long is dropped."""

    def __init__(self, events: Callable[[], AsyncIterator[bytes]]) -> None:
        super().__init__(headers=HEADERS)
        self._events = events

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = [(name, text) for name, text in self.raw_headers if name != b"content-length"]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            ended = await asyncio.gather(sending, leaving, return_exceptions=True)
        failed = ended[0]
        if isinstance(failed, Exception) and not isinstance(failed, TimeoutError):
            raise failed

    async def _send(self, send: Send) -> None:
        loop = asyncio.get_running_loop()
        ends = loop.time() + LONGEST_S
        async for body in self._events():
            message = {"type": "http.response.body", "body": body, "more_body": True}
            async with asyncio.timeout(PATIENCE_S):
                await send(message)
            if loop.time() > ends:
                break
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive: Receive) -> None:
    """Until the client goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _events(reads: ConsoleReads, after: int) -> AsyncIterator[bytes]:
    """A page at a time while there is more, else a look each second; a beat where nothing is."""
    yield f"retry: {RETRY_MS}\n\n".encode()
    silent, pulse = 0.0, None
    while True:
        rows = await run_in_threadpool(reads.happenings, after, PAGE)
        parts = [event("activity", row, row.position) for row in rows]
        if rows:
            after = rows[-1].position
        if len(rows) < PAGE:
            now = await run_in_threadpool(reads.pulse)
            parts += changes(pulse, now)
            pulse = now
        silent = 0.0 if parts else silent + LOOK_S
        if silent >= BEAT_S:
            parts, silent = [b": beat\n\n"], 0.0
        if parts:
            yield b"".join(parts)
        if len(rows) < PAGE:
            await asyncio.sleep(LOOK_S)


def changes(before: Pulse | None, now: Pulse) -> Iterator[bytes]:
    """What is another in the queue and in the campaigns; who just came knows nothing yet."""
    if before is None or before.queue != now.queue:
        yield event("queue", {"waiting": now.queue})
    for campaign, status in now.campaigns.items():
        if before is not None and before.campaigns.get(campaign) != status:
            yield event("campaign", {"id": campaign, "status": status})


def event(kind: str, told: Any, position: int | None = None) -> bytes:  # noqa: ANN401  # whatever has a JSON form
    """One event; those with a position can be resumed behind."""
    place = b"" if position is None else b"id: %d\n" % position
    return b"event: %b\n%bdata: %b\n\n" % (kind.encode(), place, msgspec.json.encode(told))


def _position(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > POSITION_MAX:
        fault = Fault("/Last-Event-ID", "position", "give the id of the last event, unchanged")
        raise NotAcceptable("the stream cannot be resumed there", [fault])
    return int(text)
