"""A PostgreSQL of our own: made once, durable, reached by a private socket or with a password."""

import os
import re
import shutil
import signal
import subprocess
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psycopg

from infra.embedded.binaries import find_postgres
from infra.embedded.child import Child
from infra.embedded.home import Home
from infra.embedded.rootless import Launch, find_launch
from infra.embedded.running import command_of

NAME = "postgres"
SUPERUSER = "antiphon"
DATABASE = "antiphon"
INITDB_TIMEOUT_S = 120
PASSABLE = 0o711  # another account may pass through, but not list
ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8"}  # no PG* of the caller, none of our secrets
SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "listen_addresses": "127.0.0.1",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",  # the supervisor keeps it in the home's logs
    "logging_collector": "off",
    "log_error_verbosity": "terse",  # details quote row values, statements quote literals:
    "log_min_error_statement": "panic",  # neither may reach a log file
}
STATEMENTS = "pg_stat_statements"
COUNTED = {
    "shared_preload_libraries": STATEMENTS,
    f"{STATEMENTS}.track_utility": "off",  # those quote literals; all others are kept without
}
"""What statements take, for `antiphon doctor` and whoever asks why something is slow."""
LIBRARIES = ("lib", "lib/postgresql", "lib64")
"""Where builds have their libraries, beside their programs."""


class PostgresNotPrepared(Exception):
    """The data directory cannot be made or used by the PostgreSQL found here."""


class EmbeddedPostgres:
    """One PostgreSQL per home; `child` is what a supervisor runs."""

    def __init__(
        self, home: Home, binaries: Path | None = None, launch: Launch | None = None
    ) -> None:
        self._home = home
        self._data = home.postgres
        if binaries is not None:
            self._binaries = binaries
        if launch is not None:
            self._launch = launch

    @property
    def dsn(self) -> str:
        """URL over the private socket; it holds no secret."""
        host = quote(str(self._home.sockets), safe="")
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={host}&port={self._home.port(NAME)}"

    @property
    def tcp_dsn(self) -> str:
        """URL over 127.0.0.1 with the password: for proxies and tools that know no sockets."""
        password = self._home.secret(NAME)
        port = self._home.port(NAME)
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{port}/{DATABASE}"

    def child(self) -> Child:
        """Make the cluster when it is absent, settle its port and describe the server process.

        The caller holds the lock of the home.
        """
        self._prepare()
        if self.running_pid() is None:
            self._home.claim_port(NAME)
        return Child(
            name=NAME,
            command=self._command(),
            ready=self.ready,
            env=ENVIRONMENT,
            cwd="/",
            user=self._launch.user,
            stop_signal=signal.SIGINT,  # fast shutdown: sessions end, a checkpoint is written
            hard_signal=signal.SIGQUIT,  # immediate: no orphaned backends, recovery at next start
            before=self.remove_stale_files,
            find_running=self.running_pid,
        )

    def ready(self) -> bool:
        """Whether a new session can run plpgsql, which a half upgraded server cannot."""
        if self._home.port(NAME) is None:
            return False
        try:
            with psycopg.connect(self.dsn, connect_timeout=2, autocommit=True) as connection:
                connection.execute("SET statement_timeout = '5s'")
                connection.execute("DO $$ BEGIN PERFORM 1; END $$")
        except psycopg.Error:
            return False
        return True

    def running_pid(self) -> int | None:
        """The pid of a living server on our data, whoever started it."""
        pid = self._recorded_pid()
        command = command_of(pid) if pid else None
        is_ours = command is not None and "postgres" in command and str(self._data) in command
        return pid if is_ours else None

    def remove_stale_files(self) -> None:
        """Clear what a killed server left, when its pid now belongs to a stranger or to nobody.

        The caller knows that no server of ours runs. A file with a pid stays, under our own pid:
        PostgreSQL takes its parent's pid for stale and still looks for surviving backends by the
        shared memory named in the file.
        """
        for left in self._home.sockets.glob(".s.PGSQL.*"):
            left.unlink(missing_ok=True)
        pid_file = self._data / "postmaster.pid"
        if self._recorded_pid() is None:
            pid_file.unlink(missing_ok=True)
            return
        _first, _, rest = pid_file.read_text(encoding="utf-8").partition("\n")
        with pid_file.open("r+", encoding="utf-8") as file:  # in place: the owner stays
            file.write(f"{os.getpid()}\n{rest}")
            file.truncate()

    @cached_property
    def _binaries(self) -> Path:
        return find_postgres()

    @cached_property
    def _launch(self) -> Launch:
        return find_launch(self._home.root, self._binaries / "postgres")

    def _recorded_pid(self) -> int | None:
        try:
            text = (self._data / "postmaster.pid").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        first = text.partition("\n")[0].strip()
        return int(first) if first.isdecimal() and int(first) > 0 else None

    def _command(self) -> tuple[str, ...]:
        settings = (
            SETTINGS
            | self._counted()
            | {
                "port": str(self._home.port(NAME)),
                "unix_socket_directories": '"' + str(self._home.sockets).replace('"', '""') + '"',
            }
        )
        options = [f"--{name}={value}" for name, value in settings.items()]
        server = str(self._binaries / "postgres")
        return (*self._launch.prefix, server, "-D", str(self._data), *options)

    def _counted(self) -> dict[str, str]:
        """A server that is told to load what it does not have would not start."""
        places = (self._binaries.parent / library for library in LIBRARIES)
        there = any(any(place.glob(f"{STATEMENTS}.*")) for place in places)
        return COUNTED if there else {}

    def _prepare(self) -> None:
        self._home.create()
        if self._launch.user:
            self._home.root.chmod(PASSABLE)
        if self._data.exists():
            self._refuse_other_version()
        else:
            self._make_cluster()
        if user := self._launch.user:
            os.chown(self._home.sockets, user.uid, user.gid)

    def _make_cluster(self) -> None:
        fresh = self._data.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if user := self._launch.user:
            os.chown(fresh, user.uid, user.gid)
        where = ("-D", str(fresh))
        how = ("-U", SUPERUSER, "--locale=C.UTF-8", "--encoding=UTF8", "--data-checksums")
        who = ("--auth-local=trust", "--auth-host=scram-sha-256")  # the socket is ours alone
        self._run("initdb", *where, *how, *who, "--no-sync", "--no-instructions")
        statements = (
            f"ALTER ROLE {SUPERUSER} PASSWORD '{self._home.secret(NAME)}'\n"
            f"CREATE DATABASE {DATABASE}\n"
        )
        quiet = ("-c", "exit_on_error=on", "-c", "log_min_error_statement=panic")
        self._run("postgres", "--single", *quiet, *where, "postgres", given=statements)
        if self._counted():
            make = f"CREATE EXTENSION {STATEMENTS}\n"
            self._run("postgres", "--single", *quiet, *where, DATABASE, given=make)
        self._run("initdb", *where, "--sync-only")
        fresh.rename(self._data)  # whole or absent: a kill before this line leaves nothing behind

    def _refuse_other_version(self) -> None:
        version = self._data / "PG_VERSION"
        data = version.read_text(encoding="ascii").strip() if version.exists() else "unknown"
        told = self._run("postgres", "--version")
        found = re.search(r"[0-9]+", told)
        if found is None or found.group() != data:
            raise PostgresNotPrepared(
                f"{self._data} was written by PostgreSQL {data}, but {told.strip()} is installed: "
                "install that version again, or dump and restore"
            )

    def _run(self, program: str, *arguments: str, given: str = "") -> str:
        user = self._launch.user
        done = subprocess.run(  # noqa: S603 - our own program with arguments made here
            [*self._launch.prefix, str(self._binaries / program), *arguments],
            input=given,
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            cwd="/",
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            timeout=INITDB_TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            message = f"{program} ended with status {done.returncode}: {done.stderr.strip()}"
            raise PostgresNotPrepared(message)
        return done.stdout
