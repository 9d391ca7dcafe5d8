"""Things that come at the same time are written together: one commit for all that wait for it."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class _Waiting(Generic[T, R]):
    """What one caller gave, and what became of it."""

    def __init__(self, given: T) -> None:
        self.given = given
        self.result: R
        self.error: Exception | None = None
        self.done = False


class Gathering(Generic[T, R]):
    """Calls `work` for one caller at a time, with all that was given while it was busy.

    Where one of `own` says that something given is at fault, each is done by itself, so that it
    costs no other; any other error is everybody's. Who does not meet anybody waits for nobody.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Sequence[R]],
        *,
        most: int,
        own: tuple[type[Exception], ...],
    ) -> None:
        self._work = work
        self._most = most
        self._own = own
        self._turn = Lock()
        self._lock = Lock()
        self._waiting: list[_Waiting[T, R]] = []

    def do(self, given: T) -> R:
        """Have it done, alone or with others; what it came to."""
        mine = _Waiting[T, R](given)
        with self._lock:
            self._waiting.append(mine)
        with self._turn:
            while not mine.done:
                with self._lock:
                    batch = self._waiting[: self._most]
                    del self._waiting[: self._most]
                self._do(batch)
        if mine.error is not None:
            raise mine.error
        return mine.result

    def _do(self, batch: Sequence[_Waiting[T, R]]) -> None:
        try:
            results = self._work([one.given for one in batch])
        except Exception as error:  # noqa: BLE001  # told to whom it concerns
            if isinstance(error, self._own) and len(batch) > 1:
                for one in batch:
                    self._do([one])
                return
            for one in batch:
                one.error, one.done = error, True
            return
        for one, result in zip(batch, results, strict=True):
            one.result, one.done = result, True
