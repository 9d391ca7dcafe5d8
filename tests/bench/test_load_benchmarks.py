"""The benchmarks under load at sizes of seconds: their rows come out, what they count is right.

Each asserts of itself that what it measured really happened; no test here looks at a speed.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from bench import dispatch, pages, projections, replay, soak, webhook
from bench.measuring import Row
from handlers.api.operations import OPERATIONS
from handlers.api.paging import Listed

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow]


def by_name(rows: Sequence[Row]) -> Mapping[str, Row]:
    found = {row.measure: row for row in rows}
    assert len(found) == len(rows), "two rows have one name"
    assert all(row.lowest <= row.ours <= row.highest for row in rows)
    return found


@pytest.mark.long
def test_webhook_tells_what_is_acknowledged_and_settled_and_how_soon_plans_go_on() -> None:
    rows = by_name(webhook.run(1, batches=(10,), rates=(40,), seconds=1, shrunk=100))
    for measure in ("webhook_acknowledged_in_10s", "webhook_settled_in_10s"):
        row = rows[measure]
        assert row.floor
        assert row.ratio == row.ours / row.floor
    assert rows["webhook_acknowledged_in_10s"].ours > rows["webhook_settled_in_10s"].ours
    steps = [rows[f"webhook_step_at_40_p{share}_ms"].ours for share in (50, 95, 99)]
    assert 0 < steps[0] <= steps[1] <= steps[2]
    assert rows["webhook_acknowledged_at_40_p99_ms"].ours > 0
    assert rows["webhook_cpu_worker-0_in_10s"].ours > 0


def test_dispatch_holds_its_sends_against_what_calls_under_way_allow() -> None:
    rows = by_name(dispatch.run(1, in_flight=(8,), most=50))
    for kind in ("plain", "tls"):
        row = rows[f"dispatch_{kind}_8"]
        assert row.floor == 80  # 8 calls at once of 100 ms each
        assert row.ratio is not None
        assert 0 < row.ratio <= 1
        assert rows[f"dispatch_{kind}_8_cpu_postgres"].ours > 0


@pytest.mark.long
def test_projections_are_run_and_rebuilt_each_and_together() -> None:
    rows = by_name(projections.run(1, events=1_600))
    names = {"contact_campaigns", "activity_feed", "metrics", "passages"}
    wanted = {f"projections_{way}_{name}" for way in ("run", "rebuild") for name in names}
    assert rows.keys() == wanted | {"projections_run_all", "projections_rebuild_two_tenants"}
    assert all(rows[f"projections_run_{name}"].floor for name in names)


@pytest.mark.long
def test_replay_times_timelines_of_each_length_now_and_as_of_an_instant() -> None:
    rows = by_name(replay.run(1, events=2_600, each=3))
    assert rows.keys() == {
        f"timeline_{length}{way}_p{share}_ms"
        for length in (10, 50, 500)
        for way in ("", "_as_of", "_over_http")
        for share in (50, 95)
    }
    assert rows["timeline_10_p95_ms"].floor
    assert rows["timeline_10_over_http_p95_ms"].floor is None


@pytest.mark.long
def test_pages_reads_every_list_first_and_far_in() -> None:
    rows = by_name(pages.run(1, contacts=1_200, walk_pages=3))
    for name in ("contacts", "send_queue", "activity", "tasks", "webhook_inbox", "senders"):
        assert rows[f"page_{name}_p95_ms"].ours >= rows[f"page_{name}_p50_ms"].ours
    assert "page_contacts_far_in_p95_ms" in rows
    assert "page_senders_far_in_p95_ms" not in rows  # there is one sender


def test_every_list_of_the_api_is_read() -> None:
    lists = {
        one.path
        for one in OPERATIONS
        if one.method == "GET" and getattr(one.answers, "__origin__", None) is Listed
    }
    assert lists
    named = {path.replace("{name}", "sam").replace("{id}", "{campaign}") for path in lists}
    assert named <= pages.LISTS.keys()


@pytest.mark.long
def test_soak_keeps_a_series_and_leaves_everything_as_it_must_be(tmp_path: Path) -> None:
    series = tmp_path / "series.json"
    rows = by_name(soak.run(1, lives_per_s=3, minute_s=10, series=series))
    assert rows["soak_lives"].ours == 30
    assert rows["soak_reports"].ours > 0
    assert rows["soak_memory_postgres_mb"].floor
    assert rows["soak_size_events_mb"].ours > 0
    samples = json.loads(series.read_text("utf-8"))["samples"]
    assert len(samples) > 1
    assert {"at_s", "memory_mb", "behind", "tables"} <= samples[0].keys()
