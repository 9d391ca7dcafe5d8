"""Every administrative act is recorded before it is done, and again where it fails."""

from typing import Any
from uuid import UUID

import pytest

from domain.acts import Act, ActFailed, ActOrdered
from handlers.api.operations import OPERATIONS
from tests.handlers.web_fakes import World

NO_ACTS = {
    "POST /v1/contacts": "data of contacts, kept in the vault with their own times",
    "POST /v1/contacts/import": "data of contacts",
    "PATCH /v1/contacts/{id}": "data of contacts",
    "POST /v1/campaigns/{id}/enrolments": "a fact for each contact, with the request as its cause",
    "POST /v1/contact-campaigns/{id}/signals": "a fact, with the request as its cause",
    "POST /v1/tasks/{id}/done": "a fact, with the key that ended the task",
    "POST /v1/tasks/{id}/skip": "a fact, with the key that ended the task",
    "POST /v1/notices/{id}/read": "a mark on what was read",
    "POST /v1/plans/check": "changes nothing",
    "POST /v1/plans/simulate": "changes nothing",
    "POST /v1/plans/trace": "changes nothing",
    "POST /v1/plans/graph": "changes nothing",
    "POST /v1/contact-campaigns/{id}/what-if": "changes nothing",
}
"""Writing routes that are no administrative acts, and why."""
BAN = {"items": [{"address": "ada@home.example", "reason": "asked_by_phone"}]}


@pytest.fixture
def world() -> World:
    return World()


def test_every_route_that_changes_something_is_an_act_or_says_why_not() -> None:
    writing = [one for one in OPERATIONS if one.method != "GET"]
    silent = {f"{one.method} {one.path}" for one in writing if not hasattr(one.perform, "act")}
    assert silent == set(NO_ACTS)


def test_each_act_has_a_word_of_its_own() -> None:
    words = [one.perform.act for one in OPERATIONS if hasattr(one.perform, "act")]
    assert len(words) == len(set(words)) > 25
    assert set(words) <= set(Act)


def test_an_act_tells_who_did_what_to_what_in_which_request(world: World) -> None:
    campaign = world.a_campaign()
    answer = world.post(f"/v1/campaigns/{campaign.campaign_id}/launch", {"reason": "now"})
    (shown,) = world.get("/v1/admin-events").json()["items"]
    assert (shown["act"], shown["actor"]) == ("campaign.launch", "id-admin")
    assert shown["subject"] == str(campaign.campaign_id)
    assert shown["before"] == {"status": "draft"}
    assert shown["reasoned"] is True
    assert shown["request_id"] == answer.headers["x-request-id"]


def test_an_address_or_a_reason_is_in_no_act(world: World) -> None:
    world.post("/v1/suppressions", BAN)
    lifted = {"address": "ada@home.example", "reason": "Ada wrote that she agrees"}
    world.call("DELETE", "/v1/suppressions", json=lifted)
    facts = [one.fact for one in world.acts.facts]
    assert [fact.act for fact in facts if isinstance(fact, ActOrdered)] == [
        "suppression.add",
        "suppression.lift",
    ]
    assert not any(word in repr(facts) for word in ("ada", "Ada", "home"))
    (added, _) = facts
    assert isinstance(added, ActOrdered)
    assert added.after == {"addresses": 1, "reasons": "asked_by_phone"}


def test_the_reason_of_a_lift_is_read_from_the_vault(world: World) -> None:
    world.post("/v1/suppressions", BAN)
    lifted = {"address": "ada@home.example", "reason": "she agrees"}
    world.call("DELETE", "/v1/suppressions", json=lifted)
    newest = world.get("/v1/admin-events", params={"limit": 1}).json()["items"][0]
    assert "she agrees" in newest["reason"]


def test_an_act_that_is_refused_is_told_as_failed(world: World) -> None:
    lifted = {"address": "nobody@home.example", "reason": "a mistake"}
    assert world.call("DELETE", "/v1/suppressions", json=lifted).status_code == 404
    ordered, failed = (one.fact for one in world.acts.facts)
    assert isinstance(ordered, ActOrdered)
    assert isinstance(failed, ActFailed)
    assert (failed.ordered, bool(failed.code)) == (1, True)
    assert "nobody" not in repr((ordered, failed))


def test_what_cannot_be_recorded_is_not_done(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> int:
        raise OSError("the disk is full")

    monkeypatch.setattr(world.acts, "record", broken)
    assert world.post("/v1/suppressions", BAN).status_code == 500
    monkeypatch.undo()
    assert world.get("/v1/suppressions").json()["items"] == []


def test_acts_are_listed_newest_first_a_page_at_a_time(world: World) -> None:
    for _ in range(5):
        world.post("/v1/suppressions", BAN)
    seen: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        page = world.get("/v1/admin-events", params={"limit": 2, **cursor}).json()
        seen += [one["number"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == [5, 4, 3, 2, 1]


def test_a_body_that_is_no_order_is_no_act(world: World) -> None:
    assert world.post("/v1/suppressions", {"items": []}).status_code == 422
    assert world.post(f"/v1/campaigns/{UUID(int=9)}/launch").status_code == 404
    assert world.acts.facts == []


@pytest.mark.parametrize(("role", "status"), [("viewer", 200), ("agent", 403), ("planner", 403)])
def test_who_audits_reads_acts_and_who_works_does_not(world: World, role: str, status: int) -> None:
    assert world.get("/v1/admin-events", role=role).status_code == status
