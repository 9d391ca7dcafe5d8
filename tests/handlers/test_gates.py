"""The gates of a claim, each alone and in their order."""

from uuid import UUID

import msgspec
import pytest

from domain.ids import CampaignId, ContactId, MessageId, StreamId
from domain.taxonomy import SKIPS, CancelReason, HoldReason
from handlers.gates import GATES, Hold, Never, Verdict, judge
from handlers.ports import Due

OPEN = Due(
    message_id=MessageId(UUID(int=1)),
    stream=StreamId(UUID(int=2)),
    campaign_id=CampaignId(UUID(int=3)),
    contact_id=ContactId(UUID(int=4)),
    hold_reason=None,
    reachable=True,
    suppressed=False,
    campaign_status="active",
    sender_known=True,
    sender_verified=True,
    sender_paused=False,
)
CLOSED: dict[str, tuple[dict[str, object], Verdict]] = {
    "contact without an address": ({"reachable": False}, Never(CancelReason.NO_IDENTITY)),
    "banned address": ({"suppressed": True}, Never(CancelReason.SUPPRESSED)),
    "paused campaign": ({"campaign_status": "paused"}, Hold(HoldReason.CAMPAIGN_PAUSED)),
    "draft campaign": ({"campaign_status": "draft"}, Hold(HoldReason.CAMPAIGN_PAUSED)),
    "unknown status": ({"campaign_status": "?"}, Hold(HoldReason.CAMPAIGN_PAUSED)),
    "stopped campaign": ({"campaign_status": "stopped"}, Never(CancelReason.STOPPED)),
    "unknown sender": ({"sender_known": False}, Hold(HoldReason.SENDER_UNVERIFIED)),
    "unverified sender": ({"sender_verified": False}, Hold(HoldReason.SENDER_UNVERIFIED)),
    "held sender": ({"sender_paused": True}, Hold(HoldReason.CIRCUIT_OPEN)),
}


def test_a_message_with_nothing_against_it_passes() -> None:
    assert judge(OPEN) is None


@pytest.mark.parametrize("case", CLOSED)
def test_each_gate_closes_by_itself(case: str) -> None:
    fields, verdict = CLOSED[case]
    assert judge(msgspec.structs.replace(OPEN, **fields)) == verdict


def test_a_never_that_the_plan_may_answer_comes_before_any_hold() -> None:
    worst = msgspec.structs.replace(
        OPEN, reachable=False, suppressed=True, campaign_status="paused", sender_paused=True
    )
    assert judge(worst) == Never(CancelReason.NO_IDENTITY)
    assert CancelReason.NO_IDENTITY in SKIPS


def test_every_gate_is_told_in_words() -> None:
    assert all(gate.__doc__ for gate in GATES)
