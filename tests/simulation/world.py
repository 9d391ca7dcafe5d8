"""One run: processes over a memory, and one list of choices that decides all that befalls them."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import psycopg
from typing_extensions import override

from handlers.composing import Composer
from handlers.dispatch.sender import Sender
from handlers.links import Links
from handlers.ports import Broken, Conflict, SmoothingUnseen, TenantPorts, Unsure
from handlers.signals import Ingest
from handlers.sweeping import Sweeper
from handlers.timeouts import Timeouts
from tests.simulation.baton import Killed, Scheduler, Task
from tests.simulation.choices import Choices
from tests.simulation.memory_database import CommitFate, Place, Surroundings, Tx
from tests.simulation.memory_tenant import TAG, memory_tenant
from tests.simulation.outside import Outside, Post, readers
from tests.simulation.processes import InTurn, ProcessClock
from tests.simulation.scenes import EPOCH, MONDAY, TENANT, copied, seconds, staged
from tests.simulation.tempers import Temper

LINKS = Links("http://antiphon.example", TAG, b"k" * 32)
LOCK_TIMEOUT_S = 5.0
IDLE_TIMEOUT_S = 5.0
FREEZES_S = (2.0, 20.0, 40.0, 95.0, 400.0)
EXPECTED = (Conflict, Unsure, psycopg.OperationalError, SmoothingUnseen)
"""What a job may end with when the database or Redis fails it; the next tick tries again."""
CLAIMS, AT_ONCE = 3, 2
"""Of one bell, small enough that claims and answers cross."""
NO_STORE = ("provider", "smoothing", "clock", "committed")
"""Points at which no statement is under way."""


class Violation(BaseException):
    """Something that must never be so; no Exception, so that no handler of the product hides it."""


GOES_ON, SWITCHES, DIES, FREEZES, IS_CUT = range(5)


class World(Surroundings):
    """The processes of one tenant, their database, their provider and the time."""

    def __init__(
        self, scene: int, choices: Choices, scheduler: Scheduler, *, temper: Temper
    ) -> None:
        self.choices = choices
        self.temper = temper
        self.calm = True
        self.time = seconds(MONDAY)
        self.stopwatch = 0.0
        self.highest = self.time
        self.steps = 0
        self.moves = 0
        self.tally: Counter[str] = Counter()
        self.tasks: list[Task] = []
        self.memory = copied(staged(scene), self)
        self.tenant = memory_tenant(self.memory, choices, TENANT)
        self.outside = Outside(choices, self, temper)
        self.tenant.alive = lambda _: not self.outside.deaf
        self.on_commit: Callable[[Tx], None] = lambda _: None
        self.on_look: Callable[[Task], None] = lambda _: None
        self._scheduler = scheduler
        self._weights = (temper.go_on, temper.switch, temper.die, temper.freeze, temper.cut)
        self._ports: dict[str, TenantPorts] = {}
        self._frozen: dict[Task, float] = {}
        self._waiting: dict[Tx, Place] = {}

    def current(self) -> Task | None:
        """The task that runs now; None in the calm."""
        return self._scheduler.current

    # --- time -------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """What a clock that reads the database says."""
        return EPOCH + timedelta(seconds=self.time)

    @override
    def real_now(self) -> float:
        return self.time

    def latest(self) -> datetime:
        """The latest that any clock has ever said."""
        return EPOCH + timedelta(seconds=self.highest)

    def pass_time(self, span: float) -> None:
        """Let time pass; the server gives up transactions of processes that stand still."""
        self.time += span
        self.highest = max(self.highest, self.time)
        self.stopwatch += span
        for task, since in list(self._frozen.items()):
            if self.stopwatch - since > IDLE_TIMEOUT_S:
                for tx in self.memory.open_by(task):
                    self.memory.roll_back(tx)
                    self.tally["idle transaction given up"] += 1

    def sleep(self, span: float) -> None:
        """Let the task that asks for it wait."""
        task = self._scheduler.current
        if task is None:
            self.pass_time(span)
            return
        task.wakes_at = self.stopwatch + span
        self._scheduler.switch()

    # --- what befalls a process -------------------------------------------------------------------

    @override
    def step(self, point: str, tx: Tx | None = None) -> None:
        task = self._scheduler.current
        if task is None:
            return
        if task.dead:
            raise Killed
        self.steps += 1
        task.point = point
        if not self.calm:
            self._befall(task, point)
        if tx is not None:
            tx.alive()
        if point == "outbox.fresh":
            self.on_look(task)

    def _befall(self, task: Task, point: str) -> None:
        what = self.choices.weighted(self._weights)
        if what == GOES_ON:
            return
        if what == SWITCHES:
            self._scheduler.switch()
        elif what == DIES:
            self.tally[f"death at {point}"] += 1
            task.dead = True
            raise Killed
        elif what == FREEZES:
            self._freeze(task, point)
        elif not point.startswith(NO_STORE):
            self.tally["connection cut"] += 1
            raise psycopg.OperationalError("the connection was lost")

    def _freeze(self, task: Task, point: str) -> None:
        self.tally[f"freeze at {point}"] += 1
        task.wakes_at = self.stopwatch + FREEZES_S[self.choices.pick(len(FREEZES_S))]
        self._frozen[task] = self.stopwatch
        self._scheduler.switch()
        self._frozen.pop(task, None)

    @override
    def commit_fate(self) -> CommitFate:
        if self.calm or not self.choices.chance(self.temper.commit_lost):
            return CommitFate.ANSWERED
        fate = (CommitFate.STORED_UNANSWERED, CommitFate.LOST)[self.choices.pick(2)]
        self.tally[f"commit {fate.value}"] += 1
        return fate

    @override
    def wait_for(self, tx: Tx, place: Place) -> None:
        task = self._scheduler.current
        if task is None:
            raise Violation(f"{place} is locked by nobody who runs")
        self._waiting[tx] = place
        self._refuse_deadlock(tx)
        until = self.stopwatch + LOCK_TIMEOUT_S
        locks = self.memory.locks
        task.waits_for = lambda: (
            self.stopwatch >= until or not any(one is not tx for one in locks.get(place, ()))
        )
        try:
            self._scheduler.switch()
        finally:
            task.waits_for = None
            del self._waiting[tx]
        if self.stopwatch >= until:
            self.tally["lock time-out"] += 1
            raise psycopg.errors.LockNotAvailable("lock timeout")

    def _refuse_deadlock(self, tx: Tx) -> None:
        """Nobody may wait for somebody who waits for him: the order of locks rules it out."""
        seen, next_ = {tx}, [self._waiting[tx]]
        while next_:
            for holder in self.memory.locks.get(next_.pop(), ()):
                if holder is tx and len(seen) > 1:
                    chain = [self._waiting.get(one) for one in seen]
                    raise Violation(f"a deadlock: {chain}")
                if holder not in seen:
                    seen.add(holder)
                    next_ += [self._waiting[holder]] if holder in self._waiting else []

    @override
    def committed(self, tx: Tx) -> None:
        self.on_commit(tx)

    @override
    def owner(self) -> object:
        return self._scheduler.current

    # --- tasks ------------------------------------------------------------------------------------

    def ready(self) -> list[Task]:
        """Those that can go on now."""
        return [
            task
            for task in self.tasks
            if task.wakes_at <= self.stopwatch and (task.waits_for is None or task.waits_for())
        ]

    def start(self, name: str, process: str, work: Callable[[], object]) -> Task:
        """Begin a piece of work; it runs when it gets the baton."""
        task = Task(name, process, work)
        self.tasks.append(task)
        return task

    def resume(self, task: Task) -> None:
        """Let a task run until it is switched; what it failed of must be among what can fail."""
        self._scheduler.resume(task)
        if not task.done:
            return
        self.tasks.remove(task)
        if task.failed is not None:
            self._judge(task.failed, task)

    def _judge(self, failed: BaseException, task: Task) -> None:
        if isinstance(failed, Killed):
            return
        if isinstance(failed, Violation):
            raise failed
        if isinstance(failed, Broken) or not isinstance(failed, EXPECTED):
            raise Violation(f"{task.name} at {task.point}: {failed!r}") from failed
        self.tally[f"job ended by {type(failed).__name__}"] += 1

    def busy(self, process: str) -> bool:
        """Whether a process has work under way."""
        return any(task.process == process for task in self.tasks)

    # --- work -------------------------------------------------------------------------------------

    def ports(self, process: str) -> TenantPorts:
        """The ports of one process; made once."""
        if process not in self._ports:
            clock = ProcessClock(self, process)
            self._ports[process] = self.tenant.ports(process, clock)
        return self._ports[process]

    def jobs(self, process: str) -> dict[str, Callable[[], int]]:
        """What a worker does when the ticker rings."""
        ports = self.ports(process)
        sweeper = Sweeper(ports)
        return {
            "compose": Composer(ports, LINKS).compose_batch,
            "send": partial(self._sender(ports).send, claims=CLAIMS),
            "ingest": Ingest(ports, readers(self.outside)).take_batch,
            "timers": Timeouts(ports).fire_batch,
            "doubts": sweeper.doubts,
            "expired": sweeper.expired,
            "lost": sweeper.lost,
            "leases": sweeper.leases,
        }

    def _sender(self, ports: TenantPorts) -> Sender:
        """One that claims on while answers of earlier claims are not recorded yet."""
        watch = lambda: self.stopwatch  # noqa: E731  # read at each call
        return Sender(ports, self.outside, InTurn(), at_once=AT_ONCE, stopwatch=watch)

    def receive(self, post: Post) -> Callable[[], object]:
        """The web process keeps a post; where that fails, the provider posts it again."""

        def keep() -> None:
            ports = self.ports("web")
            reports = readers(self.outside)[post.provider].read(post.body, tenant=TENANT)
            try:
                ports.inbox.keep(post.provider, {}, post.body, reports, late=False)
            except BaseException:
                post.due = self.time + 60.0
                self.outside.posts.append(post)
                raise

        return keep
