"""Orders about single messages, and reports that came to nothing, over HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.campaign.state import Campaign, Message, Phase
from domain.events import MessageDeferred
from domain.ids import MessageId, NodeId, StreamId
from domain.lifecycle import Stage
from domain.taxonomy import Channel, HoldReason, MessageState
from handlers import access
from handlers.dead_letters import DeadLetter
from tests.handlers.web_fakes import NOON, World, a_message

STREAM = StreamId(UUID(int=50))
MID = MessageId(UUID(int=1))
WHY = {"reason": "she called"}


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.client.close()


def a_waiting(world: World, state: MessageState = MessageState.QUEUED, **more: Any) -> None:
    """The message is in the queue, and its contact-campaign waits for it."""
    world.tables.messages[MID] = a_message(1, state=state.value)
    message = Message(
        id=MID,
        node=NodeId("hello"),
        visit=1,
        channel=Channel.EMAIL,
        state=state,
        entered_at=NOON,
        due_at=NOON,
        expires_at=NOON + timedelta(days=3),
        dedupe_key="k",
    )
    told = {"phase": Phase.SCHED, "pending": MID, "messages": {MID: replace(message, **more)}}
    world.streams.states[STREAM] = Campaign(stage=Stage.ACTIVE, **told)  # type: ignore[arg-type]  # fields


def held(world: World) -> Message:
    return world.streams.states[STREAM].messages[MID]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"/v1/send-queue/{MID}/skip", WHY),
        (f"/v1/send-queue/{MID}/hold", WHY),
        (f"/v1/send-queue/{MID}/release", WHY),
        (f"/v1/messages/{MID}/resend", {**WHY, "confirm": True}),
    ],
)
def test_orders_about_a_message_that_is_not_there_or_without_a_reason_are_refused(
    world: World, path: str, body: dict[str, Any]
) -> None:
    answer = world.post(path, body)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    for reason in (None, "", "no"):
        answer = world.post(path, {**body, "reason": reason})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/reason"


def test_a_message_is_held_with_its_reason_and_by_whom(world: World) -> None:
    a_waiting(world)
    until = NOON + timedelta(days=2)
    body = {**WHY, "until": until.isoformat()}
    assert world.post(f"/v1/send-queue/{MID}/hold", body, role="agent").status_code == 200
    assert (held(world).held, held(world).due_at) == (HoldReason.OPERATOR, until)
    assert world.papers.notes == [("hold_reason", "she called")]
    ((cause, _),) = world.streams.causes
    assert cause.startswith("operator:id-agent/")


@pytest.mark.parametrize(
    "until", ["2026-03-02T11:00:00Z", "2026-03-09T11:00:00", "9999-12-31T23:00:00-05:00", "soon"]
)
def test_a_hold_until_the_past_or_until_no_instant_is_refused(world: World, until: str) -> None:
    a_waiting(world)
    answer = world.post(f"/v1/send-queue/{MID}/hold", {**WHY, "until": until})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/until"
    assert held(world).held == ""


def test_a_release_gives_the_due_time_back_that_it_had_before_the_hold(world: World) -> None:
    a_waiting(world)
    assert world.post(f"/v1/send-queue/{MID}/hold", WHY).status_code == 200
    fact = MessageDeferred(
        message_id=MID,
        reason=HoldReason.OPERATOR,
        due_at=held(world).due_at,
        expires_at=held(world).expires_at,
        at=NOON,
    )
    assert fact.due_at > NOON + timedelta(days=10_000)
    assert world.post(f"/v1/send-queue/{MID}/release", WHY).status_code == 200
    assert (held(world).held, held(world).due_at) == ("", NOON + timedelta(minutes=0))
    assert world.bell.rung == ["errands", "timers", "dispatch"]


def test_what_was_sent_is_not_held_and_the_answer_says_so(world: World) -> None:
    a_waiting(world, MessageState.ACCEPTED)
    answer = world.post(f"/v1/send-queue/{MID}/hold", WHY)
    assert (answer.status_code, answer.json()["code"]) == (409, "message_not_waiting")
    assert "it was sent" in answer.json()["detail"]
    assert world.papers.notes == []


def test_a_second_attempt_needs_a_confirmation_and_says_what_it_may_cost(world: World) -> None:
    a_waiting(world, MessageState.PRESUMED_LOST)
    answer = world.post(f"/v1/messages/{MID}/resend", WHY)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], "twice" in fault["detail"]) == ("/confirm", True)
    assert held(world).state == MessageState.PRESUMED_LOST


@pytest.mark.parametrize("role", ["agent", "viewer", "planner"])
def test_only_an_admin_sends_again(world: World, role: str) -> None:
    body = {**WHY, "confirm": True}
    assert world.post(f"/v1/messages/{MID}/resend", body, role=role).status_code == 403


def test_what_is_not_lost_is_not_sent_again(world: World) -> None:
    a_waiting(world, MessageState.ACCEPTED)
    answer = world.post(f"/v1/messages/{MID}/resend", {**WHY, "confirm": True})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_lost")


# --- reports that came to nothing -----------------------------------------------------------------


def a_letter(world: World, number: int, state: str = "parked") -> DeadLetter:
    letter = DeadLetter(
        id=number,
        delivery_id=UUID(int=9),
        provider="sendgrid",
        kind="open",
        state=state,
        reason="no_time",
        occurred_at=None,
        received_at=NOON,
        tries=3,
        next_try_at=None,
        contact_campaign_id=None,
        message_id=None,
    )
    world.letters.held[number] = letter
    return letter


def test_reports_are_listed_by_state_a_page_at_a_time(world: World) -> None:
    for number in (1, 2, 3):
        a_letter(world, number)
    a_letter(world, 4, state="orphan")
    first = world.get("/v1/webhook-inbox", params={"limit": 2}).json()
    assert [one["id"] for one in first["items"]] == [1, 2]
    more = world.get("/v1/webhook-inbox", params={"cursor": first["next_cursor"]}).json()
    assert [one["id"] for one in more["items"]] == [3]
    orphans = world.get("/v1/webhook-inbox", params={"state": "orphan"}).json()
    assert [one["id"] for one in orphans["items"]] == [4]
    assert world.get("/v1/webhook-inbox", params={"state": "recorded"}).status_code == 422


def test_a_report_is_tried_again_and_once_more_is_no_news(world: World) -> None:
    a_letter(world, 7)
    for _ in range(2):
        answer = world.post("/v1/webhook-inbox/7/release")
        assert (answer.status_code, answer.json()["state"]) == (200, "new")
    assert world.bell.rung == ["ingest", "ingest"]


def test_a_report_that_was_taken_in_since_or_is_unknown_is_not_tried_again(world: World) -> None:
    a_letter(world, 7)
    a_letter(world, 8, state="recorded")
    world.letters.taken = {7}
    for number in (7, 8):
        answer = world.post(f"/v1/webhook-inbox/{number}/release")
        assert (answer.status_code, answer.json()["code"]) == (409, "out_of_step")
    for unknown in ("9", "99999999999999999999999", "x", "-1"):
        assert world.post(f"/v1/webhook-inbox/{unknown}/release").status_code == 404


def test_the_queue_names_people_and_campaigns_in_two_look_ups(world: World) -> None:
    campaign, contact = world.a_campaign().campaign_id, world.a_contact()
    for number in range(1, 6):
        row = a_message(number, campaign_id=campaign, contact_id=contact)
        world.tables.messages[row.id] = row
    stranger = a_message(6)
    world.tables.messages[stranger.id] = stranger
    *known, unknown = world.get("/v1/send-queue").json()["items"]
    assert world.shelf.looked == 1
    assert {one["contact"]["external_id"] for one in known} == {"c1"}
    assert {one["campaign"]["name"] for one in known} == {"Autumn"}
    assert (unknown["contact"], unknown["campaign"]) == (None, None)


def test_who_may_not_read_contacts_sees_no_names_in_the_queue(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = a_message(1, contact_id=world.a_contact())
    world.tables.messages[row.id] = row
    monkeypatch.setitem(access.ROLES_OF, access.Permission.READ_CONTACTS, frozenset())  # type: ignore[arg-type]  # a dict
    (item,) = world.get("/v1/send-queue").json()["items"]
    assert item["contact"] is None
    assert item["id"] == str(row.id)
