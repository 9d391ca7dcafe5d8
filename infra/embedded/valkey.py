"""A Valkey of our own: on 127.0.0.1 with a password, keeping an append-only file."""

import os
import signal
from functools import cached_property
from pathlib import Path

import redis

from infra.embedded.binaries import find_valkey
from infra.embedded.child import Child
from infra.embedded.home import Home
from infra.embedded.running import command_of

NAME = "valkey"
ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8"}


class EmbeddedValkey:
    """One Valkey per home; `child` is what a supervisor runs."""

    def __init__(self, home: Home, server: Path | None = None) -> None:
        self._home = home
        self._data = home.valkey
        self._secret_file = home.root / "valkey.conf"
        if server is not None:
            self._server = server

    @property
    def url(self) -> str:
        """URL of database 0, with the password."""
        return f"redis://:{self._home.secret(NAME)}@127.0.0.1:{self._home.port(NAME)}/0"

    def child(self) -> Child:
        """Settle the port, write the password file and describe the server process.

        The caller holds the lock of the home.
        """
        self._home.create()
        self._data.mkdir(mode=0o700, exist_ok=True)
        self._write_secret_file()  # before the port: who finds the port may ask for the secret
        if self.running_pid() is None:
            self._home.claim_port(NAME)
        return Child(
            name=NAME,
            command=self._command(),
            ready=self.ready,
            env=ENVIRONMENT,
            cwd="/",
            stop_signal=signal.SIGTERM,
            before=self.remove_stale_files,
            find_running=self.running_pid,
        )

    def ready(self) -> bool:
        """Whether it answers PING to our password, which a stranger on the port does not."""
        if self._home.port(NAME) is None:
            return False
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                return bool(client.ping())
        except (redis.RedisError, OSError):
            return False

    def running_pid(self) -> int | None:
        """The pid of a living server on our data, whoever started it."""
        try:
            text = self._pid_file.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None
        if not text.isdecimal():
            return None
        command = command_of(int(text)) or ""
        address = f"127.0.0.1:{self._home.port(NAME)}"  # the server writes it into its title
        return int(text) if self._server.name in command and address in command else None

    def remove_stale_files(self) -> None:
        """Clear the pid file of a killed server; the caller knows that none of ours runs."""
        self._pid_file.unlink(missing_ok=True)

    @cached_property
    def _server(self) -> Path:
        return find_valkey()

    @property
    def _pid_file(self) -> Path:
        return self._home.root / "valkey.pid"

    def _write_secret_file(self) -> None:
        """Keep the password off the command line, where every user of the machine reads it."""
        descriptor = os.open(self._secret_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"requirepass {self._home.secret(NAME)}\n")

    def _command(self) -> tuple[str, ...]:
        options = {
            "bind": "127.0.0.1",
            "port": str(self._home.port(NAME)),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "dir": str(self._data),
            "pidfile": str(self._pid_file),
            "daemonize": "no",
        }
        flags = [word for name, value in options.items() for word in (f"--{name}", value)]
        return (str(self._server), str(self._secret_file), *flags)
