"""What-if on real stores: what really happened, against a plan that was never in force."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from domain.ids import StreamId
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.app import create_app
from handlers.errors import NotHere, OutOfStep
from handlers.revisions import RevisionOrder, revise
from handlers.what_if import Compared, compare
from infra.keys import add_key
from infra.services import make_services
from plans.what_if import WhatIf
from tests.stories.house import MONDAY, House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

OWN = plan(
    send("intro", way("clicked", "warm"), way("no_reply", "nudge", after="P3D")),
    send("warm", way("timeout", "end", after="P2D"), schedule={"delay": "P1D"}),
    send("nudge", way("timeout", "end", after="P2D")),
    stop(),
)
OTHER = plan(
    send("intro", way("opened", "nudge"), way("timeout", "end", after="P3D")),
    send("nudge", way("timeout", "end", after="P2D"), schedule={"delay": "P1D"}),
    stop(outcome="handed_off"),
)


def clicked(house: House, document: dict[str, Any] = OWN, **fields: Any) -> StreamId:
    """Sent, opened after an hour, clicked after two, mailed again a day later."""
    stream = house.started(document, **fields)
    house.after(minutes=1)
    house.clock.advance(timedelta(hours=1))
    house.hear(house.event(stream, "open", ip="192.0.2.1"))
    house.work()
    house.clock.advance(timedelta(hours=1))
    house.hear(house.event(stream, "click", url="https://site.example/a", ip="192.0.2.1"))
    house.work()
    for _ in range(30):
        house.after(hours=4)
    return stream


def asked(house: House, stream: StreamId, document: object) -> Compared:
    return compare(house.ports, house.log.history, stream, document)


def compared(house: House, stream: StreamId, document: object = OTHER) -> WhatIf:
    told = asked(house, stream, document)
    assert told.what_if is not None, told.report and told.report.issues
    return told.what_if


def codes(told: WhatIf) -> set[str]:
    return {each.code for each in told.assumed}


def test_what_really_happened_comes_out_again_under_its_own_plan(house: House) -> None:
    stream = clicked(house)
    assert house.state(stream).outcome == "completed"
    told = compared(house, stream, OWN)
    assert told.parted is None
    assert codes(told) == set()
    assert [step.node for step in told.other.steps] == ["intro", "warm"]


def test_another_plan_takes_what_this_one_only_noted(house: House) -> None:
    stream = clicked(house)
    before = house.topics(stream)
    told = compared(house, stream)
    assert told.parted is not None
    assert (told.parted.step, told.parted.kind) == (0, "way")
    assert "`opened` (Mon 2026-09-07 10:01)" in told.parted.why
    assert "before `clicked` (Mon 2026-09-07 11:01)" in told.parted.why
    assert [step.node for step in told.other.steps] == ["intro", "nudge"]
    assert (told.other.outcome, told.other.sends) == ("handed_off", 2)
    assert codes(told) == {"silence", "words"}
    assert house.topics(stream) == before


def test_a_message_that_a_gate_held_up_is_held_up_as_long_again(house: House) -> None:
    paused = house.campaign()
    house.ports.register.set_status(paused.campaign_id, "active")
    done = house.enrol(OWN, row=paused)
    assert done.contact_campaign_id is not None
    house.ports.register.set_status(paused.campaign_id, "paused")
    for _ in range(3):
        house.after(minutes=20)
    house.ports.register.set_status(paused.campaign_id, "active")
    house.after(minutes=20)
    told = compared(house, done.contact_campaign_id)
    sent = told.happened.steps[0].sent_at
    assert sent is not None
    assert sent > MONDAY + timedelta(minutes=60)
    assert told.other.steps[0].sent_at == sent
    assert "running" in codes(told)
    assert compared(house, done.contact_campaign_id, OWN).parted is None


def test_a_history_with_a_revision_runs_against_the_plan_before_it(house: House) -> None:
    stream = house.started(OWN)
    house.after(hours=1)
    order = RevisionOrder(plan=OTHER, if_hash=house.state(stream).plan_hash, author="cli")
    cause = Cause(CauseKind.OPERATOR, "story")
    done = revise(house.ports, stream, order, cause=cause, correlation=UUID(int=7))
    assert done.status == "revised", done.report
    for _ in range(30):
        house.after(hours=4)
    told = compared(house, stream, OWN)
    assert told.parted is not None
    assert "`timeout` (Thu 2026-09-10 10:00)" in told.parted.why
    assert "`no_reply` (Thu 2026-09-10 10:00)" in told.parted.why
    assert "revised" in codes(told)
    assert "inexact" not in codes(told)


def test_guards_read_the_contact_as_it_is_today(house: House) -> None:
    guard = {"all": [{"field": "contact.city", "op": "eq", "value": "Porto"}]}
    by_city = plan(
        send("intro", way("clicked", "choose"), way("timeout", "end", after="P3D")),
        {
            "id": "choose",
            "type": "branch",
            "cases": [{"when": guard, "to": "nudge"}],
            "otherwise": "end",
        },
        send("nudge", way("timeout", "end", after="P2D"), schedule={"delay": "P1D"}),
        stop(),
    )
    stream = clicked(house, city="Porto")
    told = compared(house, stream, by_city)
    assert [step.node for step in told.other.steps] == ["intro", "choose", "nudge"]
    assert "values" in codes(told)


def test_closed_days_of_long_ago_are_not_looked_up_and_that_is_said(house: House) -> None:
    stream = clicked(house)
    closed = OTHER | {"holidays": {"calendars": ["US"]}}
    assert "calendars" not in codes(compared(house, stream, closed))
    house.clock.advance(timedelta(days=9))
    assert "calendars" in codes(compared(house, stream, closed))


def test_a_plan_that_is_refused_is_not_run(house: House) -> None:
    stream = clicked(house)
    told = asked(house, stream, plan(send("intro", way("opened", "nowhere")), stop()))
    assert (told.status, told.what_if) == ("refused", None)
    assert told.report is not None
    assert "E_TARGET_UNKNOWN" in {each.code for each in told.report.issues}


def test_a_draft_has_no_history_and_a_stranger_is_not_here(house: House) -> None:
    done = house.enrol(OWN, row=house.campaign("draft"))
    assert done.contact_campaign_id is not None
    with pytest.raises(OutOfStep, match="not started"):
        asked(house, done.contact_campaign_id, OTHER)
    with pytest.raises(NotHere):
        asked(house, StreamId(UUID(int=1)), OTHER)


# --- over HTTP ------------------------------------------------------------------------------------


@pytest.fixture
def post(house: House) -> Iterator[Callable[..., Any]]:
    """Asks as a viewer does."""
    database, pepper = house.system.database, house.system.pepper
    key = add_key(database, house.tenant, "viewer", pepper=pepper).text
    client = TestClient(create_app(make_services(house.system)))

    def ask(stream: StreamId, body: object) -> Any:
        path = f"/v1/contact-campaigns/{stream}/what-if"
        return client.post(path, json=body, headers={"Authorization": f"Bearer {key}"})

    yield ask
    with database.control_tx() as curs:
        curs.execute("DELETE FROM control.api_keys WHERE tenant = %s", (house.tenant,))


def test_the_route_answers_both_courses_and_where_they_part(
    house: House, post: Callable[..., Any]
) -> None:
    answer = post(clicked(house), {"plan": OTHER})
    assert answer.status_code == 200
    told = answer.json()
    assert told["status"] == "compared"
    assert told["what_if"]["parted"]["step"] == 0
    first = told["what_if"]["other"]["steps"][0]
    assert (first["node"], first["next"]) == ("intro", "nudge")
    assert first["left"]["pointer"] == "/nodes/0/transitions/0"
    assert {"code", "told"} == set(told["what_if"]["assumed"][0])


def test_the_route_tells_what_it_cannot_run(house: House, post: Callable[..., Any]) -> None:
    stream = house.started(OWN)
    refused = post(stream, {"plan": {"nodes": []}}).json()
    assert (refused["status"], refused["report"]["ok"]) == ("refused", False)
    assert post(stream, {}).status_code == 422
    assert post(StreamId(UUID(int=1)), {"plan": OTHER}).status_code == 404
    draft = house.enrol(OWN, row=house.campaign("draft")).contact_campaign_id
    assert draft is not None
    assert post(draft, {"plan": OTHER}).status_code == 409
