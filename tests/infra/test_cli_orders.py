"""Orders to single contact-campaigns, and the list of suppressions, from the command line."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain.taxonomy import Family
from tests.infra.cli_running import Cli
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

PLAN = plan(
    send("intro", way("no_reply", "end", after="P5D"), schedule={"delay": "P1D"}),
    stop(),
)
ADA = "ada@home.example"

# --- contact-campaigns ----------------------------------------------------------------------------


def test_one_contact_campaign_is_paused_resumed_and_stopped(house: House, cli: Cli) -> None:
    stream, other = str(house.started(PLAN)), house.started(PLAN)
    words = (house.tenant, stream)
    shown = cli("contact-campaign", "show", *words).stdout
    assert shown.startswith(f"{stream} is active\n")
    assert "node     intro" in shown
    for _ in range(2):
        paused = cli.json("contact-campaign", "pause", *words, "--reason", "she is on leave")
        assert (paused["id"], paused["status"]) == (stream, "paused")
    assert "paused   since 2026-09-07" in cli("contact-campaign", "show", *words).stdout
    assert house.state(other).stage == "active"
    notes = cli("timeline", *words).stdout.partition("\nNotes\n")[2]
    assert "pause reason: she is on leave" in notes
    assert cli.json("contact-campaign", "resume", *words)["status"] == "active"
    stopped = cli("contact-campaign", "stop", *words, "--reason", "she left")
    assert "outcome  cancelled" in stopped.stdout
    late = cli("contact-campaign", "pause", *words)
    assert (late.exit_code, late.stdout) == (1, "")


def test_contact_campaigns_are_listed_a_page_at_a_time(house: House, cli: Cli) -> None:
    streams = sorted(str(house.started(PLAN)) for _ in range(3))
    assert cli("rebuild", house.tenant, "contact_campaigns").exit_code in (0, 1)
    first = cli.json("contact-campaign", "list", house.tenant, "--limit", "2")
    assert [one["id"] for one in first["items"]] == streams[:2]
    result = cli("contact-campaign", "list", house.tenant, "--limit", "2")
    assert f"--cursor {first['next_cursor']}" in result.stderr
    words = ("--limit", "2", "--cursor", first["next_cursor"], "--status", "active")
    rest = cli.json("contact-campaign", "list", house.tenant, *words)
    assert ([one["id"] for one in rest["items"]], rest["next_cursor"]) == (streams[2:], None)
    wrong = cli("contact-campaign", "list", house.tenant, "--cursor", "mine")
    assert wrong.exit_code == 2
    assert "/cursor" in wrong.stderr


def test_a_contact_campaign_that_is_not_there_is_wrong_use(house: House, cli: Cli) -> None:
    for word in ("show", "pause", "resume", "stop"):
        result = cli("contact-campaign", word, house.tenant, str(UUID(int=1)))
        assert (result.exit_code, result.stdout) == (2, "")
        assert "no contact-campaign" in result.stderr


# --- suppressions ---------------------------------------------------------------------------------


def banned(house: House, *addresses: str) -> set[str]:
    soon = house.clock.now() + timedelta(hours=1)
    return house.ports.suppressions.banned(Family.EMAIL, addresses, soon)


def test_an_address_is_suppressed_listed_without_it_and_lifted(house: House, cli: Cli) -> None:
    added = cli("suppressions", "add", house.tenant, ADA, "--reason", "asked_by_phone")
    assert added.stdout == "1 address suppressed\n"
    assert banned(house, ADA) == {ADA}
    shown = cli("suppressions", "list", house.tenant)
    assert "asked_by_phone" in shown.stdout
    assert "ada" not in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 100
    (item,) = cli.json("suppressions", "list", house.tenant)["items"]
    assert (item["reason"], item["source"], len(item["address_hmac"])) == (
        "asked_by_phone",
        "api",
        64,
    )
    assert cli("suppressions", "remove", house.tenant, ADA).exit_code == 2
    why = ("--reason", "asked to be written to again")
    assert cli.json("suppressions", "remove", house.tenant, ADA, *why) == {"lifted": True}
    assert banned(house, ADA) == set()
    again = cli("suppressions", "remove", house.tenant, ADA, *why)
    assert (again.exit_code, again.stdout) == (2, "")
    assert "no such address" in again.stderr
    assert cli.json("suppressions", "list", house.tenant)["items"] == []


def test_a_file_of_addresses_is_suppressed(house: House, cli: Cli) -> None:
    people = [f"p{number}@home.example" for number in range(1_002)]
    path = cli.file("opted_out.txt", "\n".join(people) + "\n\n")
    told = cli.json("suppressions", "add", house.tenant, "--file", path)
    assert told == {"suppressed": 1_002}
    assert banned(house, *people) == set(people)


@pytest.mark.parametrize(
    ("words", "told"),
    [((), "give one or more addresses"), ((ADA, "--reason", "On the phone"), "/reason")],
)
def test_a_suppression_that_cannot_be_is_wrong_use(
    house: House, cli: Cli, words: tuple[str, ...], told: str
) -> None:
    result = cli("suppressions", "add", house.tenant, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
