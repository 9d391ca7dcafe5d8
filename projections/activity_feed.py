"""What happened, one row for each fact that people want to see, in the order of the log.

A message is shown once as scheduled (`message.scheduled`) and once as sent (`message.accepted`).
What a machine did has kinds of its own (`machine.opened`), so that no filter blends it with people;
a verdict that later facts changed is a row of its own (`judged.opened`).
"""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from domain.events import (
    CampaignStarted,
    Completed,
    ContactUpdateRequested,
    Exited,
    Fact,
    MessageAccepted,
    MessageCancelled,
    MessageDeferred,
    MessageFailed,
    MessagePresumedLost,
    MessageReopened,
    MessageUnknown,
    NodeEntered,
    NotificationRequested,
    Paused,
    PlanAccepted,
    PlanRevised,
    ResendOrdered,
    Resumed,
    RevisionKept,
    SendAttemptReturned,
    SignalJudged,
    SignalRecorded,
    StartScheduled,
    TaskCreated,
    TaskResolved,
    TransitionTaken,
    WebhookRequested,
    WebhookResolved,
)
from domain.recorded import Recorded
from domain.taxonomy import SYNTHETIC
from projections.projection import Change, Projection, Put, Table, topics

TABLE = Table(
    "activity_feed",
    key=("position",),
    columns={
        "position": "bigint",
        "at": "timestamptz",
        "kind": "text",
        "category": "text",
        "stream_id": "uuid",
        "campaign_id": "uuid",
        "contact_id": "uuid",
        "message_id": "uuid",
        "node": "text",
        "detail": "text",
    },
)


class Category(StrEnum):
    """What we did and decided, or what came back (requirement C19)."""

    LIFECYCLE = "lifecycle"
    ENGAGEMENT = "engagement"


def changes(recorded: Recorded) -> Iterator[Change]:
    """At most one row; facts that only the machinery needs have none."""
    show = _SHOW.get(type(recorded.fact))
    row = show(recorded) if show else None
    if row is not None:
        yield Put(TABLE, row)


def _of_campaign(  # noqa: C901  # a match over the facts
    recorded: Recorded,
) -> dict[str, Any] | None:
    match recorded.fact:
        case PlanAccepted():
            return _row(recorded, "campaign.enrolled")
        case StartScheduled(at=starts_at):
            row = _row(recorded, "campaign.scheduled", detail=starts_at.isoformat())
            return {**row, "at": recorded.at}
        case CampaignStarted():
            return _row(recorded, "campaign.started")
        case Paused(reason=reason):
            return _row(recorded, "campaign.paused", detail=reason)
        case Resumed():
            return _row(recorded, "campaign.resumed")
        case RevisionKept(author=author):
            return _row(recorded, "campaign.revision_kept", detail=author)
        case PlanRevised(author=author, node=node, message_id=message_id):
            return _row(recorded, "campaign.revised", message_id, node=node, detail=author)
        case Completed(outcome=outcome, node=node):
            return _row(recorded, f"campaign.{outcome}", node=node, detail="stop")
        case Exited(failed=True, reason=reason):
            return _row(recorded, "campaign.failed", detail=reason)
        case Exited(outcome=outcome, reason=reason):
            return _row(recorded, f"campaign.{outcome}", detail=reason)
        case _:
            return None


def _of_message(  # noqa: C901  # a match over the facts
    recorded: Recorded,
) -> dict[str, Any] | None:
    match recorded.fact:
        case NodeEntered(message_id=message_id, channel=channel, node=node) if message_id:
            return _row(recorded, "message.scheduled", message_id, node=node, detail=channel or "")
        case MessageDeferred(message_id=message_id, reason=reason):
            return _row(recorded, "message.deferred", message_id, detail=reason)
        case MessageReopened(message_id=message_id, reason=reason):
            return _row(recorded, "message.reopened", message_id, detail=reason)
        case SendAttemptReturned(message_id=message_id, reason=reason):
            return _row(recorded, "message.returned", message_id, detail=reason)
        case MessageAccepted(message_id=message_id, node=node, via=via):
            return _row(recorded, "message.accepted", message_id, node=node, detail=via)
        case MessageCancelled(message_id=message_id, node=node, reason=reason):
            return _row(recorded, "message.cancelled", message_id, node=node, detail=reason)
        case MessageFailed(message_id=message_id, node=node, reason=reason):
            return _row(recorded, "message.failed", message_id, node=node, detail=reason)
        case MessageUnknown(message_id=message_id, reason=reason):
            return _row(recorded, "message.unknown", message_id, detail=reason)
        case MessagePresumedLost(message_id=message_id, node=node, evidence=evidence):
            return _row(recorded, "message.presumed_lost", message_id, node=node, detail=evidence)
        case ResendOrdered(message_id=message_id, author=author):
            return _row(recorded, "message.resend_ordered", message_id, detail=author)
        case _:
            return None


def _of_errand(recorded: Recorded) -> dict[str, Any] | None:
    """What the plan asked of people and of other systems, and what became of it."""
    match recorded.fact:
        case TaskCreated(kind=kind, node=node):
            return _row(recorded, "task.created", node=node, detail=kind)
        case TaskResolved(end=ended, node=node):
            return _row(recorded, f"task.{ended}", node=node)
        case WebhookRequested(endpoint=endpoint, node=node):
            return _row(recorded, "webhook.requested", node=node, detail=endpoint)
        case WebhookResolved(ok=ok, reason=reason, node=node):
            end = "ok" if ok else "failed"
            return _row(recorded, f"webhook.{end}", node=node, detail=reason)
        case ContactUpdateRequested(node=node):
            return _row(recorded, "contact.changed", node=node)
        case NotificationRequested(node=node):
            return _row(recorded, "person.notified", node=node)
        case _:
            return None


def _came_back(recorded: Recorded) -> dict[str, Any] | None:
    """Signals, and the silence that a timer took for one."""
    match recorded.fact:
        case SignalRecorded() as fact:
            who = "machine" if fact.machine else "signal"
            detail = "derived" if fact.derived else ""
            return _heard(recorded, f"{who}.{fact.signal}", fact, detail)
        case SignalJudged() as fact:
            return _heard(recorded, f"judged.{fact.signal}", fact, fact.reader)
        case TransitionTaken(on=on, node=node, message_id=message_id) if on in SYNTHETIC:
            return _row(recorded, f"timer.{on}", message_id, node=node)
        case _:
            return None


def _heard(
    recorded: Recorded, kind: str, fact: SignalRecorded | SignalJudged, detail: str
) -> dict[str, Any]:
    row = _row(recorded, kind, fact.message_id, node=fact.node or "", detail=detail)
    row["category"] = Category.ENGAGEMENT
    return row


def _row(
    recorded: Recorded,
    kind: str,
    message_id: object = None,
    *,
    node: str = "",
    detail: str = "",
) -> dict[str, Any]:
    return {
        "position": recorded.position,
        "at": recorded.fact.at,
        "kind": kind,
        "category": Category.LIFECYCLE,
        "stream_id": recorded.stream,
        "campaign_id": recorded.campaign_id,
        "contact_id": recorded.contact_id,
        "message_id": message_id,
        "node": node,
        "detail": detail,
    }


_SHOW: Mapping[type[Fact], Callable[[Recorded], dict[str, Any] | None]] = {
    PlanAccepted: _of_campaign,
    StartScheduled: _of_campaign,
    CampaignStarted: _of_campaign,
    NodeEntered: _of_message,
    TransitionTaken: _came_back,
    SignalRecorded: _came_back,
    SignalJudged: _came_back,
    MessageDeferred: _of_message,
    MessageReopened: _of_message,
    MessageCancelled: _of_message,
    SendAttemptReturned: _of_message,
    MessageAccepted: _of_message,
    MessageFailed: _of_message,
    MessageUnknown: _of_message,
    MessagePresumedLost: _of_message,
    ResendOrdered: _of_message,
    Paused: _of_campaign,
    Resumed: _of_campaign,
    RevisionKept: _of_campaign,
    PlanRevised: _of_campaign,
    TaskCreated: _of_errand,
    TaskResolved: _of_errand,
    WebhookRequested: _of_errand,
    WebhookResolved: _of_errand,
    ContactUpdateRequested: _of_errand,
    NotificationRequested: _of_errand,
    Completed: _of_campaign,
    Exited: _of_campaign,
}
ACTIVITY_FEED = Projection("activity_feed", (TABLE,), topics(*_SHOW), changes, ordered=False)
