"""What a simulated process has of its own: a clock, and calls that are made in turn."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import datetime
from typing import Any, Protocol

from typing_extensions import override

from handlers.ports import Clock


class Timed(Protocol):
    """What has the time."""

    def step(self, point: str) -> None: ...

    def now(self) -> datetime: ...


class ProcessClock(Clock):
    """The clock of one process: the database's, and for this process it never goes back."""

    def __init__(self, world: Timed, name: str) -> None:
        self._world = world
        self._last = world.now()
        self.name = name

    def now(self) -> datetime:
        self._world.step("clock")
        self._last = max(self._last, self._world.now())
        return self._last


class Numbered(Future[Any]):
    """A future with a hash of its own, so that a set of them has the same order in every run."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    @override
    def __hash__(self) -> int:
        return self._number

    @override
    def __eq__(self, other: object) -> bool:
        return self is other


class InTurn(Executor):
    """Does at once what it is given: the calls of one process, one after the other."""

    def __init__(self) -> None:
        self._done = 0

    @override
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self._done += 1
        future = Numbered(self._done)
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # as an executor does; death goes through
            future.set_exception(error)
        return future
