"""A small run of the benchmark of long logs: what was lived is copied, then led on behind it."""

import pytest

from bench.growth import run

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow]


@pytest.mark.long
def test_a_log_that_was_filled_carries_on_in_every_round() -> None:
    rows = run(2, 1_500)
    names = ("enrol_to_first_send", "signals", "timeouts", "append_1000")
    assert [row.measure for row in rows] == [f"{name}_at_1500_per_s" for name in names]
    assert [row.ratio for row in rows] == [1.0] * 4  # the shortest log is its own floor
    assert min(row.lowest for row in rows) > 0
