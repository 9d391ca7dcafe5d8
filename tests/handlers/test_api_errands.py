"""Tasks, notices, signals and endpoints over HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.campaign import INITIAL
from domain.campaign.state import Campaign
from domain.ids import CampaignId, ContactId, ErrandId, StreamId
from domain.lifecycle import Stage
from handlers.errands.lists import NoticeRow, TaskRow, WantedNotices, WantedTasks
from tests.handlers.web_fakes import NOON, World

STREAM = StreamId(UUID(int=50))
CAMPAIGN = CampaignId(UUID(int=51))
NODE = {"id": "ring", "title": "Call {{ contact.email }}", "assignee": "sam"}


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    made.papers.plans["sha256:p"] = {"nodes": [NODE]}
    yield made
    made.client.close()


def a_task(world: World, number: int, state: str = "open") -> TaskRow:
    row = TaskRow(
        id=ErrandId(UUID(int=number)),
        contact_campaign_id=STREAM,
        campaign_id=CAMPAIGN,
        contact_id=world.a_contact(),
        kind="call",
        node="ring",
        visit=1,
        due_at=NOON + timedelta(hours=number),
        created_at=NOON,
        state=state,
        ended_at=None if state == "open" else NOON,
        plan_hash="sha256:p",
    )
    world.desk.tasks[row.id] = row
    return row


def a_notice(world: World, number: int) -> NoticeRow:
    row = NoticeRow(
        id=ErrandId(UUID(int=number)),
        contact_campaign_id=STREAM,
        contact_id=ContactId(UUID(int=52)),
        recipient="owner",
        text="Dana wrote back",
        created_at=NOON + timedelta(hours=number),
        read_at=None,
    )
    world.desk.notices[row.id] = row
    return row


# --- tasks ----------------------------------------------------------------------------------------


def test_a_task_is_listed_with_the_words_of_its_plan(world: World) -> None:
    a_task(world, 1)
    (item,) = world.get("/v1/tasks").json()["items"]
    assert (item["title"], item["assignee"], item["state"]) == (
        "Call c1@example.com",
        "sam",
        "open",
    )
    assert "plan_hash" not in item


def test_a_task_whose_plan_was_erased_is_still_listed(world: World) -> None:
    a_task(world, 1)
    world.papers.plans.clear()
    (item,) = world.get("/v1/tasks").json()["items"]
    assert (item["title"], item["assignee"], item["kind"]) == ("", None, "call")


def test_the_list_of_tasks_passes_on_what_it_was_asked_for(world: World) -> None:
    rows = [a_task(world, number) for number in (1, 2, 3)]
    query = {"campaign": str(CAMPAIGN), "assignee": "sam", "limit": 2}
    first = world.get("/v1/tasks", params=query).json()
    world.get("/v1/tasks", params={"state": "done", "cursor": first["next_cursor"]})
    assert world.desk.asked == [
        WantedTasks(state="open", campaign=CAMPAIGN, assignee="sam", limit=3),
        WantedTasks(state="done", after=(rows[1].due_at, rows[1].id), limit=101),
    ]
    for wrong in ("state=happy", "campaign=7", "assignee=", "who=sam"):
        assert world.get(f"/v1/tasks?{wrong}").status_code == 422


@pytest.mark.parametrize("how", ["done", "skip"])
def test_a_task_that_is_not_there_cannot_be_ended(world: World, how: str) -> None:
    answer = world.post(f"/v1/tasks/{UUID(int=9)}/{how}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("how", ["done", "skip"])
def test_a_task_that_is_over_is_answered_as_it_ended_and_the_reason_is_kept(
    world: World, how: str
) -> None:
    row = a_task(world, 1, state="withdrawn")
    world.streams.states[STREAM] = Campaign(stage=Stage.EXITED)
    answer = world.post(f"/v1/tasks/{row.id}/{how}", {"reason": "she called"})
    assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")
    assert world.papers.notes == [("task_reason", "she called")]
    assert world.bell.rung == ["errands", "timers", "dispatch"]


# --- notices --------------------------------------------------------------------------------------


def test_notices_are_listed_and_marked_as_read_once(world: World) -> None:
    row = a_notice(world, 1)
    assert world.get("/v1/notices").json()["items"][0]["text"] == "Dana wrote back"
    read = world.call("POST", f"/v1/notices/{row.id}/read").json()
    world.clock.at += timedelta(hours=1)
    assert world.call("POST", f"/v1/notices/{row.id}/read").json() == read
    assert read["read_at"] == "2026-03-02T12:00:00Z"
    assert world.call("POST", f"/v1/notices/{UUID(int=9)}/read").status_code == 404


def test_the_list_of_notices_passes_on_what_it_was_asked_for(world: World) -> None:
    rows = [a_notice(world, number) for number in (1, 2)]
    first = world.get("/v1/notices", params={"recipient": "owner", "limit": 1}).json()
    world.get("/v1/notices", params={"unread": "true", "cursor": first["next_cursor"]})
    assert world.desk.asked == [
        WantedNotices(recipient="owner", limit=2),
        WantedNotices(unread=True, before=(rows[0].created_at, rows[0].id), limit=101),
    ]


# --- signals --------------------------------------------------------------------------------------

PATH = f"/v1/contact-campaigns/{STREAM}/signals"
BOOKED = {"kind": "meeting_booked", "occurred_at": "2026-03-02T11:00:00Z"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "replied"},
        {"kind": "unsubscribed"},
        {"kind": "x_"},
        {"kind": "x_Upper"},
        {"kind": "x_" + "a" * 41},
        {"occurred_at": "2026-03-02T11:00:00"},
        {"occurred_at": "2026-03-02T12:05:01Z"},
        {"occurred_at": "0001-01-01T00:00:00+05:00"},
        {"occurred_at": "yesterday"},
        {"data": "words"},
        {"data": {"a": "x" * 20_000}},
        {"more": 1},
    ],
)
def test_only_goals_and_own_events_of_the_past_can_be_reported(
    world: World, wrong: dict[str, Any]
) -> None:
    world.streams.states[STREAM] = Campaign(stage=Stage.ACTIVE)
    assert world.post(PATH, {**BOOKED, **wrong}).status_code == 422


def test_what_happened_before_a_contact_campaign_began_is_not_about_it(world: World) -> None:
    """Else an end would be dated before the start, and the next run might begin at once."""
    begun = datetime(2026, 3, 2, 11, 30, tzinfo=UTC)
    world.streams.states[STREAM] = Campaign(stage=Stage.ACTIVE, started_at=begun)
    answer = world.post(PATH, {**BOOKED, "occurred_at": "2026-03-02T11:24:59Z"})
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/occurred_at"]


def test_a_signal_needs_a_contact_campaign_that_has_begun(world: World) -> None:
    assert world.post(PATH, BOOKED).status_code == 404
    world.streams.states[STREAM] = INITIAL.__class__(stage=Stage.DRAFT)
    answer = world.post(PATH, BOOKED)
    assert (answer.status_code, answer.json()["code"]) == (409, "campaign_not_started")


# --- endpoints ------------------------------------------------------------------------------------

CRM = {"name": "crm", "url": "https://crm.example/in"}


def test_the_secret_of_an_endpoint_is_told_once(world: World) -> None:
    made = world.post("/v1/endpoints", CRM)
    assert (made.status_code, made.json()["secret"]) == (201, "whsec_cw==")
    (item,) = world.get("/v1/endpoints").json()["items"]
    assert item == {**CRM, "enabled": True, "created_at": "2026-03-02T12:00:00Z"}
    assert world.post("/v1/endpoints", CRM).status_code == 409


def test_no_answer_with_a_secret_in_it_is_kept_for_a_repetition(world: World) -> None:
    headers = {"Idempotency-Key": "k1"}
    assert world.post("/v1/endpoints", CRM, headers=headers).status_code == 201
    assert world.memory.known == {}


def test_an_endpoint_is_taken_away_by_its_name(world: World) -> None:
    world.post("/v1/endpoints", CRM)
    assert world.call("DELETE", "/v1/endpoints", json={"name": "crm"}).json() == {"removed": True}
    assert world.call("DELETE", "/v1/endpoints", json={"name": "crm"}).status_code == 404
    assert world.post("/v1/endpoints", {**CRM, "name": "CRM"}).status_code == 422


def test_endpoints_are_listed_page_by_page(world: World) -> None:
    for name in ("b-b", "a_a", "b"):
        world.post("/v1/endpoints", {**CRM, "name": name})
    first = world.get("/v1/endpoints?limit=2").json()
    rest = world.get(f"/v1/endpoints?limit=2&cursor={first['next_cursor']}").json()
    assert [one["name"] for one in (*first["items"], *rest["items"])] == ["a_a", "b", "b-b"]
    assert rest["next_cursor"] is None
