"""A proxy in front of PostgreSQL that cuts one connection at its next COMMIT."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo

COMMIT = b"COMMIT\x00"


class CuttingProxy:
    """Passes bytes on; `cut` says where to cut the connection at the next COMMIT, if anywhere.

    "before": the server never gets it; "during": it gets it while the client is gone already;
    "after": it has done it, and only its answer is lost.
    """

    def __init__(self, database_url: str) -> None:
        self._place = conninfo_to_dict(database_url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._database_url = database_url
        self.cut: str | None = None
        self.cuts = 0

    @property
    def url(self) -> str:
        plain = {"sslmode": "disable", "gssencmode": "disable"}
        return make_conninfo(self._database_url, host="127.0.0.1", port=self._port, **plain)

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
                server = self._connect()
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
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def _to_server(
        self, client: socket.socket, server: socket.socket, silent: threading.Event
    ) -> None:
        for chunk in _chunks(client):
            if not self.cut or COMMIT not in chunk:
                with suppress(OSError):
                    server.sendall(chunk)
                continue
            cut, self.cut = self.cut, None
            self.cuts += 1
            silent.set()
            if cut == "during":
                _end(client)
            if cut != "before":
                server.sendall(chunk)
                return  # the other pump ends both when the server has answered
            break
        _end(client)
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)


def _to_client(client: socket.socket, server: socket.socket, silent: threading.Event) -> None:
    for chunk in _chunks(server):
        if silent.is_set():
            break
        with suppress(OSError):
            client.sendall(chunk)
    _end(client)
    _end(server)


def _chunks(source: socket.socket) -> Iterator[bytes]:
    with suppress(OSError):
        while chunk := source.recv(65_536):
            yield chunk


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
