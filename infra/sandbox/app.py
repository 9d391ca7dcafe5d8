"""The provider's HTTP surface, customers' endpoints, and `/_sandbox/` for those who run it."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from types import MappingProxyType

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from infra.sandbox import mail_send
from infra.sandbox.answers import as_json, body_of, errors
from infra.sandbox.control import Control
from infra.sandbox.faults import ACCEPTED_ALL_THE_SAME, Mode
from infra.sandbox.limits import Refusal, refusals
from infra.sandbox.sandbox import Sandbox
from infra.sandbox.suppressions import LISTS

CUT = "antiphon.sandbox.cut"  # extension of the server: end the connection with a reset
RATE_LIMIT = 600
RATE_RESET = timedelta(seconds=30)
PAGE_MAX = 500
FOREVER = 1 << 62
STATUS_OF_MODE = MappingProxyType(
    {
        Mode.BAD_REQUEST: 400,
        Mode.UNAUTHORIZED: 401,
        Mode.FORBIDDEN: 403,
        Mode.TOO_LARGE: 413,
        Mode.RATE_LIMITED: 429,
        Mode.ERROR_BEFORE: 500,
        Mode.ERROR_AFTER: 500,
    }
)


def create_app(sandbox: Sandbox) -> Starlette:
    """The sandbox as an ASGI application; it acts while the application's lifespan lasts."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        sandbox.start()
        yield
        await sandbox.stop()

    provider, control = _Provider(sandbox), Control(sandbox)
    customer = _Customer(sandbox)
    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/v3/mail/send", provider.send, methods=["POST"]),
            Route("/v3/mail/batch", provider.new_batch, methods=["POST"]),
            Route("/v3/mail/batch/{batch_id}", provider.batch, methods=["GET"]),
            Route("/v3/suppression/{name}", provider.suppressions, methods=["GET"]),
            Route("/v3/asm/groups", provider.groups, methods=["GET"]),
            Route("/v3/asm/groups/{group:int}/suppressions", provider.group, methods=["GET"]),
            Route("/v3/asm/suppressions/global", provider.opt_out, methods=["POST"]),
            Route("/endpoints/{name}", customer.take, methods=["POST"]),
            Route("/healthz", control.health, methods=["GET"]),
            Route("/_sandbox/stats", control.stats, methods=["GET"]),
            Route("/_sandbox/messages/{message}", control.message, methods=["GET"]),
            Route("/_sandbox/messages/{message}/{kind}", control.act, methods=["POST"]),
            Route("/_sandbox/faults", control.faults, methods=["GET", "POST"]),
            Route("/_sandbox/endpoints", control.trust, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _http_error},
    )


class _Provider:
    """The routes that the provider documents."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._authorization = f"Bearer {sandbox.config.api_key}".encode()

    async def send(self, request: Request) -> Response:
        """202 with X-Message-Id once the mail is kept, or what the faults in force say."""
        self._sandbox.requests += 1
        self._check_key(request)
        raw = await body_of(request)
        try:
            mail = mail_send.read(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return errors(400, [Refusal(str(error))])
        if wrong := refusals(mail, self._sandbox.now()):
            return errors(400, wrong)
        if mail.mail_settings.sandbox_mode.enable:
            return Response(status_code=200)
        mode = self._sandbox.faults.mode_for(mail)
        provider_id = self._sandbox.accept(mail, raw) if mode in ACCEPTED_ALL_THE_SAME else ""
        return self._answer(mode, provider_id)

    async def new_batch(self, request: Request) -> Response:
        self._check_key(request)
        return as_json({"batch_id": self._sandbox.new_batch_id()}, 201)

    async def batch(self, request: Request) -> Response:
        self._check_key(request)
        batch_id = request.path_params["batch_id"]
        if not self._sandbox.knows_batch(batch_id):
            return errors(404, [Refusal("batch id not found")])
        return as_json({"batch_id": batch_id})

    async def suppressions(self, request: Request) -> Response:
        """A list by start_time, end_time, limit and offset."""
        self._check_key(request)
        name = request.path_params["name"]
        if name not in LISTS:
            return errors(404)
        start, end = _number(request, "start_time", 0), _number(request, "end_time", FOREVER)
        offset = _number(request, "offset", 0)
        limit = min(_number(request, "limit", PAGE_MAX), PAGE_MAX)
        entries = self._sandbox.recipients.suppressions.listed(name, start, end)
        return as_json(entries[offset : offset + limit])

    async def groups(self, request: Request) -> Response:
        """All groups that anybody has left."""
        self._check_key(request)
        groups = self._sandbox.recipients.suppressions.groups
        return as_json(
            [
                {"id": group, "name": f"group {group}", "unsubscribes": len(people)}
                for group, people in groups.items()
            ]
        )

    async def group(self, request: Request) -> Response:
        """Who left a group, by address only."""
        self._check_key(request)
        people = self._sandbox.recipients.suppressions.groups.get(request.path_params["group"])
        return errors(404) if people is None else as_json(people)

    async def opt_out(self, request: Request) -> Response:
        """201 once the addresses are on the list of global opt-outs."""
        self._check_key(request)
        try:
            given = msgspec.json.decode(await body_of(request), type=_OptOuts)
        except msgspec.MsgspecError as error:
            return errors(400, [Refusal(str(error))])
        now = self._sandbox.now()
        self._sandbox.recipients.suppressions.opt_out(given.recipient_emails, now)
        return as_json({"recipient_emails": given.recipient_emails}, 201)

    def _check_key(self, request: Request) -> None:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, self._authorization):
            raise HTTPException(401)

    def _answer(self, mode: Mode, provider_id: str) -> Response:
        if mode is Mode.ACCEPT:
            return Response(status_code=202, headers={"X-Message-Id": provider_id})
        if mode not in STATUS_OF_MODE:
            silent = mode in {Mode.SILENCE_BEFORE, Mode.SILENCE_AFTER}
            return _NoAnswer(self._sandbox.config.silence_s if silent else 0.0)
        answer = errors(STATUS_OF_MODE[mode])
        if mode is Mode.RATE_LIMITED:
            # Simulated time: the sender weighs it against the clock it plans by.
            reset = int((self._sandbox.now() + RATE_RESET).timestamp())
            answer.headers["X-RateLimit-Limit"] = str(RATE_LIMIT)
            answer.headers["X-RateLimit-Remaining"] = "0"
            answer.headers["X-RateLimit-Reset"] = str(reset)
        return answer


class _Customer:
    """The routes of a customer's own system."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def take(self, request: Request) -> Response:
        """2xx once the call is kept, and what an endpoint says that is not well."""
        body = await body_of(request)
        name = request.path_params["name"]
        return Response(status_code=self._sandbox.endpoints.answer(name, request.headers, body))


class _OptOuts(msgspec.Struct, frozen=True):
    """Addresses to be opted out of everything."""

    recipient_emails: list[str]


class _NoAnswer(Response):
    """Says nothing for a while and then resets the connection."""

    def __init__(self, silence_s: float) -> None:
        super().__init__()
        self._silence_s = silence_s

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del send  # the point of it
        try:
            async with asyncio.timeout(self._silence_s):
                await _disconnected(receive)
        except TimeoutError:
            cut: Callable[[], None] = scope["extensions"][CUT]
            cut()
            await _disconnected(receive)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isdecimal() else default


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return errors(error.status_code)
