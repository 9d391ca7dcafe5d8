"""Simulated processes that take turns: an OS thread each, but only who has the baton runs.

The scheduler decides at every step who goes on. A process that dies unwinds by `Killed`, which is
no Exception, so that no handler of the product can swallow its own death.
"""

from collections.abc import Callable
from threading import Lock, Thread


class Killed(BaseException):
    """The process is dead: nothing of it runs any more, and what it had open is rolled back."""


class Task:
    """One piece of work of one simulated process."""

    def __init__(self, name: str, process: str, work: Callable[[], object]) -> None:
        self.name = name
        self.process = process
        self.work = work
        self.dead = False
        self.done = False
        self.failed: BaseException | None = None
        self.waits_for: Callable[[], bool] | None = None
        self.wakes_at: float = 0.0
        self.point = "start"


class _Runner:
    """An OS thread that runs one task after the other, whenever it is given the baton."""

    def __init__(self, home: Lock) -> None:
        self.baton = Lock()
        self.baton.acquire()
        self.task: Task | None = None
        self._home = home
        Thread(target=self._loop, daemon=True).start()

    def _loop(self) -> None:
        while True:
            self.baton.acquire()
            task = self.task
            assert task is not None
            try:
                if not task.dead:
                    task.work()
            except BaseException as error:  # noqa: BLE001  # who runs the world judges it
                task.failed = error
            task.done = True
            self._home.release()


class Scheduler:
    """Runs tasks a step at a time; `current` is the one with the baton, None in the main thread."""

    def __init__(self) -> None:
        self.current: Task | None = None
        self._home = Lock()
        self._home.acquire()
        self._idle: list[_Runner] = []
        self._runners: dict[Task, _Runner] = {}

    def resume(self, task: Task) -> None:
        """Let a task run until its next switch; called by the main thread."""
        runner = self._runners.get(task)
        if runner is None:
            runner = self._idle.pop() if self._idle else _Runner(self._home)
            runner.task = task
            self._runners[task] = runner
        self.current = task
        runner.baton.release()
        self._home.acquire()
        self.current = None
        if task.done:
            del self._runners[task]
            self._idle.append(runner)

    def switch(self) -> None:
        """Give the baton back; returns when this task has it again, unless it died meanwhile."""
        task = self.current
        assert task is not None, "only a task can wait"
        runner = self._runners[task]
        self._home.release()
        runner.baton.acquire()
        if task.dead:
            raise Killed
