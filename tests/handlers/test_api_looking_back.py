"""What can be read later: the plans that were taken with their reports, and the notes."""

import json
from typing import Any
from uuid import UUID

import pytest

from domain.events import PlanAccepted, Proof, SignalRecorded
from domain.ids import MessageId
from domain.recorded import Cause, Recorded
from domain.taxonomy import CauseKind
from handlers.ports import ReportRef
from tests.handlers.web_fakes import NOON, TENANT, World

PLAN = {
    "startNodeId": "hello",
    "timezone": "UTC",
    "nodes": [
        {
            "id": "hello",
            "type": "send",
            "channel": "email",
            "message": {"subject": "Hello", "text": "Hello there"},
            "transitions": [{"on": "sent", "to": "end"}],
        },
        {"id": "end", "type": "stop", "outcome": "no_response"},
    ],
}


@pytest.fixture
def world() -> World:
    return World()


def enrolled(world: World) -> str:
    campaign = world.a_campaign(status="active")
    items = [{"contact_id": str(world.a_contact()), "plan": PLAN}]
    answer = world.post(f"/v1/campaigns/{campaign.campaign_id}/enrolments", {"items": items})
    found: str = answer.json()["items"][0]["contact_campaign_id"]
    return found


def test_the_plans_of_a_contact_campaign_come_with_the_reports_they_were_accepted_with(
    world: World,
) -> None:
    stream = UUID(enrolled(world))
    (kept,) = world.shelf.kept
    proof = Proof(report=kept.digest, min_sends=1, max_sends=1, min_duration_s=0, max_duration_s=60)
    row = next(iter(world.shelf.rows))
    fact = PlanAccepted(
        contact_id=kept.contact_id,
        campaign_id=row,
        run=1,
        plan_hash=kept.plan_hash,
        dsl_version="1.0",
        tzdata="2026a",
        at=NOON,
        proof=proof,
    )
    cause = Cause(CauseKind.OPERATOR, "key/1")
    given: Any = (TENANT, stream, 1, 1, fact, NOON, cause, UUID(int=3), row, kept.contact_id)
    world.history.append(Recorded(*given))
    path = f"/v1/contact-campaigns/{stream}/plans"
    (erased,) = world.get(path).json()["plans"]
    assert (erased["report"], erased["intact"], erased["plan"]) == (None, None, None)
    ref = ReportRef(kept.plan_hash, kept.digest)
    world.papers.proofs[ref] = kept.report
    world.papers.plans[kept.plan_hash] = json.loads(kept.document)
    (shown,) = world.get(path, role="viewer").json()["plans"]
    assert (shown["intact"], shown["report"]["planHash"]) == (True, kept.plan_hash)
    assert shown["report"]["facts"]["maxSends"] == 1
    assert shown["plan"]["startNodeId"] == "hello"
    world.papers.proofs[ref] = kept.report.replace(b'"maxSends":1', b'"maxSends":0')
    (changed,) = world.get(path).json()["plans"]
    assert changed["intact"] is False


def test_the_reasons_of_orders_can_be_read_later_but_not_by_a_planner(world: World) -> None:
    stream = UUID(enrolled(world))
    path = f"/v1/contact-campaigns/{stream}"
    world.post(f"{path}/pause", {"reason": "she called"})
    assert world.get(f"{path}/notes").status_code == 404
    cause = Cause(CauseKind.WEBHOOK, "w1")
    message, row = MessageId(UUID(int=5)), next(iter(world.shelf.rows))
    fact = SignalRecorded(signal="opened", at=NOON, message_id=message)
    given: Any = (TENANT, stream, 1, 1, fact, NOON, cause, UUID(int=3), row, UUID(int=4))
    world.history.append(Recorded(*given))
    world.papers.keep_note(message, None, "provider_answer", "mailbox full")
    world.papers.keep_note(UUID(int=6), None, "provider_answer", "of another contact")
    told = world.get(f"{path}/notes", role="viewer").json()["notes"]
    assert [(one["kind"], one["text"]) for one in told] == [
        ("pause_reason", "she called"),
        ("provider_answer", "mailbox full"),
    ]
    assert world.get(f"{path}/notes", role="planner").status_code == 403
