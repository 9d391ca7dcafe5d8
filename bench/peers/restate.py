"""Restate: one virtual object a contact, on the Restate server with its own durable store.

    python -m venv PLACE/restate
    PLACE/restate/bin/pip install restate_sdk hypercorn
    npm install --prefix PLACE/restate/node @restatedev/restate-server

The object keeps the state; the call is a durable step, silence a delayed call to itself, a click an
invocation over HTTP. 64 requests are in flight; PostgreSQL is not used.
"""

import asyncio
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from threading import local
from time import perf_counter

import hypercorn.asyncio  # type: ignore[import-not-found]  # see above
import restate  # type: ignore[import-not-found]  # see above
from hypercorn.config import Config  # type: ignore[import-not-found]  # see above

SERVE = "serve"
SERVER = "node/node_modules/@restatedev/restate-server-*/bin/restate-server"
"""The program itself: what npm makes of it in .bin is a script that starts it."""
IN_FLIGHT = 64
READY_S = 60.0
LOCAL = "127.0.0.1"

journey = restate.VirtualObject("Journey")


@journey.handler()  # type: ignore[untyped-decorator]  # see above
async def enrol(ctx: restate.ObjectContext, plan: str) -> str:
    """The first mail, and a call to oneself when nobody reacts."""
    ctx.set("plan", plan)
    ctx.set("node", "hello")
    key = ctx.key()
    answer: str = await ctx.run_typed("send", lambda: f"p-{key}")  # a provider that takes all
    ctx.set("provider_id", answer)
    ctx.object_send(silent, key, "hello", send_delay=timedelta(days=2))
    return answer


@journey.handler()  # type: ignore[untyped-decorator]  # see above
async def click(ctx: restate.ObjectContext, told: str) -> str:
    """The next mail is planned for tomorrow."""
    if await ctx.get("node") == "hello":
        ctx.set("node", "again")
        ctx.set("told", told)
        ctx.object_send(silent, ctx.key(), "again", send_delay=timedelta(days=1))
    node: str = await ctx.get("node")
    return node


@journey.handler()  # type: ignore[untyped-decorator]  # see above
async def silent(ctx: restate.ObjectContext, node: str) -> None:
    """Nobody reacted."""
    if await ctx.get("node") == node:
        ctx.set("node", "again")


class Ports:
    """Free ports of this machine."""

    def __init__(self) -> None:
        self.service, self.ingress, self.admin, self.node = (_free() for _ in range(4))


def _free() -> int:
    with closing(socket.socket()) as made:
        made.bind((LOCAL, 0))
        port: int = made.getsockname()[1]
        return port


@contextmanager
def _running(command: list[str], **environment: str) -> Iterator[None]:
    process = subprocess.Popen(  # noqa: S603  # the server and ourselves
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.kill()  # all that is measured is over; to stop gently takes many seconds
        process.wait()


def _call(port: int, path: str, body: object) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection(LOCAL, port, timeout=60)) as connection:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()


def _register(ports: Ports) -> None:
    """Tell the server where the object is, as soon as both are there."""
    deadline = perf_counter() + READY_S
    while True:
        try:
            status, told = _call(
                ports.admin, "/deployments", {"uri": f"http://{LOCAL}:{ports.service}"}
            )
            if status < HTTPStatus.BAD_REQUEST:
                return
        except OSError as error:
            told = str(error).encode()
        if perf_counter() > deadline:
            raise TimeoutError(told.decode())
        time.sleep(0.2)


class Caller:
    """Calls the objects; each thread keeps its connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._own = local()

    def enrol(self, contact: int) -> str:
        """The first half of a journey."""
        return self._ask(f"/Journey/{contact}/enrol", "sha256:60155f20")

    def click(self, contact: int) -> str:
        """What follows a click."""
        return self._ask(f"/Journey/{contact}/click", "https://site.example/hello")

    def _ask(self, path: str, given: str) -> str:
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection(LOCAL, self._port, timeout=60)
        connection = self._own.connection
        connection.request("POST", path, json.dumps(given), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == HTTPStatus.OK, body
        told: str = json.loads(body)
        return told


def _timed(pool: ThreadPoolExecutor, call: Callable[[int], str], contacts: range) -> float:
    began = perf_counter()
    answers = list(pool.map(call, contacts))
    took_s = perf_counter() - began
    assert all(answers)
    assert len(answers) == len(contacts)
    return took_s


def main(contacts: int) -> dict[str, dict[str, float]]:
    """Rates by measure."""
    ports = Ports()
    server = next(Path(sys.prefix).glob(SERVER))
    with (
        _running([sys.executable, "-P", __file__, SERVE, str(ports.service)]),
        _running(
            [str(server), "--base-dir", "restate-data", "--listen-mode", "tcp"],
            RESTATE_INGRESS__BIND_ADDRESS=f"{LOCAL}:{ports.ingress}",
            RESTATE_ADMIN__BIND_ADDRESS=f"{LOCAL}:{ports.admin}",
            RESTATE_BIND_ADDRESS=f"{LOCAL}:{ports.node}",
        ),
        ThreadPoolExecutor(IN_FLIGHT) as pool,
    ):
        _register(ports)
        caller = Caller(ports.ingress)
        _timed(pool, caller.enrol, range(contacts, contacts + 100))  # warm
        sent_s = _timed(pool, caller.enrol, range(contacts))
        heard_s = _timed(pool, caller.click, range(contacts // 2))
    return {
        "enrol_to_first_send_per_s": {"restate": contacts / sent_s},
        "signals_per_s": {"restate": contacts // 2 / heard_s},
    }


def serve(port: int) -> None:
    """Be the process that the Restate server calls."""
    config = Config()
    config.bind = [f"{LOCAL}:{port}"]
    asyncio.run(hypercorn.asyncio.serve(restate.app([journey]), config))


if __name__ == "__main__" and sys.argv[1] == SERVE:
    serve(int(sys.argv[2]))
elif __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[2]))))
