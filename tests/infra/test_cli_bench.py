"""`antiphon bench`: the list of benchmarks, and one real round of the figures about plans."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.infra.cli_running import Cli

ROW = {"measure", "unit", "ours", "floor", "ratio", "peers", "lowest", "highest", "by_round"}
ORIGIN = {"on", "commit", "versions", "load_before"}
MACHINE = {"cpu", "cores", "memory_gb", "python", "system"}


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path, {})


def test_without_a_name_the_benchmarks_are_listed(cli: Cli) -> None:
    assert "plans" in cli("bench").stdout.split()
    listed = json.loads(cli("bench", "--json").stdout)["benchmarks"]
    assert "plans" in listed
    assert {"append", "growth", "journey"} <= set(listed)
    assert "measuring" not in listed  # it is what they share


def test_an_unknown_benchmark_is_answered_with_those_that_are_there(cli: Cli) -> None:
    result = cli("bench", "plane")
    assert result.exit_code == 2
    assert "there is no benchmark 'plane'" in result.stderr
    assert "plans" in result.stderr


def test_a_size_is_refused_where_nothing_has_one(cli: Cli) -> None:
    result = cli("bench", "plans", "--size", "7")
    assert result.exit_code == 2
    assert "plans has nothing that --size would change" in result.stderr
    assert cli("bench", "webhook", "--size", "7").exit_code == 2  # what it has is no number


def test_a_benchmark_explains_itself_with_the_words_of_its_file(cli: Cli) -> None:
    told = cli("bench", "webhook", "--help").stdout
    assert "how many are acknowledged and settled a second" in " ".join(told.split())


def test_json_before_the_name_is_wrong_use(cli: Cli) -> None:
    assert cli("bench", "--json", "plans").exit_code == 2


def test_one_round_of_the_plans_gives_a_row_for_each_goal_and_each_stage(cli: Cli) -> None:
    result = cli("bench", "plans", "--rounds", "1", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert set(found) == {"bench", "machine", "rounds", "size", "cut_short", "rows"} | ORIGIN
    assert (found["bench"], found["rounds"], found["size"]) == ("plans", 1, None)
    assert found["versions"]["antiphon"]
    assert set(found["machine"]) == MACHINE
    rows: dict[str, dict[str, Any]] = {row["measure"]: row for row in found["rows"]}
    assert {set(row) == ROW for row in rows.values()} == {True}
    assert all(row["lowest"] <= row["ours"] <= row["highest"] for row in rows.values())
    assert all(row["by_round"] == [row["ours"]] for row in rows.values())
    for plan in ("8_nodes", "60_nodes", "three_loops"):
        row = rows[f"check_{plan}_ms"]
        assert row["unit"] == "ms"
        assert row["ratio"] == pytest.approx(row["floor"] / row["ours"])
    for part in ("normalise", "shape", "references", "graph", "compile", "content", "timed"):
        assert rows[f"check_8_nodes_{part}_ms"]["ours"] > 0
    assert rows["simulate_1000_runs_s"]["unit"] == "s"
    assert rows["interpret_run_us"]["floor"] is None
