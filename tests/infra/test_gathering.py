"""What comes at the same time is written together, and nobody pays for another's fault."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import sleep

import pytest

from infra.claims.gathering import Gathering


class Writing:
    """Writes numbers; the first writing is held until the others wait."""

    def __init__(self, own: tuple[type[Exception], ...] = (ValueError,)) -> None:
        self.written: list[list[int]] = []
        self.began, self.go = Event(), Event()
        self.gathering = Gathering(self.write, size=lambda _: 1, most=3, own=own)

    def write(self, given: Sequence[int]) -> list[int]:
        if not self.written:
            self.written.append(list(given))
            self.began.set()
            assert self.go.wait(20)
            return [number * 10 for number in given]
        if 13 in given:
            raise ValueError(given)
        self.written.append(list(given))
        return [number * 10 for number in given]

    def all_at_once(self, first: int, others: Sequence[int]) -> list[int | Exception]:
        with ThreadPoolExecutor(len(others) + 1) as threads:
            futures = [threads.submit(self.gathering.do, first)]
            assert self.began.wait(20)
            futures += [threads.submit(self.gathering.do, number) for number in others]
            while len(self.gathering._waiting) < len(others):
                sleep(0)  # the other threads come
            self.go.set()
            return [one.exception() or one.result() for one in futures]  # type: ignore[misc]  # no BaseException here


def test_what_waits_is_written_together() -> None:
    writing = Writing()
    assert writing.all_at_once(1, [2, 3, 4, 5]) == [10, 20, 30, 40, 50]
    first, *others = writing.written
    assert first == [1]
    assert sorted(map(len, others)) == [1, 3]


def test_a_fault_of_one_costs_no_other() -> None:
    writing = Writing()
    one, two, bad = writing.all_at_once(1, [2, 13])
    assert (one, two) == (10, 20)
    assert isinstance(bad, ValueError)


def test_what_is_nobodys_fault_is_told_to_all() -> None:
    writing = Writing(own=())
    one, *others = writing.all_at_once(1, [2, 13])
    assert one == 10
    assert all(isinstance(each, ValueError) for each in others)


def test_who_is_alone_is_told_his_own_fault() -> None:
    writing = Writing()
    writing.written.append([])
    with pytest.raises(ValueError, match="13"):
        writing.gathering.do(13)


def test_what_is_too_much_together_is_not_written_together() -> None:
    writing = Writing()
    writing.gathering = Gathering(
        writing.write, size=lambda number: number, most=5, own=(ValueError,)
    )
    assert writing.all_at_once(1, [9, 2, 3, 4]) == [10, 90, 20, 30, 40]
    assert all(sum(batch) <= 5 or len(batch) == 1 for batch in writing.written)


class BrokenOffHere(BaseException):
    """As a time limit that breaks into a thread."""


def test_who_waits_for_a_leader_that_is_broken_off_is_told() -> None:
    writing = Writing()

    def breaks(given: Sequence[int]) -> list[int]:
        if len(given) > 1:
            raise BrokenOffHere
        return writing.write(given)

    writing.gathering = Gathering(breaks, size=lambda _: 1, most=3, own=())
    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(writing.gathering.do, 1)
        assert writing.began.wait(20)
        others = [threads.submit(writing.gathering.do, number) for number in (2, 3)]
        while len(writing.gathering._waiting) < 2:
            sleep(0)
        writing.go.set()
    assert first.result() == 10
    kinds = sorted(type(each.exception()).__name__ for each in others)
    assert kinds == ["BrokenOff", "BrokenOffHere"]
