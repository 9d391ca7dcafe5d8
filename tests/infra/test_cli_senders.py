"""Sender accounts, the rules of sending and its stop from the command line."""

from datetime import timedelta
from typing import Any

import pytest

from domain.accounts import AnswerCounts, Failures, Rules, judge_answers
from tests.infra.cli_running import SENDER, Cli
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

PLAN = plan(send("intro", way("no_reply", "end", after="P5D")), stop())


def account(cli: Cli, house: House, name: str = "sam") -> Any:
    return cli.json("sender", "show", house.tenant, name)["account"]


def test_a_sender_is_added_with_caps_and_a_warm_up_and_shown(house: House, cli: Cli) -> None:
    given = SENDER | {"sender": "eve", "from_email": "eve@mail.acme.example"}
    more = {"profile": "mailbox", "zone": "Europe/Lisbon", "day_max": 40, "warmup": "default"}
    added = cli("sender", "add", house.tenant, cli.file("eve.json", given | more))
    assert added.exit_code == 0, added.stderr
    shown = account(cli, house, "eve")
    assert (shown["own"]["profile"], shown["day_max"]) == ("mailbox", 40)
    assert (shown["warmup"]["day"], shown["warmup"]["cap"]) == (1, 50)
    text = cli("sender", "show", house.tenant, "eve").stdout
    assert "mailbox, zone Europe/Lisbon" in text
    assert "day 1 of 9: up to 50" in text
    (row,) = house.rows("SELECT day_max, warmup_max FROM {s}.sender_accounts WHERE sender = 'eve'")
    assert row == (40, 50)
    lines = cli("sender", "list", house.tenant).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["sender", "eve", "sam"]
    assert max(map(len, lines)) <= 100


def test_the_use_of_the_caps_is_shown(house: House, cli: Cli) -> None:
    house.started(PLAN)
    house.after(minutes=10)
    used = {one["limit_name"]: one["used"] for one in account(cli, house)["usage"]}
    assert used["sender_hour"] == 1


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"day_max": 0}, "day_max: 0 is not between 1"),
        ({"hour_max": -3}, "to send nothing, pause instead"),
        ({"zone": "Mars"}, "no time zone"),
        (
            {"warmup": [{"day": 1, "cap": 5}, {"day": 3, "cap": 9}]},
            "here comes day 2, without a hole",
        ),
    ],
)
def test_what_cannot_be_an_account_is_wrong_use_and_writes_nothing(
    house: House, cli: Cli, more: dict[str, Any], told: str
) -> None:
    given = SENDER | {"sender": "eve", **more}
    result = cli("sender", "add", house.tenant, cli.file("eve.json", given))
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
    assert cli("sender", "show", house.tenant, "eve").exit_code == 2


def test_orders_to_a_sender_are_carried_out_and_told_with_who_gave_them(
    house: House, cli: Cli
) -> None:
    paused = cli("sender", "pause", house.tenant, "sam", "--reason", "on leave")
    assert "paused: operator" in paused.stdout
    house.started(PLAN)
    house.after(minutes=10)
    assert house.provider.calls == []
    cli("sender", "resume", house.tenant, "sam")
    cli("sender", "health", house.tenant, "sam", "80", "--reason", "one bad list")
    assert account(cli, house)["health"]["set_to"] == 80
    cli("sender", "health", house.tenant, "sam", "--reason", "list cleaned")
    cli("sender", "away", house.tenant, "sam", "--until", "2027-01-01T00:00:00Z")
    assert account(cli, house)["away_until"] == "2027-01-01T00:00:00Z"
    cli("sender", "back", house.tenant, "sam")
    cli("sender", "warmup", house.tenant, "sam", "5", "10")
    assert account(cli, house)["warmup"]["caps"] == [5, 10]
    cli("sender", "warmup", house.tenant, "sam", "--end")
    assert cli("sender", "reset-circuit", house.tenant, "sam").exit_code == 0
    told = cli.json("sender", "events", house.tenant, "sam")["items"]
    assert [one["kind"] for one in told][-8:] == [
        "sender_paused",
        "sender_resumed",
        "health_overridden",
        "override_lifted",
        "sender_away",
        "sender_back",
        "warmup_started",
        "warmup_ended",
    ]
    assert {one["actor"] for one in told[-8:]} == {"cli"}
    shown = cli("sender", "events", house.tenant, "sam").stdout
    assert "sender paused" in shown
    assert "caps 5 10, on" in shown
    assert not set("{}[]()'") & set(shown.replace("(UTC)", ""))


def test_an_order_to_a_sender_is_shown_with_its_reason(house: House, cli: Cli) -> None:
    cli("sender", "pause", house.tenant, "sam", "--reason", "on leave")
    cli("sender", "resume", house.tenant, "sam")
    cli("sender", "health", house.tenant, "sam", "80", "--reason", "one bad list")
    cli("sender", "health", house.tenant, "sam", "--reason", "list cleaned")
    told = cli.json("sender", "events", house.tenant, "sam")["items"]
    reasons = {one["kind"]: one["reason"] for one in told}
    assert reasons["sender_paused"] == "on leave"
    assert reasons["health_overridden"] == "one bad list"
    assert reasons["sender_resumed"] == ""
    assert "on leave" in cli("sender", "events", house.tenant, "sam").stdout
    lines = cli("sender", "show", house.tenant, "sam").stdout.splitlines()
    assert any(line.endswith("sender paused by cli: on leave") for line in lines)
    assert any(line.endswith("health overridden by cli: one bad list") for line in lines)
    orders = cli.json("sender", "show", house.tenant, "sam")["orders"]
    assert ("override_lifted", "list cleaned") in {(one["kind"], one["reason"]) for one in orders}


def test_another_warm_up_under_way_is_replaced_only_by_a_restart(house: House, cli: Cli) -> None:
    cli("sender", "warmup", house.tenant, "sam", "5", "10")
    refused = cli("sender", "warmup", house.tenant, "sam", "7", "14")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "under way: day 1 of 2, up to 5" in refused.stderr
    assert account(cli, house)["warmup"]["caps"] == [5, 10]
    assert cli("sender", "warmup", house.tenant, "sam", "5", "10").exit_code == 0
    begun = cli("sender", "warmup", house.tenant, "sam", "7", "14", "--restart")
    assert "day 1 of 2: up to 7" in begun.stdout
    assert cli("sender", "warmup", house.tenant, "sam", "--end", "--restart").exit_code == 2


def test_a_circuit_that_is_half_open_is_called_so(house: House, cli: Cli) -> None:
    doubts = Failures(ambiguous=5)
    house.account(judge_answers, heard=AnswerCounts(ambiguous=5), window=doubts, jitter=0.0)
    state = "state    circuit "
    assert f"{state}open until " in cli("sender", "show", house.tenant, "sam").stdout
    house.clock.advance(timedelta(minutes=1))
    later = {"ANTIPHON_CLOCK_ORIGIN_SIMULATED": house.clock.now().isoformat()}
    shown = cli("sender", "show", house.tenant, "sam", **later).stdout
    assert f"{state}half open: one message may try the provider" in shown


def test_a_removed_sender_stays_visible_and_takes_no_orders(house: House, cli: Cli) -> None:
    assert cli("sender", "remove", house.tenant, "sam").exit_code == 2
    removed = cli("sender", "remove", house.tenant, "sam", "--reason", "left the company")
    assert "deleted" in removed.stdout
    again = cli("sender", "pause", house.tenant, "sam")
    assert (again.exit_code, again.stdout) == (2, "")
    assert "add it first" in again.stderr


def test_an_unknown_sender_and_a_score_that_is_none_are_wrong_use(house: House, cli: Cli) -> None:
    unknown = cli("sender", "verify", house.tenant, "nobody")
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert "there is sam" in cli("sender", "show", house.tenant, "nobody").stderr
    wrong = cli("sender", "health", house.tenant, "sam", "101", "--reason", "a try")
    assert wrong.exit_code == 2
    assert "not between 0 and 100" in wrong.stderr
    both = cli("sender", "warmup", house.tenant, "sam", "5", "--end")
    assert both.exit_code == 2


def test_rules_are_shown_and_changed_by_name(house: House, cli: Cli) -> None:
    shown = cli("rules", "show", house.tenant).stdout
    for name in Rules.__struct_fields__:
        assert f"\n{name} " in shown
    words = ("tenant_hour_max=2000", "weekend=reduced", "strict_consent=true")
    changed = cli.json("rules", "set", house.tenant, *words)["rules"]
    assert (changed["tenant_hour_max"], changed["weekend"]) == (2000, "reduced")
    assert changed["strict_consent"] is True
    assert "strict_consent" in cli("rules", "show", house.tenant).stdout


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("tenant_hour_max=0", "to send nothing, pause instead"),
        ("tenant_hour_max=many", "/tenant_hour_max"),
        ("month_max=5", "/month_max"),
        ("tenant_hour_max", "NAME=VALUE"),
        ("weekend=", "NAME=VALUE"),
    ],
)
def test_a_rule_that_cannot_be_is_wrong_use(house: House, cli: Cli, word: str, told: str) -> None:
    result = cli("rules", "set", house.tenant, word)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_all_sending_stops_at_once_and_goes_on(house: House, cli: Cli) -> None:
    paused = cli("sending", "pause", house.tenant, "--reason", "wrong prices")
    assert paused.stdout == f"{house.tenant} sends nothing (operator)\n"
    house.started(PLAN)
    house.after(minutes=10)
    assert house.provider.calls == []
    rules = cli("rules", "show", house.tenant).stdout
    assert rules.splitlines()[-1].endswith("sending paused by cli: wrong prices")
    *_, order = cli.json("rules", "show", house.tenant)["orders"]
    assert (order["kind"], order["reason"]) == ("sending_paused", "wrong prices")
    resumed = cli.json("sending", "resume", house.tenant, "--reason", "prices are right")
    assert resumed["rules"]["paused"] == ""
    house.after(minutes=10)
    assert len(house.provider.calls) == 1
    assert cli("sending", "pause", house.tenant).exit_code == 2
