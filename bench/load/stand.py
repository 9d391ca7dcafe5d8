"""Servers of a benchmark's own, and the real processes of antiphon on top of them."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from bench.load.customer import Customer
from bench.running.tenant import MANY
from domain.ids import TenantId
from infra.bootstrap import System
from infra.clock import VirtualClock
from infra.demo.stage import command
from infra.embedded.child import Child
from infra.embedded.home import Home
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.servers import ServerUrls, running_servers
from infra.migrations.run import create_tenant, migrate
from infra.probes import answers, beats
from infra.sandbox.keys import SigningKey
from infra.settings import read_settings
from tests.faults.processes import Processes

MONDAY = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
"""When the lives begin that are copied."""
LATER = timedelta(hours=5)
"""How much later it is for the processes: nobody clicks in the second of the delivery."""
NOTHING: Mapping[str, str] = {}
ROLES = ("web", "projector", "worker", "ticker")


class Stand:
    """Fresh servers with every durability setting as it is shipped; tenants and processes come."""

    def __init__(self, folder: Path, servers: ServerUrls) -> None:
        self.home = Home(folder)
        self.home.create()
        self._servers = servers
        self.web_url = f"http://127.0.0.1:{self.home.claim_port('web')}"
        self.key = SigningKey.generate()
        self.system = System(read_settings(self._given()), servers, worker="bench", pool=12)
        self.database = self.system.database
        self._origin = self.database.now()
        self.factor = 1.0
        """Simulated seconds in a real one, for the processes that are started from now on."""
        self.system.clock = VirtualClock(MONDAY)
        migrate(self.database)
        with self.database.control_tx() as curs:
            curs.execute("UPDATE control.sending SET hour_max = %s, paused = false", [MANY])

    def close(self) -> None:
        """Give connections back."""
        self.system.close()

    def customer(self, name: str) -> Customer:
        """A new tenant, with a sender and rules that leave everything room."""
        tenant = TenantId(name)
        create_tenant(self.database, tenant, tag=name)
        with self.database.control_tx() as curs:
            curs.execute(
                "INSERT INTO control.webhook_keys (tenant, provider, public_key)"
                " VALUES (%s, 'sendgrid', %s)",
                (tenant, self.key.public_key_base64()),
            )
        return Customer(self.system, tenant)

    def simulated_now(self) -> datetime:
        """What the clocks of the processes show."""
        return MONDAY + LATER + (self.database.now() - self._origin) * self.factor

    def postgres_pid(self) -> int | None:
        """The pid of the server, for what its processes take."""
        return EmbeddedPostgres(self.home).running_pid()

    # --- processes --------------------------------------------------------------------------------

    @contextmanager
    def running(
        self, roles: Sequence[str] = ROLES, *, workers: int = 1, more: Mapping[str, str] = NOTHING
    ) -> Iterator[Processes]:
        """These processes inside the block; that one of them died is an error."""
        env = self._environment(more)
        with self.database.control_tx() as curs:  # those of processes that ended just now
            curs.execute("DELETE FROM control.heartbeats")
        names = [name for role in roles for name in _names(role, workers)]
        found = Processes(self.home, [self._child(name, env) for name in names])
        found.start()
        try:
            yield found
        finally:
            found.stop()
        died = [event for _, event in found.events if event.what == "died"]
        assert not died, died

    def start(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        """A command of antiphon, as people call it; what it prints is dropped."""
        return subprocess.Popen(  # noqa: S603  # our own command
            command(arguments), env=self._environment({}), stdout=subprocess.DEVNULL
        )

    def _child(self, name: str, env: Mapping[str, str]) -> Child:
        if name == "web":
            port = str(self.home.port("web"))
            ready = partial(answers, f"{self.web_url}/healthz")
            return Child(name=name, command=command(["web", "--port", port]), env=env, ready=ready)
        role = name.partition("-")[0]
        arguments = [role, "--name", name] if role == "worker" else [role]
        alive = partial(beats, self.database, name)
        return Child(name=name, command=command(arguments), env=env, ready=alive)

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ANTIPHON_")}
        scaled = {
            "ANTIPHON_CLOCK_ORIGIN_REAL": self._origin.isoformat(),
            "ANTIPHON_CLOCK_ORIGIN_SIMULATED": (MONDAY + LATER).isoformat(),
            "ANTIPHON_CLOCK_FACTOR": repr(self.factor),
        }
        return {**kept, **self._given(), **scaled, **more}

    def _given(self) -> dict[str, str]:
        given = {
            "HOME": str(self.home.root),
            "DATABASE_URL": self._servers.database_url,
            "REDIS_URL": self._servers.redis_url,
            "PUBLIC_URL": self.web_url,
            "WEB_PORT": str(self.home.port("web")),
            "PEPPER": self.home.secret("pepper"),
            "SENDGRID_API_KEY": "SG.bench",
            "SENDGRID_BASE_URL": "http://127.0.0.1:1",
            "WEBHOOK_PER_MINUTE": str(MANY),
            "LOG_LEVEL": "WARNING",
        }
        return {f"ANTIPHON_{name}": value for name, value in given.items()}


def _names(role: str, workers: int) -> list[str]:
    return [f"worker-{number}" for number in range(workers)] if role == "worker" else [role]


@contextmanager
def standing() -> Iterator[Stand]:
    """A stand that is gone after the block."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True, prefix="bench-") as folder,
        running_servers(folder) as servers,
    ):
        stand = Stand(Path(folder), servers)
        try:
            yield stand
        finally:
            stand.close()
