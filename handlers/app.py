"""The web process: every route from its table, every error through one table."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import groupby
from time import monotonic
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handlers import errors
from handlers.access import BY_TOOL, require_open
from handlers.api.endpoint import Endpoint
from handlers.api.openapi import openapi_document
from handlers.api.operations import OPERATIONS
from handlers.error_log import log_error
from handlers.gatekeeper import Gatekeeper
from handlers.health import Health
from handlers.mcp.door import Door
from handlers.metering import Metrics
from handlers.rate_limits import Left, RateLimits
from handlers.services import Services
from handlers.web.console.door import Telling
from handlers.web.console.mounting import console_routes
from handlers.web.console.stock import Stock
from handlers.web.reference import reference_page
from handlers.web.tracking import Tracking
from handlers.webhooks.endpoint import Webhooks

NOT_ROUTED = "none"
"""The route of what nothing is at: as it was asked for it would be a label without end."""

OpenRoute = tuple[str, str, Callable[[Request], Any]]


def create_app(services: Services, console: Stock | None = None) -> Starlette:
    """The application; raises RouteWithoutPermission when a route is in no table of rights.

    Without the stock of the console there are no pages for people who sign in.
    """
    gatekeeper = Gatekeeper(services.check_key)
    limits = RateLimits(services.calls_per_minute)
    routes = [
        *_api_routes(services, gatekeeper, limits),
        *_open_routes(services),
        *_tool_routes(services, gatekeeper, limits),
        *(console_routes(services, console, gatekeeper) if console is not None else ()),
    ]
    named: dict[Callable[..., Any], str] = {route.endpoint: route.name for route in routes}
    return Starlette(
        routes=routes,
        middleware=[Middleware(Envelope, services=services, named=named)],
        exception_handlers={HTTPException: _not_routed},
    )


class Envelope:
    """Gives every answer its request id, and every error its problem document; notes each."""

    def __init__(
        self, app: ASGIApp, services: Services, named: Mapping[Callable[..., Any], str]
    ) -> None:
        self._app = app
        self._services = services
        self._named = named

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._services.rng.new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        begun = 0
        since = monotonic()

        async def send_stamped(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = str(request_id)
                headers["X-Content-Type-Options"] = "nosniff"
                headers.update(_limits_told(scope["state"].get("calls_left")))
            await send(message)

        try:
            await self._app(scope, receive, send_stamped)
        except Exception as error:
            if begun:
                raise
            problem = errors.problem_of(error, self._services.problems)
            log_error(problem, error, str(request_id))
            tell = scope["state"].get("tell", errors.answer)
            await tell(problem, error, request_id)(scope, receive, send_stamped)
        finally:
            if begun:
                route = self._named.get(scope.get("endpoint", _not_routed), NOT_ROUTED)
                method = scope["method"] if route != NOT_ROUTED else ""
                self._services.meter.served(method, route, begun, monotonic() - since)


def _limits_told(left: Left | None) -> dict[str, str]:
    """What the key has left, where the request had one."""
    if left is None:
        return {}
    return {
        "RateLimit-Limit": str(left.limit),
        "RateLimit-Remaining": str(left.remaining),
        "RateLimit-Reset": str(left.reset_s),
    }


def _api_routes(services: Services, gatekeeper: Gatekeeper, limits: RateLimits) -> Iterable[Route]:
    """One route a path; fixed paths before those with an id, so that `import` is no id."""
    ordered = sorted(OPERATIONS, key=lambda one: ("{" in one.path, one.path))
    for path, group in groupby(ordered, key=lambda one: one.path):
        endpoint = Endpoint(services, gatekeeper, list(group), limits)
        place = path.replace("{id}", "{id:uuid}").replace("{number}", "{number:int}")
        yield Route(place, endpoint.serve, methods=endpoint.methods, name=path)


def _tool_routes(services: Services, gatekeeper: Gatekeeper, limits: RateLimits) -> Iterable[Route]:
    """The tools for programs: with and without the last slash, for a redirect may lose the key."""
    door = Door(services, gatekeeper, limits)
    for method, path in sorted(BY_TOOL):
        yield Route(path, door, methods=[method], name=path)


def _open_routes(services: Services) -> Iterable[Route]:
    webhooks, tracking, health = Webhooks(services), Tracking(services), Health(services)
    table: tuple[OpenRoute, ...] = (
        ("POST", "/webhooks/sendgrid/{tenant}", webhooks.events),
        ("POST", "/webhooks/sendgrid/{tenant}/inbound", webhooks.inbound),
        ("POST", "/webhooks/sendgrid/{tenant}/inbound/{secret}", webhooks.inbound_by_secret),
        ("GET", "/t/o/{token}.gif", tracking.pixel),
        ("GET", "/t/c/{token}", tracking.click),
        ("GET", "/u/{token}", tracking.ask),
        ("POST", "/u/{token}", tracking.opt_out),
        ("GET", "/healthz", health.alive),
        ("GET", "/readyz", health.ready),
        ("GET", "/metrics", Metrics(services.meter).page),
        ("GET", "/openapi.json", _document),
        ("GET", "/docs", reference_page),
    )
    for method, path, _ in table:
        require_open(method, path)
    for path, group in groupby(table, key=lambda one: one[1]):
        doors = {method: serve for method, _, serve in group}
        yield Route(path, _dispatch(doors), methods=list(doors), name=path)


def _dispatch(doors: dict[str, Callable[[Request], Any]]) -> Callable[[Request], Any]:
    """The door of the method; HEAD goes where GET goes."""
    if len(doors) == 1:
        return next(iter(doors.values()))
    return partial(_enter, doors)


def _enter(doors: dict[str, Callable[[Request], Response]], request: Request) -> Response:
    return doors["GET" if request.method == "HEAD" else request.method](request)


def _document(_: Request) -> Response:
    return Response(msgspec.json.encode(openapi_document()), media_type="application/json")


def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    tell = Telling() if "text/html" in request.headers.get("accept", "") else errors.answer
    answer = tell(errors.of_routing(error), error, request.state.request_id)
    for name, text in (error.headers or {}).items():
        answer.headers[name] = text
    return answer
