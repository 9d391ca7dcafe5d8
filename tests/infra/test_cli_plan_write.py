"""`antiphon plan write` and `plan rounds`: from a sequence, with a model, submitted or not."""

import json
from pathlib import Path

import pytest

from domain.ids import TenantId
from tests.infra.cli_running import Cli

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

SEQUENCE = Path(__file__).resolve().parents[2] / "plans" / "sequences" / "three_mails.json"
BRIEF = "topic: Dock times\noffer: We plan docks.\nproof: Others save a day."


@pytest.fixture
def acme(cli: Cli, tenant: TenantId) -> TenantId:
    cli.tenant_with_campaign(tenant)
    return tenant


def test_a_plan_is_written_submitted_once_and_its_rounds_are_told(cli: Cli, acme: TenantId) -> None:
    brief = cli.file("brief.txt", BRIEF)
    asked = ["plan", "write", acme, "--contact", "c-1", "--brief", brief, "--sequence", SEQUENCE]
    plain = cli(*asked)
    assert plain.exit_code == 0, plain.output
    checked = cli("plan", "check", cli.file("plan.json", plain.stdout))
    assert checked.exit_code == 0, checked.output
    assert "round 1, sequence: accepted" in plain.stderr
    told = cli.json(*asked, "--submit", "autumn")
    assert (told["accepted"], told["submitted"]["status"]) == (True, "started")
    assert cli.json(*asked, "--submit", "autumn")["submitted"]["status"] == "duplicate"
    kept = cli.json("plan", "rounds", acme, "--contact", told["contact_id"])
    assert len(kept) == 3
    assert kept[0]["round"]["plan_hash"] == told["submitted"]["plan_hash"]
    assert json.loads(kept[0]["draft"])["startNodeId"] == "step_1"
    assert "accepted" in cli("plan", "rounds", acme, "--contact", "c-1").stdout
    timeline = cli("timeline", acme, told["submitted"]["contact_campaign_id"])
    assert "plan round" in timeline.stdout


def test_a_model_whose_plans_are_all_refused_ends_with_no(cli: Cli, acme: TenantId) -> None:
    asked = ["plan", "write", acme, "--contact", "c-1", "--brief", BRIEF, "--rounds", "2"]
    for settings in ({}, {"ANTIPHON_PLAN_MODEL": "test"}):
        more = [] if settings else ["--model", "test"]
        done = cli(*asked, *more, **settings)
        assert done.exit_code == 1, done.output
        assert "round 2, test: refused, E_VALUE" in done.stderr
        assert done.stdout == ""


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ([], "ANTIPHON_PLAN_MODEL"),
        (["--model", "test", "--sequence", SEQUENCE], "not both"),
        (["--model", "nobody:nothing"], "nobody:nothing"),
        (["--sequence", SEQUENCE, "--contact", "c-9"], "c-9"),
        (["--sequence", SEQUENCE, "--submit", "winter"], "winter"),
        (["--sequence", SEQUENCE, "--brief", "hello"], "topic"),
        (["--sequence", SEQUENCE, "--brief", " "], "brief"),
    ],
)
def test_wrong_use_is_told_and_changes_nothing(
    cli: Cli, acme: TenantId, more: list[str], told: str
) -> None:
    done = cli("plan", "write", acme, "--contact", "c-1", "--brief", BRIEF, *more)
    assert done.exit_code == 2, done.output
    assert told in done.stderr
    assert cli.json("plan", "rounds", acme, "--contact", "c-1") == []
