"""A proxy in front of PostgreSQL that cuts a connection at a COMMIT or at a counted round trip."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple, Self
from urllib.parse import urlencode

from psycopg.conninfo import conninfo_to_dict, make_conninfo

COMMIT = b"COMMIT\x00"
CUTS = ("before", "during", "after")
ASKING = (b"Q", b"S")
"""What ends a round trip of the client: a simple query, or the Sync of an extended one."""


class Asked(NamedTuple):
    """One round trip: its bytes, which one it is since `count`, and which COMMIT, if it is one."""

    sent: bytes
    number: int
    commit: int | None


class CuttingProxy:
    """Passes bytes on; `cut` says where to cut the connection at the next COMMIT, if anywhere.

    "before": the server never gets it; "during": it gets it while the client is gone already;
    "after": it has done it, and only its answer is lost. `cut_at` does the same at a round trip
    or a COMMIT by its number, and `choose` may name a cut for any of them.
    """

    def __init__(self, database_url: str) -> None:
        self._place = conninfo_to_dict(database_url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._database_url = database_url
        self._lock = threading.Lock()
        self.choose: Callable[[Asked], str | None] = lambda _: None
        self.cut: str | None = None
        self.cuts = 0
        self.trips = self.commits = 0

    @property
    def url(self) -> str:
        plain = {"sslmode": "disable", "gssencmode": "disable"}
        return make_conninfo(self._database_url, host="127.0.0.1", port=self._port, **plain)

    @property
    def uri(self) -> str:
        """The same address as settings want it."""
        given = conninfo_to_dict(self.url)
        fields = [(name, value) for name, value in given.items() if value is not None]
        return f"postgresql:///?{urlencode(fields)}"

    def count(self) -> None:
        """Number the round trips from here on anew."""
        self.trips = self.commits = 0

    def cut_at(self, number: int, how: str, *, commits: bool = False) -> None:
        """Cut once, at the round trip, or the COMMIT, of this number from here on."""

        def choose(asked: Asked) -> str | None:
            if number != (asked.commit if commits else asked.number):
                return None
            self.choose = lambda _: None
            return how

        self.count()
        self.choose = choose

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._sockets):
            _end(each)

    def _accept(self) -> None:
        with suppress(OSError):  # closed: the test is over
            while True:
                client, _ = self._listener.accept()
                try:
                    server = self._connect()
                except OSError:  # the server is away: so are we
                    _end(client)
                    continue
                self._sockets += [client, server]
                silent = threading.Event()
                for pump in (self._to_server, _to_client):
                    args = (client, server, silent)
                    threading.Thread(target=pump, args=args, daemon=True).start()

    def _connect(self) -> socket.socket:
        host, port = str(self._place["host"]), str(self._place["port"])
        if not host.startswith("/"):
            return socket.create_connection((host, int(port)))
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(f"{host}/.s.PGSQL.{port}")
        except OSError:
            server.close()
            raise
        return server

    def _to_server(
        self, client: socket.socket, server: socket.socket, silent: threading.Event
    ) -> None:
        for sent, asks in _trips(_chunks(client)):
            cut = self._cut_for(sent) if asks else None
            if cut is None:
                with suppress(OSError):
                    server.sendall(sent)
                continue
            silent.set()
            if cut == "during":
                _end(client)
            if cut != "before":
                with suppress(OSError):
                    server.sendall(sent)
                return  # the other pump ends both when the server has answered
            break
        _end(client)
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _cut_for(self, sent: bytes) -> str | None:
        with self._lock:
            is_commit = COMMIT in sent
            self.trips += 1
            self.commits += is_commit
            asked = Asked(sent, self.trips, self.commits if is_commit else None)
            cut = self.choose(asked)
            if is_commit and self.cut:
                cut, self.cut = self.cut, None
            self.cuts += cut is not None
            return cut


def _to_client(client: socket.socket, server: socket.socket, silent: threading.Event) -> None:
    for chunk in _chunks(server):
        if silent.is_set():
            break
        with suppress(OSError):
            client.sendall(chunk)
    _end(client)
    _end(server)


def _trips(chunks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The client's bytes in round trips; False for what asks for nothing by itself."""
    begun = b""
    for number, message in enumerate(_messages(chunks)):
        kind = message[:1]
        begun += message
        if number == 0 or kind in b"pX":  # the start, a password, the end
            yield begun, False
            begun = b""
        elif kind in ASKING:
            yield begun, True
            begun = b""


def _messages(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Whole protocol messages; the first one of a connection has no kind before its length."""
    rest, kind_bytes = b"", 0
    for chunk in chunks:
        rest += chunk
        while len(rest) >= kind_bytes + 4:
            size = kind_bytes + int.from_bytes(rest[kind_bytes : kind_bytes + 4])
            if len(rest) < size:
                break
            yield rest[:size]
            rest, kind_bytes = rest[size:], 1


def _chunks(source: socket.socket) -> Iterator[bytes]:
    with suppress(OSError):
        while chunk := source.recv(65_536):
            yield chunk


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
