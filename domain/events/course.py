"""Facts about the course of a contact-campaign: nodes, signals, transitions, pauses, its end."""

from datetime import datetime

from domain.events.fact import Fact, TimerSet
from domain.ids import MessageId, NodeId
from domain.taxonomy import Channel, Outcome


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
    experiment: str = ""


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
    reader: str = ""


class SignalJudged(Fact, frozen=True, kw_only=True, tag="signal_judged"):
    """Later facts changed who is behind a report; the report stays as it was recorded.

    `counted_at` says where its message was counted as opened or clicked, when that count is taken
    back (`machine`) or made now. `timers` are those of the present node that silence kept.
    """

    signal_no: int
    signal: str
    at: datetime
    heard_at: datetime
    message_id: MessageId
    machine: bool
    reader: str
    was_machine: bool
    was_reader: str
    key: str = ""
    derived: bool = False
    evidence: str = ""
    counted_at: datetime | None = None
    node: NodeId | None = None
    variant: str = ""
    sender: str = ""
    domain: str = "other"
    place: NodeId | None = None
    visit: int = 0
    timers: tuple[TimerSet, ...] = ()
    paused: bool = False


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
