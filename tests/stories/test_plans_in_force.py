"""Which plan a contact runs: re-entry, calendars, what it was accepted with, revisions."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain.errors import RevisionStale
from domain.events import PlanAccepted, PlanRevised, RevisionKept
from domain.ids import NodeId, StreamId
from domain.lifecycle import Stage
from domain.recorded import Cause
from domain.taxonomy import CauseKind, Channel, MessageState, Outcome
from handlers.ports import Answer, Mail
from handlers.revisions import Revised, RevisionOrder, revise
from infra.read_models import SqlReadModels
from plans.context import TenantPolicy
from tests.stories.house import TAKEN, House, plan, send, stop, way

TWO = plan(
    send("intro", way("no_reply", "again", after="P3D")),
    send("again", way("no_reply", "end", after="P3D")),
    stop(),
)


def ruled(house: House, **policy: Any) -> None:
    """Another policy for the tenant of this house."""
    given = TenantPolicy.model_validate(policy)
    house.ports = msgspec.structs.replace(house.ports, plan_policy=given)


def revised(house: House, stream: StreamId, document: Any, **fields: Any) -> Revised:
    order = RevisionOrder(
        **{"plan": document, "if_hash": house.state(stream).plan_hash, "author": "key-1", **fields}
    )
    cause = Cause(CauseKind.OPERATOR, "story")
    return revise(house.ports, stream, order, cause=cause, correlation=UUID(int=8))


# --- taking a plan --------------------------------------------------------------------------------


def test_what_a_plan_was_proven_with_is_in_the_log_and_its_report_in_the_vault(
    house: House,
) -> None:
    stream = house.started(TWO)
    accepted = house.history(stream)[0].fact
    assert isinstance(accepted, PlanAccepted)
    assert accepted.proof is not None
    assert (accepted.proof.min_sends, accepted.proof.max_sends) == (2, 2)
    assert accepted.proof.max_duration_s > timedelta(days=6).total_seconds()
    rows = house.rows("SELECT plan_hash, digest, report FROM {s}.plan_reports")
    assert [(row[0], row[1]) for row in rows] == [(accepted.plan_hash, accepted.proof.report)]
    assert b'"maxSends":2' in bytes(rows[0][2])


def test_a_contact_takes_part_once_unless_the_policy_lets_it_in_again(house: House) -> None:
    row, contact = house.campaign(), house.contact()
    first = house.enrol(TWO, contact, row=row)
    house.work()
    for _ in range(4):
        house.after(days=3, minutes=3)
    assert first.contact_campaign_id is not None
    assert house.state(first.contact_campaign_id).outcome == Outcome.COMPLETED
    _ended(house, first.contact_campaign_id)
    other = plan(send("other", way("no_reply", "end", after="P1D")), stop())
    assert house.enrol(TWO, contact, row=row).status == "duplicate"
    assert _codes(house.enrol(other, contact, row=row)) == [("E_POLICY_LIMIT", "/contact_id")]
    ruled(house, reentry={"allowed": True, "cooldown": "P30D", "max": 1})
    assert _codes(house.enrol(other, contact, row=row)) == [("E_POLICY_LIMIT", "/contact_id")]
    house.clock.advance(timedelta(days=30))
    second = house.enrol(TWO, contact, row=row)
    assert second.status == "started"
    assert second.contact_campaign_id not in (None, first.contact_campaign_id)
    assert house.state(StreamId(second.contact_campaign_id)).run == 2  # type: ignore[arg-type]  # as asserted
    house.work()
    (key,) = house.rows(
        "SELECT dedupe_key FROM {s}.send_queue WHERE stream_id = %(id)s",
        id=second.contact_campaign_id,
    )[0]
    assert key.endswith(":intro:email:2.1")


def test_the_most_runs_that_a_policy_allows_are_counted(house: House) -> None:
    row, contact = house.campaign(), house.contact()
    ruled(house, reentry={"allowed": True, "cooldown": "PT0S", "max": 1})
    short = plan(send("intro", way("timeout", "end", after="PT1H")), stop())
    for run in (1, 2):
        done = house.enrol(short, contact, row=row)
        assert done.contact_campaign_id is not None
        assert house.state(done.contact_campaign_id).run == run
        house.work()
        house.after(hours=2)
        _ended(house, done.contact_campaign_id)
    other = plan(send("other", way("timeout", "end", after="PT1H")), stop())
    assert _codes(house.enrol(other, contact, row=row)) == [("E_POLICY_LIMIT", "/contact_id")]


def _ended(house: House, stream: StreamId) -> None:
    """What the projector would write; stories run without one."""
    house.rows(
        "INSERT INTO {s}.contact_campaigns (stream_id, campaign_id, contact_id, run, plan_hash,"
        " status, node, accepted_at, ended_at, changed_at)"
        " SELECT stream_id, campaign_id, contact_id, run, plan_hash, 'completed', '', %(at)s,"
        " %(at)s, %(at)s FROM {s}.streams WHERE stream_id = %(id)s RETURNING 1",
        id=stream,
        at=house.clock.now(),
    )


def _codes(done: Any) -> list[tuple[str, str]]:
    assert done.status == "refused"
    return [(one["code"], one["path"]) for one in done.report["issues"]]


def test_public_holidays_by_name_are_resolved_when_a_plan_is_taken(house: House) -> None:
    house.clock.advance(datetime(2026, 12, 24, 9, tzinfo=UTC) - house.clock.now())
    document = plan(
        send("intro", way("no_reply", "end", after="P3D"), schedule={"delay": "P1D"}),
        stop(),
        holidays={"calendars": ["PT"]},
        window={
            "days": ["MO", "TU", "WE", "TH", "FR", "SA", "SU"],
            "start": "08:00",
            "end": "18:00",
        },
    )
    stream = house.started(document)
    accepted = house.history(stream)[0].fact
    assert isinstance(accepted, PlanAccepted)
    assert datetime(2026, 12, 25, tzinfo=UTC).date() in accepted.holidays
    house.after(days=1)
    assert house.provider.calls == []
    house.after(days=1)
    assert len(house.provider.calls) == 1  # on the 26th


def test_an_unknown_calendar_endpoint_or_sender_is_refused_with_its_place(house: House) -> None:
    row = house.campaign()
    strange = plan(*TWO["nodes"], holidays={"calendars": ["XX-9"]})
    assert _codes(house.enrol(strange, row=row)) == [("E_CALENDAR", "/holidays/calendars/0")]
    calls = {"id": "crm", "type": "webhook", "endpoint": "nobody", "next": "end"}
    to_crm = plan(send("intro", way("no_reply", "crm", after="P3D"), sender="pat"), calls, stop())
    assert _codes(house.enrol(to_crm, row=row)) == [
        ("E_POLICY_LIMIT", "/nodes/0/sender"),
        ("E_POLICY_LIMIT", "/nodes/1/endpoint"),
    ]


# --- revisions ------------------------------------------------------------------------------------

LATER = plan(
    send("intro", way("no_reply", "again", after="P3D")),
    send(
        "again",
        way("no_reply", "end", after="P3D"),
        message={"subject": "A second try", "text": "See https://site.example/b"},
    ),
    stop(),
)


def test_a_revision_places_what_waits_anew_and_the_new_words_go_out(house: House) -> None:
    waits = send("again", way("no_reply", "end", after="P3D"), schedule={"delay": "PT9H"})
    stream = house.started(plan(TWO["nodes"][0], waits, stop()))
    house.work()
    house.after(days=3, minutes=3)
    sooner = LATER["nodes"][1] | {"schedule": {"delay": "PT2H"}}
    done = revised(house, stream, plan(TWO["nodes"][0], sooner, stop()))
    assert done.status == "revised"
    assert isinstance(house.history(stream)[-1].fact, PlanRevised)
    house.after(hours=2)
    assert [mail.subject for mail, _ in house.provider.calls] == ["Docks, Dana", "A second try"]
    assert house.state(stream).plan_hash == done.plan_hash


def test_a_rendered_message_goes_back_to_planned_and_leaves_once(house: House) -> None:
    waits = send("again", way("no_reply", "end", after="P3D"), schedule={"delay": "PT30M"})
    stream = house.started(plan(TWO["nodes"][0], waits, stop()))
    house.work()
    house.after(days=3, minutes=3)
    message = house.message(stream)
    assert house.state(stream).messages[message].state == MessageState.QUEUED
    newer = LATER["nodes"][1] | {"schedule": {"delay": "PT40M"}}
    revised(house, stream, plan(TWO["nodes"][0], newer, stop()))
    assert house.state(stream).messages[message].state == MessageState.PLANNED
    house.after(hours=1)
    assert [mail.subject for mail, _ in house.provider.calls] == ["Docks, Dana", "A second try"]


def test_a_revision_during_a_call_is_kept_until_its_outcome(house: House) -> None:
    stream = house.started(TWO)
    kept: list[Revised] = []

    def while_calling(_: Mail) -> Answer:
        kept.append(revised(house, stream, LATER))
        return TAKEN

    house.provider.answer = while_calling
    house.work()
    assert [one.status for one in kept] == ["kept"]
    facts = [type(one.fact) for one in house.history(stream)]
    assert facts.index(RevisionKept) < facts.index(PlanRevised)
    assert house.state(stream).plan_hash == kept[0].plan_hash
    house.provider.answer = lambda _: TAKEN
    house.after(days=3, minutes=3)
    assert house.provider.calls[-1][0].subject == "A second try"


def test_a_stale_revision_changes_nothing(house: House) -> None:
    stream = house.started(TWO)
    with pytest.raises(RevisionStale):
        revised(house, stream, LATER, if_hash="sha256:" + "0" * 64)
    assert revised(house, stream, TWO).status == "unchanged"


def test_a_revision_that_cannot_be_proven_is_refused_with_its_report(house: House) -> None:
    stream = house.started(TWO)
    house.work()
    stuck = plan(send("intro", way("clicked", "end")), stop())
    done = revised(house, stream, stuck)
    assert done.status == "refused"
    assert done.report is not None
    assert [one["code"] for one in done.report["issues"]] == ["E_STUCK"]
    assert house.state(stream).plan_hash != done.plan_hash or house.state(stream).kept is None


def test_a_node_without_a_counterpart_is_told_by_map_or_resume_at(house: House) -> None:
    stream = house.started(TWO)
    house.work()
    renamed = plan(send("hello", way("no_reply", "end", after="P3D")), stop())
    told = revised(house, stream, renamed)
    assert told.report is not None
    assert [(one["code"], one["path"]) for one in told.report["issues"]] == [
        ("E_REVISION_NODE", "/map")
    ]
    names = ((NodeId("intro"), NodeId("hello")),)
    assert revised(house, stream, renamed, mapping=names).status == "revised"
    assert house.state(stream).node == "hello"


def test_resume_at_enters_a_node_of_the_new_plan(house: House) -> None:
    stream = house.started(TWO)
    house.work()
    ends = plan(send("last", way("no_reply", "end", after="P1D")), stop())
    assert revised(house, stream, ends, resume_at=NodeId("end")).status == "revised"
    assert house.state(stream).stage == Stage.COMPLETED


# --- what the tenant's history tells --------------------------------------------------------------


def test_engagement_and_passages_are_empty_where_nothing_was_sent(house: House) -> None:
    reads = SqlReadModels(house.system.database, house.tenant)
    assert reads.engagement()[Channel.EMAIL].sends == 0
    assert reads.passages(house.campaign().campaign_id) == []
