"""The projector process: the runners of all tenants, woken by their logs and by a tick."""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event, Lock
from time import monotonic
from typing import TypeVar

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from domain.ids import TenantId
from infra.heartbeat import Heartbeat
from infra.leadership import Leadership
from infra.log import Log
from infra.pages import SharedPages
from infra.projector import Runner, fold_together, head_of
from infra.tenancy import Database
from projections.projection import Projection

TICK_S = 0.5
LISTEN_S_MAX = 0.5
"""How long a stop may go unheeded."""
THREADS = 4
ENOUGH = 2
"""So many readers are worth a transaction together."""
HEARTBEAT_S = 5.0
BACKOFF_S_MIN = 0.1
BACKOFF_S_MAX = 10.0

log = logging.getLogger(__name__)

T = TypeVar("T")


class Backoff:
    """Longer and longer rests after errors in a row."""

    def __init__(self) -> None:
        self._delay_s = 0.0
        self._rests_until = 0.0

    @property
    def rests(self) -> bool:
        """Whether the last rest is not over."""
        return monotonic() < self._rests_until

    def failed(self) -> float:
        """Rest, twice as long as the last time; how long."""
        self._delay_s = min(max(self._delay_s * 2, BACKOFF_S_MIN), BACKOFF_S_MAX)
        self._rests_until = monotonic() + self._delay_s
        return self._delay_s

    def went_well(self) -> None:
        """Begin with short rests again."""
        self._delay_s = 0.0


class Desk:
    """The runners of one tenant; an error of one stops no other."""

    def __init__(
        self,
        database: Database,
        tenant: TenantId,
        projections: Iterable[Projection],
        leadership: Leadership,
    ) -> None:
        self.tenant = tenant
        self.busy = self.asked = False
        self._database = database
        self._leadership = leadership
        tenant_log = Log(database, tenant)
        self.channel = tenant_log.recorder.channel_name
        self._head = partial(head_of, database, tenant)
        self._at_head = Backoff()
        read = tuple(projections)
        pages = SharedPages(tenant_log, (topic for each in read for topic in each.topics))
        self._runners = [
            (Runner(database, tenant, each, leadership, pages=pages), Backoff()) for each in read
        ]

    def turn(self) -> bool:
        """One page for each runner that is behind; whether there may be more."""
        head = _attempt(self._at_head, f"head of {self.tenant}", self._head)
        if head is None:
            return False
        done = self._together(head)
        left = [one for one in self._runners if one[0] not in done]
        steps = [self._step(runner, backoff, head) for runner, backoff in left]
        return any(steps) or any(runner.position != head for runner in done)

    def _together(self, head: int) -> Sequence[Runner]:
        """A page for those at the place of the first one behind, if there is nothing wrong.

        In a transaction each a page of some facts costs most of its time in their many round trips.
        """
        ready = [
            runner
            for runner, backoff in self._runners
            if not backoff.rests and runner.position not in (None, head)
        ]
        alike = [runner for runner in ready if runner.place == ready[0].place]
        if len(alike) < ENOUGH:
            return ()
        try:
            fold_together(self._database, self.tenant, self._leadership, alike, head)
        except Exception:  # noqa: BLE001  # told by the one it is about, in the step of its own
            return ()
        return alike

    def _step(self, runner: Runner, backoff: Backoff, head: int) -> bool:
        if runner.position == head:
            return False
        name = f"{runner.projection.name} of {self.tenant}"
        folded = _attempt(backoff, name, partial(runner.step, head))
        if folded is None:
            return False
        # a page of all topics may have nothing for this one, and more behind it
        return folded > 0 or (runner.position is not None and runner.position < head)


class Ear:
    """LISTEN on the logs of all tenants, on one connection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection[TupleRow] | None = None
        self._channels: set[str] = set()

    def hear(self, channels: Iterable[str], timeout_s: float) -> set[str]:
        """Wait for news; the channels that have some, or may have had some before we listened."""
        try:
            if self._connection is None:
                self._connection = self._database.direct()
            new = set(channels) - self._channels
            for channel in sorted(new):
                self._connection.execute(SQL("LISTEN {}").format(Identifier(channel)))
            self._channels |= new
            wait_s = 0.0 if new else timeout_s
            news = self._connection.notifies(timeout=wait_s, stop_after=1)
            return new | {notify.channel for notify in news}
        except psycopg.Error:
            self.close()
            raise

    def close(self) -> None:
        """Stop listening; the next `hear` begins anew."""
        self._channels.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Projector:
    """Runs the projections of all tenants, also of those that come while it runs."""

    def __init__(
        self,
        database: Database,
        projections: Sequence[Projection],
        *,
        tick_s: float = TICK_S,
        threads: int = THREADS,
        name: str = "projector",
    ) -> None:
        self._database = database
        self._projections = projections
        self._tick_s = tick_s
        self._threads = threads
        self._heartbeat = Heartbeat(database, name, "projector")
        self._leadership = Leadership(database)
        self._ear = Ear(database)
        self._desks: dict[str, Desk] = {}
        self._guard = Lock()
        self._at_tick, self._at_ear = Backoff(), Backoff()
        self._ticked_at = self._beat_at = float("-inf")

    def run(self, stop: Event) -> None:
        """Run until told to stop; pages that are under way are finished."""
        try:
            with ThreadPoolExecutor(self._threads, "projector") as pool:
                while not stop.is_set():
                    for channel in self._awaited(stop) & self._desks.keys():
                        self._wake(self._desks[channel], pool, stop)
        finally:
            self._ear.close()
            self._leadership.close()

    def _awaited(self, stop: Event) -> set[str]:
        """The channels of the logs to look at: those that told of news, or at a tick all."""
        left_s = self._ticked_at + self._tick_s - monotonic()
        if left_s <= 0:
            self._ticked_at = monotonic()
            _attempt(self._at_tick, "projector", self._tick)
            return set(self._desks)
        left_s = min(left_s, LISTEN_S_MAX)
        hear = partial(self._ear.hear, tuple(self._desks), left_s)
        heard = _attempt(self._at_ear, "projector's ear", hear)
        if heard is None:
            stop.wait(left_s)
        return heard or set()

    def _tick(self) -> None:
        self._meet_tenants()
        if monotonic() - self._beat_at >= HEARTBEAT_S:
            self._beat()

    def _meet_tenants(self) -> None:
        known = {desk.tenant: channel for channel, desk in self._desks.items()}
        there = {each.name for each in self._database.tenants()}
        for tenant in sorted(there - known.keys()):
            desk = Desk(self._database, tenant, self._projections, self._leadership)
            self._desks[desk.channel] = desk
        for tenant in known.keys() - there:
            del self._desks[known[tenant]]

    def _beat(self) -> None:
        self._heartbeat.beat()
        self._beat_at = monotonic()

    def _wake(self, desk: Desk, pool: ThreadPoolExecutor, stop: Event) -> None:
        with self._guard:
            desk.asked = True
            if desk.busy:
                return
            desk.busy = True
        pool.submit(self._take_turn, desk, pool, stop)

    def _take_turn(self, desk: Desk, pool: ThreadPoolExecutor, stop: Event) -> None:
        """One page each, then to the end of the line: a tenant with a backlog starves no other."""
        with self._guard:
            desk.asked = False
        more = desk.turn()
        with self._guard:
            again = desk.busy = (more or desk.asked) and not stop.is_set()
        if again:
            pool.submit(self._take_turn, desk, pool, stop)


def _attempt(backoff: Backoff, what: str, work: Callable[[], T]) -> T | None:
    """The result, or None after an error, which is logged, and during the rest that follows it."""
    if backoff.rests:
        return None
    try:
        result = work()
    except Exception as error:  # noqa: BLE001  # the process outlives every error of its work
        delay_s = backoff.failed()
        log.warning("%s: %s; again in %.1f s", what, type(error).__name__, delay_s)
        return None
    backoff.went_well()
    return result
