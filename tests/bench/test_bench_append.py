"""A small run of the log's benchmark: rates for each batch, latencies for small ones."""

import pytest

from bench.append import BATCHES, run

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow]


def test_each_size_of_a_batch_has_a_rate_against_copy_and_small_ones_a_latency() -> None:
    found = {row.measure: row for row in run(2, 2)}
    rates = {f"append_{size}_per_s" for size in BATCHES}
    delays = {f"append_{size}_{name}_ms" for size in (1, 10) for name in ("p50", "p95")}
    assert found.keys() == rates | delays
    for row in found.values():
        assert row.lowest <= row.ours <= row.highest
        assert row.floor is not None
        assert row.floor > 0
