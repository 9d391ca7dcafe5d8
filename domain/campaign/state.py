"""The state of a contact-campaign: what its decisions need, and no more."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.events import RevisionKept, TimerSet
from domain.ids import CampaignId, ContactId, ErrandId, MessageId, NodeId
from domain.lifecycle import ENDED, Stage
from domain.taxonomy import Channel, MessageState, Outcome

_NOBODY = UUID(int=0)


class Phase(StrEnum):
    """What the token waits for at its node."""

    NONE = "none"
    SCHED = "sched"
    SENDING = "sending"
    CALLING = "calling"
    WATCH = "watch"


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded open or click and who is taken to be behind it now.

    `counted`: its message was counted as opened or clicked at its instant; `spent`: a transition
    used it before it was taken for a machine's.
    """

    no: int
    signal: str
    at: datetime
    key: str
    machine: bool
    reader: str
    derived: bool
    counted: bool
    spent: bool = False
    url_tags: tuple[str, ...] = ()


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the stream. `heard_at` has the first instant of each human signal about it.

    `held` is why it was last said to wait; `resent` says that a person ordered another attempt,
    `tried_at` is when the last one began.
    """

    id: MessageId
    node: NodeId
    visit: int
    channel: Channel
    state: MessageState
    entered_at: datetime
    due_at: datetime
    expires_at: datetime
    dedupe_key: str
    variant: str = ""
    sender: str = ""
    domain: str = "other"
    body_mac: str = ""
    attempt: int = 0
    returned: int = 0
    held: str = ""
    resent: bool = False
    tried_at: datetime | None = None
    accepted_at: datetime | None = None
    heard_at: Mapping[str, datetime] = {}
    sightings: tuple[Sighting, ...] = ()


class Heard(msgspec.Struct, frozen=True):
    """A recorded human signal that no transition has used yet: latched."""

    no: int
    signal: str
    at: datetime
    message_id: MessageId | None
    url_tags: tuple[str, ...]


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """One contact in one campaign, one run.

    `pending` is the message the token waits to see sent, `anchor` the one that signals are about,
    `fell` how the node's own message ended when its way out is still to be taken: on resume, if it
    came while paused. `signals_at_pause` tells what was heard since. `told` counts the reports of
    each signal about each message, those of machines apart. `task` is the work at this node,
    `calls` are webhooks without an answer, `drawn` has the arm of each experiment, `kept` a
    revision that waits for an outcome.
    """

    stage: Stage = Stage.NONE
    phase: Phase = Phase.NONE
    contact_id: ContactId = ContactId(_NOBODY)
    campaign_id: CampaignId = CampaignId(_NOBODY)
    run: int = 0
    plan_hash: str = ""
    holidays: tuple[date, ...] = ()
    starts_at: datetime | None = None
    started_at: datetime | None = None
    expires_at: datetime | None = None
    paused_at: datetime | None = None
    signals_at_pause: int = 0
    node: NodeId = NodeId("")
    visit: int = 0
    t0: datetime | None = None
    timers: tuple[TimerSet, ...] = ()
    timer_taken_at: datetime | None = None
    pending: MessageId | None = None
    anchor: MessageId | None = None
    fell: str = ""
    messages: Mapping[MessageId, Message] = {}
    visits: Mapping[NodeId, int] = {}
    latched: tuple[Heard, ...] = ()
    signals: int = 0
    keys: frozenset[str] = frozenset()
    told: Mapping[tuple[str, MessageId | None, bool], int] = {}
    last_sent_at: Mapping[str, datetime] = {}
    auto_replied_at: datetime | None = None
    sends: int = 0
    task: ErrandId | None = None
    calls: Mapping[ErrandId, tuple[NodeId, int]] = {}
    drawn: Mapping[str, str] = {}
    kept: RevisionKept | None = None
    outcome: Outcome | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to it any more but late facts."""
        return self.stage in ENDED

    @property
    def waiting(self) -> Message | None:
        """The pending message as long as no call for it was started."""
        if self.pending is None:
            return None
        message = self.messages[self.pending]
        return message if message.state in (MessageState.PLANNED, MessageState.QUEUED) else None

    @property
    def unsent(self) -> tuple[Message, ...]:
        """Every message for which no call was started: the pending one, and what was resent."""
        unsent = (MessageState.PLANNED, MessageState.QUEUED)
        return tuple(message for message in self.messages.values() if message.state in unsent)

    @property
    def watches_own(self) -> bool:
        """Whether it watches the message that this very visit of its node has sent."""
        anchor = self.messages.get(self.anchor) if self.anchor else None
        here = anchor is not None and (anchor.node, anchor.visit) == (self.node, self.visit)
        return here and self.phase == Phase.WATCH and not self.fell

    def latest(self, node: NodeId) -> Message | None:
        """The message of the latest visit of a send node."""
        of_node = [message for message in self.messages.values() if message.node == node]
        return max(of_node, key=lambda message: message.visit, default=None)


INITIAL = Campaign()
