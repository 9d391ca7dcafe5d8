"""When a plan wanted a message to leave, and when it is looked at again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from domain.campaign.releasing import UNTIL_RELEASED, WAITING
from domain.events import NodeEntered, PlanRevised, ResendOrdered, Resumed
from domain.ids import MessageId
from domain.recorded import Recorded
from domain.taxonomy import HoldReason
from handlers.services import QueueRow

BY_PEOPLE = frozenset({HoldReason.OPERATOR.value, HoldReason.PAUSED.value})


class Times(msgspec.Struct, frozen=True):
    """When it was to leave, and when a gate that holds it is asked again (null: none holds it)."""

    planned_at: datetime
    looked_at_again_at: datetime | None


def times_of(history: Sequence[Recorded], row: QueueRow) -> Times:
    """The times of a message, apart: its row has but one for both."""
    held = row.hold_reason is not None and row.hold_reason not in BY_PEOPLE
    again = row.not_before if held and row.state in WAITING else None
    return Times(_planned_at(history, row.id) or row.due_at, again)


def _planned_at(history: Sequence[Recorded], message_id: MessageId) -> datetime | None:
    """By its plan alone: a pause moves it, a new plan and an order to resend set it anew."""
    planned: datetime | None = None
    for one in history:
        if getattr(one.fact, "message_id", None) != message_id:
            continue
        match one.fact:
            case NodeEntered(due_at=due) | ResendOrdered(due_at=due):
                planned = due or planned
            case PlanRevised(due_at=due) if due is not None and due < UNTIL_RELEASED:
                planned = due
            case Resumed(shift_s=shift_s) if planned is not None:
                planned += timedelta(seconds=shift_s)
            case _:
                pass
    return planned
