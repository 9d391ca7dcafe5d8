import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from infra.embedded.home import Home
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.servers import running_servers
from infra.embedded.valkey import EmbeddedValkey

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.faults]

ROOT = Path(__file__).parents[2]
USE = """
import sys
import psycopg, redis
from infra.embedded.servers import running_servers
with running_servers(sys.argv[1]) as urls:
    with psycopg.connect(urls.database_url) as connection:
        one = connection.execute("SELECT 1").fetchone()
    print(one, redis.Redis.from_url(urls.redis_url).ping())
    sys.stdout.flush()
    sys.stdin.read()
"""


def pids(home: Home) -> tuple[int | None, int | None]:
    return EmbeddedPostgres(home).running_pid(), EmbeddedValkey(home).running_pid()


def use(directory: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", USE, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )


def test_given_servers_answer(database_url: str, redis_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with redis.Redis.from_url(redis_url) as client:
        assert client.ping()


def test_two_homes_live_side_by_side(tmp_path: Path) -> None:
    homes = Home(tmp_path / "one"), Home(tmp_path / "two")
    with running_servers(homes[0].root) as one, running_servers(homes[1].root) as two:
        for urls, name in ((one, "one"), (two, "two")):
            with psycopg.connect(urls.database_url) as connection:
                connection.execute(f"CREATE TABLE {name} ()".encode())
            with redis.Redis.from_url(urls.redis_url) as client:
                assert client.dbsize() == 0
                client.set(name, name)
        ports = [home.port(name) for home in homes for name in ("postgres", "valkey")]
        assert len(set(ports)) == 4
        assert homes[0].sockets != homes[1].sockets
        assert len({*pids(homes[0]), *pids(homes[1])} - {None}) == 4
    assert pids(homes[0]) == pids(homes[1]) == (None, None)


def test_second_user_shares_the_servers_and_leaves_them_running(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with running_servers(home.root):
        before = pids(home)
        with use(home.root) as second:
            told, _ = second.communicate(b"")
        assert (told, second.returncode) == (b"(1,) True\n", 0)
        assert pids(home) == before
        assert None not in before
    assert pids(home) == (None, None)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG and pidfd are of Linux")
def test_servers_die_with_a_killed_owner_and_start_again_with_the_next(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with use(home.root) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"(1,) True\n"
        watched = [os.pidfd_open(pid) for pid in pids(home) if pid]
        assert len(watched) == 2
        os.kill(owner.pid, signal.SIGKILL)
    for server in watched:
        assert select.select([server], [], [], 30)[0] == [server]
        os.close(server)
    with running_servers(home.root) as urls, psycopg.connect(urls.database_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_error_of_the_body_is_passed_on_after_the_servers_stopped(tmp_path: Path) -> None:
    def fail() -> None:
        with running_servers(tmp_path):
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert pids(Home(tmp_path)) == (None, None)
