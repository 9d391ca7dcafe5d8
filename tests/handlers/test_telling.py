"""Facts in plain sentences."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.events import PlanAccepted, Proof, Resumed, SignalJudged, SignalRecorded
from domain.ids import CampaignId, ContactId, MessageId, NodeId
from handlers.telling import tell

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PROOF = Proof(report="d", min_sends=1, max_sends=1, min_duration_s=0, max_duration_s=788_520)


def accepted(proof: Proof) -> PlanAccepted:
    return PlanAccepted(
        contact_id=ContactId(UUID(int=1)),
        campaign_id=CampaignId(UUID(int=2)),
        run=1,
        plan_hash="sha256:0123456789abcdef",
        dsl_version="1.0",
        tzdata="2026a",
        at=NOON,
        proof=proof,
    )


def test_an_acceptance_tells_its_bounds_to_the_second() -> None:
    assert tell(accepted(PROOF)) == (
        "plan 01234567 accepted for run 1; proven: 1 send, over after at most 9 days 3 h 2 min"
    )


def test_an_acceptance_tells_how_far_apart_its_sends_are_and_what_was_warned_of() -> None:
    proof = Proof(
        report="d",
        min_sends=0,
        max_sends=2,
        min_duration_s=0,
        max_duration_s=86_400,
        min_spacing_s=82_800,
        warnings=("W_OPEN_UNRELIABLE",),
    )
    assert tell(accepted(proof)).endswith(
        "proven: 0 to 2 sends, at least 23 h apart, over after at most 1 day;"
        " warned of W_OPEN_UNRELIABLE"
    )


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.2, "no time"), (2.034, "2 s"), (3600.0, "1 h"), (90_061.0, "1 day")]
)
def test_a_short_pause_is_told_as_exactly_as_a_long_one(seconds: float, told: str) -> None:
    fact = Resumed(at=NOON, shift_s=seconds, expires_at=NOON, node=NodeId("hello"), visit=1)
    assert f"moved by {told}" in tell(fact)


def test_what_people_report_is_told_apart_from_what_a_message_met() -> None:
    assert tell(SignalRecorded(signal="x_paid", at=NOON)) == "x_paid was reported"
    message = MessageId(UUID(int=3))
    about = SignalRecorded(signal="opened", at=NOON, message_id=message, node=NodeId("hello"))
    assert tell(about) == "opened (hello)"


def test_a_changed_verdict_tells_what_the_report_was_taken_for_before() -> None:
    fact = SignalJudged(
        signal_no=3,
        signal="clicked",
        at=NOON,
        heard_at=NOON,
        message_id=MessageId(UUID(int=3)),
        machine=True,
        reader="machine",
        was_machine=False,
        was_reader="unknown",
        node=NodeId("hello"),
    )
    told = "clicked (hello) of 2026-03-02 12:00 UTC is taken for machine, no more for unknown"
    assert tell(fact) == told
