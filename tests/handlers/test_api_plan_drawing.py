"""Drawings of plans through the API: what is marked, and for whom it is checked."""

from uuid import UUID

import pytest

from handlers.passages import Passage
from tests.handlers.web_fakes import World

REFUSED = {
    "startNodeId": "hello",
    "timezone": "UTC",
    "nodes": [
        {
            "id": "hello",
            "type": "send",
            "channel": "email",
            "subject": "Hello",
            "body": "Hello there",
            "transitions": [{"on": "no_reply", "to": "gone"}],
        },
        {"id": "end", "type": "stop"},
    ],
}


@pytest.mark.parametrize("form", ["mermaid", "svg"])
def test_the_faulty_place_of_a_refused_plan_is_marked_unless_asked_not_to(form: str) -> None:
    world = World()
    asked = {"plan": REFUSED, "format": form}
    marked = world.post("/v1/plans/graph", asked).json()
    plain = world.post("/v1/plans/graph", {**asked, "mark": False}).json()
    assert "E_TARGET_UNKNOWN" in marked["drawing"]
    assert "E_TARGET_UNKNOWN" not in plain["drawing"]


def test_a_plan_is_drawn_as_it_is_checked_for_a_contact() -> None:
    context = {"tenant": "acme", "contact": "c-1"}
    asked = {"plan": REFUSED, "context": context, "worst": "duration"}
    assert World().post("/v1/plans/graph", asked).status_code == 200
    assert World().post("/v1/plans/graph", {**asked, "worst": "cost"}).status_code == 422
    both = {**asked, "contact_id": "00000000-0000-4000-8000-000000000000"}
    assert World().post("/v1/plans/graph", both).status_code == 422


def test_the_counts_of_a_campaign_stand_at_its_nodes_and_ways() -> None:
    world = World()
    campaign = world.a_campaign().campaign_id
    branch = {
        "id": "which",
        "type": "branch",
        "cases": [{"when": {"all": [{"field": "contact.a", "op": "exists"}]}, "to": "end"}],
        "otherwise": "end",
    }
    hello = {**REFUSED["nodes"][0], "transitions": [{"on": "no_reply", "to": "which"}]}  # type: ignore[dict-item]  # a JSON object
    plan = {**REFUSED, "nodes": [hello, branch, {"id": "end", "type": "stop"}]}
    world.tables.passed[campaign] = [
        Passage("hello", "", "", 1234),
        Passage("hello", "transitions/0", "which", 1010),
        Passage("hello", "transitions/0", "elsewhere", 77),
        Passage("which", "choice/0", "", 55),
        Passage("which", "choice/1", "", 955),
    ]
    asked = {"plan": plan, "campaign_id": str(campaign)}
    drawing = world.post("/v1/plans/graph", asked).json()["drawing"]
    assert all(told in drawing for told in ("1,234", "1,010", "55", "955"))
    assert "77" not in drawing


def test_counts_of_a_campaign_that_is_not_ours_are_404() -> None:
    asked = {"plan": REFUSED, "campaign_id": str(UUID(int=9))}
    answer = World().post("/v1/plans/graph", asked)
    assert (answer.status_code, answer.json()["detail"]) == (404, "no campaign has this id")
