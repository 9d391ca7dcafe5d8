"""What a demo says of files that it cannot use, before it starts anything."""

import io
import json
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from infra.cli.demo import show
from infra.demo.figures import Figures
from infra.demo.report import print_report
from infra.demo.stage import BEGINS, Stage
from infra.embedded.home import Home
from tests.infra.cli_running import EXAMPLES, Cli


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path, {})


@pytest.fixture
def plans(cli: Cli) -> Path:
    folder = cli.folder / "my"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("text", "told"), [('{"name": ', "not JSON"), ("[]", "one JSON object"), ("\ud800", "not JSON")]
)
def test_a_file_that_holds_no_plan_is_named_before_anything_starts(
    cli: Cli, plans: Path, text: str, told: str
) -> None:
    (plans / "broken.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    result = cli("demo", "--contacts", "1", "--plans", plans)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{plans}/broken.json" in result.stderr
    assert told in result.stderr
    assert "starting" not in result.stderr


def test_a_folder_without_plans_is_wrong_use_before_anything_starts(cli: Cli, plans: Path) -> None:
    result = cli("demo", "--contacts", "1", "--plans", plans)
    assert result.exit_code == 2
    assert "no *.json file" in result.stderr
    assert "starting" not in result.stderr


def test_a_plan_with_a_typo_is_told_with_file_place_and_mend(cli: Cli, plans: Path) -> None:
    document = json.loads((EXAMPLES / "two_step.json").read_text("utf-8"))
    document["nodes"][0]["transitions"][0]["to"] = "folow_up"
    (plans / "typo.json").write_text(json.dumps(document), "utf-8")
    result = cli("demo", "--contacts", "1", "--plans", plans, "--home", plans)  # plans: no home
    assert result.exit_code == 2
    line = f'{plans}/typo.json: /nodes/0/transitions/0/to: no node has the id "folow_up"'
    assert line in result.stderr
    assert 'did you mean "follow_up"?' in result.stderr


def test_a_row_of_the_wrong_width_is_told_with_its_line(cli: Cli, plans: Path) -> None:
    path = cli.folder / "my.csv"
    path.write_text("email,city\nann@example.org\ncy@example.org,Rome\n", "utf-8")
    result = cli("demo", "--contacts", path, "--plans", plans)
    assert f"{path}:2: 1 cells, but the header has 2" in result.stderr


def test_the_report_tells_each_reason_of_refusal_once_with_how_many_it_met() -> None:
    issue = {"code": "E_X", "path": "/nodes/0", "message": "wrong"}
    refusals = [{"status": "refused", "report": {"issues": [issue]}}] * 2
    console = Console(file=io.StringIO(), width=110)
    print_report(console, figures_of(refusals))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert shown.count("refused for") == 1
    assert "refused for 2 contacts: /nodes/0: wrong (E_X)" in shown


def test_a_demo_that_is_served_says_where_the_console_is_and_who_may_sign_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(
        home=Home(tmp_path),
        database_url="",
        redis_url="",
        web_port=8123,
        sandbox_port=8124,
        api_key="",
        pepper="",
        user="demo@example.com",
        password="drawn",
        factor=1.0,
        origin_real=BEGINS,
        days=1,
        seed=7,
    )
    show(figures_of([]), stage, as_json=True, serve=True)
    shown = capsys.readouterr()
    assert json.loads(shown.out)["contacts"] == 2  # and nothing else there
    console = "Console: http://127.0.0.1:8123/ (name: demo@example.com, password: drawn)"
    assert console in shown.err


def test_the_report_tells_tasks_calls_notices_and_revisions() -> None:
    asked = {
        "tasks": {"done": 4, "skipped": 2, "withdrawn": 1, "open": 0},
        "endpoint_calls": {"ok": 2, "failed": 1, "open": 0, "tries": 6},
        "notices": 14,
        "revisions": {"revised": 9, "too_late": 4},
    }
    figures = msgspec.structs.replace(figures_of([]), **asked)
    console = Console(file=io.StringIO(), width=110)
    print_report(console, figures)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "4 done, 2 skipped, 1 withdrawn, 0 open" in shown
    assert "2 ok, 1 failed, 0 open  (in 6 tries)" in shown
    assert "9 revised, 4 too late" in shown
    told = figures.to_json()
    assert {name: told[name] for name in asked} == asked


def figures_of(refusals: list[dict[str, object]]) -> Figures:
    return Figures(
        contacts=2,
        enrolled=0,
        refused=2,
        events=0,
        messages={"accepted": 0},
        signals={},
        outcomes={},
        duplicates=0,
        invariants={},
        latency_ms={"webhook_to_next_step_p50": None, "webhook_to_next_step_p95": None},
        simulated_days=0.0,
        wall_seconds=0.0,
        console_url="",
        refusals=refusals,
    )
