"""Small runs of the benchmark of journeys: what is counted has happened, ours and the floor."""

from collections.abc import Iterator
from functools import partial

import pytest

from bench.engine.latency import step_times
from bench.engine.rounds import engine_round, own_plans_s
from bench.floor.journey import FloorPlace, floor_member
from bench.floor.latency import floor_step_times
from bench.floor.rounds import floor_round
from bench.journey import Sides, rows_of
from bench.peers.asking import OURS, ask_peers
from bench.running.course import WARM_UP
from bench.running.crew import Crew, MemberFailed, shares
from bench.running.servers import Bed, fresh_servers

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow]

CONTACTS = 11


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with fresh_servers() as made:
        yield made


@pytest.mark.parametrize("workers", [1, 2])
def test_every_journey_of_the_engine_comes_to_its_end(bed: Bed, workers: int) -> None:
    made = engine_round(bed, f"some{workers}", CONTACTS, workers=workers)
    assert made.journeys == CONTACTS + WARM_UP
    assert made.events > 12 * made.journeys  # plan, mails, signals and moves
    assert made.disk_bytes > made.log_bytes > 0
    assert min(made.course[:7]) > 0


def test_the_floor_leads_as_many_to_their_ends(bed: Bed) -> None:
    made = floor_round(bed, "floor", CONTACTS, workers=2)
    assert made.journeys == CONTACTS + WARM_UP
    assert made.disk_bytes > 0
    assert min(made.course[:7]) > 0


def test_plans_of_their_own_are_all_kept(bed: Bed) -> None:
    assert own_plans_s(bed, "own", CONTACTS) > 0


def test_each_click_is_timed_to_its_step_on_real_processes(bed: Bed) -> None:
    ((*times,),) = step_times(bed, "live", 1, clicks=4, rest_s=0.0)
    assert len(times) == 4
    assert min(times) > 0


def test_each_click_of_the_floor_is_timed_to_its_step(bed: Bed) -> None:
    ((*times,),) = floor_step_times(bed, 1, clicks=4)
    assert len(times) == 4
    assert min(times) > 0


def test_rows_have_the_names_that_the_interface_promises(bed: Bed) -> None:
    sides = Sides(
        [engine_round(bed, "rows", CONTACTS, workers=1)],
        [floor_round(bed, "rows_floor", CONTACTS, workers=1)],
    )
    peers = {"signals_per_s": {"somebody": 7.0}}
    found = {row.measure: row for row in rows_of(sides, peers)}
    promised = {
        "enrol_to_first_send_per_s",
        "signals_per_s",
        "disk_bytes_per_journey",
        "rss_bytes_per_waiting_contact",
    }
    assert promised <= found.keys()
    signals = found["signals_per_s"]
    assert signals.floor is not None
    assert signals.ratio == pytest.approx(signals.ours / signals.floor)
    assert signals.peers == {"somebody": 7.0}


def test_the_library_as_a_peer_answers_for_both_ways_of_use() -> None:
    found = ask_peers(4, (OURS,))
    ways = {"eventsourcing_singly", "eventsourcing_batched"}
    for measure in ("enrol_to_first_send_per_s", "signals_per_s", "log_bytes_per_event"):
        assert found[measure].keys() == ways
        assert min(found[measure].values()) > 0


def test_a_peer_that_is_not_there_is_named_and_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BENCH_PEERS", raising=False)
    assert ask_peers(4, ("restate",)) == {}
    assert "peer restate is missing" in capsys.readouterr().err


def test_shares_are_nearly_equal_and_leave_nobody_out() -> None:
    assert shares(11, 3) == [(0, 3), (3, 7), (7, 11)]
    assert shares(1, 2) == [(0, 0), (0, 1)]


def test_what_a_member_raises_is_raised_where_it_was_asked(bed: Bed) -> None:
    place = FloorPlace(bed.urls.database_url, "nowhere", "")
    with (
        Crew(partial(floor_member, place), 1) as crew,
        pytest.raises(MemberFailed, match="nowhere"),
    ):
        crew.ask("dispatch")
