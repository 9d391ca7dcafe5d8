"""Every fact of the log: the storage format, a closed union without personal data.

A fact is never changed, only new optional fields are added; the tag is the stored topic. Texts
here are ids, node ids, hashes and words of `taxonomy`; a test holds every field against that list.
"""

from domain.events.course import (
    CampaignStarted,
    Completed,
    Exited,
    NodeEntered,
    Paused,
    Resumed,
    SignalJudged,
    SignalRecorded,
    StartScheduled,
    TransitionTaken,
)
from domain.events.errands import (
    ContactUpdateRequested,
    NotificationRequested,
    TaskCreated,
    TaskResolved,
    WebhookRequested,
    WebhookResolved,
)
from domain.events.fact import Fact, TimerSet
from domain.events.messages import (
    MessageAccepted,
    MessageCancelled,
    MessageDeferred,
    MessageFailed,
    MessagePresumedLost,
    MessageQueued,
    MessageReopened,
    MessageUnknown,
    ResendOrdered,
    SendAttemptReturned,
    SendAttemptStarted,
)
from domain.events.plans import PlanAccepted, PlanRevised, Proof, RevisionKept

Event = (
    PlanAccepted
    | StartScheduled
    | CampaignStarted
    | NodeEntered
    | TransitionTaken
    | SignalRecorded
    | SignalJudged
    | MessageQueued
    | MessageDeferred
    | MessageReopened
    | MessageCancelled
    | SendAttemptStarted
    | SendAttemptReturned
    | MessageAccepted
    | MessageFailed
    | MessageUnknown
    | MessagePresumedLost
    | ResendOrdered
    | Paused
    | Resumed
    | RevisionKept
    | PlanRevised
    | TaskCreated
    | TaskResolved
    | WebhookRequested
    | WebhookResolved
    | ContactUpdateRequested
    | NotificationRequested
    | Completed
    | Exited
)


def topic_of(fact: Fact | type[Fact]) -> str:
    """The stored name of a fact."""
    tag = fact.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


__all__ = [
    "CampaignStarted",
    "Completed",
    "ContactUpdateRequested",
    "Event",
    "Exited",
    "Fact",
    "MessageAccepted",
    "MessageCancelled",
    "MessageDeferred",
    "MessageFailed",
    "MessagePresumedLost",
    "MessageQueued",
    "MessageReopened",
    "MessageUnknown",
    "NodeEntered",
    "NotificationRequested",
    "Paused",
    "PlanAccepted",
    "PlanRevised",
    "Proof",
    "ResendOrdered",
    "Resumed",
    "RevisionKept",
    "SendAttemptReturned",
    "SendAttemptStarted",
    "SignalJudged",
    "SignalRecorded",
    "StartScheduled",
    "TaskCreated",
    "TaskResolved",
    "TimerSet",
    "TransitionTaken",
    "WebhookRequested",
    "WebhookResolved",
    "topic_of",
]
