"""Plans, campaigns, enrolments and orders through the API."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.events import SignalRecorded
from domain.ids import StreamId
from domain.recorded import Cause, Recorded
from domain.taxonomy import CauseKind
from plans.intake import BYTES_MAX
from tests.handlers.web_fakes import NOON, TENANT, World, a_mail, a_message

PLAN = {
    "version": "1.0",
    "startNodeId": "hello",
    "timezone": "UTC",
    "nodes": [
        {
            "id": "hello",
            "type": "send",
            "channel": "email",
            "subject": "Hello",
            "body": "Hello there",
            "transitions": [{"on": "sent", "to": "end"}],
        },
        {"id": "end", "type": "stop", "outcome": "no_response"},
    ],
}


@pytest.fixture
def world() -> World:
    return World()


# --- plans ----------------------------------------------------------------------------------------


def test_a_refused_plan_is_a_report_with_status_200(world: World) -> None:
    good = world.post("/v1/plans/check", {"plan": PLAN}, role="planner")
    bad = world.post("/v1/plans/check", {"plan": {**PLAN, "startNodeId": "gone"}})
    assert (good.status_code, good.json()["ok"]) == (200, True), good.text
    assert good.json()["planHash"].startswith("sha256:")
    assert (bad.status_code, bad.json()["ok"]) == (200, False)
    assert bad.json()["issues"][0]["path"]


def test_a_plan_is_checked_for_a_contact_or_for_a_context_but_not_for_both(world: World) -> None:
    contact = str(world.a_contact())
    context = {"tenant": "t_acme", "contact": "x"}
    assert world.post("/v1/plans/check", {"plan": PLAN, "contact_id": contact}).status_code == 200
    assert world.post("/v1/plans/check", {"plan": PLAN, "context": context}).status_code == 200
    both = {"plan": PLAN, "contact_id": contact, "context": context}
    assert world.post("/v1/plans/check", both).status_code == 422
    stranger = {"plan": PLAN, "contact_id": str(UUID(int=1))}
    assert world.post("/v1/plans/check", stranger).status_code == 404
    assert world.post("/v1/plans/check", {"plan": PLAN, "contact": "x"}).status_code == 422


@pytest.mark.parametrize("plan", ['{"a": 1, "a": 2}', '{"a": 1e999}', '"' + "x" * BYTES_MAX + '"'])
def test_a_plan_that_the_front_door_refuses_is_refused_in_its_report(
    world: World, plan: str
) -> None:
    answer = world.call(
        "POST",
        "/v1/plans/check",
        content=f'{{"plan": {plan}}}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 200
    assert [one["code"] for one in answer.json()["issues"]] == ["E_VALUE"]


def test_a_plan_is_drawn_as_text_and_as_svg(world: World) -> None:
    text = world.post("/v1/plans/graph", {"plan": PLAN}).json()
    picture = world.post("/v1/plans/graph", {"plan": PLAN, "format": "svg"}).json()
    assert "hello" in text["drawing"]
    assert picture["drawing"].startswith("<svg")
    assert world.post("/v1/plans/graph", {"plan": {"nodes": 7}}).status_code == 422


def test_the_schema_comes_in_its_flavours(world: World) -> None:
    assert "$defs" in world.get("/v1/plans/schema").json()
    assert world.get("/v1/plans/schema?flavour=lite").json()["$id"].endswith("lite")
    assert world.get("/v1/plans/schema?flavour=sour").status_code == 422


# --- campaigns ------------------------------------------------------------------------------------


def test_a_new_campaign_is_a_draft_and_its_name_is_its_own(world: World) -> None:
    made = world.post("/v1/campaigns", {"name": "Autumn", "sender": "sam"})
    assert (made.status_code, made.json()["status"], made.json()["daily_limit"]) == (
        201,
        "draft",
        50,
    )
    again = world.post("/v1/campaigns", {"name": "Autumn"})
    assert (again.status_code, again.json()["code"]) == (409, "name_taken")
    unknown = world.post("/v1/campaigns", {"name": "Winter", "sender": "nobody"})
    assert unknown.json()["errors"][0]["pointer"] == "/sender"
    assert [one["name"] for one in world.get("/v1/campaigns").json()["items"]] == ["Autumn"]


def test_orders_move_a_campaign_and_may_be_repeated(world: World) -> None:
    path = f"/v1/campaigns/{world.a_campaign().campaign_id}"
    assert world.post(f"{path}/pause").status_code == 409
    for order, status in [
        ("launch", "active"),
        ("launch", "active"),
        ("pause", "paused"),
        ("pause", "paused"),
        ("resume", "active"),
        ("stop", "stopped"),
        ("stop", "stopped"),
    ]:
        assert world.post(f"{path}/{order}").json()["campaign"]["status"] == status
    gone = world.post(f"{path}/launch")
    assert (gone.status_code, gone.json()["code"]) == (409, "out_of_step")
    assert "dispatch" in world.bell.rung


def test_the_reason_of_an_order_is_kept_in_the_vault(world: World) -> None:
    path = f"/v1/campaigns/{world.a_campaign(status='active').campaign_id}/pause"
    world.post(path, {"reason": "complaints of Ada"})
    assert world.papers.notes == [("campaign_pause_reason", "complaints of Ada")]


# --- enrolments -----------------------------------------------------------------------------------


def enrol(world: World, items: list[Any], *, status: str = "active", role: str = "admin") -> Any:
    row = world.a_campaign(f"for {len(world.shelf.rows)}", status)
    return world.post(f"/v1/campaigns/{row.campaign_id}/enrolments", {"items": items}, role=role)


def test_enrolment_answers_one_result_per_item_in_order(world: World) -> None:
    """A38; a refused item stops no other."""
    known = str(world.a_contact("c1"))
    answer = enrol(
        world,
        [
            {"contact_id": known, "plan": {**PLAN, "startNodeId": "gone"}},
            {"contact_id": known, "plan": PLAN},
            {"contact_id": str(UUID(int=404)), "plan": PLAN},
            {"contact": {"external_id": "c2", "email": "bo@example.com"}, "plan": PLAN},
            {"contact": {"external_id": "c3", "email": "bad"}, "plan": PLAN},
            {"contact_id": known, "contact": {"external_id": "c1"}, "plan": PLAN},
            {"contact": {"email": "cy@example.com"}, "plan": PLAN},
            {"contact_id": known},
            {"contact_id": known, "plan": PLAN, "colour": "red"},
            {"contact_id": known, "plan": PLAN},
        ],
    )
    assert answer.status_code == 200
    results = answer.json()["items"]
    assert [one["status"] for one in results] == [
        *("refused", "started", "refused", "started"),
        *("refused", "refused", "refused", "refused", "refused"),
        "duplicate",
    ]
    assert results[1]["contact_campaign_id"] == results[9]["contact_campaign_id"]
    assert results[1]["plan_hash"].startswith("sha256:")
    paths = [one["report"]["issues"][0]["path"] for one in results if "report" in one]
    assert paths[1:] == [
        "/contact_id",
        "/contact/email",
        "/contact",
        "/contact/external_id",
        "/plan",
        "/colour",
    ]


def test_a_plan_that_is_too_long_is_refused_and_its_neighbour_starts(world: World) -> None:
    known = str(world.a_contact())
    long = {**PLAN, "metadata": {"x": "y" * BYTES_MAX}}
    answer = enrol(
        world, [{"contact_id": known, "plan": long}, {"contact_id": known, "plan": PLAN}]
    )
    assert [one["status"] for one in answer.json()["items"]] == ["refused", "started"]


def test_what_an_enrolment_causes_carries_the_request_id(world: World) -> None:
    answer = enrol(world, [{"contact_id": str(world.a_contact()), "plan": PLAN}])
    request_id = answer.headers["x-request-id"]
    assert world.streams.causes == [(f"request:{request_id}", UUID(request_id))]


def test_a_planner_writes_no_contacts_by_the_way(world: World) -> None:
    items = [{"contact": {"external_id": "c1", "email": "me@example.com"}, "plan": PLAN}]
    assert enrol(world, items, status="draft", role="planner").status_code == 403
    assert world.book.people_by_id == {}


def test_a_planner_enrols_into_drafts_only(world: World) -> None:
    items = [{"contact_id": str(world.a_contact()), "plan": PLAN}]
    assert enrol(world, items, role="planner").status_code == 403
    assert enrol(world, items, status="draft", role="planner").status_code == 200
    assert enrol(world, items, status="stopped").status_code == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ("[]", 400),
        ("{}", 422),
        ('{"items": []}', 422),
        ('{"items": [7]}', 422),
        ('{"items": {}}', 422),
        ('{"items": [], "more": 1}', 422),
        (json.dumps({"items": [{}] * 1001}), 422),
        ('{"items": ' + "[" * 200_000 + "]" * 200_000 + "}", 400),
    ],
)
def test_a_body_that_is_no_list_of_items_is_refused_whole(
    world: World, body: str, status: int
) -> None:
    path = f"/v1/campaigns/{world.a_campaign().campaign_id}/enrolments"
    answer = world.call("POST", path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status


# --- contact-campaigns ----------------------------------------------------------------------------


def enrolled(world: World) -> str:
    answer = enrol(world, [{"contact_id": str(world.a_contact()), "plan": PLAN}])
    found: str = answer.json()["items"][0]["contact_campaign_id"]
    return found


def test_a_contact_campaign_is_paused_resumed_and_stopped_and_says_who_ordered_it(
    world: World,
) -> None:
    path = f"/v1/contact-campaigns/{enrolled(world)}"
    assert world.get(path).json()["status"] == "active"
    paused = world.post(f"{path}/pause", {"reason": "she called"})
    assert (paused.json()["status"], paused.status_code) == ("paused", 200)
    assert world.post(f"{path}/resume").json()["status"] == "active"
    assert world.call("POST", f"{path}/stop").json()["outcome"] == "cancelled"
    ended = world.post(f"{path}/pause")
    assert (ended.status_code, ended.json()["code"]) == (409, "campaign_ended")
    cause, correlation = world.streams.causes[1]
    assert cause == f"operator:id-admin/{correlation}"
    assert world.papers.notes == [("pause_reason", "she called")]


@pytest.mark.parametrize("tail", ["", "/timeline", "/plans"])
def test_an_id_of_another_tenant_is_404(world: World, tail: str) -> None:
    assert world.get(f"/v1/contact-campaigns/{UUID(int=9)}{tail}").status_code == 404


def test_a_timeline_tells_what_was_known_at_an_instant(world: World) -> None:
    stream = UUID(enrolled(world))
    fact = SignalRecorded(signal="opened", at=NOON)
    cause = Cause(CauseKind.WEBHOOK, "w1")
    row = next(iter(world.shelf.rows))
    given: Any = (TENANT, stream, 1, 1, fact, NOON, cause, UUID(int=3), row, UUID(int=4))
    world.history.append(Recorded(*given))
    path = f"/v1/contact-campaigns/{stream}/timeline"
    now = world.get(path).json()
    before = world.get(path, params={"as_of": "2026-03-02T11:59:59Z"}).json()
    assert [one["cause"] for one in now["events"]] == ["webhook:w1"]
    assert before["events"] == []
    assert world.get(path, params={"as_of": "2026-03-02T11:59:59"}).status_code == 422


def test_a_timeline_tells_what_changed_between_two_instants_and_by_which_facts(
    world: World,
) -> None:
    stream = UUID(enrolled(world))
    row = next(iter(world.shelf.rows))
    signals = ("opened", "clicked", "replied")
    for number, signal in enumerate(signals, 1):
        at = NOON + timedelta(hours=number)
        fact = SignalRecorded(signal=signal, at=at)
        cause = Cause(CauseKind.WEBHOOK, f"w{number}")
        ids = UUID(int=3), row, UUID(int=4)
        world.history.append(Recorded(TENANT, stream, number, number, fact, at, cause, *ids))
    path = f"/v1/contact-campaigns/{stream}/timeline"
    between = {"diff_from": "2026-03-02T13:30:00Z", "as_of": "2026-03-02T14:30:00Z"}
    told = world.get(path, params=between).json()
    assert [one["version"] for one in told["events"]] == [2]
    assert told["difference"]["before"]["latched"] == ["opened"]
    (changed,) = told["difference"]["changed"]
    assert (changed["field"], changed["by"]) == ("latched", [2])
    assert changed["after"] == told["state"]["latched"] == ["opened", "clicked"]
    since = world.get(path, params={"diff_from": "2026-03-03T00:00:00Z"}).json()
    assert (since["events"], since["difference"]["changed"]) == ([], [])
    whole = world.get(path).json()
    assert (len(whole["events"]), whole["difference"]) == (3, None)
    wrong = {"diff_from": between["as_of"], "as_of": between["diff_from"]}
    assert world.get(path, params=wrong).json()["errors"][0]["pointer"] == "/diff_from"


def test_lists_pass_on_what_they_were_asked_for(world: World) -> None:
    campaign = str(UUID(int=7))
    world.get("/v1/contact-campaigns", params={"campaign": campaign, "status": "active"})
    world.get("/v1/activity", params={"kind": "signal.replied", "since": "2026-03-01T00:00:00Z"})
    journeys, activity = world.tables.asked
    assert (str(journeys.campaign), journeys.status, journeys.limit) == (campaign, "active", 101)
    assert (activity.kind, activity.since.day, activity.before) == ("signal.replied", 1, None)
    assert world.get("/v1/contact-campaigns?status=happy").status_code == 422


# --- messages and numbers -------------------------------------------------------------------------


def test_a_message_is_shown_with_its_mail_as_long_as_that_is_kept(world: World) -> None:
    row = a_message(1)
    world.tables.messages[row.id] = row
    path = f"/v1/messages/{row.id}"
    assert world.get(path).json()["mail"] is None
    world.papers.mail[row.id] = (a_mail(row.id), b"")
    assert world.get(path).json()["mail"]["text"] == "Hello Ada"
    assert world.get(f"/v1/messages/{UUID(int=2)}").status_code == 404


def test_the_send_queue_is_paged_in_the_order_of_leaving(world: World) -> None:
    world.tables.messages = {row.id: row for row in map(a_message, (3, 1, 2))}
    first = world.get("/v1/send-queue", params={"limit": 2}).json()
    second = world.get("/v1/send-queue", params={"cursor": first["next_cursor"]}).json()
    ids = [UUID(one["id"]).int for one in first["items"] + second["items"]]
    assert ids == [1, 2, 3]


def test_zero_is_not_unmeasured() -> None:
    world = World(unmeasured=frozenset({"opens"}))
    world.tables.counters = {"accepted": 4, "unique_opens": 0, "opens": 0, "unique_clicks": 1}
    world.tables.counters |= dict.fromkeys(
        ("replies", "bounces", "complaints", "unsubscribes", "clicks"), 0
    )
    path = f"/v1/metrics/campaigns/{world.a_campaign().campaign_id}/summary"
    told = world.get(path).json()
    assert (told["counters"]["unique_opens"], told["rates"]["open_rate"]) == (None, None)
    assert (told["rates"]["click_rate"], told["rates"]["reply_rate"]) == (0.25, 0.0)
    world.tables.counters["accepted"] = 0
    assert set(world.get(path).json()["rates"].values()) == {None}


# --- changed and cloned ---------------------------------------------------------------------------


def test_a_campaign_is_changed_field_by_field(world: World) -> None:
    row = world.a_campaign(status="active")
    path = f"/v1/campaigns/{row.campaign_id}"
    changed = world.call("PATCH", path, json={"name": "Spring", "daily_limit": 9})
    told = changed.json()
    assert (told["name"], told["daily_limit"], told["status"]) == ("Spring", 9, "active")
    assert (told["sender"], told["description"]) == ("sam", "")
    assert world.call("PATCH", path, json={"status": "stopped"}).status_code == 422
    assert world.call("PATCH", path, json={"name": ""}).status_code == 422
    world.a_campaign("Winter")
    taken = world.call("PATCH", path, json={"name": "Winter"})
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")


def test_the_sender_of_a_campaign_stays_once_plans_were_proven_with_it(world: World) -> None:
    row = world.a_campaign()
    path = f"/v1/campaigns/{row.campaign_id}"
    unknown = world.call("PATCH", path, json={"sender": "nobody"})
    assert unknown.json()["errors"][0]["pointer"] == "/sender"
    assert world.call("PATCH", path, json={"sender": ""}).json()["sender"] == ""
    world.shelf.streams_of[row.campaign_id] = [StreamId(UUID(int=1))]
    late = world.call("PATCH", path, json={"sender": "sam"})
    assert (late.status_code, late.json()["code"]) == (409, "out_of_step")


def test_a_stopped_campaign_is_cloned_and_not_changed(world: World) -> None:
    row = world.a_campaign("Autumn", status="stopped")
    path = f"/v1/campaigns/{row.campaign_id}"
    assert world.call("PATCH", path, json={"name": "x"}).status_code == 409
    made = world.post(f"{path}/clone")
    told = made.json()
    assert (made.status_code, told["name"], told["status"]) == (201, "Autumn (copy)", "draft")
    assert (told["sender"], told["daily_limit"]) == (row.sender, row.daily_limit)
    assert told["id"] != str(row.campaign_id)
    assert world.post(f"{path}/clone").json()["code"] == "name_taken"
    assert world.post(f"{path}/clone", {"name": "Winter"}).json()["name"] == "Winter"
    assert world.post(f"/v1/campaigns/{UUID(int=5)}/clone").status_code == 404
