"""PostgreSQL is killed by SIGKILL at random points under load; what was acknowledged is compared.

A kill takes away what the server had in its own memory, not what the machine had written for it and
not yet put on disk: that is what `fsync`, which a test holds to here, is for.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from domain.ids import TenantId
from handlers.ports import Report
from infra.claims import SqlInbox
from infra.embedded.home import Home
from infra.embedded.postgres import EmbeddedPostgres
from infra.entropy import SeededRng, SystemRng
from infra.log import Log
from infra.migrations.run import create_tenant, migrate
from infra.recorder import stored
from infra.tenancy import Database
from tests.faults.processes import Processes, until

pytestmark = [pytest.mark.postgres, pytest.mark.faults, pytest.mark.slow]

TENANT = TenantId("acme")
WRITERS = 3
BATCH_MAX = 20
ACKNOWLEDGED_BETWEEN = 200
"""Up to so many appends are acknowledged between the end of a recovery and the next kill."""
UP_AGAIN_S = 60
PAUSE_S = 0.05

Place = tuple[UUID, int]
Killing = Callable[[int], None]


class Ledger:
    """What was acknowledged, and what nobody knows the end of; written by one thread."""

    def __init__(self) -> None:
        self.facts: dict[Place, tuple[bytes, int]] = {}
        self.deliveries: set[bytes] = set()
        self.unsure: dict[UUID, int] = {}
        """How many facts each append had whose answer was lost, by its stream."""
        self.acknowledged = 0


class Load:
    """Writers that go on whatever happens to their server."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(WRITERS + 1)
        self.ledgers = [Ledger() for _ in range(WRITERS + 1)]
        self._ends: list[Future[None]] = []

    def begin(self) -> None:
        log, inbox = Log(self._database, TENANT), SqlInbox(self._database, TENANT, SystemRng())
        *facts, deliveries = self.ledgers
        for number, ledger in enumerate(facts):
            append = _Appender(self._database, log, ledger, number)
            self._ends.append(self._pool.submit(self._again, append))
        keeper = _Keeper(inbox, deliveries)
        self._ends.append(self._pool.submit(self._again, keeper))

    def _again(self, act: Callable[[], None]) -> None:
        while not self._over.is_set():
            try:
                act()
            except psycopg.Error:
                self._over.wait(PAUSE_S)  # the server is away

    def end(self) -> None:
        self._over.set()
        for each in self._ends:
            each.result()
        self._pool.shutdown()

    @property
    def acknowledged(self) -> int:
        return sum(ledger.acknowledged for ledger in self.ledgers)


class _Appender:
    """Appends batches, each to a stream of its own."""

    def __init__(self, database: Database, log: Log, ledger: Ledger, seed: int) -> None:
        self._database, self._log, self._ledger = database, log, ledger
        self._rng = SeededRng(seed)

    def __call__(self) -> None:
        stream, count = self._rng.new_id(), round(self._rng.uniform(1, BATCH_MAX))
        states = [self._rng.new_id().bytes for _ in range(count)]
        events = [stored(stream, number, "x", state) for number, state in enumerate(states, 1)]
        self._ledger.unsure[stream] = count
        with self._database.tenant_tx(TENANT) as curs:
            positions = self._log.recorder.append(curs, events)
        del self._ledger.unsure[stream]
        for number, (state, position) in enumerate(zip(states, positions, strict=True), 1):
            self._ledger.facts[stream, number] = (state, position)
        self._ledger.acknowledged += 1


class _Keeper:
    """Keeps webhook deliveries as the endpoint does before it answers with 204."""

    def __init__(self, inbox: SqlInbox, ledger: Ledger) -> None:
        self._inbox, self._ledger = inbox, ledger

    def __call__(self) -> None:
        key = SystemRng().new_id().bytes
        report = Report(provider="p", kind="open", raw=b"{}", key=key)
        assert self._inbox.keep("p", {}, key, [report], late=False) == 1
        self._ledger.deliveries.add(key)
        self._ledger.acknowledged += 1


# --- kills ----------------------------------------------------------------------------------------


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = stat.read_text("utf-8").rpartition(")")[2].split()[1]
            if int(parent) == pid:
                found.append(int(stat.parent.name))
    return sorted(found)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _all_at_once(postmaster: int) -> None:
    """As when the machine stops: nobody has time to finish anything."""
    children = _children(postmaster)
    for pid in (postmaster, *children):
        _kill(pid)


def _only_the_postmaster(postmaster: int) -> None:
    """Sessions may end what they were at, and then find themselves alone."""
    _kill(postmaster)


def _one_child(postmaster: int) -> None:
    """A session or a writer of the log dies; the server ends all others and recovers."""
    children = _children(postmaster)
    _kill(children[postmaster % len(children)])


KILLINGS: Mapping[str, Killing] = {
    "all at once": _all_at_once,
    "only the postmaster": _only_the_postmaster,
    "one child": _one_child,
}


class Rig:
    """A server of its own under a supervisor, with writers on it."""

    def __init__(self, home: Home) -> None:
        self._postgres = EmbeddedPostgres(home)
        self._server = Processes(home, [self._postgres.child()])
        self._rng = SeededRng(7)

    @contextmanager
    def running(self) -> Iterator[Database]:
        self._server.start()
        database = Database(self._postgres.dsn, size=WRITERS + 1)
        try:
            migrate(database)
            create_tenant(database, TENANT, tag="t-1")
            yield database
        finally:
            database.close()
            self._server.stop()

    def kill_under(self, load: Load, killing: Killing) -> None:
        """Kill after some more appends were acknowledged; return when the server serves again."""
        aim = load.acknowledged + round(self._rng.uniform(1, ACKNOWLEDGED_BETWEEN))
        until(lambda: load.acknowledged >= aim, UP_AGAIN_S, lambda: "nothing is acknowledged")
        pid = self._postgres.running_pid()
        assert pid is not None
        began = self._began()
        killing(pid)
        until(lambda: self._recovered(began), UP_AGAIN_S, lambda: "it did not come back")

    def _recovered(self, began: str | None) -> bool:
        now = self._began()
        return now is not None and now != began

    def _began(self) -> str | None:
        """When the server began to serve: another instant after each recovery."""
        try:
            with psycopg.connect(self._postgres.dsn, connect_timeout=2) as connection:
                row = connection.execute(_RECOVERED_AT).fetchone()
        except psycopg.Error:
            return None
        return str(row)


def _compare(database: Database, ledgers: list[Ledger]) -> None:
    """Every acknowledged fact and delivery, one by one; an unanswered one is whole or not there."""
    with database.tenant_tx(TENANT) as curs:
        rows = curs.execute(_FACTS).fetchall()
        kept = {bytes(body) for (body,) in curs.execute(_DELIVERIES).fetchall()}
        keys = {bytes(key) for (key,) in curs.execute(_REPORTS).fetchall()}
    found = {(stream, version): (bytes(state), at) for stream, version, state, at in rows}
    unsure: dict[UUID, int] = {}
    for ledger in ledgers:
        for place, fact in ledger.facts.items():
            assert found.get(place) == fact, f"acknowledged and not there: {place}"
        assert ledger.deliveries <= kept
        assert ledger.deliveries <= keys
        unsure |= ledger.unsure
    acknowledged = {place for ledger in ledgers for place in ledger.facts}
    rest: dict[UUID, int] = {}
    for stream, _ in found.keys() - acknowledged:
        rest[stream] = rest.get(stream, 0) + 1
    assert rest.items() <= unsure.items(), "a part of an append, or what nobody has written"
    assert kept == keys


def _killed(folder: Path, times: int) -> None:
    rig = Rig(Home(folder))
    with rig.running() as database:
        load = Load(database)
        with database.tenant_tx(TENANT) as curs:
            assert curs.execute(_DURABLE).fetchone() == ("on", "on", "on", "on")
        load.begin()
        try:
            for _ in range(times):
                for killing in KILLINGS.values():
                    rig.kill_under(load, killing)
            aim = load.acknowledged + 10
            until(lambda: load.acknowledged >= aim, UP_AGAIN_S, lambda: "nobody goes on")
        finally:
            load.end()
        assert all(ledger.acknowledged for ledger in load.ledgers)
        _compare(database, load.ledgers)


def test_nothing_acknowledged_is_lost_when_postgres_is_killed_under_load(tmp_path: Path) -> None:
    _killed(tmp_path / "w", 1)


@pytest.mark.long
def test_nothing_acknowledged_is_lost_however_often_postgres_is_killed(tmp_path: Path) -> None:
    _killed(tmp_path / "w", 25)


_RECOVERED_AT = """
SELECT max(backend_start) FROM pg_stat_activity WHERE backend_type = 'checkpointer'
"""
_DURABLE = """
SELECT current_setting('fsync'), current_setting('synchronous_commit'),
       current_setting('full_page_writes'), current_setting('data_checksums')
"""
_FACTS = "SELECT originator_id, originator_version, state, notification_id FROM t_acme.events"
_DELIVERIES = "SELECT body FROM t_acme.webhook_deliveries"
_REPORTS = "SELECT semantic_key FROM t_acme.webhook_inbox"
