"""Serves operations: who calls, may they, what is given; then the call, and its answer."""

from asyncio import Semaphore
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from itertools import chain
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from handlers.access import KeyHolder, permission_for, require
from handlers.api.bodies import checked
from handlers.api.calls import Body, Call, Operation
from handlers.errors import (
    Fault,
    MediaNotTaken,
    NotAcceptable,
    NotAuthenticated,
    NotUnderstood,
)
from handlers.gatekeeper import Gatekeeper
from handlers.metrics.tables import MEDIA, Format, Table, written
from handlers.rate_limits import RateLimits
from handlers.receiving import address_of, media_of, read_within
from handlers.services import Answered, Services, TenantServices

IDEMPOTENCY_KEY = "idempotency-key"
KEY_MAX = 200
JSON = "application/json"
_EMPTY = b"{}"


class Endpoint:
    """All operations of one path."""

    def __init__(
        self,
        services: Services,
        gatekeeper: Gatekeeper,
        operations: Sequence[Operation],
        limits: RateLimits,
    ) -> None:
        self._services = services
        self._gatekeeper = gatekeeper
        self._limits = limits
        self._operations = {one.method: one for one in operations}
        self._turns = {
            one.method: Semaphore(one.at_once) for one in operations if one.at_once is not None
        }
        self._permissions = {one.method: permission_for(one.method, one.path) for one in operations}

    @property
    def methods(self) -> list[str]:
        """What the path answers to."""
        return sorted(self._operations)

    async def serve(self, request: Request) -> Response:
        """Admit, read, carry out; what is refused is raised and answered by the table of errors."""
        method: Any = "GET" if request.method == "HEAD" else request.method
        operation = self._operations[method]
        holder, tenant = await run_in_threadpool(self._admit, request, operation)
        raw = await _raw(request, operation.body)
        caller = (holder, tenant)
        async with self._turns.get(operation.method, nullcontext()):
            return await run_in_threadpool(self._carry_out, request, operation, caller, raw)

    def _admit(self, request: Request, operation: Operation) -> tuple[KeyHolder, TenantServices]:
        given = request.headers.get("authorization", "")
        holder = self._gatekeeper.holder(given, address_of(request))
        request.state.calls_left = self._limits.take(holder.key_id)
        require(holder, self._permissions[operation.method])
        tenant = self._services.tenant(holder.tenant)
        if tenant is None:
            raise NotAuthenticated("the tenant of this key is gone")
        return holder, tenant

    def _carry_out(
        self,
        request: Request,
        operation: Operation,
        caller: tuple[KeyHolder, TenantServices],
        raw: bytes,
    ) -> Response:
        holder, tenant = caller
        call = Call(
            services=self._services,
            tenant=tenant,
            holder=holder,
            request_id=request.state.request_id,
            path=request.path_params,
            query=_query(operation, request.query_params),
            body=None if operation.body is None else operation.body.read(raw),
        )
        if operation.table is not None and call.query.format != "json":
            return _download(operation.table(call), call.query.format)
        key = request.headers.get(IDEMPOTENCY_KEY)
        if key is None or not operation.writes:
            return _response(_answered(operation, call))
        return _once(operation, call, _checked_key(key), _told(request, raw))


def _once(operation: Operation, call: Call, key: str, told: bytes) -> Response:
    """The same answer for the same key; a request that was refused changed nothing and may return.

    What failed on the way may have changed something: every write is safe to repeat.
    """
    memory, route = call.tenant.memory, f"{operation.method} {operation.path}"
    before = memory.begin(route, key, told)
    if before is not None:
        return _response(before, replayed=True)
    try:
        answered = _answered(operation, call)
    except BaseException:
        memory.forget(route, key)
        raise
    memory.keep(route, key, answered)
    return _response(answered)


def _answered(operation: Operation, call: Call) -> Answered:
    return Answered(operation.status, msgspec.json.encode(operation.perform(call)))


def _response(answered: Answered, *, replayed: bool = False) -> Response:
    headers = {"Cache-Control": "no-store"}
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(answered.body, status_code=answered.status, headers=headers, media_type=JSON)


def _download(table: Table, form: Format) -> Response:
    """A file piece by piece; what fails before its first piece is answered as any error is."""
    pieces = written(table, form)
    begun = chain([next(pieces)], pieces)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{table.name}.{form}"',
    }
    return StreamingResponse(begun, headers=headers, media_type=MEDIA[form])


def _told(request: Request, raw: bytes) -> bytes:
    """What makes two requests the same: path, query and body."""
    parts = [request.url.path.encode(), request.url.query.encode(), raw]
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def _checked_key(key: str) -> str:
    if not 1 <= len(key) <= KEY_MAX or not key.isascii() or not key.isprintable():
        raise NotUnderstood(f"an Idempotency-Key has 1 to {KEY_MAX} printable characters")
    return key


def _query(operation: Operation, given: Mapping[str, str]) -> Any:  # noqa: ANN401  # its own model
    if operation.query is not None:
        return checked(operation.query, dict(given), part="query")
    faults = [Fault(f"/{name}", "unknown_parameter", "remove it") for name in given]
    if faults:
        raise NotAcceptable("the query cannot be taken", faults)
    return None


async def _raw(request: Request, body: Body | None) -> bytes:
    if body is None:
        return b""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise MediaNotTaken("send the body without Content-Encoding")
    raw = await read_within(request, body.bytes_max)
    if not raw and not body.needed:
        return _EMPTY
    if not raw:
        raise NotUnderstood(f"send a body of {body.media}")
    if media_of(request) != body.media:
        raise MediaNotTaken(f"send it as {body.media}")
    return raw
