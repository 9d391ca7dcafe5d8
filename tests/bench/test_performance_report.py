"""The page on performance says what the kept results say: no more, and nothing better."""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import soak
from bench.measuring import Row, rate_row, time_row
from bench.reporting import numbers
from bench.reporting.goals import GOALS, judged
from bench.reporting.plots import PLOTS, drawn
from bench.reporting.report import Report, made
from bench.reporting.results import BadResult, Figure, Run, read_runs
from infra.cli.bench import FOLDER, benchmarks
from tests.infra.cli_running import Cli

ROOT = Path(__file__).resolve().parents[2]
GIVEN = ROOT / "tests" / "data" / "bench"
SVG = "{http://www.w3.org/2000/svg}"
MACHINE = {"cpu": "A CPU", "cores": 2, "memory_gb": 8.0, "python": "3.11.7", "system": "Linux"}


def document(bench: str, rows: Sequence[Row], **more: Any) -> dict[str, Any]:
    """What `antiphon bench NAME --json` prints."""
    told = {"bench": bench, "machine": MACHINE, "rounds": 3, **more}
    return told | {"rows": [row._asdict() for row in rows]}


def run_of(bench: str, rows: Sequence[Row], **more: Any) -> Run:
    return msgspec.convert(document(bench, rows, **more), Run)


def keep(folder: Path, bench: str, rows: Sequence[Row], **more: Any) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{bench}.json").write_text(json.dumps(document(bench, rows, **more)), "utf-8")


def report_of(folder: Path) -> Report:
    """Made of this folder, with two benchmarks that say little of themselves."""
    files = {}
    for name in ("append", "journey"):
        files[name] = folder.parent / f"{name}.py"
        files[name].write_text(f'"""About {name}."""\n', "utf-8")
    return made(folder, files, "performance")


def append_rows(per_s: float = 60_000.0) -> list[Row]:
    floor = 100_000.0
    return [
        rate_row("append_1_per_s", "1/s", [990.0, 1_000.4, 1_010.0], [2_000.0]),
        rate_row("append_1000_per_s", "1/s", [per_s - 5_000, per_s, per_s + 1], [floor]),
        time_row("append_1_p95_ms", "ms", [0.001, 0.00299996, 0.0031], [0.001]),
    ]


def verdict(bench: str, rows: Sequence[Row], measure: str, **more: Any) -> tuple[str, str]:
    found = judged({bench: run_of(bench, rows, **more)})
    (one,) = (each for each in found if each.goal.measure == measure and each.goal.of != "restate")
    return one.verdict, one.why


# --- the page -------------------------------------------------------------------------------------


def test_the_page_of_given_results_is_the_expected_one(tmp_path: Path) -> None:
    results = tmp_path / "results"
    keep(
        results,
        "append",
        append_rows(34_999.6),
        on="2026-11-21",
        commit="0123456789ab",
        versions={"antiphon": "0.1.0"},
        load_before=0.25,
    )
    (results / "bounds.md").write_text(
        "<!-- a note -->\n## append\n\nThe lock.\n\n## journey\n\n<!-- to do -->\n", "utf-8"
    )
    assert report_of(results).page == (GIVEN / "performance.md").read_text("utf-8")


def test_a_benchmark_without_a_result_is_said_to_be_missing(tmp_path: Path) -> None:
    keep(tmp_path / "results", "append", append_rows())
    found = report_of(tmp_path / "results")
    assert found.missing == ["journey"]
    assert "Missing: `journey`." in found.page
    assert "About journey" not in found.page
    assert {each.verdict for each in found.goals if each.goal.bench == "journey"} == {"not shown"}
    assert not {plot.name for plot in PLOTS if "append" not in plot.benches} & found.pictures.keys()


def test_a_missed_goal_stands_with_its_figure_and_what_was_written_of_it(tmp_path: Path) -> None:
    results = tmp_path / "results"
    keep(results, "append", append_rows(34_999.6))
    (results / "bounds.md").write_text("## append\n\nThe lock.\n", "utf-8")
    bounds = report_of(results).page.partition("## What bounds it")[2]
    assert "1,000 facts a transaction: 0.349, was to be ≥ 0.35 times the floor." in bounds
    assert "The lock." in bounds


def test_a_missed_goal_that_nobody_wrote_about_says_so(tmp_path: Path) -> None:
    keep(tmp_path / "results", "append", append_rows(34_999.6))
    bounds = report_of(tmp_path / "results").page.partition("## What bounds it")[2]
    assert "Missed: 1,000 facts a transaction" in bounds
    assert "Nothing is written yet" in bounds


def test_what_people_wrote_is_taken_over_as_it_is(tmp_path: Path) -> None:
    results = tmp_path / "results"
    keep(results, "append", append_rows())
    (results / "bounds.md").write_text("Before.\n\n## Memory\n\nA *text* | of `theirs`.\n", "utf-8")
    bounds = report_of(results).page.partition("## What bounds it")[2]
    assert "Before.\n\n### What bounds Memory\n\nA *text* | of `theirs`.\n" in bounds


def test_a_file_that_is_no_result_is_an_error_and_not_left_out(tmp_path: Path) -> None:
    (tmp_path / "append.json").write_text("", "utf-8")
    with pytest.raises(BadResult, match=r"append\.json"):
        read_runs(tmp_path, ["append"])


def test_a_result_under_the_name_of_another_is_an_error(tmp_path: Path) -> None:
    keep(tmp_path, "append", append_rows())
    (tmp_path / "append.json").rename(tmp_path / "growth.json")
    with pytest.raises(BadResult, match="'append'"):
        read_runs(tmp_path, ["append", "growth"])


# --- the goals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("per_s", "expected"), [(35_000.0, "reached"), (34_999.99, "missed")])
def test_a_goal_is_judged_by_the_number_as_it_was_measured(per_s: float, expected: str) -> None:
    assert verdict("append", append_rows(per_s), "append_1000_per_s") == (expected, "")


def test_fewer_rounds_show_no_goal_but_may_show_that_it_is_missed() -> None:
    good, bad = append_rows(60_000.0), append_rows(3_000.0)
    few = verdict("append", good, "append_1000_per_s", rounds=2)
    assert few == ("not shown", "only 2 of 3 rounds")
    assert verdict("append", bad, "append_1000_per_s", rounds=2) == ("missed", "")


def test_a_smaller_run_does_not_show_a_goal_of_a_larger_one() -> None:
    rows = [time_row("timeline_10_p95_ms", "ms", [0.001])]
    small = verdict("replay", rows, "timeline_10_p95_ms", size=1_000_000)
    assert small == ("not shown", "only 1,000,000 of 10,000,000")
    assert verdict("replay", rows, "timeline_10_p95_ms", size=10_000_000) == ("reached", "")


def test_a_run_that_was_cut_short_shows_no_goal() -> None:
    few = verdict("append", append_rows(), "append_1000_per_s", size=2, cut_short=True)
    assert few == ("not shown", "cut short to 2")


def test_the_worst_of_many_decides() -> None:
    rows = [
        time_row(f"page_{name}_p95_ms", "ms", [took]) for name, took in (("a", 0.2), ("b", 0.1))
    ]
    assert verdict("pages", rows, "page_*_p95_ms") == ("missed", "")


def test_a_peer_that_was_not_there_shows_nothing() -> None:
    rows = [rate_row("signals_per_s", "1/s", [9.0], [9.0], {"eventsourcing_batched": 3.0})]
    found = {
        each.goal.of: (each.verdict, each.why)
        for each in judged({"journey": run_of("journey", rows)})
        if each.goal.measure == "signals_per_s"
    }
    assert found == {
        "ratio": ("reached", ""),
        "restate": ("not shown", "Restate was not there"),
        "eventsourcing_batched": ("reached", ""),
    }


def test_every_goal_is_of_a_benchmark() -> None:
    assert {goal.bench for goal in GOALS} <= set(benchmarks())


# --- numbers --------------------------------------------------------------------------------------


def figure(unit: str, value: float) -> Figure:
    return Figure("some", unit, value, None, None, {}, value, value)


def parsed(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


@given(st.floats(1e-6, 1e12))
def test_what_is_cut_off_is_never_in_our_favour(value: float) -> None:
    exact = Decimal(repr(value))
    assert parsed(numbers.ours(figure("1/s", value), value)) <= exact
    assert parsed(numbers.ours(figure("ms", value), value)) >= exact
    assert parsed(numbers.theirs(figure("1/s", value), value)) >= exact
    assert parsed(numbers.theirs(figure("B", value), value)) <= exact
    assert parsed(numbers.ratio(figure("ms", value), value)) <= exact
    assert parsed(numbers.ratio(figure("B", value), value)) >= exact
    assert abs(parsed(numbers.ours(figure("ms", value), value)) - exact) <= exact / 100


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.0123456, "0.0123"), (0.34999, "0.349"), (99.96, "99.9"), (12_345.9, "12,345")],
)
def test_a_rate_is_told_with_three_digits_and_all_before_its_point(value: float, text: str) -> None:
    assert parsed(numbers.ours(figure("1/s", value), value)) == parsed(text)


# --- pictures -------------------------------------------------------------------------------------


def everything() -> Mapping[str, Run]:
    """Some rows of every benchmark that has a picture."""
    phases = ("enrol_to_first_send", "signals", "timeouts")
    peers = {"restate": 400.0, "eventsourcing_batched": 2_000.0}
    soak = rate_row("soak_memory_worker-0_mb", "MB", [60.0])._replace(by_round=[50.0, 61.0, 60.0])
    return {
        name: run_of(name, rows, size=1_000_000)
        for name, rows in {
            "append": append_rows(),
            "journey": [
                *(rate_row(f"{one}_per_s", "1/s", [2e3], [9e3], peers) for one in phases),
                time_row("signal_to_next_step_p50_ms", "ms", [0.008]),
                time_row("signal_to_next_step_p95_ms", "ms", [0.019]),
            ],
            "webhook": [
                rate_row("webhook_acknowledged_in_10s", "events/s", [3e3], [2e4]),
                rate_row("webhook_settled_in_10s", "events/s", [2e3], [2e4]),
                rate_row("webhook_step_at_1000_p95_ms", "ms", [80.0]),
            ],
            "dispatch": [
                rate_row(f"dispatch_{kind}_64", "sends/s", [600.0], [640.0])
                for kind in ("tls", "plain")
            ],
            "projections": [rate_row("projections_run_all", "events/s", [4e4], [9e4])],
            "replay": [time_row("timeline_10_p95_ms", "ms", [0.002], [0.001])],
            "growth": [
                rate_row(f"append_1000_at_{size}_per_s", "1/s", [rate], [6e4])
                for size, rate in ((100_000, 6e4), (10_000_000, 5e4))
            ],
            "soak": [
                soak,
                rate_row("soak_behind_p100", "rows", [7.0]),
                rate_row("soak_size_events_mb", "MB", [9.0]),
            ],
            "pages": [time_row("page_tasks_p95_ms", "ms", [0.01])],
        }.items()
    }


TEXTS: Mapping[str, Sequence[str]] = {
    "append": ("facts a transaction", "antiphon", "floor: binary COPY", "≥ 0.35 of the floor"),
    "journey": ("contacts a second", "enrolment to first send", "floor", "2,000", "goal"),
    "peers": ("contacts a second", "Restate", "the library, batched", "400"),
    "latency": (
        "milliseconds, by powers of ten",
        "idle",
        "1,000 events/s",
        "p95 < 100",
        "p50 ≤ 10",
    ),
    "webhook": ("events a post", "acknowledged", "processed", "≥ 0.3 of the floor"),
    "dispatch": ("calls in flight", "over TLS", "floor: in flight / latency", "≥ 0.9 of the floor"),
    "projections": ("events a second", "run all", "40,000", "goal"),
    "replay": ("milliseconds, by powers of ten", "events of the timeline", "< 3"),
    "growth": ("events in the log", "10,000,000", "1,000 facts a transaction", "≥ 0.7"),
    "soak_memory": ("MB, the highest of each minute", "minute", "worker-0"),
    "soak_lag": ("rows, the highest of each minute", "behind"),
    "soak_tables": ("MB, the highest of each minute", "events"),
    "pages": ("milliseconds", "tasks", "goal"),
}
"""What stands on each picture besides its title: axes with units, series, goals."""


def test_there_is_a_picture_for_every_question() -> None:
    assert TEXTS.keys() == {plot.name for plot in PLOTS} == drawn(everything()).keys()


@pytest.mark.parametrize("without", ["nothing", "webhook", "journey"])
def test_every_picture_is_on_the_page_once(tmp_path: Path, without: str) -> None:
    files = {name: FOLDER / f"{name}.py" for name in benchmarks()}
    for name, run in everything().items():
        if name != without:
            (tmp_path / f"{name}.json").write_bytes(msgspec.json.encode(run))
    found = made(tmp_path, files, "speed")
    linked = re.findall(r"\]\(speed/(\w+)\.svg\)", found.page)
    assert sorted(linked) == sorted(found.pictures)


@pytest.mark.parametrize("name", TEXTS)
def test_a_picture_is_well_formed_and_has_its_labels(name: str) -> None:
    chart = drawn(everything())[name]
    root = ET.fromstring(chart.svg())  # noqa: S314  # made here
    assert root.tag == f"{SVG}svg"
    texts = {each.text for each in root.iter(f"{SVG}text")}
    assert {chart.title, *TEXTS[name]} <= texts
    assert "prefers-color-scheme:dark" in str(root.findtext(f"{SVG}style"))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for each in root.iter(f"{SVG}text"):
        assert 0 <= float(each.attrib["x"]) <= width
        assert 0 <= float(each.attrib["y"]) <= height


def test_a_picture_tells_its_values_to_those_who_cannot_see_it() -> None:
    root = ET.fromstring(drawn(everything())["append"].svg())  # noqa: S314  # made here
    told = root.findtext(f"{SVG}desc")
    assert told == "antiphon: 1 1000.4, 1,000 60000; floor: binary COPY: 1 2000, 1,000 100000"


def test_higher_values_are_drawn_higher() -> None:
    root = ET.fromstring(drawn(everything())["append"].svg())  # noqa: S314  # made here
    first, second = (
        (float(each.attrib["cx"]), float(each.attrib["cy"]))
        for each in list(root.iter(f"{SVG}circle"))[1:]  # the first is that of the legend
    )
    assert first[0] < second[0]
    assert first[1] > second[1]


def test_a_soak_keeps_the_highest_of_each_minute() -> None:
    samples = [
        {"at_s": at_s, "memory_mb": {"web": memory}, "behind": 0, "tables": {}}
        for at_s, memory in ((0.0, 50.0), (30.0, 58.0), (61.0, 55.0), (119.9, 51.0), (120.0, 49.0))
    ]
    (row,) = soak.memory(soak.minutes_of(samples, 60.0))
    assert row.by_round == [58.0, 55.0, 49.0]
    assert (row.ours, row.floor) == (49.0, 50.0)


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path, {})


def test_the_command_writes_the_page_and_its_pictures_and_takes_old_ones_away(cli: Cli) -> None:
    keep(cli.folder / "results", "append", append_rows())
    pictures = cli.folder / "performance"
    pictures.mkdir()
    for name in ("growth.svg", "mine.svg"):
        (pictures / name).write_text("<svg/>", "utf-8")
    told = cli.json("bench", "report", "--from", "results", "--out", "performance.md")
    assert told["files"] == ["performance.md", "performance/append.svg"]
    assert "append" not in told["missing"]
    assert "growth" in told["missing"]
    verdicts = {(each["bench"], each["limit"]): each["verdict"] for each in told["goals"]}
    assert verdicts["append", 0.35] == "reached"
    assert {path.name for path in pictures.iterdir()} == {"append.svg", "mine.svg"}
    page = (cli.folder / "performance.md").read_text("utf-8")
    linked = re.findall(r"\]\((.+?)\)", page)
    assert linked == ["performance/append.svg"]


def test_the_command_names_what_is_missed_and_what_is_missing(cli: Cli) -> None:
    keep(cli.folder / "results", "append", append_rows(3_000.0))
    result = cli("bench", "report", "--from", "results", "--out", "performance.md")
    assert result.exit_code == 0
    assert "missed: append, 1,000 facts a transaction" in result.stderr
    assert "missing: check, dispatch" in result.stderr
    assert result.stdout == "wrote performance.md, pictures: 1\n"


def test_a_broken_result_is_wrong_use_and_writes_nothing(cli: Cli) -> None:
    keep(cli.folder / "results", "append", append_rows())
    (cli.folder / "results" / "growth.json").write_text("{", "utf-8")
    result = cli("bench", "report", "--from", "results", "--out", "performance.md")
    assert result.exit_code == 2
    assert "growth.json is no result of a benchmark" in result.stderr
    assert not (cli.folder / "performance.md").exists()


def test_the_page_that_is_kept_is_made_of_the_results_that_are_kept() -> None:
    files = {name: FOLDER / f"{name}.py" for name in benchmarks()}
    found = made(FOLDER / "results", files, "performance")
    told = "run .venv/bin/antiphon bench report"
    assert (ROOT / "docs" / "performance.md").read_text("utf-8") == found.page, told
    kept = (ROOT / "docs" / "performance").glob("*")
    assert {each.stem: each.read_text("utf-8") for each in kept} == found.pictures, told
