"""Processes that do the same work side by side, each asked by name and timed from outside."""

import multiprocessing
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from time import perf_counter
from traceback import format_exc
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

Make = Callable[[], AbstractContextManager["Member"]]
STOP_S = 30.0


class Member(Protocol):
    """Whoever works in a process of a crew; its methods are asked for by their names."""


class MemberFailed(Exception):
    """A process of a crew raised; the text has its traceback."""


class Asked(NamedTuple):
    """What the members answered, and the seconds until the last had."""

    answers: list[Any]
    took_s: float


class Crew:
    """Some processes, started and stopped by a `with` block; new ones share nothing with ours."""

    def __init__(self, make: Make, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._lines: list[Connection] = []
        self._processes: list[BaseProcess] = []
        for _ in range(count):
            here, there = context.Pipe()
            self._lines.append(here)
            self._processes.append(context.Process(target=_serve, args=(make, there), daemon=True))

    def __enter__(self) -> Self:
        for process in self._processes:
            process.start()
        self.ask("ready")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for line in self._lines:
            line.close()  # the end of its line ends a member
        for process in self._processes:
            process.join(STOP_S)
            process.kill()

    @property
    def pids(self) -> list[int]:
        """The ids of the processes."""
        return [process.pid for process in self._processes if process.pid is not None]

    def __len__(self) -> int:
        return len(self._processes)

    def ask(self, method: str, *given: object) -> Asked:
        """The same of every member at once."""
        return self.each(method, [given] * len(self))

    def each(self, method: str, given: Sequence[Sequence[object]]) -> Asked:
        """Something for each member, at once."""
        began = perf_counter()
        for line, args in zip(self._lines, given, strict=True):
            line.send((method, tuple(args)))
        answers = [line.recv() for line in self._lines]
        took_s = perf_counter() - began
        failed = [told for went_well, told in answers if not went_well]
        if failed:
            raise MemberFailed("\n".join(failed))
        return Asked([told for _, told in answers], took_s)


def shares(count: int, among: int) -> list[tuple[int, int]]:
    """The range from 0 to `count`, cut into nearly equal parts."""
    cuts = [count * number // among for number in range(among + 1)]
    return list(pairwise(cuts))


def _serve(make: Make, line: Connection) -> None:
    with make() as member:
        while True:
            try:
                method, args = line.recv()
            except EOFError:
                return
            line.send(_answer(member, method, args))


def _answer(member: Member, method: str, args: Sequence[Any]) -> tuple[bool, Any]:
    if method == "ready":
        return True, None
    try:
        return True, getattr(member, method)(*args)
    except Exception:  # noqa: BLE001  # told to whoever asked
        return False, format_exc()
