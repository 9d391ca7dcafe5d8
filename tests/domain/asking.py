"""Decisions that wait for state and grounds: the inputs of the stories that tests tell."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from domain import campaign
from domain.campaign import Acceptance, Called, Campaign, Reported, Revision
from domain.events import (
    Event,
    MessageQueued,
    PlanAccepted,
    SendAttemptReturned,
)
from domain.ids import ErrandId, MessageId, NodeId, errand_id, message_id
from domain.plan import Grounds, Plan
from domain.taxonomy import CancelReason, TaskEnd, Via
from tests.domain.building import CAMPAIGN, CONTACT, STREAM, T0

Decide = Callable[[Campaign, Grounds], Sequence[Event]]


def mid(node: str, visit: int = 1) -> MessageId:
    return message_id(STREAM, NodeId(node), visit)


def errand(node: str, visit: int = 1) -> ErrandId:
    return errand_id(STREAM, NodeId(node), visit)


def accepted_plan(at: datetime = T0, plan_hash: str = "sha256:test", run: int = 1) -> PlanAccepted:
    return PlanAccepted(
        contact_id=CONTACT,
        campaign_id=CAMPAIGN,
        run=run,
        plan_hash=plan_hash,
        dsl_version="1.0",
        tzdata="2026a",
        at=at,
    )


def enrols(at: datetime = T0, starts_at: datetime | None = None) -> Decide:
    return partial(campaign.enrol, accepted=accepted_plan(at), starts_at=starts_at or at)


def queues(node: str, visit: int = 1, at: datetime = T0) -> Decide:
    queued = MessageQueued(message_id=mid(node, visit), body_mac="mac", snapshot="1", at=at)
    return partial(campaign.queue, queued=queued)


def claims(node: str, now: datetime, visit: int = 1) -> Decide:
    return partial(campaign.start_attempt, message_id=mid(node, visit), now=now)


def accepts(
    node: str, at: datetime, visit: int = 1, attempt: int = 1, via: Via = Via.ANSWER
) -> Decide:
    acceptance = Acceptance(message_id=mid(node, visit), attempt=attempt, at=at, via=via)
    return partial(campaign.accept_message, acceptance=acceptance)


def returns(
    node: str,
    at: datetime,
    *,
    visit: int = 1,
    attempt: int = 1,
    due_at: datetime | None = None,
    counted: bool = True,
) -> Decide:
    returned = SendAttemptReturned(
        message_id=mid(node, visit),
        attempt=attempt,
        reason="refused_connection",
        due_at=due_at or at,
        at=at,
        counted=counted,
    )
    return partial(campaign.return_attempt, returned=returned)


def refuses(node: str, at: datetime, visit: int = 1, attempt: int = 1) -> Decide:
    return partial(
        campaign.refuse, message_id=mid(node, visit), attempt=attempt, reason="status_400", at=at
    )


def doubts(node: str, at: datetime, visit: int = 1, attempt: int = 1) -> Decide:
    return partial(
        campaign.doubt, message_id=mid(node, visit), attempt=attempt, reason="timeout", at=at
    )


def loses(node: str, at: datetime, visit: int = 1, attempt: int = 1) -> Decide:
    return partial(
        campaign.lose, message_id=mid(node, visit), attempt=attempt, evidence="silence", at=at
    )


def skips(node: str, reason: CancelReason, at: datetime, visit: int = 1) -> Decide:
    return partial(campaign.skip, message_id=mid(node, visit), reason=reason, at=at)


def gives_up(node: str, at: datetime, visit: int = 1) -> Decide:
    return partial(campaign.give_up, message_id=mid(node, visit), reason="render", at=at)


def report(
    signal: str,
    at: datetime,
    about: str | None = None,
    *,
    visit: int = 1,
    machine: bool = False,
    url: str | None = None,
    key: str | None = None,
) -> Reported:
    return Reported(
        signal=signal,
        at=at,
        key=key or f"{signal}/{about}/{visit}/{at.isoformat()}",
        message_id=mid(about, visit) if about else None,
        machine=machine,
        url=url,
    )


def hears(
    signal: str,
    at: datetime,
    about: str | None = None,
    *,
    now: datetime | None = None,
    machine: bool = False,
    url: str | None = None,
) -> Decide:
    """A report that comes at once, or at `now`."""
    reported = report(signal, at, about, machine=machine, url=url)
    return partial(campaign.record, reported=reported, now=now or at)


def times_out(node: str, index: int, due_at: datetime, visit: int = 1) -> Decide:
    return partial(campaign.time_out, node=NodeId(node), visit=visit, index=index, due_at=due_at)


def pauses(at: datetime) -> Decide:
    return partial(campaign.pause, reason="operator", at=at)


def resumes(at: datetime) -> Decide:
    return partial(campaign.resume, at=at)


def stops(at: datetime) -> Decide:
    return partial(campaign.stop, reason="operator", at=at)


def expires(due_at: datetime) -> Decide:
    return partial(campaign.expire, due_at=due_at)


def resolves(node: str, at: datetime, end: TaskEnd = TaskEnd.DONE, visit: int = 1) -> Decide:
    return partial(campaign.resolve_task, task_id=errand(node, visit), end=end, at=at)


def answers(node: str, at: datetime, visit: int = 1, *, ok: bool = True) -> Decide:
    called = Called(
        call_id=errand(node, visit), ok=ok, reason="" if ok else "status_500", attempts=1
    )
    return partial(campaign.resolve_webhook, called=called, at=at)


def revises(
    new: Plan,
    at: datetime,
    *,
    if_hash: str = "sha256:test",
    mapping: Mapping[str, str] | None = None,
    resume_at: str | None = None,
) -> Decide:
    renamed = tuple((NodeId(old), NodeId(to)) for old, to in (mapping or {}).items())
    revision = Revision(
        plan=new,
        if_hash=if_hash,
        author="ops",
        mapping=renamed,
        resume_at=NodeId(resume_at) if resume_at else None,
    )
    return partial(campaign.revise, revision=revision, at=at)
