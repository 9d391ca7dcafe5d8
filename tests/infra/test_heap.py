import gc
from collections.abc import Iterator

import pytest

from infra.heap import settle_heap


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


class _Knot:
    """Holds itself, so that only the collector ends it."""

    ended = 0

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        _Knot.ended += 1


def test_what_the_start_made_is_left_out_and_what_came_later_is_still_collected() -> None:
    _Knot()
    settle_heap()
    assert _Knot.ended == 1, "rubbish of the start goes before the rest is set aside"
    assert gc.get_freeze_count() > 1_000
    for _ in range(3):
        _Knot()
    gc.collect()
    assert _Knot.ended == 4
