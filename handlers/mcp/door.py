"""The tools over HTTP: one POST is one message, answered as JSON; there are no sessions."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from handlers.api.calls import BODY_MAX
from handlers.errors import (
    MediaNotTaken,
    Misdirected,
    NotAuthenticated,
    OriginNotTaken,
)
from handlers.gatekeeper import Gatekeeper
from handlers.mcp.server import Context, make_server
from handlers.mcp.tool import Caller
from handlers.rate_limits import RateLimits
from handlers.receiving import address_of, media_of, read_within
from handlers.services import Services

JSON = "application/json"
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class Door:
    """Admits a request by its key and its origin, then lets the SDK answer it.

    A manager lives for one request: nothing is shared between keys, nothing has to be started.
    """

    def __init__(self, services: Services, gatekeeper: Gatekeeper, limits: RateLimits) -> None:
        self._services = services
        self._gatekeeper = gatekeeper
        self._limits = limits
        self._server = make_server(services, _caller_of)
        self._names = frozenset((*THIS_MACHINE, *services.hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        require_known_names(request, self._names)
        request.state.caller = await run_in_threadpool(self._admit, request)
        if media_of(request) != JSON:
            raise MediaNotTaken(f"send it as {JSON}")
        body = await read_within(request, BODY_MAX)
        manager = StreamableHTTPSessionManager(self._server, json_response=True, stateless=True)
        async with manager.run():
            await manager.handle_request(scope, _again(body, receive), send)

    def _admit(self, request: Request) -> Caller:
        given = request.headers.get("authorization", "")
        holder = self._gatekeeper.holder(given, address_of(request))
        request.state.calls_left = self._limits.take(holder.key_id)
        tenant = self._services.tenant(holder.tenant)
        if tenant is None:
            raise NotAuthenticated("the tenant of this key is gone")
        return Caller(holder, tenant, request.state.request_id)


def require_known_names(request: Request, names: Sequence[str] | frozenset[str]) -> None:
    """Raise unless the request was meant for us: no page of a browser may lead it here by a name.

    A program sends no Origin; a page that sends one must be of this server itself.
    """
    if _name_in(f"//{request.headers.get('host', '')}") not in names:
        raise Misdirected("this server is not known by that name; ANTIPHON_PUBLIC_URL has it")
    origin = request.headers.get("origin")
    if origin is not None and _name_in(origin) not in names:
        raise OriginNotTaken("pages of other origins may not call this")


def _name_in(address: str) -> str | None:
    if "@" in address:
        return None
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _caller_of(context: Context) -> Caller:
    assert context.request is not None
    caller: Caller = context.request.state.caller
    return caller


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more for the next reader, then what else comes."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed
