"""Contacts, senders, campaigns, enrolments from the command line."""

import json
from pathlib import Path

import pytest

from domain.ids import TenantId, schema_of
from infra.tenancy import Database
from tests.infra.cli_running import HEADER, SENDER, Cli, example_plan

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


@pytest.fixture
def cli(tmp_path: Path, database_url: str, redis_url: str) -> Cli:
    urls = {"ANTIPHON_DATABASE_URL": database_url, "ANTIPHON_REDIS_URL": redis_url}
    return Cli(tmp_path, {**urls, "ANTIPHON_PEPPER": "p" * 32})


def count(database: Database, tenant: TenantId, table: str) -> int:
    with database.tenant_tx(tenant) as curs:
        row = curs.execute(f"SELECT count(*) FROM {schema_of(tenant)}.{table}").fetchone()
    assert row is not None
    return int(row[0])


# --- contacts -------------------------------------------------------------------------------------

BROKEN_ROWS = (
    HEADER
    + "c-1,ada@home.example,Ada,Byron,Acme,London,Europe/London\n"
    + "c-2,not an address,Ben,Ode,Acme,Rome,Europe/Rome\n"
    + "c-3,cy@home.example,Cy,Or,Acme,Rome,Middle/Earth\n"
    + "c-4,di@home.example\n"
    + "c-5,eve@home.example,Eve,Ray,Acme,Oslo,Europe/Oslo\n"
)


def test_a_csv_with_broken_rows_keeps_the_good_ones_and_tells_the_others(
    cli: Cli, database: Database, tenant: TenantId
) -> None:
    path = cli.file("people.csv", BROKEN_ROWS)
    result = cli("contacts", "import", tenant, path)
    assert result.exit_code == 0
    *bad, total = result.stdout.splitlines()
    assert [line.rpartition(".csv:")[2].split(":")[0] for line in bad] == ["3", "4", "5"]
    for line, part in zip(bad, ("email: ", "timezone: ", "2 cells"), strict=True):
        assert part in line
    assert all(";" in line for line in bad)
    assert total == "2 rows good (2 new, 0 updated), 3 bad"
    assert count(database, tenant, "contacts") == 2
    told = cli.json("contacts", "import", tenant, path)
    assert (told["created"], told["updated"], told["refused"]) == (0, 2, 3)


def test_a_person_under_two_contacts_is_kept_and_told(
    cli: Cli, database: Database, tenant: TenantId
) -> None:
    rows = "external_id,email\nc-1,ada@home.example\nc-2,ADA+x@home.example\n"
    path = cli.file("people.csv", rows)
    dry = cli("contacts", "import", tenant, path, "--dry-run").stdout.splitlines()
    assert [line.rpartition(".csv:")[2] for line in dry[:2]] == [
        "2: kept; the same address or profile has: c-2",
        "3: kept; the same address or profile has: c-1",
    ]
    assert dry[-1] == "2 rows share an address or profile with another contact"
    told = cli.json("contacts", "import", tenant, path)
    assert (told["created"], told["shared"]) == (2, 2)
    assert count(database, tenant, "contacts") == 2


def test_a_dry_run_writes_nothing(cli: Cli, database: Database, tenant: TenantId) -> None:
    result = cli("contacts", "import", tenant, cli.file("people.csv", BROKEN_ROWS), "--dry-run")
    assert result.exit_code == 0
    assert "2 rows good (nothing was written), 3 bad" in result.stdout
    assert count(database, tenant, "contacts") == 0


@pytest.mark.parametrize("content", ["", "name,age\nAda,36\n", HEADER, HEADER + "c-1,x\n"])
def test_a_file_of_which_nothing_can_be_taken_is_answered_with_no(
    cli: Cli, tenant: TenantId, content: str
) -> None:
    result = cli("contacts", "import", tenant, cli.file("people.csv", content))
    assert result.exit_code == 1
    assert "0 rows good" in result.stdout


# --- senders and campaigns ------------------------------------------------------------------------


def test_a_sender_is_written_and_overwritten(cli: Cli, tenant: TenantId) -> None:
    assert cli.json("sender", "add", tenant, cli.file("sam.json", SENDER))["verified"] is True
    unverified = cli("sender", "add", tenant, cli.file("sam.json", {**SENDER, "verified": False}))
    assert unverified.exit_code == 0
    assert "not verified" in unverified.stdout


def test_each_fault_of_a_sender_is_named(cli: Cli, tenant: TenantId) -> None:
    given = {**SENDER, "from_email": "sam", "colour": "red"}
    result = cli("sender", "add", tenant, cli.file("sam.json", given))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "/from_email: " in result.stderr
    assert "/colour: " in result.stderr


def test_a_campaign_goes_its_way(cli: Cli, database: Database, tenant: TenantId) -> None:
    cli.tenant_with_campaign(tenant)
    launched = cli.json("campaign", "launch", tenant, "autumn")
    assert launched["campaign"]["status"] == "active"
    by_id = launched["campaign"]["id"]
    paused = cli("campaign", "pause", tenant, by_id, "--reason", "Ada asked for it")
    assert "autumn is paused" in paused.stdout
    assert count(database, tenant, "notes") == 1
    assert cli.json("campaign", "resume", tenant, "autumn")["campaign"]["status"] == "active"
    assert cli.json("campaign", "stop", tenant, "autumn")["campaign"]["status"] == "stopped"
    late = cli("campaign", "launch", tenant, "autumn")
    assert late.exit_code == 1
    assert "a stopped campaign takes no launch" in late.stderr


def test_the_limit_of_a_day_that_nobody_gave_is_told_and_that_it_is_the_default(
    cli: Cli, tenant: TenantId
) -> None:
    plain = cli.file("plain.json", {"name": "autumn"})
    assert "50 messages a day (the default; " in cli("campaign", "add", tenant, plain).stdout
    more = cli.file("more.json", {"name": "winter", "daily_limit": 70})
    assert cli("campaign", "add", tenant, more).stdout.endswith(": 70 messages a day\n")
    assert "50 messages a day (the default; " in cli("campaign", "show", tenant, "autumn").stdout
    told = cli.json("campaign", "show", tenant, "winter")
    assert (told["daily_limit"], told["daily_limit_is_default"]) == (70, False)
    listed = cli("campaign", "list", tenant).stdout
    assert "50 (default)" in listed
    items = cli.json("campaign", "list", tenant)["items"]
    assert {one["name"]: one["daily_limit_is_default"] for one in items} == {
        "autumn": True,
        "winter": False,
    }


def test_a_campaign_is_shown_with_the_reasons_of_its_orders(cli: Cli, tenant: TenantId) -> None:
    cli.tenant_with_campaign(tenant)
    cli("campaign", "launch", tenant, "autumn")
    cli("campaign", "pause", tenant, "autumn", "--reason", "Ada asked for it")
    shown = cli("campaign", "show", tenant, "autumn").stdout
    assert "is paused\n" in shown
    assert "campaign pause reason: Ada asked for it\n" in shown
    (note,) = cli.json("campaign", "show", tenant, "autumn")["notes"]
    assert (note["kind"], note["text"]) == ("campaign_pause_reason", "Ada asked for it")


def test_a_campaign_that_is_not_there_is_wrong_use(cli: Cli, tenant: TenantId) -> None:
    result = cli("campaign", "launch", tenant, "winter")
    assert result.exit_code == 2
    assert "no campaign 'winter'" in result.stderr


def test_a_second_campaign_of_a_name_is_answered_with_no(cli: Cli, tenant: TenantId) -> None:
    path = cli.file("campaign.json", {"name": "autumn"})
    assert cli("campaign", "add", tenant, path).exit_code == 0
    again = cli("campaign", "add", tenant, path)
    assert again.exit_code == 1
    assert "autumn" in again.stderr


def test_a_campaign_with_an_unknown_sender_is_wrong_use(cli: Cli, tenant: TenantId) -> None:
    path = cli.file("campaign.json", {"name": "autumn", "sender": "nobody"})
    result = cli("campaign", "add", tenant, path)
    assert result.exit_code == 2
    assert f"{path} cannot be taken" in result.stderr
    assert "/sender: no sender account has this name" in result.stderr


# --- enrolments -----------------------------------------------------------------------------------


def test_a_folder_of_plans_is_enrolled_once(cli: Cli, database: Database, tenant: TenantId) -> None:
    cli.tenant_with_campaign(tenant)
    folder = cli.folder / "plans"
    folder.mkdir()
    for name in ("c-1", "c-2"):
        (folder / f"{name}.json").write_text(json.dumps(example_plan()), "utf-8")
    told = cli.json("enrol", tenant, "autumn", "--plans", folder)
    assert (told["started"], told["duplicate"], told["refused"]) == (2, 0, 0)
    assert [(each["place"], each["external_id"]) for each in told["items"]] == [
        ("c-1.json", "c-1"),
        ("c-2.json", "c-2"),
    ]
    events = count(database, tenant, "events")
    again = cli("enrol", tenant, "autumn", "--plans", folder)
    assert again.exit_code == 0
    for each in told["items"]:
        line = f"{each['place']}: {each['external_id']} is contact-campaign"
        assert f"{line} {each['contact_campaign_id']}\n" in again.stdout
    assert again.stdout.endswith("\n0 started, 2 duplicate, 0 refused\n")
    assert count(database, tenant, "events") == events
    assert cli.json("campaign", "launch", tenant, "autumn")["changed"] == 2
    assert cli("campaign", "pause", tenant, "autumn").stdout == "autumn is paused\n"


def test_a_refused_plan_is_told_and_stops_no_other(cli: Cli, tenant: TenantId) -> None:
    cli.tenant_with_campaign(tenant)
    wrong = example_plan()
    wrong["nodes"][0]["transitions"][0]["to"] = "folow_up"
    path = cli.plans({"c-1": wrong, "c-2": example_plan(), "c-3": example_plan()})
    told = cli.json("enrol", tenant, "autumn", "--plans", path, code=1)
    assert [each["status"] for each in told["items"]] == ["refused", "started", "refused"]
    shown = cli("enrol", tenant, "autumn", "--plans", path)
    assert shown.exit_code == 1
    assert "plans.jsonl:1: c-1 is refused" in shown.stdout
    assert 'did you mean "follow_up"?' in shown.stdout
    assert "no contact has the external_id 'c-3'; import it first" in shown.stdout
    assert shown.stdout.endswith("0 started, 1 duplicate, 2 refused\n")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("nonsense", "not a JSON object"),
        ('["c-1"]', "not a JSON object"),
        ('{"plan": {}}', "no external_id"),
        ('{"external_id": 7, "plan": {}}', "no external_id"),
        ('{"external_id": "c-1"}', "there is no plan"),
        ('{"external_id": "c-1", "plan": {}, "plans": {}}', "not 'plans'"),
        ('{"external_id": "c-1", "plan": {"a": 1, "a": 2}}', "given twice"),
        ('{"external_id": "c-\ud800", "plan": {}}', "not UTF-8"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_with_its_place(
    cli: Cli, tenant: TenantId, line: str, told: str
) -> None:
    cli.tenant_with_campaign(tenant)
    path = cli.folder / "plans.jsonl"
    path.write_bytes(b"\n" + line.encode("utf-8", "surrogatepass") + b"\n")
    result = cli("enrol", tenant, "autumn", "--plans", path)
    assert result.exit_code == 1
    assert "plans.jsonl:2" in result.stdout
    assert told in result.stdout


def test_no_plans_at_all_is_wrong_use(cli: Cli, tenant: TenantId) -> None:
    result = cli("enrol", tenant, "autumn", "--plans", cli.folder)
    assert result.exit_code == 2
    assert "has no plans" in result.stderr


def test_a_stopped_campaign_takes_no_enrolments(cli: Cli, tenant: TenantId) -> None:
    cli.tenant_with_campaign(tenant)
    assert cli("campaign", "stop", tenant, "autumn").exit_code == 0
    result = cli("enrol", tenant, "autumn", "--plans", cli.plans({"c-1": example_plan()}))
    assert result.exit_code == 1
    assert "stopped" in result.stderr
