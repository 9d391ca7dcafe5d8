"""Messages are explained, skipped, held, released and sent again from the command line."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain.accounts import PauseReason, pause
from domain.gates import GATES
from domain.taxonomy import AnswerClass
from handlers.ports import Answer
from tests.infra.cli_running import Cli
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

PLAN = plan(
    send("intro", way("no_reply", "end", after="P5D"), schedule={"delay": "P1D"}),
    stop(),
)
NOW = plan(send("intro", way("no_reply", "end", after="P5D")), stop())
WHY = ("--reason", "she called")


def test_a_message_is_explained_in_a_hundred_columns(house: House, cli: Cli) -> None:
    stream = house.started(NOW)
    house.after(minutes=10)
    message = str(house.message(stream))
    result = cli("explain", house.tenant, message)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0] == f"message {message}, ACCEPTED"
    assert lines[1].startswith("It was sent on 2026-09-07 09:10 UTC")
    words = {tuple(line.split()[:2]) for line in lines}
    assert {("passed", gate.name) for gate in GATES} <= words
    assert "campaign_day 0/10000" in " ".join(result.stdout.split())
    found = cli.json("explain", house.tenant, message)
    assert found["answer"].startswith("It was sent on 2026-09-07 09:10 UTC")
    (asked,) = [one for one in found["decisions"] if one["kind"] == "send_attempt_started"]
    assert [one["name"] for one in asked["gates"]] == [gate.name for gate in GATES]


def test_a_message_that_waits_is_explained_with_what_the_gates_say_now(
    house: House, cli: Cli
) -> None:
    message = str(house.message(house.started(PLAN)))
    shown = cli("explain", house.tenant, message).stdout
    assert "It waits for its time, 2026-09-08 09:00 UTC" in shown
    assert "\nWhat the gates say now\n" in shown
    house.started(PLAN)


def test_why_nobody_may_write_to_it_is_told_back_to_the_order_and_without_the_address(
    house: House, cli: Cli
) -> None:
    stream = house.started(PLAN)
    message = str(house.message(stream))
    (person,) = house.ports.vault.people([house.state(stream).contact_id]).values()
    assert person.email is not None
    cli("suppressions", "add", house.tenant, person.email, "--reason", "asked_by_phone")
    house.after(days=2)
    shown = cli("explain", house.tenant, message).stdout
    flat = " ".join(shown.split())
    assert "it was cancelled, because the address must not be written to (asked_by_phone)" in flat
    assert (
        "The address is suppressed since 2026-09-07 09:00 UTC, by order by cli in request" in flat
    )
    assert "suppressed: asked_by_phone, ground manual, source api, digest " in flat
    assert "planned for 2026-09-08 09:00:00 UTC" in flat
    assert person.email not in shown
    assert max(map(len, shown.splitlines())) <= 100
    told = cli.json("explain", house.tenant, message)
    assert [one["cause_kind"] for one in told["banned"]] == ["operator"]


def test_what_holds_a_message_is_told_with_when_it_is_asked_again_and_with_the_reason(
    house: House, cli: Cli
) -> None:
    cli("sender", "pause", house.tenant, "sam", "--reason", "on leave")
    message = str(house.message(house.started(NOW)))
    house.after(minutes=10)
    told = cli.json("explain", house.tenant, message)
    again = told["looked_at_again_at"][:16].replace("T", " ")
    shown = cli("explain", house.tenant, message).stdout
    flat = " ".join(shown.split())
    assert "planned for 2026-09-07 09:00:00 UTC" in flat
    assert f"looked at again {again}:00 UTC, held by sender_paused" in flat
    assert "sender paused: on leave" in shown.partition("\nNotes\n")[2]


def test_where_a_person_decided_the_gates_are_one_line_and_their_data_is_whole(
    house: House, cli: Cli
) -> None:
    message = str(house.message(house.started(PLAN)))
    cli("queue", "skip", house.tenant, message, *WHY)
    shown = " ".join(cli("explain", house.tenant, message).stdout.split())
    assert "not asked " + ", ".join(gate.name for gate in GATES) in shown
    assert "not reached" not in shown
    (skipped,) = [
        one
        for one in cli.json("explain", house.tenant, message)["decisions"]
        if one["kind"] == "message_cancelled"
    ]
    assert [one["name"] for one in skipped["gates"]] == [gate.name for gate in GATES]


def test_an_unknown_message_is_wrong_use(house: House, cli: Cli) -> None:
    nobody = str(UUID(int=1))
    for words in (
        ("explain", house.tenant, nobody),
        ("queue", "skip", house.tenant, nobody, *WHY),
        ("queue", "release", house.tenant, nobody, *WHY),
    ):
        result = cli(*words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "no message" in result.stderr


def test_a_message_is_held_listed_released_and_skipped(house: House, cli: Cli) -> None:
    message = str(house.message(house.started(PLAN)))
    held = cli("queue", "hold", house.tenant, message, *WHY)
    assert held.stdout == f"{message} is PLANNED (operator), when it is let go\n"
    assert "when it is let go" in cli("queue", "list", house.tenant).stdout
    (item,) = cli.json("queue", "list", house.tenant, "--state", "PLANNED")["items"]
    assert (item["id"], item["hold_reason"]) == (message, "operator")
    released = cli.json("queue", "release", house.tenant, message, *WHY)
    assert (released["hold_reason"], released["due_at"]) == (None, "2026-09-08T09:00:00Z")
    for _ in range(2):
        skipped = cli.json("queue", "skip", house.tenant, message, *WHY)
        assert (skipped["state"], skipped["reason"]) == ("CANCELLED", "operator")
    assert cli.json("queue", "list", house.tenant)["items"] == []
    assert cli("rebuild", house.tenant, "all").exit_code == 0
    assert cli.json("check", house.tenant)["holds"] is True
    late = cli("queue", "hold", house.tenant, message, *WHY)
    assert (late.exit_code, late.stdout) == (1, "")
    assert "it is CANCELLED" in late.stderr


def test_the_queue_names_the_person_the_campaign_and_the_sender(house: House, cli: Cli) -> None:
    stream = house.started(PLAN)
    message = str(house.message(stream))
    (item,) = cli.json("queue", "list", house.tenant)["items"]
    person = house.ports.vault.people([house.state(stream).contact_id])
    (known,) = person.values()
    assert item["contact"] == {
        "external_id": known.external_id,
        "email": known.email,
        "first_name": known.first_name,
        "last_name": known.last_name,
    }
    assert item["campaign"]["sender"] == "sam"
    first, second = cli("queue", "list", house.tenant).stdout.splitlines()
    assert first == f"{message}  2026-09-08 09:00  PLANNED"
    for word in (known.external_id, f"<{known.email}>", item["campaign"]["name"], "from sam"):
        assert str(word) in second
    cli("campaign", "pause", house.tenant, item["campaign_id"])
    assert "held by its campaign: paused" in cli("queue", "list", house.tenant).stdout


def test_a_message_that_is_looked_at_again_says_when_and_what_holds_it(
    house: House, cli: Cli
) -> None:
    house.account(pause, reason=PauseReason.OPERATOR)
    house.started(NOW)
    house.after(minutes=10)
    (line, _) = cli("queue", "list", house.tenant).stdout.splitlines()
    assert line.endswith("  QUEUED  held by sender_paused, looked at again then")


def test_a_hold_until_the_past_and_an_order_without_a_reason_are_wrong_use(
    house: House, cli: Cli
) -> None:
    message = str(house.message(house.started(PLAN)))
    past = cli("queue", "hold", house.tenant, message, *WHY, "--until", "2020-01-01T00:00:00Z")
    assert past.exit_code == 2
    assert "/until: must be in the future" in past.stderr
    assert cli("queue", "skip", house.tenant, message).exit_code == 2
    short = cli("queue", "skip", house.tenant, message, "--reason", "x")
    assert short.exit_code == 2
    assert "/reason" in short.stderr


def test_a_message_that_was_lost_is_found_by_its_state_and_sent_again(
    house: House, cli: Cli
) -> None:
    house.provider.answer = lambda _: Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")
    stream = house.started(NOW)
    house.after(minutes=10)
    message = str(house.message(stream))
    (item,) = cli.json("queue", "list", house.tenant, "--state", "UNKNOWN")["items"]
    assert (item["id"], item["reason"]) == (message, "timeout")
    unconfirmed = cli("queue", "resend", house.tenant, message, *WHY)
    assert unconfirmed.exit_code == 2
    assert "/confirm" in unconfirmed.stderr
    early = cli("queue", "resend", house.tenant, message, *WHY, "--confirm")
    assert early.exit_code == 1
    assert "72 hours" in early.stderr
    house.clock.advance(timedelta(hours=73))
    later = {"ANTIPHON_CLOCK_ORIGIN_SIMULATED": house.clock.now().isoformat()}
    again = cli("queue", "resend", house.tenant, message, *WHY, "--confirm", **later)
    assert again.exit_code == 0, again.stderr
    assert again.stdout.startswith(f"{message} is QUEUED")


def test_reports_that_came_to_nothing_are_listed_and_tried_again(house: House, cli: Cli) -> None:
    stream = house.started(NOW)
    house.after(minutes=10)
    house.hear(house.event(stream, "open", antiphon_message=str(UUID(int=7)), email="x@y.example"))
    house.work()
    assert cli.json("inbox", "list", house.tenant)["items"] == []
    (item,) = cli.json("inbox", "list", house.tenant, "--state", "orphan")["items"]
    assert "no_message" in cli("inbox", "list", house.tenant, "--state", "orphan").stdout
    released = cli("inbox", "release", house.tenant, str(item["id"]))
    assert released.stdout == f"{item['id']} (open) is new\n"
    assert cli.json("inbox", "release", house.tenant, str(item["id"]))["state"] == "new"
    unknown = cli("inbox", "release", house.tenant, "99")
    assert unknown.exit_code == 2
    assert "no report" in unknown.stderr
