"""Reads what a request carries, no more of it than the route takes."""

from starlette.requests import Request

from handlers.errors import BodyTooLarge


async def read_within(request: Request, bytes_max: int) -> bytes:
    """The raw body; raises BodyTooLarge as soon as it is known to be longer."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > bytes_max:
        raise BodyTooLarge(f"at most {bytes_max} bytes")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > bytes_max:
            raise BodyTooLarge(f"at most {bytes_max} bytes")
    return bytes(body)


def media_of(request: Request) -> str:
    """The media type of the body without its parameters; empty when none is told."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def address_of(request: Request) -> str:
    """Where the request came from, as the server saw it."""
    return request.client.host if request.client else ""
