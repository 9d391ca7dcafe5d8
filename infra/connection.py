"""Kept-alive HTTP connections under real deadlines that know whether a request was begun to write.

A kept connection is used again only when it is silent and young: a readable one is closed or out of
step and is thrown away before anything is written. When the server closes it just after that look,
the request may have been read and acted upon: the failure counts as written, so as AMBIGUOUS.
The time of name resolution cannot be bounded here. The deadline is looked at again before a byte is
written, so a slow resolver makes a late NOT_SENT and never a late send.
"""

import io
import select
import socket
import ssl
import urllib.request
from collections import deque
from collections.abc import Callable, Sequence
from email.message import Message
from http.client import HTTPConnection, HTTPResponse
from time import monotonic
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec
from typing_extensions import override

from infra.failpoints import failpoint

IDLE_S_MAX = 20.0
"""Shorter than servers usually keep idle connections, so that few are closed in our hands."""
ANSWER_BYTES_MAX = 1_048_576


Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
"""As the resolver gives it."""
Resolve = Callable[[str, int], Sequence[Address]]
"""The addresses of a host that may be connected to; raises OSError when there are none."""


class AnswerTooLong(Exception):
    """The server sends more than any answer to a send can have."""


class Limits(msgspec.Struct, frozen=True):
    """How long connecting and the whole call may take."""

    connect_s: float
    total_s: float


class Deadline:
    """An instant on the monotonic clock after which nothing of a call may happen any more."""

    def __init__(self, seconds: float) -> None:
        self._until = monotonic() + seconds

    def left_s(self) -> float:
        """Seconds that are left; raises TimeoutError when there are none."""
        left = self._until - monotonic()
        if left <= 0:
            raise TimeoutError("the call is over its time")
        return left


class Answered(msgspec.Struct, frozen=True):
    """A complete answer in the shape that the official client reads."""

    status: int
    headers: Message
    body: bytes

    def getcode(self) -> int:
        """The status code."""
        return self.status

    def read(self) -> bytes:
        """The whole body."""
        return self.body

    def info(self) -> Message:
        """The headers."""
        return self.headers


class KeptConnection(HTTPConnection):
    """One connection, plain or TLS; each of its socket calls gets what is left of the deadline."""

    def __init__(
        self, server: SplitResult, context: ssl.SSLContext | None, resolve: Resolve | None = None
    ) -> None:
        if context is not None:
            self.default_port = 443
        super().__init__(server.hostname or "", server.port)
        self.response_class = self._response  # type: ignore[assignment]  # any callable of its shape will do
        self._context = context
        self._resolve = resolve or addresses_of
        self._until = Deadline(0)
        self._idle_since = monotonic()
        self._unsent = b""
        self.written = False

    def begin(self, limits: Limits) -> None:
        """Start a call: connect unless the kept socket is certainly still good."""
        self.written = False
        self._until = Deadline(limits.total_s)
        if self.sock is None or not self._is_fresh():
            self.close()
            self._open(limits.connect_s)

    def rest(self) -> None:
        """End a call whose answer was read to its end; the socket stays for the next one."""
        self._idle_since = monotonic()

    def _is_fresh(self) -> bool:
        if monotonic() - self._idle_since > IDLE_S_MAX:
            return False
        poll = select.poll()
        poll.register(self.sock, select.POLLIN | select.POLLHUP | select.POLLERR)
        return not poll.poll(0)

    def _open(self, connect_s: float) -> None:
        until = Deadline(min(connect_s, self._until.left_s()))
        sock = _first_connected(self._resolve(self.host, self.port), until)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                sock.settimeout(until.left_s())
                sock = self._context.wrap_socket(sock, server_hostname=self.host)
        except BaseException:
            sock.close()
            raise
        self.sock = sock

    @override
    def connect(self) -> None:
        """Refuses: the base class would connect again by itself, without our deadline."""
        raise ConnectionError("only begin() connects")

    @override
    def send(self, data: Any) -> None:
        """Holds back what the base class writes in two pieces, head and body; see `flush`."""
        self._unsent += data

    def flush(self) -> None:
        """Write the request: in one call of the socket where it takes it, and one record of TLS."""
        rest, self._unsent = memoryview(self._unsent), b""
        while rest:
            self.sock.settimeout(self._until.left_s())
            self.written = True
            rest = rest[self.sock.send(rest) :]

    def _response(self, sock: socket.socket, *_: object, method: str | None = None) -> HTTPResponse:
        timed: Any = _TimedSocket(sock, self._until)
        return HTTPResponse(timed, method=method)


class Connections:
    """Kept connections to one server, the last used first; each serves one call at a time."""

    def __init__(self, base_url: str, limits: Limits) -> None:
        self._server = urlsplit(base_url)
        if self._server.scheme not in ("http", "https") or not self._server.hostname:
            raise ValueError("the base URL must be http(s)://host")
        self._limits = limits
        tls = self._server.scheme == "https"
        self._context = tls_context() if tls else None
        self._kept: deque[KeptConnection] = deque()

    def exchange(self) -> "Exchange":
        """One call that is about to be made."""
        return Exchange(self, self._limits)

    def take(self) -> KeptConnection:
        """A kept connection or a new one that is not yet open."""
        try:
            return self._kept.pop()
        except IndexError:
            return KeptConnection(self._server, self._context)

    def keep(self, connection: KeptConnection) -> None:
        """Have a connection back that read its answer to the end."""
        connection.rest()
        self._kept.append(connection)

    def close(self) -> None:
        """Close what is kept; calls under way end by themselves."""
        while self._kept:
            self._kept.pop().close()


class Exchange:
    """One request and its answer; `written` is false as long as no byte of it can have left."""

    def __init__(self, connections: Connections, limits: Limits) -> None:
        self._connections = connections
        self._limits = limits
        self.written = False

    def run(self, request: urllib.request.Request) -> Answered:
        """Make the call once. Never follows a redirect, never retries."""
        connection = self._connections.take()
        try:
            connection.begin(self._limits)
            answered, reusable = _call(connection, request)
        except BaseException:
            connection.close()
            raise
        finally:
            self.written = connection.written
        if reusable:
            self._connections.keep(connection)
        else:
            connection.close()
        return answered


def tls_context() -> ssl.SSLContext:
    """The trust of this machine, for HTTP/1.1."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _call(connection: KeptConnection, request: urllib.request.Request) -> tuple[Answered, bool]:
    data = request.data
    assert isinstance(data, bytes)
    connection.request(request.get_method(), request.selector, data, dict(request.header_items()))
    connection.flush()
    failpoint("after_call_written")
    response = connection.getresponse()
    body = response.read()
    return Answered(response.status, response.headers, body), not response.will_close


def addresses_of(host: str, port: int) -> Sequence[Address]:
    """All addresses of a host, as the resolver has them."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def _first_connected(addresses: Sequence[Address], until: Deadline) -> socket.socket:
    """A socket to the first address that answers; all tries share one deadline."""
    failure: OSError = OSError("the host has no address")
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(until.left_s())
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


class _TimedSocket:
    """Gives the answer's reader a file whose every read has what is left of the deadline."""

    def __init__(self, sock: socket.socket, until: Deadline) -> None:
        self._sock = sock
        self._until = until

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedFile(self._sock, self._until))


class _TimedFile(io.RawIOBase):
    def __init__(self, sock: socket.socket, until: Deadline) -> None:
        super().__init__()
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)
        self._until = until
        self._bytes_left = ANSWER_BYTES_MAX

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._until.left_s())
        count = self._file.readinto(buffer) or 0
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise AnswerTooLong
        return count

    @override
    def close(self) -> None:
        self._file.close()
        super().close()
