"""Every fact of the log: the storage format, a closed union without personal data.

A fact is never changed, only new optional fields are added; the tag is the stored topic. Texts
here are ids, node ids, hashes and words of `taxonomy`; a test holds every field against that list.
"""

from datetime import date, datetime

import msgspec

from domain.ids import CampaignId, ContactId, MessageId, NodeId
from domain.taxonomy import (
    CancelReason,
    Channel,
    HoldReason,
    Outcome,
    Synthetic,
    Via,
)


class Fact(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True, tag_field="fact"
):
    """Base of all facts: frozen; fields unknown to this release are ignored."""


class TimerSet(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One armed timer: the transition it belongs to, its word and the instant it is dated."""

    index: int
    kind: Synthetic
    due_at: datetime


class PlanAccepted(Fact, frozen=True, kw_only=True, tag="plan_accepted"):
    """A proven plan was taken for this contact in this campaign."""

    contact_id: ContactId
    campaign_id: CampaignId
    run: int
    plan_hash: str
    dsl_version: str
    tzdata: str
    at: datetime
    context_digest: str = ""
    holidays: tuple[date, ...] = ()


class StartScheduled(Fact, frozen=True, kw_only=True, tag="start_scheduled"):
    """The start was set for an instant that was still to come."""

    at: datetime


class CampaignStarted(Fact, frozen=True, kw_only=True, tag="campaign_started"):
    """The contact-campaign runs; at `expires_at` its longest duration is over."""

    at: datetime
    expires_at: datetime


class NodeEntered(Fact, frozen=True, kw_only=True, tag="node_entered"):
    """The token came to a node: a send plans its message, a wait sets its timers."""

    node: NodeId
    visit: int
    at: datetime
    choice: int = -1
    message_id: MessageId | None = None
    channel: Channel | None = None
    due_at: datetime | None = None
    expires_at: datetime | None = None
    dedupe_key: str = ""
    variant: str = ""
    sender: str = ""
    anchor: MessageId | None = None
    timers: tuple[TimerSet, ...] = ()


class TransitionTaken(Fact, frozen=True, kw_only=True, tag="transition_taken"):
    """A transition matched: which, on what, and the number of the signal that caused it."""

    node: NodeId
    visit: int
    index: int
    on: str
    to: NodeId
    at: datetime
    message_id: MessageId | None = None
    signal_no: int = -1


class SignalRecorded(Fact, frozen=True, kw_only=True, tag="signal_recorded"):
    """Something was reported, about a message or about the contact-campaign as a whole."""

    signal: str
    at: datetime
    message_id: MessageId | None = None
    key: str = ""
    machine: bool = False
    derived: bool = False
    late: bool = False
    weak: bool = False
    url_tags: tuple[str, ...] = ()
    evidence: str = ""
    node: NodeId | None = None
    variant: str = ""
    sender: str = ""
    domain: str = "other"
    first: bool = False


class MessageQueued(Fact, frozen=True, kw_only=True, tag="message_queued"):
    """The message was rendered and kept; `body_mac` proves later that just this was sent."""

    message_id: MessageId
    body_mac: str
    snapshot: str
    at: datetime
    domain: str = "other"


class MessageDeferred(Fact, frozen=True, kw_only=True, tag="message_deferred"):
    """The message waits for a reason; `due_at` is when it is looked at again."""

    message_id: MessageId
    reason: HoldReason
    due_at: datetime
    expires_at: datetime
    at: datetime


class MessageCancelled(Fact, frozen=True, kw_only=True, tag="message_cancelled"):
    """The message will not be sent."""

    message_id: MessageId
    reason: CancelReason
    at: datetime
    node: NodeId
    variant: str = ""
    sender: str = ""


class SendAttemptStarted(Fact, frozen=True, kw_only=True, tag="send_attempt_started"):
    """A worker claimed the message and may call the provider, once."""

    message_id: MessageId
    attempt: int
    body_mac: str
    at: datetime


class SendAttemptReturned(Fact, frozen=True, kw_only=True, tag="send_attempt_returned"):
    """The attempt certainly did not leave; the message is queued again for `due_at`."""

    message_id: MessageId
    attempt: int
    reason: str
    due_at: datetime
    at: datetime
    counted: bool = True


class MessageAccepted(Fact, frozen=True, kw_only=True, tag="message_accepted"):
    """The provider has the message; the clock of its node starts at `at`."""

    message_id: MessageId
    attempt: int
    at: datetime
    via: Via
    node: NodeId
    visit: int
    provider_id: str = ""
    late: bool = False
    timers: tuple[TimerSet, ...] = ()
    variant: str = ""
    sender: str = ""
    domain: str = "other"


class MessageFailed(Fact, frozen=True, kw_only=True, tag="message_failed"):
    """The message cannot be sent."""

    message_id: MessageId
    attempt: int
    reason: str
    at: datetime
    node: NodeId
    variant: str = ""
    sender: str = ""
    domain: str = "other"


class MessageUnknown(Fact, frozen=True, kw_only=True, tag="message_unknown"):
    """Whether the attempt left is not known; it is never answered by sending again."""

    message_id: MessageId
    attempt: int
    reason: str
    at: datetime


class MessagePresumedLost(Fact, frozen=True, kw_only=True, tag="message_presumed_lost"):
    """The attempt did not leave, by evidence or by long silence."""

    message_id: MessageId
    attempt: int
    evidence: str
    at: datetime
    node: NodeId
    variant: str = ""
    sender: str = ""
    domain: str = "other"


class Paused(Fact, frozen=True, kw_only=True, tag="paused"):
    """The clock of the contact-campaign stands still; a message that waited waits on."""

    at: datetime
    reason: str = ""
    message_id: MessageId | None = None


class Resumed(Fact, frozen=True, kw_only=True, tag="resumed"):
    """The clock runs again; timers, t0 and the end moved by the paused time."""

    at: datetime
    shift_s: float
    expires_at: datetime
    node: NodeId
    visit: int
    message_id: MessageId | None = None
    due_at: datetime | None = None
    message_expires_at: datetime | None = None
    timers: tuple[TimerSet, ...] = ()


class Completed(Fact, frozen=True, kw_only=True, tag="completed"):
    """A stop node was reached."""

    node: NodeId
    outcome: Outcome
    at: datetime


class Exited(Fact, frozen=True, kw_only=True, tag="exited"):
    """The contact-campaign ended from outside the plan: an exit, a goal, an operator, a bound."""

    outcome: Outcome
    reason: str
    at: datetime
    failed: bool = False


Event = (
    PlanAccepted
    | StartScheduled
    | CampaignStarted
    | NodeEntered
    | TransitionTaken
    | SignalRecorded
    | MessageQueued
    | MessageDeferred
    | MessageCancelled
    | SendAttemptStarted
    | SendAttemptReturned
    | MessageAccepted
    | MessageFailed
    | MessageUnknown
    | MessagePresumedLost
    | Paused
    | Resumed
    | Completed
    | Exited
)


def topic_of(fact: Fact | type[Fact]) -> str:
    """The stored name of a fact."""
    tag = fact.__struct_config__.tag
    assert isinstance(tag, str)
    return tag
