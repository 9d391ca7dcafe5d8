"""The state directory of one machine: data, logs, sockets, ports, secrets and the lock on them."""

import fcntl
import hashlib
import json
import os
import socket
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

SOCKET_PATH_BYTES_MAX = 100
LONGEST_SOCKET_NAME = ".s.PGSQL.65535"
SHORT_PLACE = Path("/tmp")  # noqa: S108 - the directory made in it is checked to be ours alone
FIRST_PORT = 20_000
PORTS = 12_000  # ends below the range that Linux and macOS give to outgoing connections


class HomeInUse(Exception):
    """Another process holds the lock of this state directory."""


class HomeUnusable(Exception):
    """This state directory cannot be used safely."""


class Home:
    """A state directory; a second use of the same one is refused or told who holds it."""

    def __init__(self, directory: Path | str) -> None:
        self.root = Path(directory).expanduser().resolve()
        self.logs = self.root / "logs"
        self.postgres = self.root / "postgres"
        self.valkey = self.root / "valkey"

    @property
    def sockets(self) -> Path:
        """Where Unix sockets live: the same short path for each process that uses this home."""
        inside = self.root / "run"
        if _fits_a_socket(inside):
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return SHORT_PLACE / f"antiphon-{os.geteuid()}-{digest}"

    def create(self) -> None:
        """Make the directories, readable by their owner only; those that exist stay as they are."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for directory in (self.logs, self.sockets):
            directory.mkdir(mode=0o700, exist_ok=True)
        self._refuse_foreign_sockets()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Own this home inside the block, or raise `HomeInUse` saying who does."""
        self.create()
        with (self.root / "lock").open("a+", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                message = f"{self.root} is in use by the process with pid {holder}"
                raise HomeInUse(message) from None
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield

    def port(self, name: str) -> int | None:
        """The port kept for a server, or None before its first start."""
        return self._ports().get(name)

    def claim_port(self, name: str) -> int:
        """The kept port, or a new free one when there is none or a stranger listens there.

        The caller holds the lock and knows that its own server is not running.
        """
        ports = self._ports()
        kept = ports.get(name)
        if kept is not None and is_free(kept):
            return kept
        chosen = ports[name] = self._choose_port(name, taken=ports.values())
        fresh = self.root / "ports.json.new"
        fresh.write_text(json.dumps(ports, indent=1) + "\n", encoding="ascii")
        fresh.replace(self.root / "ports.json")
        return chosen

    def secret(self, name: str) -> str:
        """A password kept in a file that only the owner reads; drawn at the first call."""
        path = self.root / f"{name}.secret"
        if not path.exists():
            fresh = path.with_suffix(".secret.new")
            fresh.unlink(missing_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(os.urandom(24).hex())  # a key, not a draw: no seed may repeat it
            fresh.replace(path)
        return path.read_text(encoding="ascii")

    def _refuse_foreign_sockets(self) -> None:
        """Who owns the socket directory could answer in the place of our server."""
        found = self.sockets.lstat()
        if not stat.S_ISDIR(found.st_mode) or stat.S_IMODE(found.st_mode) & 0o077:
            raise HomeUnusable(f"{self.sockets} must be a directory with mode 0700")
        owners = {os.geteuid()}
        if self.postgres.exists():
            owners.add(self.postgres.stat().st_uid)  # started by root, the server may be nobody
        if found.st_uid not in owners:
            raise HomeUnusable(f"{self.sockets} belongs to user {found.st_uid}, not to us")

    def _ports(self) -> dict[str, int]:
        try:
            text = (self.root / "ports.json").read_text(encoding="ascii")
        except FileNotFoundError:
            return {}
        try:
            return {str(name): int(port) for name, port in json.loads(text).items()}
        except (ValueError, TypeError, AttributeError):
            message = f"{self.root / 'ports.json'} is damaged; remove it and new ports are chosen"
            raise HomeUnusable(message) from None

    def _choose_port(self, name: str, taken: Collection[int]) -> int:
        seed = hashlib.sha256(os.fsencode(self.root) + b"\0" + name.encode()).digest()
        first = int.from_bytes(seed[:8])  # homes start at different places and seldom meet
        for step in range(PORTS):
            port = FIRST_PORT + (first + step) % PORTS
            if port not in taken and is_free(port):
                return port
        raise HomeUnusable(f"no free port from {FIRST_PORT} to {FIRST_PORT + PORTS - 1}")


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT is no stranger
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _fits_a_socket(directory: Path) -> bool:
    whole = os.fsencode(directory / LONGEST_SOCKET_NAME)
    return len(whole) <= SOCKET_PATH_BYTES_MAX and b"," not in whole  # a comma separates hosts
