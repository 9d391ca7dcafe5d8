"""HTTP requests to other processes: one connection each, no redirects followed, a hard time-out."""

import asyncio
import ipaddress
import ssl
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

import msgspec

CONNECTIONS_MAX = 32
ANSWER_BYTES_MAX = 1 << 20


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where to connect, and what to ask for there."""

    host: str
    port: int
    tls: bool
    host_header: str
    path: str


class Outgoing:
    """The sandbox's way out; a failure of any kind is answered with None."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._room = asyncio.Semaphore(CONNECTIONS_MAX)

    async def request(
        self, method: str, target: Target, headers: Mapping[str, str], body: bytes = b""
    ) -> int | None:
        """The status of the answer, or None where no whole answer came in time."""
        async with self._room:
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await _exchange(method, target, headers, body)
            except (OSError, ValueError, EOFError):  # TimeoutError is an OSError
                return None


def target_of(url: str) -> Target:
    """The target of a URL that was configured, whatever its host."""
    return _target(urlsplit(url), urlsplit(url))


def reachable(url: str, reach: Mapping[str, str]) -> Target | None:
    """The target of a URL found in a mail: a mapped origin or this machine, nothing else.

    A mail may name any host; a test of the engine must not knock at strangers' doors.
    """
    public = urlsplit(url)
    served = reach.get(f"{public.scheme}://{public.netloc}")
    if served is not None:
        return _target(urlsplit(served), public)
    return _target(public, public) if _is_this_machine(public.hostname or "") else None


def _target(connect: SplitResult, asked: SplitResult) -> Target:
    tls = connect.scheme == "https"
    query = f"?{asked.query}" if asked.query else ""
    return Target(
        host=connect.hostname or "",
        port=connect.port or (443 if tls else 80),
        tls=tls,
        host_header=asked.netloc,
        path=(asked.path or "/") + query,
    )


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _exchange(method: str, target: Target, headers: Mapping[str, str], body: bytes) -> int:
    context = ssl.create_default_context() if target.tls else None
    reader, writer = await asyncio.open_connection(target.host, target.port, ssl=context)
    try:
        lines = [f"{method} {target.path} HTTP/1.1", f"Host: {target.host_header}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join([*lines, "Connection: close", "", ""])
        writer.write(head.encode("latin-1") + body)
        await writer.drain()
        status_line = await reader.readline()
        await _read_to_end(reader)
        return _status(status_line)
    finally:
        writer.close()


def _status(line: bytes) -> int:
    words = line.split()
    if len(words) < 2:  # noqa: PLR2004 - version and status
        raise EOFError("the connection ended before the answer")
    return int(words[1])


async def _read_to_end(reader: asyncio.StreamReader) -> None:
    """Let the other side finish, so that closing does not look like a reset to it."""
    read = 0
    while read < ANSWER_BYTES_MAX and (chunk := await reader.read(65_536)):
        read += len(chunk)
