"""Sender accounts and the rules of sending over HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from domain import accounts
from domain.accounts import PauseReason, Profile, Rules, Weekend
from domain.accounts.rules import SETTABLE
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.api.sender_calls import NewSender
from handlers.api.sending_calls import NewRules
from handlers.ports import Why
from tests.handlers.web_fakes import NOON, World

WHY = Why(Cause(CauseKind.REQUEST, "test"), "test")
SENDER = {
    "sender": "eve",
    "from_email": "eve@mail.example",
    "from_name": "Eve",
    "reply_domain": "reply.example",
    "postal_address": "1 Harbour Street",
}


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    register = partial(
        accounts.register, sender="sam", settings=accounts.AccountSettings(), at=NOON
    )
    made.accounts.order("sam", register, WHY)
    yield made
    made.client.close()


def ordered(world: World, how: str, body: Any = None, status: int = 200) -> Any:
    answer = world.post(f"/v1/senders/sam/{how}", body)
    assert answer.status_code == status, answer.text
    return answer.json()


# --- what is shown --------------------------------------------------------------------------------


def test_a_sender_is_shown_with_its_caps_their_use_and_its_health(world: World) -> None:
    world.counts.each = 7
    (item,) = world.get("/v1/senders").json()["items"]
    account = item["account"]
    assert (item["sender"], item["from_email"]) == ("sam", "sam@mail.example")
    assert (account["minute_max"], account["hour_max"], account["day_max"]) == (20, 1000, None)
    assert account["usage"] == [
        {"limit_name": "sender_minute", "used": 7, "limit": 20},
        {"limit_name": "sender_hour", "used": 7, "limit": 1000},
    ]
    assert (account["health"]["score"], account["health"]["least"]) == (100, 30)
    assert account["circuit"] == {
        "open": False,
        "half_open": False,
        "until": None,
        "opens": 0,
        "needs_operator": False,
    }


def test_a_sender_without_an_account_is_shown_without(world: World) -> None:
    world.accounts.facts.clear()
    (item,) = world.get("/v1/senders").json()["items"]
    assert item["account"] is None


def test_the_events_of_an_account_say_who_ordered_what(world: World) -> None:
    ordered(world, "pause", {"reason": "on leave"})
    ordered(world, "resume", {})
    first = world.get("/v1/senders/sam/events", params={"limit": 2}).json()
    assert [one["kind"] for one in first["items"]] == ["sender_registered", "sender_paused"]
    assert first["items"][1]["actor"] == "id-admin"
    assert first["items"][1]["data"] == {"reason": "operator"}
    rest = world.get("/v1/senders/sam/events", params={"cursor": first["next_cursor"]}).json()
    assert [one["kind"] for one in rest["items"]] == ["sender_resumed"]
    assert world.accounts.whys[1].note == "on leave"


# --- orders ---------------------------------------------------------------------------------------


def test_a_sender_is_set_up_with_its_account(world: World) -> None:
    more = {"profile": "mailbox", "zone": "Europe/Lisbon", "day_max": 40, "warmup": "default"}
    account = world.post("/v1/senders", SENDER | more).json()["account"]
    assert account["own"]["profile"] == "mailbox"
    assert (account["own"]["zone"], account["day_max"]) == ("Europe/Lisbon", 40)
    assert (account["warmup"]["day"], account["warmup"]["cap"]) == (1, 50)
    names = [one["limit_name"] for one in account["usage"]]
    assert names == ["sender_minute", "sender_hour", "sender_day", "warmup_day"]


@pytest.mark.parametrize("cap", ["day_max", "minute_max", "hour_max"])
@pytest.mark.parametrize("value", [0, -5])
def test_a_cap_that_lets_nothing_out_is_refused_and_nothing_is_written(
    world: World, cap: str, value: int
) -> None:
    answer = world.post("/v1/senders", SENDER | {cap: value})
    assert (answer.status_code, answer.json()["code"]) == (422, "setting_refused")
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], "pause instead" in fault["detail"]) == (f"/{cap}", True)
    assert "eve" not in world.papers.accounts


@pytest.mark.parametrize(
    ("table", "pointer", "told"),
    [
        ([], "/warmup", "0 days"),
        ([(1, 50), (3, 100)], "/warmup/1", "here comes day 2"),
        ([(1, 50), (2, 0)], "/warmup/1", "lets nothing out"),
        ([(1, 50), (2, 40)], "/warmup/1", "less than 50"),
    ],
)
def test_a_warm_up_with_a_hole_or_a_step_back_is_refused_with_its_place(
    world: World, table: list[tuple[int, int]], pointer: str, told: str
) -> None:
    schedule = [{"day": day, "cap": cap} for day, cap in table]
    for path, body in (
        ("/v1/senders", SENDER | {"warmup": schedule}),
        ("/v1/senders/sam/warmup", {"schedule": schedule}),
    ):
        answer = world.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "warmup_refused")
        (fault,) = answer.json()["errors"]
        assert fault["pointer"] == pointer
        assert told in fault["detail"]
    assert "eve" not in world.papers.accounts


@pytest.mark.parametrize(
    ("how", "body"),
    [
        ("pause", {}),
        ("resume", {}),
        ("verify", {}),
        ("health", {"score": 80, "reason": "one bad list"}),
        ("away", {}),
        ("back", {}),
        ("warmup", {"schedule": "default"}),
        ("reset-circuit", {}),
    ],
)
def test_an_unknown_sender_takes_no_order(world: World, how: str, body: dict[str, Any]) -> None:
    answer = world.post(f"/v1/senders/nobody/{how}", body)
    assert (answer.status_code, answer.json()["code"]) == (404, "sender_unknown")
    assert "add it first" in answer.json()["detail"]


def test_an_unknown_sender_is_not_removed_and_has_no_events(world: World) -> None:
    body = {"reason": "left the company"}
    removed = world.call("DELETE", "/v1/senders/nobody", json=body)
    assert (removed.status_code, removed.json()["code"]) == (404, "sender_unknown")
    assert world.get("/v1/senders/nobody/events").status_code == 404


def test_a_pause_is_shown_and_lifted(world: World) -> None:
    paused = ordered(world, "pause", {"reason": "on leave"})
    assert [one["reason"] for one in paused["account"]["pauses"]] == ["operator"]
    assert ordered(world, "pause")["account"]["pauses"] == paused["account"]["pauses"]
    assert ordered(world, "resume")["account"]["pauses"] == []


def test_a_stop_for_complaints_is_lifted_only_with_a_reason(world: World) -> None:
    stop = partial(accounts.pause, reason=PauseReason.COMPLAINT_STOP, at=NOON)
    world.accounts.order("sam", stop, WHY)
    refused = ordered(world, "resume", status=422)
    assert refused["code"] == "reason_required"
    assert refused["errors"][0]["pointer"] == "/reason"
    assert ordered(world, "resume", {"reason": "list cleaned"})["account"]["pauses"] == []


def test_the_health_is_set_by_hand_and_given_back(world: World) -> None:
    until = (NOON + timedelta(days=2)).isoformat()
    body = {"score": 20, "until": until, "reason": "bounces of a bad list"}
    health = ordered(world, "health", body)["account"]["health"]
    assert (health["score"], health["reckoned"], health["set_to"]) == (20, 100, 20)
    health = ordered(world, "health", {"reason": "list cleaned"})["account"]["health"]
    assert (health["score"], health["set_to"]) == (100, None)
    for wrong in ({"score": 101}, {"score": -1}, {"score": 50, "until": "2020-01-01T00:00:00Z"}):
        refused = ordered(world, "health", {"reason": "a try", **wrong}, status=422)
        assert refused["errors"][0]["pointer"] in ("/score", "/until")
    assert ordered(world, "health", {"score": 50}, status=422)["errors"][0]["pointer"] == "/reason"


def test_another_warm_up_under_way_is_replaced_only_by_a_restart(world: World) -> None:
    ordered(world, "warmup", {"schedule": "default"})
    other = [{"day": 1, "cap": 5}, {"day": 2, "cap": 9}]
    refused = ordered(world, "warmup", {"schedule": other}, status=409)
    assert refused["code"] == "warmup_under_way"
    assert "day 1 of 9" in refused["detail"]
    begun = ordered(world, "warmup", {"schedule": other, "restart": True})
    assert begun["account"]["warmup"]["caps"] == [5, 9]
    assert ordered(world, "warmup", {"schedule": "end", "restart": True}, status=422)["errors"]


def test_a_sender_written_again_keeps_the_warm_up_that_is_under_way(world: World) -> None:
    assert world.post("/v1/senders", SENDER | {"warmup": "default"}).status_code == 200
    again = SENDER | {"from_name": "Someone else", "warmup": [{"day": 1, "cap": 5}]}
    refused = world.post("/v1/senders", again)
    assert (refused.status_code, refused.json()["code"]) == (409, "warmup_under_way")
    assert world.papers.accounts["eve"].from_name != "Someone else"
    assert world.post("/v1/senders", SENDER | {"warmup": "default"}).status_code == 200


def test_a_circuit_whose_time_is_over_is_shown_as_half_open(world: World) -> None:
    refused = accounts.AnswerCounts(ambiguous=5)
    heard = partial(
        accounts.judge_answers,
        heard=refused,
        window=accounts.Failures(ambiguous=5),
        jitter=0.0,
        at=NOON,
    )
    world.accounts.order("sam", heard, WHY)
    for later, half_open in ((timedelta(0), False), (timedelta(seconds=30), True)):
        world.clock.at = NOON + later
        (item,) = world.get("/v1/senders").json()["items"]
        circuit = item["account"]["circuit"]
        assert (circuit["open"], circuit["half_open"]) == (True, half_open)


def test_an_absence_a_verification_and_a_warm_up_come_and_go(world: World) -> None:
    assert ordered(world, "verify")["account"]["verified"] is True
    assert ordered(world, "away")["account"]["away"] is True
    assert ordered(world, "back")["account"]["away"] is False
    begun = ordered(world, "warmup", {"schedule": [{"day": 1, "cap": 5}, {"day": 2, "cap": 9}]})
    assert begun["account"]["warmup"]["caps"] == [5, 9]
    assert ordered(world, "warmup", {"schedule": "end"})["account"]["warmup"] is None
    assert ordered(world, "warmup", {}, status=422)["errors"][0]["pointer"].startswith("/schedule")


def test_a_sender_is_removed_with_a_reason_and_stays_visible(world: World) -> None:
    assert world.call("DELETE", "/v1/senders/sam", json={}).status_code == 422
    answer = world.call("DELETE", "/v1/senders/sam", json={"reason": "left the company"})
    assert (answer.status_code, answer.json()["account"]["deleted"]) == (200, True)
    (item,) = world.get("/v1/senders").json()["items"]
    assert item["account"]["deleted"] is True


@pytest.mark.parametrize("how", ["pause", "away"])
def test_an_agent_may_stop_a_sender_and_not_let_it_go_again(world: World, how: str) -> None:
    assert world.post(f"/v1/senders/sam/{how}", role="agent").status_code == 200
    for back in ("resume", "back", "verify"):
        assert world.post(f"/v1/senders/sam/{back}", role="agent").status_code == 403


# --- the tenant's sending -------------------------------------------------------------------------


def test_the_rules_are_shown_and_changed_all_or_none(world: World) -> None:
    world.counts.each = 3
    shown = world.get("/v1/sending").json()
    assert shown["rules"]["tenant_hour_max"] == Rules().tenant_hour_max
    assert shown["usage"] == [{"limit_name": "tenant_hour", "used": 3, "limit": 5000}]
    changes = {"tenant_hour_max": 2000, "weekend": "reduced", "strict_consent": True}
    changed = world.call("PATCH", "/v1/sending", json=changes).json()["rules"]
    assert {name: changed[name] for name in changes} == changes
    refused = world.call("PATCH", "/v1/sending", json={"domain_hour_max": 0, "apart_days": 10})
    assert (refused.status_code, refused.json()["code"]) == (422, "setting_refused")
    assert refused.json()["errors"][0]["pointer"] == "/domain_hour_max"
    assert world.get("/v1/sending").json()["rules"] == changed


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"zone": "Mars/Olympus"}, "/zone"),
        ({"weekend": "sometimes"}, "/weekend"),
        ({"pace_min_s": 95}, "/pace_min_s"),
        ({"tenant_hour_max": 10**12}, "/tenant_hour_max"),
        ({"sender_month_max": 5}, "/sender_month_max"),
        ({"health_min": 101}, "/health_min"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_its_name(
    world: World, wrong: dict[str, Any], pointer: str
) -> None:
    answer = world.call("PATCH", "/v1/sending", json=wrong)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_every_rule_of_the_domain_can_be_changed() -> None:
    assert set(NewRules.model_fields) == {*SETTABLE, "reason"}
    for weekend in Weekend:
        assert NewRules.model_validate({"weekend": weekend.value}).weekend == weekend
    for profile in Profile:
        assert NewSender.model_validate(SENDER | {"profile": profile.value}).profile == profile


def test_all_sending_is_paused_by_an_agent_and_resumed_by_an_admin(world: World) -> None:
    why = {"reason": "wrong prices"}
    assert world.post("/v1/sending/pause", {}, role="agent").status_code == 422
    paused = world.post("/v1/sending/pause", why, role="agent").json()
    assert paused["rules"]["paused"] == "operator"
    assert world.post("/v1/sending/resume", why, role="agent").status_code == 403
    assert world.post("/v1/sending/resume", why).json()["rules"]["paused"] == ""
