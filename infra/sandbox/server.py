"""The sandbox as a process: `serve(config)` answers until it is told to stop."""

import asyncio
import socket
import struct

import uvicorn
from starlette.types import Receive, Scope, Send
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol

from infra.sandbox import clock
from infra.sandbox.app import CUT, create_app
from infra.sandbox.clock import Now
from infra.sandbox.config import SandboxConfig
from infra.sandbox.sandbox import Sandbox

__all__ = ["SandboxConfig", "build_server", "serve"]

RESET_AT_CLOSE = struct.pack("ii", 1, 0)
GRACE_S = 2


def serve(config: SandboxConfig) -> None:
    """Run a sandbox on its host and port; SIGINT and SIGTERM end it."""
    sandbox = Sandbox(config, now=simulated_now(config))
    build_server(sandbox).run()


def simulated_now(config: SandboxConfig, real: Now = clock.real_now) -> Now:
    """The clock that the configuration describes."""
    origin_real = config.origin_real or real()
    origin_simulated = config.origin_simulated or origin_real
    return clock.scaled(config.factor, origin_simulated, origin_real, real)


def build_server(sandbox: Sandbox) -> uvicorn.Server:
    """A server that can also break connections, for use in a thread or a process."""
    return uvicorn.Server(
        uvicorn.Config(
            create_app(sandbox),
            host=sandbox.config.host,
            port=sandbox.config.port,
            http=CuttableProtocol,
            ws="none",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE_S,
        )
    )


class CuttableProtocol(H11Protocol):
    """HTTP/1.1 that hands the application a way to reset its connection."""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        super().connection_made(transport)
        served = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            extensions = {**scope.get("extensions", {}), CUT: self._cut}
            await served({**scope, "extensions": extensions}, receive, send)

        self.app = app

    def _cut(self) -> None:
        connection: socket.socket = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
        self.transport.abort()
