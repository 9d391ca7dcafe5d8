"""Plans on the command line: without a server, for people and for programs."""

import json
from pathlib import Path
from typing import Any

import pytest

from plans.schema import FLAVOURS, json_schema
from plans.verify.check import check
from plans.verify.report import to_json
from tests.infra.cli_running import EXAMPLES, Cli, example_plan


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path, {})


def with_a_typo() -> Any:
    plan = example_plan()
    plan["nodes"][0]["transitions"][0]["to"] = "folow_up"
    return plan


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_our_examples_are_accepted(cli: Cli, path: Path) -> None:
    result = cli("plan", "check", path)
    assert result.exit_code == 0
    assert f"{path}: accepted, " in result.stdout


def test_a_plan_with_a_typo_is_refused_with_place_reason_mend_and_patch(cli: Cli) -> None:
    result = cli("plan", "check", cli.file("plan.json", with_a_typo()))
    assert result.exit_code == 1
    for part in (
        'error E_TARGET_UNKNOWN at /nodes/0/transitions/0/to in node "intro"',
        "plan.json:1:",
        '"to": "folow_up"',
        " ^^^^^^^^\n",
        'why     no node has the id "folow_up"',
        "known   intro, follow_up",
        'mend    did you mean "follow_up"?',
        'patch   replace /nodes/0/transitions/0/to with "follow_up"',
        "refused, 1 error",
    ):
        assert part in result.stdout


def test_the_report_is_the_same_as_everywhere_in_json(cli: Cli) -> None:
    plan = with_a_typo()
    told = cli.json("plan", "check", cli.file("plan.json", plan), code=1)
    assert told == to_json(check(plan).report)


def test_a_file_that_is_no_json_is_refused_with_its_place(cli: Cli) -> None:
    path = cli.file("plan.json", '{"nodes": [}')
    result = cli("plan", "check", path)
    assert result.exit_code == 1
    assert f"{path}:1:12\n" in result.stdout
    assert "note    no JSON from here on" in result.stdout
    assert "not JSON: Expecting value: line 1 column 12" in result.stdout
    assert "null" not in result.stdout
    assert cli.json("plan", "check", path, code=1)["ok"] is False


def test_a_file_that_is_not_there_is_wrong_use(cli: Cli) -> None:
    result = cli("plan", "check", "nowhere.json")
    assert result.exit_code == 2
    assert "nowhere.json" in result.stderr
    assert result.stdout == ""


def test_a_policy_with_an_unknown_field_is_wrong_use_and_named(cli: Cli) -> None:
    plan, policy = cli.file("plan.json", example_plan()), cli.file("policy.json", {"maxSend": 1})
    result = cli("plan", "check", plan, "--policy", policy)
    assert result.exit_code == 2
    assert "/maxSend" in result.stderr
    assert result.stdout == ""


def test_the_policy_is_what_the_plan_is_checked_against(cli: Cli) -> None:
    plan = {**example_plan(), "holidays": {"calendars": ["acme"]}}
    path = cli.file("plan.json", plan)
    without, given = (
        cli.json("plan", "check", path, "--policy", cli.file("policy.json", policy), code=code)
        for policy, code in (({}, 1), ({"calendars": {"acme": ["2026-12-25"]}}, 0))
    )
    assert [each["code"] for each in without["issues"]] == ["E_CALENDAR"]
    assert given["issues"] == []


@pytest.mark.parametrize(("form", "begins"), [("mermaid", "flowchart TD"), ("svg", "<svg")])
def test_a_plan_is_drawn(cli: Cli, form: str, begins: str) -> None:
    path = EXAMPLES / "two_step.json"
    result = cli("plan", "graph", path, "--format", form)
    assert result.exit_code == 0
    assert result.stdout.startswith(begins)
    told = cli.json("plan", "graph", path, "--format", form)
    assert told == {"format": form, "drawing": result.stdout}


@pytest.mark.parametrize("form", ["mermaid", "svg"])
def test_the_faulty_place_of_a_refused_plan_is_marked(cli: Cli, form: str) -> None:
    path = cli.file("plan.json", with_a_typo())
    result = cli("plan", "graph", path, "--format", form)
    assert result.exit_code == 0
    assert "E_TARGET_UNKNOWN" in result.stdout


def test_a_plan_is_drawn_as_the_policy_judges_it(cli: Cli) -> None:
    plan = {**example_plan(), "holidays": {"calendars": ["acme"]}}
    path = cli.file("plan.json", plan)
    policy = cli.file("policy.json", {"calendars": {"acme": ["2026-12-25"]}})
    context = cli.file("context.json", {"tenant": "acme", "contact": "c-1"})
    drawn = cli("plan", "graph", path, "--policy", policy, "--worst", "duration")
    assert (drawn.exit_code, drawn.stderr) == (0, "")
    assert cli("plan", "graph", path, "--context", policy).exit_code == 2
    assert cli("plan", "graph", path, "--policy", context).exit_code == 2


def test_the_list_of_commands_has_whole_sentences(cli: Cli) -> None:
    told = " ".join(cli("plan", "--help").stdout.split())
    assert "Tell whether a plan is accepted (0) or refused (1), and what mends it." in told
    assert "Rewrite accepted older shapes as the language has them now; the notes go to" in told


def test_what_has_no_shape_is_not_drawn(cli: Cli) -> None:
    result = cli("plan", "graph", cli.file("plan.json", {"nodes": 3}))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "plan check" in result.stderr


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_schema_is_printed_in_each_flavour(cli: Cli, flavour: Any) -> None:
    assert cli.json("plan", "schema", "--flavour", flavour) == json_schema(flavour)


def test_an_older_shape_is_rewritten_with_notes_beside_it(cli: Cli) -> None:
    old = example_plan()
    old["time_zone"] = old.pop("timezone")
    path = cli.file("old.json", old)
    result = cli("plan", "normalise", path)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["timezone"] == "America/New_York"
    assert "/timezone: " in result.stderr
    told = cli.json("plan", "normalise", path)
    assert told["plan"] == json.loads(result.stdout)
    assert [note["path"] for note in told["normalized"]] == ["/timezone"]


def test_what_is_no_json_is_not_normalised(cli: Cli) -> None:
    result = cli("plan", "normalise", cli.file("old.json", "nodes:"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "not JSON" in result.stderr
