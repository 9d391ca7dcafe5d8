"""One tenant on real processes and servers of its own, on a clock that runs fast."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

import msgspec
import psycopg

from domain.ids import schema_of
from infra.demo.client import AWAY, Client, Json, Patient, Refused
from infra.demo.stage import command
from infra.embedded.child import Child
from infra.embedded.home import Home
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.servers import server_children, server_urls
from infra.embedded.valkey import EmbeddedValkey
from infra.failpoints import TESTING
from infra.keys import add_key
from infra.migrations.run import create_tenant, migrate
from infra.probes import answers
from infra.sandbox.keys import SigningKey
from infra.statements import Statements, transaction
from infra.tenancy import Database
from tests.faults.book import Book
from tests.faults.looking import TENANT, Looking
from tests.faults.orders import Orders
from tests.faults.people import PLAN, PLENTY, RULES, SENDER, person
from tests.faults.poster import Poster
from tests.faults.processes import Processes

MONDAY = datetime(2026, 9, 7, 6, 0, tzinfo=UTC)
SEED = 11
CHUNK = 50
GUARDS = {"CONNECT_TIMEOUT_S": "1", "CALL_TIMEOUT_S": "2", "CALL_GUARD_S": "3"}
SWEEP_AFTER_S = 6
"""More than guard and call together, and short, so that what a kill leaves is told soon."""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What kind of world is wanted."""

    workers: int = 2
    fleets: int = 1
    """How many tickers and projectors there are, and how often the workers."""
    factor: float = 120.0
    shift: timedelta = timedelta(0)
    more: Mapping[str, str] = {}
    """Further settings of all processes."""
    of_workers: Mapping[str, str] = {}
    """Further settings of workers only."""
    sender: Mapping[str, object] = {}
    """What is another thing about the sender account."""


class World(Looking):
    """Servers, tenant and provider; the processes of antiphon come and go on top of them."""

    def __init__(self, folder: Path, setup: Setup) -> None:
        self._take(setup)
        self.home = Home(folder)
        self.accepts_path = folder / "accepts.jsonl"
        self.book = Book(self.accepts_path, SEED)
        self.orders = Orders(folder / "passes.log", SEED)
        self._people = 0
        self.enrolled = 0

    def _take(self, setup: Setup) -> None:
        self.setup = setup
        self.began, self.factor = MONDAY + setup.shift, setup.factor

    # --- servers, tenant, provider ----------------------------------------------------------------

    @contextmanager
    def standing(self) -> Iterator["World"]:
        """Servers, the tenant, the provider; no process of antiphon yet."""
        with self.home.locked():
            self.servers = Processes(self.home, server_children(self.home))
            self.servers.start()
            self.database = Database(server_urls(self.home).database_url, size=4)
            try:
                self._set_up()
                provider = Processes(self.home, [self._sandbox()])
                provider.start()
                try:
                    yield self
                finally:
                    provider.stop()
            finally:
                self._close()

    def _close(self) -> None:
        close(self._client)
        self.database.close()
        self.servers.stop()

    def _set_up(self) -> None:
        migrate(self.database)
        create_tenant(self.database, TENANT, tag="fau1")
        self.origin_real = self.database.now()
        self.pepper = self.home.secret("pepper")
        self._key_path = self.home.root / "webhook.pem"
        public = SigningKey.load_or_generate(self._key_path).public_key_base64()
        with self.database.control_tx() as curs:
            curs.execute(
                "INSERT INTO control.webhook_keys (tenant, provider, public_key)"
                " VALUES (%s, 'sendgrid', %s)",
                (TENANT, public),
            )
        key = add_key(self.database, TENANT, "admin", pepper=self.pepper.encode())
        self.sandbox_url = f"http://127.0.0.1:{self.home.claim_port('sandbox')}"
        self.web_url = f"http://127.0.0.1:{self.home.claim_port('web')}"
        self._client = Client(self.web_url, key.text)
        self.api = Patient(self._client)
        self.campaign = ""

    def environment(self) -> dict[str, str]:
        """What processes are told; each gets a copy, into which its failpoints are written."""
        urls = server_urls(self.home)
        given = {
            "HOME": str(self.home.root),
            "DATABASE_URL": urls.database_url,
            "REDIS_URL": urls.redis_url,
            "PUBLIC_URL": self.web_url,
            "WEB_PORT": str(self.home.port("web")),
            "PEPPER": self.pepper,
            "SENDGRID_API_KEY": "SG.faults",
            "SENDGRID_BASE_URL": self.sandbox_url,
            "CLOCK_FACTOR": repr(self.factor),
            "CLOCK_ORIGIN_REAL": self.origin_real.isoformat(),
            "CLOCK_ORIGIN_SIMULATED": self.began.isoformat(),
            "TICK_MS": "50",
            "WORKER_THREADS": "4",
            "SWEEP_AFTER_S": str(SWEEP_AFTER_S),
            "LOG_LEVEL": "WARNING",
            **GUARDS,
            **self.setup.more,
        }
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ANTIPHON_")}
        return kept | {TESTING: "1"} | {f"ANTIPHON_{key}": value for key, value in given.items()}

    def _sandbox(self) -> Child:
        tenant = f"{self.web_url}/webhooks/sendgrid/{TENANT}"
        arguments = [
            *("sandbox", "--port", str(self.home.port("sandbox")), "--api-key", "SG.faults"),
            *("--events", tenant, "--inbound", f"{tenant}/inbound", "--seed", str(SEED)),
            *("--key", str(self._key_path), "--accepts", str(self.accepts_path)),
        ]
        return Child(
            name="sandbox",
            command=command(arguments),
            env=self.environment(),
            ready=lambda: answers(f"{self.sandbox_url}/healthz"),
        )

    # --- the processes of antiphon ----------------------------------------------------------------

    @contextmanager
    def running(self, setup: Setup | None = None) -> Iterator[Processes]:
        """All processes of antiphon until the end of the block; then they are told to stop."""
        self._take(setup or self.setup)
        roles = self.roles = Processes(self.home, list(self._children()))
        roles.start()
        try:
            if not self.campaign:
                self._campaign()
            yield roles
        finally:
            roles.stop()

    def _children(self) -> Iterator[Child]:
        for fleet in range(1, self.setup.fleets + 1):
            yield self._role(f"projector-{fleet}", "projector")
            for number in range(1, self.setup.workers + 1):
                yield self._role(f"worker-{fleet}-{number}", "worker")
            yield self._role(f"ticker-{fleet}", "ticker")
        web = ["web", "--port", str(self.home.port("web"))]
        yield self._child("web", web, lambda: answers(f"{self.web_url}/healthz"))

    def _role(self, name: str, role: str) -> Child:
        born: list[datetime] = []

        def beats() -> bool:
            if not born:
                return False
            with self.database.control_tx() as curs:
                curs.execute(
                    "SELECT 1 FROM control.heartbeats WHERE name = %s AND beat_at > %s",
                    (name if role == "worker" else role, born[0]),
                )
                return curs.fetchone() is not None

        def is_born() -> None:
            born[:] = [self.database.now()]

        given = ["--name", name] if role == "worker" else []  # the others have one name for all
        return self._child(name, [role, *given], beats, is_born)

    def _child(
        self,
        name: str,
        arguments: Sequence[str],
        ready: Callable[[], bool],
        before: Callable[[], None] = lambda: None,
    ) -> Child:
        env = self.environment()
        if arguments[0] == "worker":
            env |= {f"ANTIPHON_{name}": value for name, value in self.setup.of_workers.items()}

        def born() -> None:
            self.orders.give(name, arguments[0], env)
            with suppress(psycopg.Error):  # the database may be away just now
                before()

        return Child(name=name, command=command(arguments), env=env, ready=ready, before=born)

    def calm(self) -> None:
        """No more deaths: those who still have an order are ended and come back without one."""
        self.orders.places, self.orders.fixed = (), {}
        self.replace_all()

    def replace_all(self) -> None:
        """End every process by its stop signal; each comes back with the order of the day."""
        for child in self._children():
            self.roles.send(child.name, child.stop_signal)

    def end_leases(self) -> None:
        """As if a lease had passed already; a living holder finds its fence moved on."""
        with self.database.tenant_tx(TENANT) as curs:
            sql = Statements(schema_of(TENANT))
            for text in _END_LEASES:
                sql.run(transaction(curs), text)

    # --- people and their mails -------------------------------------------------------------------

    def _campaign(self) -> None:
        self.api.post("/v1/senders", {**SENDER, **self.setup.sender})
        self._client._call("PATCH", "/v1/sending", json.dumps(RULES).encode(), {})
        wanted = {"name": "Faults", "sender": SENDER["sender"], "daily_limit": PLENTY}
        self.campaign = self.api.post("/v1/campaigns", wanted)["id"]
        self.order("launch")

    def order(self, verb: str) -> None:
        """Launch, pause or resume the campaign; returns when it is acknowledged."""
        self.api.post(f"/v1/campaigns/{self.campaign}/{verb}")

    def enrol(self, number: int, plan: Mapping[str, Any] = PLAN) -> None:
        """New people, whose mail is due at once if no other plan is given."""
        for start in range(0, number, CHUNK):
            self._enrol(min(CHUNK, number - start), plan)

    def _enrol(self, number: int, plan: Mapping[str, Any]) -> None:
        people = [person(self._people + nth) for nth in range(1, number + 1)]
        self._people += number
        made = self._post("/v1/contacts", {"items": people})["items"]
        items = [{"contact_id": one["contact_id"], "plan": plan} for one in made]
        path = f"/v1/campaigns/{self.campaign}/enrolments"
        told = self._post(path, {"items": items})["items"]
        refused = [one for one in told if one["status"] == "refused"]
        assert not refused, refused[0]
        self.enrolled += number

    def _post(self, path: str, body: Mapping[str, Any]) -> Json:
        """Every write of the API is safe to repeat, and the web process dies often here."""
        for left in reversed(range(10)):
            try:
                return self.api.post(path, body)
            except (*AWAY, Refused):
                if not left:
                    raise
        raise AssertionError  # the last try returns or raises

    def provider_fails(self, shares: Mapping[str, float]) -> None:
        """From now on the provider does so with this share of requests each."""
        faults = [{"mode": mode, "share": share} for mode, share in shares.items()]
        client = Client(self.sandbox_url, "")
        client.post("/_sandbox/faults", {"faults": faults})
        close(client)

    def poster(self) -> Poster:
        """A provider of further reports, about messages that nobody knows."""
        key = SigningKey.load_or_generate(self._key_path)
        return Poster(f"{self.web_url}/webhooks/sendgrid/{TENANT}", key)

    # --- servers that go away ---------------------------------------------------------------------

    def postgres_pid(self) -> int:
        """The pid of the server that is up."""
        pid = EmbeddedPostgres(self.home).running_pid()
        assert pid is not None
        return pid

    def postgres(self) -> EmbeddedPostgres:
        """The server of this world."""
        return EmbeddedPostgres(self.home)

    def valkey(self) -> EmbeddedValkey:
        """The broker of this world."""
        return EmbeddedValkey(self.home)


_END_LEASES: tuple[LiteralString, ...] = (
    "UPDATE {s}.webhook_inbox SET lease_until = now() WHERE state = 'claimed'",
    "UPDATE {s}.timers SET lease_until = now() WHERE state = 'claimed'",
)


def close(client: Client) -> None:
    """The demo leaves this to the end of its process."""
    if client._connection is not None:
        client._connection.close()


@contextmanager
def standing(folder: Path, setup: Setup) -> Iterator[World]:
    """A world whose servers and provider are up."""
    with World(folder, setup).standing() as world:
        yield world
