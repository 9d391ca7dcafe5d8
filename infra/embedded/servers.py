"""Both embedded servers of a home: started by the first user, shared with those who come later."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from infra.embedded.child import Child
from infra.embedded.home import Home, HomeInUse
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.supervisor import Supervisor
from infra.embedded.valkey import EmbeddedValkey

SHARE_TIMEOUT_S = 60.0
LOOK_AGAIN_S = 0.05


class ServerUrls(NamedTuple):
    """Where the two servers answer."""

    database_url: str
    redis_url: str


def server_children(home: Home) -> list[Child]:
    """PostgreSQL and Valkey, in order of start; the caller holds the lock of the home."""
    return [EmbeddedPostgres(home).child(), EmbeddedValkey(home).child()]


def server_urls(home: Home) -> ServerUrls:
    """The addresses of a home's servers; they stay the same over restarts."""
    return ServerUrls(EmbeddedPostgres(home).dsn, EmbeddedValkey(home).url)


@contextmanager
def running_servers(directory: Path | str) -> Iterator[ServerUrls]:
    """Have both servers answer inside the block.

    Whoever takes the lock of the home first starts them and stops them at the end; others share
    them and leave them running.
    """
    home = Home(directory)
    with ExitStack() as stack:
        if _locked_or_shared(home, stack):
            stack.enter_context(_supervised(home))
        yield server_urls(home)


def _locked_or_shared(home: Home, stack: ExitStack) -> bool:
    """Whether we own the home now; if not, its servers answer."""
    deadline = time.monotonic() + SHARE_TIMEOUT_S
    while True:
        try:
            stack.enter_context(home.locked())
        except HomeInUse:
            if EmbeddedPostgres(home).ready() and EmbeddedValkey(home).ready():
                return False
            if time.monotonic() > deadline:
                raise
        else:
            return True
        time.sleep(LOOK_AGAIN_S)


@contextmanager
def _supervised(home: Home) -> Iterator[None]:
    """Supervise in a thread: the caller may have no event loop, or one of its own."""
    started: Future[Callable[[], object]] = Future()
    ended: Future[None] = Future()
    thread = threading.Thread(target=_serve, args=(home, started, ended), daemon=True)
    thread.start()
    request_stop = started.result()
    try:
        yield
    finally:
        with suppress(RuntimeError):  # the loop is closed: the servers were given up meanwhile
            request_stop()
        thread.join()
        ended.result()


def _serve(home: Home, started: Future[Callable[[], object]], ended: Future[None]) -> None:
    async def supervise() -> None:
        loop = asyncio.get_running_loop()
        async with Supervisor(server_children(home), home) as supervisor:
            started.set_result(partial(loop.call_soon_threadsafe, supervisor.request_stop))
            await supervisor.wait()

    try:
        asyncio.run(supervise())
    except BaseException as error:  # noqa: BLE001 - handed to the thread that waits for it
        (ended if started.done() else started).set_exception(error)
    else:
        ended.set_result(None)
