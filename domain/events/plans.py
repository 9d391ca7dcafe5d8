"""Facts about the plan in force: accepted with its proof, revised on the way."""

from datetime import date, datetime

import msgspec

from domain.events.fact import Fact, TimerSet
from domain.ids import CampaignId, ContactId, MessageId, NodeId


class Proof(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """What a plan was accepted with: its bounds, and the SHA-256 of the report kept beside it.

    Durations in seconds; `warnings` are codes of the check.
    """

    report: str
    min_sends: int
    max_sends: int
    min_duration_s: int
    max_duration_s: int
    min_spacing_s: int | None = None
    open_minutes_per_week: int | None = None
    states: int = 0
    warnings: tuple[str, ...] = ()


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
    proof: Proof | None = None


class RevisionKept(Fact, frozen=True, kw_only=True, tag="revision_kept"):
    """A revision was ordered that waits: for the outcome of a call, or for the end of a pause."""

    new_hash: str
    author: str
    at: datetime
    mapping: tuple[tuple[NodeId, NodeId], ...] = ()
    resume_at: NodeId | None = None
    diff: tuple[str, ...] = ()
    holidays: tuple[date, ...] = ()
    proof: Proof | None = None


class PlanRevised(Fact, frozen=True, kw_only=True, tag="plan_revised"):
    """Another plan is in force: what waited was placed again, timers count anew from t0.

    `mapping` gives nodes their new ids, `diff` the pointers that changed; the message that waited
    is rendered again. While it is paused, message and timers go on waiting for the resume.
    """

    old_hash: str
    new_hash: str
    author: str
    at: datetime
    node: NodeId
    visit: int
    mapping: tuple[tuple[NodeId, NodeId], ...] = ()
    resume_at: NodeId | None = None
    diff: tuple[str, ...] = ()
    holidays: tuple[date, ...] = ()
    expires_at: datetime | None = None
    timers: tuple[TimerSet, ...] = ()
    message_id: MessageId | None = None
    due_at: datetime | None = None
    message_expires_at: datetime | None = None
    variant: str = ""
    sender: str = ""
    proof: Proof | None = None
    paused: bool = False
