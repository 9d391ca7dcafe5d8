import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from infra.embedded.home import Home
from infra.embedded.running import command_of
from infra.embedded.supervisor import Supervisor
from infra.embedded.valkey import EmbeddedValkey
from tests.seen import Seen

pytestmark = [pytest.mark.redis, pytest.mark.faults]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "my home")
    with home.locked():
        yield home


def put(url: str, value: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.set("key", value)
        client.waitaof(1, 0, 10_000)  # kill -9 may lose the last second, not what is on disk


def get(url: str) -> str:
    with redis.Redis.from_url(url, decode_responses=True) as client:
        return str(client.get("key"))


def test_server_keeps_its_data_over_a_stop_and_leaves_nothing_running(home: Home) -> None:
    valkey = EmbeddedValkey(home)
    assert not valkey.ready()

    async def run(value: str | None) -> int:
        async with Supervisor([valkey.child()], home) as supervisor:
            assert valkey.ready()
            pid = supervisor.pid("valkey")
            assert pid is not None
            assert valkey.running_pid() == pid
            if value:
                put(valkey.url, value)
            assert get(valkey.url) == "42"
            return pid

    for value in ("42", None):
        pid = asyncio.run(run(value))
        assert command_of(pid) is None
        assert valkey.running_pid() is None


def test_killed_server_comes_back_with_its_data(home: Home) -> None:
    valkey = EmbeddedValkey(home)

    async def run() -> None:
        seen = Seen()
        async with Supervisor([valkey.child()], home, seen):
            first = await seen.until("valkey", "ready")
            put(valkey.url, "42")
            os.kill(first.pid, signal.SIGKILL)
            await seen.until("valkey", "died")
            assert (await seen.until("valkey", "ready")).pid != first.pid
            assert get(valkey.url) == "42"

    asyncio.run(run())


def test_password_is_needed_and_not_on_the_command_line(home: Home) -> None:
    valkey = EmbeddedValkey(home)

    async def run() -> None:
        child = valkey.child()
        assert home.secret("valkey") not in " ".join(child.command)
        async with Supervisor([child], home):
            bare = f"redis://127.0.0.1:{home.port('valkey')}"
            with redis.Redis.from_url(bare) as client, pytest.raises(redis.AuthenticationError):
                client.ping()

    asyncio.run(run())


def test_server_left_by_a_dead_owner_is_adopted_and_stopped_at_the_end(home: Home) -> None:
    valkey = EmbeddedValkey(home)
    with (home.logs / "valkey.log").open("wb") as log:
        left = subprocess.Popen(valkey.child().command, start_new_session=True, stdout=log)

    async def run() -> None:
        async with asyncio.timeout(30):
            while not await asyncio.to_thread(valkey.ready):
                assert left.poll() is None
        seen = Seen()
        async with Supervisor([valkey.child()], home, seen):
            assert (await seen.until("valkey", "adopted")).pid == left.pid
            await seen.until("valkey", "ready")
        assert (await seen.until("valkey", "stopped")).pid == left.pid

    try:
        asyncio.run(run())
        assert left.wait(30) == 0
    finally:
        left.kill()
        left.wait()


def test_pid_file_that_names_a_stranger_does_not_hinder_the_start(home: Home) -> None:
    valkey = EmbeddedValkey(home)
    (home.root / "valkey.pid").write_text(f"{os.getpid()}\n")

    async def run() -> None:
        async with Supervisor([valkey.child()], home):
            assert valkey.running_pid() not in {None, os.getpid()}

    asyncio.run(run())


def test_port_taken_by_a_stranger_is_left_to_it(home: Home) -> None:
    valkey = EmbeddedValkey(home)
    kept = home.claim_port("valkey")

    async def run() -> None:
        async with Supervisor([valkey.child()], home):
            assert valkey.ready()
            assert home.port("valkey") != kept

    with socket.create_server(("127.0.0.1", kept)):
        asyncio.run(run())
