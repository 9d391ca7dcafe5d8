"""`antiphon plan simulate`, for people and for programs."""

import json
from pathlib import Path
from typing import Any

import pytest

from plans.simulate import RUNS_MAX
from tests.infra.cli_running import EXAMPLES, Cli, example_plan

PLAN = EXAMPLES / "reactive_click.json"


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path, {})


def test_a_report_tells_ends_ways_times_and_loads(cli: Cli) -> None:
    caps = cli.file("caps.json", {"default": 50})
    result = cli("plan", "simulate", PLAN, "--runs", "200", "--caps", caps, "--contacts", "400")
    assert result.exit_code == 0, result.stderr
    for part in (
        "200 runs, seed 7, from 2026-01-05 17:00 UTC",  # nine in Los Angeles
        "built-in guesses",
        "How it ends (95 % intervals)",
        "no_response",
        "Ways through the plan",
        "intro > another_subject > no_answer",
        "(out: bounced)",
        "(proven: 1 to 2)",
        "America/Los_Angeles",
        "  Mon  ",
        "400 contacts starting together",
        "over its cap of 50",
        "/nodes/0/transitions/0   intro: clicked …cal.… > talk",
    ):
        assert part in result.stdout
    assert (
        result.stdout
        == cli(
            "plan", "simulate", PLAN, "--runs", "200", "--caps", caps, "--contacts", "400"
        ).stdout
    )


def test_a_run_that_an_auto_reply_made_longer_than_proven_is_explained(cli: Cli) -> None:
    answers = {"channels": {"email": {"autoReply": 1, "reply": 0, "click": 0, "open": 0}}}
    rates = cli.file("rates.json", answers)
    two_step = EXAMPLES / "two_step.json"
    usual = cli("plan", "simulate", two_step, "--runs", "50").stdout
    assert "an auto-reply put a message off" not in usual
    plan = {
        "startNodeId": "hello",
        "timezone": "UTC",
        "nodes": [
            {
                "id": "hello",
                "type": "send",
                "channel": "email",
                "message": {"subject": "Hello", "text": "Hello"},
                "transitions": [{"on": "no_reply", "after": "P1D", "to": "again"}],
            },
            {
                "id": "again",
                "type": "send",
                "channel": "email",
                "message": {"subject": "Again", "text": "Again"},
                "transitions": [{"on": "no_reply", "after": "P1D", "to": "end"}],
            },
            {"id": "end", "type": "stop"},
        ],
    }
    file = cli.file("plan.json", plan)
    longer = cli("plan", "simulate", file, "--runs", "50", "--rates", rates)
    assert longer.exit_code == 0, longer.stderr
    assert "some are longer: an auto-reply put a message off" in longer.stdout


def test_the_document_is_the_same_for_the_same_seed_only(cli: Cli) -> None:
    first, again, other = (
        cli.json("plan", "simulate", PLAN, "--runs", "100", "--seed", seed)
        for seed in ("1", "1", "2")
    )
    assert first == again
    assert first != other
    assert first["ratesSource"] == "built_in"
    assert first["bounds"]["maxSends"] == 2


def test_rates_and_start_are_taken_from_the_command_line(cli: Cli) -> None:
    rates = cli.file("rates.json", {"channels": {"email": {"bounce": 1, "refused": 0}}})
    told = cli.json(
        "plan",
        "simulate",
        PLAN,
        "--runs",
        "50",
        "--rates",
        rates,
        "--start",
        "2026-06-02T10:00:00Z",
    )
    assert (told["ratesSource"], told["outcomes"]) == ("given", {"bounced": 1.0})
    assert told["start"] == "2026-06-02T10:00:00Z"
    assert told["load"][0]["peakDay"] == "2026-06-02"


def test_a_refused_plan_is_told_and_not_run(cli: Cli) -> None:
    plan = example_plan()
    plan["nodes"][0]["transitions"][0]["to"] = "folow_up"
    path = cli.file("plan.json", plan)
    result = cli("plan", "simulate", path)
    assert result.exit_code == 1
    assert "E_TARGET_UNKNOWN" in result.stdout
    assert "How it ends" not in result.stdout
    assert cli.json("plan", "simulate", path, code=1)["ok"] is False


def test_a_file_that_is_no_json_is_refused(cli: Cli) -> None:
    result = cli("plan", "simulate", cli.file("plan.json", "{"))
    assert result.exit_code == 1
    assert "not JSON" in result.stdout


@pytest.mark.parametrize(
    ("option", "content", "told"),
    [
        ("--rates", {"channels": {"email": {"opens": 1}}}, "/channels/email/opens"),
        ("--rates", {"channels": {"email": {"open": 0.1, "click": 0.5}}}, "at most open"),
        ("--caps", {"default": -1}, "/default"),
        ("--script", [{"at": "today", "event": "opened"}], "/0/at"),
        ("--policy", {"maxSend": 1}, "/maxSend"),
    ],
)
def test_files_that_cannot_be_taken_are_wrong_use(
    cli: Cli, option: str, content: Any, told: str
) -> None:
    result = cli("plan", "simulate", PLAN, option, cli.file("given.json", content))
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [("--runs", str(RUNS_MAX + 1)), ("--runs", "0"), ("--start", "9999-12-31T00:00:00Z")],
)
def test_what_is_out_of_range_is_wrong_use(cli: Cli, option: str, value: str) -> None:
    result = cli("plan", "simulate", PLAN, option, value)
    assert (result.exit_code, result.stdout) == (2, "")
    assert option in result.stderr


def test_a_script_is_answered_by_a_timeline(cli: Cli) -> None:
    script = cli.file(
        "script.json",
        [
            {"at": "2026-06-03T10:00:00Z", "event": "clicked", "url": "https://cal.example.test/"},
            {"at": "2026-06-09T10:00:00Z", "event": "task_done"},
        ],
    )
    given = ("plan", "simulate", PLAN, "--script", script, "--start", "2026-06-01T16:00:00Z")
    told = cli.json(*given)
    assert [line["fact"] for line in told][-3:] == ["transition_taken", "completed", "passed_over"]
    result = cli(*given)
    assert result.exit_code == 0
    assert "2026-06-03T10:00:00Z" in result.stdout
    assert "transition taken" in result.stdout
    assert "no such task is open" in result.stdout


def test_calendars_of_the_policy_close_their_days(cli: Cli) -> None:
    limits = {"maxDuration": "P40D"}
    plan = {**example_plan("two_step"), "holidays": {"calendars": ["acme"]}, "limits": limits}
    policy = {"calendars": {"acme": ["2026-06-01"]}}
    told = cli.json(
        "plan",
        "simulate",
        cli.file("plan.json", json.dumps(plan)),
        "--policy",
        cli.file("policy.json", policy),
        "--runs",
        "50",
        "--start",
        "2026-06-01T16:00:00Z",
    )
    assert told["calendar"]["intro"]["dayP10"] > 0.5
