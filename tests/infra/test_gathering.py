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
        self.gathering = Gathering(self._write, most=3, own=own)

    def _write(self, given: Sequence[int]) -> list[int]:
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
