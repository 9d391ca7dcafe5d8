"""Endpoints and tasks from the command line."""

from uuid import UUID

import pytest

from domain.taxonomy import Outcome
from tests.infra.cli_running import Cli
from tests.stories.house import House, plan, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

RINGS = plan(
    {
        "id": "ring",
        "type": "task",
        "kind": "call",
        "title": "Call {{ contact.first_name }}",
        "assignee": "sam",
        "transitions": [
            way("task_done", "won"),
            way("task_skipped", "lost"),
            way("timeout", "late", after="P3D"),
        ],
    },
    stop("won", outcome="handed_off"),
    stop("lost", outcome="disqualified"),
    stop("late", outcome="no_response"),
)
CRM = "https://crm.example/in"


def test_an_endpoint_is_added_with_its_secret_listed_without_and_removed(
    house: House, cli: Cli
) -> None:
    added = cli("endpoint", "add", house.tenant, "crm", CRM)
    secret = added.stdout.strip()
    assert secret.startswith("whsec_")
    assert secret not in added.stderr
    again = cli("endpoint", "add", house.tenant, "crm", CRM)
    assert (again.exit_code, again.stdout) == (1, "")
    assert "remove it first" in again.stderr
    (item,) = cli.json("endpoint", "list", house.tenant)["items"]
    assert (item["name"], item["url"], "secret" in item) == ("crm", CRM, False)
    assert CRM in cli("endpoint", "list", house.tenant).stdout
    assert cli.json("endpoint", "remove", house.tenant, "crm")["removed"] is True
    assert cli.json("endpoint", "remove", house.tenant, "crm", code=1)["removed"] is False
    assert cli.json("endpoint", "add", house.tenant, "crm", CRM)["secret"] != secret


def test_the_secret_of_an_endpoint_is_nowhere_in_the_database(house: House, cli: Cli) -> None:
    secret = cli.json("endpoint", "add", house.tenant, "crm", CRM)["secret"]
    (row,) = house.rows("SELECT e::text FROM {s}.endpoints e")
    found = house.ports.endpoints.named(["crm"])["crm"].secret
    assert found.hex() not in row[0]
    assert secret.removeprefix("whsec_") not in row[0]
    assert len(found) == 32


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("CRM", CRM), "/name"),
        (("crm", "http://crm.example/in"), "https://"),
        (("crm", "https://me:secret@crm.example/in"), "no user"),
    ],
)
def test_what_cannot_be_an_endpoint_is_wrong_use(
    house: House, cli: Cli, words: tuple[str, str], told: str
) -> None:
    result = cli("endpoint", "add", house.tenant, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_an_address_of_this_network_needs_the_setting(house: House, cli: Cli) -> None:
    allowed = {"ANTIPHON_ENDPOINTS_ALLOW_PRIVATE": "true"}
    url = "http://127.0.0.1:8000/in"
    assert cli("endpoint", "add", house.tenant, "own", url).exit_code == 2
    assert cli("endpoint", "add", house.tenant, "own", url, **allowed).exit_code == 0


@pytest.mark.parametrize(
    ("how", "state", "outcome"),
    [("done", "done", Outcome.HANDED_OFF), ("skip", "skipped", Outcome.DISQUALIFIED)],
)
def test_a_task_is_listed_and_ended(
    house: House, cli: Cli, how: str, state: str, outcome: Outcome
) -> None:
    stream = house.started(RINGS)
    (item,) = cli.json("task", "list", house.tenant, "--assignee", "sam")["items"]
    assert (item["title"], item["state"]) == ("Call Dana", "open")
    assert "Call Dana" in cli("task", "list", house.tenant).stdout
    for _ in range(2):
        ended = cli.json("task", how, house.tenant, item["id"], "--reason", "we spoke")
        assert ended["state"] == state
    assert house.state(stream).outcome == outcome
    assert cli.json("task", "list", house.tenant)["items"] == []
    assert len(cli.json("task", "list", house.tenant, "--state", state)["items"]) == 1
    assert "Call Dana: " + state in cli("task", how, house.tenant, item["id"]).stdout


def test_a_task_that_ended_otherwise_is_told_and_the_answer_is_no(house: House, cli: Cli) -> None:
    house.started(RINGS)
    (item,) = cli.json("task", "list", house.tenant)["items"]
    assert cli("task", "done", house.tenant, item["id"]).exit_code == 0
    late = cli("task", "skip", house.tenant, item["id"])
    assert (late.exit_code, late.stdout) == (1, "Call Dana: done\n")
    assert "it was done before; nothing changed" in late.stderr
    assert cli.json("task", "skip", house.tenant, item["id"], code=1)["state"] == "done"


def test_tasks_are_asked_for_by_the_name_of_their_campaign(house: House, cli: Cli) -> None:
    row = house.campaign()
    house.enrol(RINGS, row=row)
    assert len(cli.json("task", "list", house.tenant, "--campaign", row.name)["items"]) == 1
    other = house.campaign()
    assert cli.json("task", "list", house.tenant, "--campaign", other.name)["items"] == []
    assert cli("task", "list", house.tenant, "--campaign", "nothing").exit_code == 2


def test_a_long_list_says_that_there_is_more(house: House, cli: Cli) -> None:
    for _ in range(2):
        house.started(RINGS)
    result = cli("task", "list", house.tenant, "--limit", "1")
    assert "higher --limit" in result.stderr


def test_an_unknown_task_is_wrong_use(house: House, cli: Cli) -> None:
    result = cli("task", "done", house.tenant, str(UUID(int=1)))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no task" in result.stderr
