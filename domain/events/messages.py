"""Facts about a message, from rendered to settled (trust.md 1)."""

from datetime import datetime

from domain.events.fact import Fact, TimerSet
from domain.gates.seen import Seen
from domain.ids import MessageId, NodeId
from domain.taxonomy import CancelReason, HoldReason, Via


class MessageQueued(Fact, frozen=True, kw_only=True, tag="message_queued"):
    """The message was rendered and kept; `body_mac` proves later that just this was sent.

    `sender` is the account it was rendered for: the one the plan or the campaign names, or the
    member of their rotation set that this contact-campaign has.
    """

    message_id: MessageId
    body_mac: str
    snapshot: str
    at: datetime
    domain: str = "other"
    sender: str = ""


class MessageDeferred(Fact, frozen=True, kw_only=True, tag="message_deferred"):
    """The message waits for a reason; `due_at` is when it is looked at again.

    `seen` has what the gates saw, here and below, where they were asked.
    """

    message_id: MessageId
    reason: HoldReason
    due_at: datetime
    expires_at: datetime
    at: datetime
    seen: Seen | None = None


class MessageReopened(Fact, frozen=True, kw_only=True, tag="message_reopened"):
    """The mail kept for a due message is not right any more: it is planned again, for now."""

    message_id: MessageId
    reason: HoldReason
    at: datetime
    seen: Seen | None = None


class MessageCancelled(Fact, frozen=True, kw_only=True, tag="message_cancelled"):
    """The message will not be sent."""

    message_id: MessageId
    reason: CancelReason
    at: datetime
    node: NodeId
    variant: str = ""
    sender: str = ""
    seen: Seen | None = None


class SendAttemptStarted(Fact, frozen=True, kw_only=True, tag="send_attempt_started"):
    """A worker claimed the message and may call the provider, once."""

    message_id: MessageId
    attempt: int
    body_mac: str
    at: datetime
    seen: Seen | None = None


class SendAttemptReturned(Fact, frozen=True, kw_only=True, tag="send_attempt_returned"):
    """The attempt certainly did not leave; the message is queued again for `due_at`.

    `paused`: its contact-campaign stands still, and a resume says when it is due.
    """

    message_id: MessageId
    attempt: int
    reason: str
    due_at: datetime
    at: datetime
    counted: bool = True
    paused: bool = False


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


class ResendOrdered(Fact, frozen=True, kw_only=True, tag="resend_ordered"):
    """A person ordered another attempt of a message that is taken as lost, knowing the risk."""

    message_id: MessageId
    author: str
    due_at: datetime
    expires_at: datetime
    at: datetime
