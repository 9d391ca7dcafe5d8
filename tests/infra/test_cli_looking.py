"""What is recorded is told, checked, rebuilt and replayed from the command line."""

import json
from typing import Any
from uuid import UUID

import pytest

from domain.ids import StreamId
from tests.infra.cli_running import Cli
from tests.infra.sendgrid_replies import FORM, MESSAGE, PARSED, multipart
from tests.stories.house import House, plan

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

PLAN = plan(
    {
        "id": "intro",
        "type": "send",
        "channel": "email",
        "message": {"subject": "Invoices", "text": "Hello {{ contact.first_name }}"},
        "transitions": [{"on": "no_reply", "after": "P3D", "to": "end"}],
    },
    {"id": "end", "type": "stop", "outcome": "no_response"},
)
AGES_AGO = "2001-01-01T00:00:00Z"
INSERT = """
INSERT INTO {s}.webhook_deliveries (delivery_id, provider, received_at, headers, body)
VALUES (%(id)s, %(provider)s, now(), %(headers)s::jsonb, %(body)s)
"""


def journey(house: House) -> StreamId:
    """One that was sent, opened, and waits."""
    stream = house.started(PLAN)
    house.after(minutes=10)
    house.hear(house.event(stream, "delivered"), house.event(stream, "open", ip="192.0.2.1"))
    house.work()
    return stream


# --- timeline -------------------------------------------------------------------------------------


def test_a_timeline_tells_the_state_and_every_event_in_a_hundred_columns(
    house: House, cli: Cli
) -> None:
    stream = journey(house)
    result = cli("timeline", house.tenant, str(stream))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert "now" in lines[0]
    assert any(line.split() == ["node", "intro"] for line in lines)
    told = cli.json("timeline", house.tenant, str(stream))
    assert [each["kind"] for each in told["events"]] == house.topics(stream)
    for event in told["events"]:
        assert any(event["told"][:30] in line for line in lines), event


def test_a_timeline_has_the_reasons_that_were_given(house: House, cli: Cli) -> None:
    stream = journey(house)
    message = house.message(stream)
    house.ports.vault.keep_note(stream, None, "order_reason", "she\ncalled")
    house.ports.vault.keep_note(message, None, "provider_answer", "mailbox full")
    house.ports.vault.keep_note(UUID(int=7), None, "provider_answer", "of another contact")
    shown = cli("timeline", house.tenant, str(stream)).stdout
    _, notes = shown.split("\nNotes\n")
    assert "order reason: she called\n" in notes
    assert "provider answer: mailbox full\n" in notes
    assert "another contact" not in notes
    listed = cli.json("timeline", house.tenant, str(stream))["notes"]
    assert [one["text"] for one in listed] == ["she\ncalled", "mailbox full"]
    before = cli.json("timeline", house.tenant, str(stream), "--as-of", AGES_AGO)
    assert before["notes"] is None
    assert "Notes" not in cli("timeline", house.tenant, str(stream), "--as-of", AGES_AGO).stdout


def test_a_timeline_ends_at_the_instant_it_is_asked_for(house: House, cli: Cli) -> None:
    stream = journey(house)
    recorded = house.history(stream)
    instant = recorded[0].at.isoformat()
    told = cli.json("timeline", house.tenant, str(stream), "--as-of", instant)
    upto = [one for one in recorded if one.at <= recorded[0].at]
    assert 0 < len(told["events"]) == len(upto) < len(recorded)
    shown = cli("timeline", house.tenant, str(stream), "--as-of", instant)
    assert f"as of {recorded[0].at:%Y-%m-%d %H:%M:%S} UTC" in shown.stdout


def test_a_timeline_before_the_first_event_says_not_begun(house: House, cli: Cli) -> None:
    stream = journey(house)
    shown = cli("timeline", house.tenant, str(stream), "--as-of", "2001-01-01T00:00:00Z")
    assert shown.exit_code == 0
    assert "not begun" in shown.stdout
    assert "none" not in shown.stdout


def test_an_unknown_contact_campaign_is_wrong_use(house: House, cli: Cli) -> None:
    result = cli("timeline", house.tenant, str(UUID(int=1)))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no contact-campaign" in result.stderr


# --- check and rebuild ----------------------------------------------------------------------------


def test_what_holds_is_told_with_how_much_was_examined(house: House, cli: Cli) -> None:
    journey(house)
    told = cli.json("rebuild", house.tenant, "all", code=0)
    assert all(each["differences"] == 0 for each in told["items"])
    report = cli.json("check", house.tenant)
    assert (report["holds"], report["poisoned"]) == (True, [])
    assert sum(each["examined"] for each in report["invariants"]) > 0
    shown = cli("check", house.tenant)
    assert shown.exit_code == 0
    assert "invariants checked: all hold" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 100


def test_what_is_broken_is_told_with_an_example_and_no(house: House, cli: Cli) -> None:
    stream = journey(house)
    house.rows("DELETE FROM {s}.send_queue WHERE stream_id = %(s)s RETURNING 1", s=stream)
    report = cli.json("check", house.tenant, code=1)
    broken = [each for each in report["invariants"] if each["broken"]]
    assert report["holds"] is False
    assert all(each["examples"] for each in broken)
    shown = cli("check", house.tenant)
    assert shown.exit_code == 1
    assert "not all hold" in shown.stdout
    for each in broken:
        assert f"{each['id']}: {each['examples'][0][:20]}" in shown.stdout


def test_a_rebuild_tells_what_was_not_as_the_log_says_and_mends_it(house: House, cli: Cli) -> None:
    stream = journey(house)
    assert cli("rebuild", house.tenant, "contact_campaigns").exit_code == 0
    wrong = (
        "UPDATE {s}.contact_campaigns SET node = 'elsewhere' WHERE stream_id = %(s)s RETURNING 1"
    )
    house.rows(wrong, s=stream)
    result = cli("rebuild", house.tenant, "contact_campaigns")
    assert result.exit_code == 1
    assert "elsewhere" in result.stdout
    again = cli.json("rebuild", house.tenant, "contact_campaigns")
    assert [(each["differences"], each["swapped"]) for each in again["items"]] == [(0, True)]


def test_a_projection_that_does_not_exist_is_wrong_use(house: House, cli: Cli) -> None:
    result = cli("rebuild", house.tenant, "contacts")
    assert result.exit_code == 2
    assert "activity_feed" in result.stderr


# --- replay ---------------------------------------------------------------------------------------


def deliver(house: House, provider: str, body: bytes, **headers: str) -> None:
    """A delivery that was kept and of which nothing reached the inbox."""
    house.rows(
        INSERT + " RETURNING 1",
        id=house.system.rng.new_id(),
        provider=provider,
        headers=json.dumps(headers),
        body=body,
    )


def stored(house: House) -> list[Any]:
    return house.rows(
        "SELECT (SELECT count(*) FROM {s}.webhook_deliveries),"
        " (SELECT count(*) FROM {s}.webhook_inbox), (SELECT count(*) FROM {s}.events)"
    )


def test_what_is_there_already_is_not_changed_by_a_replay(house: House, cli: Cli) -> None:
    journey(house)
    before = stored(house)
    told = cli.json("replay-webhooks", house.tenant)
    assert (told["deliveries"], told["known"], told["new"]) == (1, 2, 0)
    house.work()
    assert stored(house) == before


def test_what_was_missed_is_taken_in_once(house: House, cli: Cli) -> None:
    stream = journey(house)
    events = [house.event(stream, "click", url="https://acme.example/a", ip="192.0.2.1"), {"a": 1}]
    deliver(house, "sendgrid", json.dumps(events).encode())
    deliver(house, "telex", b"?")
    told = cli.json("replay-webhooks", house.tenant)
    assert told == {"deliveries": 3, "known": 2, "new": 1, "unusable": 1, "without_reader": 1}
    house.work()
    assert house.topics(stream).count("signal_recorded") == 3
    after = stored(house)
    shown = cli("replay-webhooks", house.tenant)
    assert shown.exit_code == 0
    assert "0 events new" in shown.stdout
    assert stored(house) == after


def test_a_missed_reply_is_taken_in_with_its_words(house: House, cli: Cli) -> None:
    stream = journey(house)
    message = str(house.message(stream))
    sample = {name: text.replace(str(MESSAGE), message) for name, text in PARSED["reply"].items()}
    deliver(house, "sendgrid_inbound", multipart(sample), **{"content-type": FORM})
    assert cli.json("replay-webhooks", house.tenant)["new"] == 1
    assert cli.json("replay-webhooks", house.tenant)["new"] == 0
    assert house.rows("SELECT text <> '' FROM {s}.replies") == [(True,)]


def test_only_what_was_received_since_then_is_read(house: House, cli: Cli) -> None:
    journey(house)
    now = house.system.database.now().isoformat()
    assert cli.json("replay-webhooks", house.tenant, "--since", now)["deliveries"] == 0
