"""A code explained on the command line: for people and for programs."""

from pathlib import Path

import pytest

from plans.catalogue import explain
from plans.catalogue.telling import explanation
from plans.verify.codes import CODES
from tests.infra.cli_running import Cli


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path, {})


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_told_with_a_wrong_and_a_right_plan(cli: Cli, code: str) -> None:
    result = cli("plan", "explain", code)
    assert result.exit_code == 0
    severity, stated, *_ = result.stdout.split()
    assert (severity, stated) == (CODES[code].severity, code + ",")
    lines = result.stdout.splitlines()
    assert lines.count("wrong") == lines.count("right") == len(explain(code).examples)


def test_an_explanation_tells_what_is_reported_and_the_patch(cli: Cli) -> None:
    told = cli("plan", "explain", "E_STUCK").stdout
    assert '{"on": "clicked", "to": "call", "within": "P1D"}' in told
    assert '"path": "/nodes/0"' in told
    assert '"value": {"on": "timeout", "after": "P7D", "to": "end"}' in told
    assert '"avoids": "no_click"' in told


def test_for_programs_it_is_one_document(cli: Cli) -> None:
    assert cli.json("plan", "explain", "e_jitter") == explanation(explain("E_JITTER"))


def test_without_a_code_all_are_listed(cli: Cli) -> None:
    assert [row["code"] for row in cli.json("plan", "explain")] == list(CODES)
    told = cli("plan", "explain").stdout
    assert all(code in told for code in CODES)


def test_a_code_that_does_not_exist_is_wrong_use_and_told_the_nearest(cli: Cli) -> None:
    result = cli("plan", "explain", "E_STUK")
    assert result.exit_code == 2
    assert 'did you mean "E_STUCK"?' in result.stderr
    assert "lists all" in cli("plan", "explain", "?").stderr
