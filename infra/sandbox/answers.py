"""Bodies that come in and go out, in the provider's form."""

from collections.abc import Sequence
from types import MappingProxyType

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from infra.sandbox.limits import BODY_BYTES_MAX, Refusal

WORDS_OF_STATUS = MappingProxyType(
    {
        400: "invalid request",
        401: "authorization required",
        403: "access forbidden",
        404: "not found",
        405: "method not allowed",
        413: "content too large",
        429: "too many requests",
        500: "internal server error",
    }
)


async def body_of(request: Request) -> bytes:
    """All of a body; an HTTPException once it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise HTTPException(413)
    return bytes(body)


def as_json(content: object, status: int = 200) -> Response:
    """Something as a JSON document."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def errors(status: int, refused: Sequence[Refusal] = ()) -> Response:
    """What is wrong, in the provider's words."""
    told = refused or [Refusal(WORDS_OF_STATUS.get(status, "error"))]
    return as_json({"errors": told}, status)
