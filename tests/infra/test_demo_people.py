"""What the people of the demo's company do: by the seed and the simulated time, over the API."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from typing_extensions import override

from infra.demo.client import Json, Patient, Refused
from infra.demo.people_at_work import Journey, PeopleAtWork, journeys_of
from infra.demo.plans import calendar_nodes, canonical, endpoints_of, examples, reworded, waited_for
from infra.demo.stage import BEGINS

EXAMPLES = examples(None)
COUNT = 40


class Api(Patient):
    """Tasks and clicks as they were given; notes what is posted."""

    def __init__(self, **lists: list[Json]) -> None:
        self.lists = lists
        self.posted: list[tuple[str, Mapping[str, Any]]] = []
        self.standing = {"status": "active", "plan_hash": "sha256:old"}
        self.refusal: Refused | None = None

    @override
    def get(self, path: str, **query: object) -> Json:
        name = path.rpartition("/")[2]
        return (
            {"items": self.lists.get(name, [])}
            if name in {"tasks", "activity"}
            else {**self.standing}
        )

    @override
    def post(self, path: str, body: Mapping[str, Any] | None = None, *, once: str = "") -> Json:
        if self.refusal is not None:
            raise self.refusal
        self.posted.append((path, body or {}))
        return {"status": "revised"}

    def to(self, what: str) -> list[tuple[str, Mapping[str, Any]]]:
        return [(path, body) for path, body in self.posted if path.endswith(what)]


def journeys(name: str, *, prefix: str = "") -> list[Journey]:
    plan = canonical(EXAMPLES[name])
    return [Journey(f"{prefix}s{n}", f"demo-{n}", plan) for n in range(COUNT)]


def open_tasks(prefix: str = "") -> list[Json]:
    return [
        {
            "id": f"t{n}",
            "contact_campaign_id": f"{prefix}s{n}",
            "node": "call",
            "visit": 1,
            "created_at": BEGINS.isoformat(),
        }
        for n in range(COUNT)
    ]


def after(**passed: float) -> Any:
    return BEGINS + timedelta(**passed)


def test_the_examples_that_mail_can_carry_are_the_demos_and_show_every_kind_of_node() -> None:
    assert "multichannel.json" not in EXAMPLES
    assert {"call_after_reply.json", "crm_handover.json", "webinar_invitation.json"} <= set(
        EXAMPLES
    )
    kinds = {node["type"] for plan in EXAMPLES.values() for node in plan["nodes"]}
    assert kinds == {
        "send",
        "wait",
        "branch",
        "split",
        "update",
        "task",
        "notify",
        "webhook",
        "stop",
    }
    assert endpoints_of(map(canonical, EXAMPLES.values())) == ["crm-deals"]


def test_tasks_are_done_or_skipped_after_a_while_and_some_are_left() -> None:
    api = Api(tasks=open_tasks())
    people = PeopleAtWork(api, 7, journeys("call_after_reply.json"))
    people.look(after(seconds=1))
    assert api.to("/done") == api.to("/skip") == []
    people.look(after(days=6))
    done, skipped = len(api.to("/done")), len(api.to("/skip"))
    assert done > skipped > 0
    assert 0 < COUNT - done - skipped < skipped + done


def test_the_same_seed_does_the_same_whatever_the_ids() -> None:
    def ends(prefix: str, seed: int = 7) -> list[str]:
        api = Api(tasks=open_tasks(prefix))
        PeopleAtWork(api, seed, journeys("call_after_reply.json", prefix=prefix)).look(
            after(days=6)
        )
        return [path for path, _ in api.to("/done")]

    assert ends("a") == ends("b")
    assert ends("a") != ends("a", seed=8)


def test_events_that_a_plan_waits_for_are_reported_once_with_their_instant() -> None:
    api = Api()
    people = PeopleAtWork(api, 7, journeys("webinar_invitation.json"))
    people.look(after(days=1))
    assert api.to("/signals") == []
    people.look(after(days=8))
    told = api.to("/signals")
    assert 0.2 * COUNT < len(told) < 0.6 * COUNT
    assert {body["kind"] for _, body in told} == {"x_registered"}
    assert all(after(days=1).isoformat() < body["occurred_at"] for _, body in told)
    people.look(after(days=9))
    assert api.to("/signals") == told


def test_a_click_on_the_calendar_may_become_a_meeting_where_the_plan_has_that_goal() -> None:
    at = after(days=1).isoformat()
    clicks = [{"contact_campaign_id": f"s{n}", "node": "intro", "at": at} for n in range(COUNT)]
    booked, elsewhere = Api(activity=clicks), Api(activity=clicks)
    people = PeopleAtWork(booked, 7, journeys("call_after_reply.json"))
    for hours in (25, 26, 27):
        people.look(after(hours=hours))
    told = booked.to("/signals")
    assert 0 < len(told) < COUNT
    assert {body["kind"] for _, body in told} == {"meeting_booked"}
    assert len({path for path, _ in told}) == len(told)
    PeopleAtWork(elsewhere, 7, journeys("two_step.json")).look(after(hours=27))
    assert elsewhere.posted == []


def test_a_few_plans_are_written_anew_on_the_hash_that_was_read() -> None:
    api = Api()
    people = PeopleAtWork(api, 7, journeys("two_step.json"))
    people.look(after(days=7))
    told = api.to("/revise")
    assert 0 < len(told) < COUNT / 4
    assert all(body["ifPlanHash"] == "sha256:old" for _, body in told)
    assert people.revisions == {"revised": len(told)}


def test_what_has_ended_gets_no_other_plan() -> None:
    api = Api()
    api.standing["status"] = "completed"
    people = PeopleAtWork(api, 7, journeys("two_step.json"))
    people.look(after(days=7))
    assert api.posted == []
    assert set(people.revisions) == {"too_late"}


@pytest.mark.parametrize(("status", "ends"), [(409, False), (422, False), (403, True)])
def test_an_order_that_comes_too_late_is_let_go_and_any_other_refusal_is_told(
    status: int, *, ends: bool
) -> None:
    api = Api(tasks=open_tasks())
    api.refusal = Refused(status, "no")
    people = PeopleAtWork(api, 7, journeys("call_after_reply.json"))
    if ends:
        with pytest.raises(Refused):
            people.look(after(days=6))
    else:
        people.look(after(days=6))
        assert api.posted == []


def test_the_words_of_every_mail_change_and_nothing_else() -> None:
    for plan in EXAMPLES.values():
        before, now = canonical(plan), reworded(canonical(plan))
        assert before != now
        assert [node["id"] for node in before["nodes"]] == [node["id"] for node in now["nodes"]]
        assert {**before, "nodes": []} == {**now, "nodes": []}


def test_what_is_read_of_a_plan_that_is_none_is_nothing() -> None:
    for document in ({}, {"nodes": 1}, {"nodes": ["x", {"type": "webhook", "endpoint": 7 * "?"}]}):
        plan = canonical(document)
        assert endpoints_of([plan]) == []
        assert waited_for(plan) == []
        assert calendar_nodes(plan, "meeting_booked") == frozenset()


def test_only_what_began_is_a_journey() -> None:
    plan = EXAMPLES["two_step.json"]
    results: list[Json] = [
        {"status": "refused"},
        {"status": "started", "contact_campaign_id": "s1"},
    ]
    found = list(journeys_of(results, [{"external_id": "a"}, {"external_id": "b"}], [plan, plan]))
    assert [(one.id, one.contact) for one in found] == [("s1", "b")]
