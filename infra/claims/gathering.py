"""Things that come at the same time are written together: one commit for all that wait for it."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class BrokenOff(Exception):
    """Who was writing for all was broken off; it is not known whether it was written."""


class _Waiting(Generic[T, R]):
    """What one caller gave, and what became of it."""

    def __init__(self, given: T) -> None:
        self.given = given
        self.result: R
        self.error: Exception | None = BrokenOff()
        self.done = False


class Gathering(Generic[T, R]):
    """Calls `work` for one caller at a time, with all that was given while it was busy.

    At once is what has a size of `most` together. Where one of `own` says that something given is
    at fault, each is done by itself, so that it costs no other; any other error is everybody's. Who
    does not meet anybody waits for nobody.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Sequence[R]],
        *,
        size: Callable[[T], int],
        most: int,
        own: tuple[type[Exception], ...],
    ) -> None:
        self._work = work
        self._size = size
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
                    taken = self._fitting()
                    batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
                self._do(batch)
        if mine.error is not None:
            raise mine.error
        return mine.result

    def _fitting(self) -> int:
        """How many of those that wait are not too much at once; one always is not."""
        sums = accumulate(self._size(one.given) for one in self._waiting)
        return max(1, sum(size <= self._most for size in sums))

    def _do(self, batch: Sequence[_Waiting[T, R]]) -> None:
        try:
            results = self._work([one.given for one in batch])
            for one, result in zip(batch, results, strict=True):
                one.result, one.error = result, None
        except Exception as error:  # noqa: BLE001  # told to whom it concerns
            alone = len(batch) == 1 or not isinstance(error, self._own)
            for one in batch:
                one.error = error
                if not alone:
                    self._do([one])
        finally:  # whoever is broken off leaves nobody waiting
            for one in batch:
                one.done = True
