"""A recorded fact happening again, somewhat later: as the decision that it was made by."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from domain import campaign
from domain.campaign import Acceptance, Campaign, Judged, Reported, Revision
from domain.events import (
    Event,
    Exited,
    MessageAccepted,
    MessageFailed,
    MessagePresumedLost,
    MessageUnknown,
    Paused,
    PlanRevised,
    Resumed,
    RevisionKept,
    SendAttemptReturned,
    SignalJudged,
    SignalRecorded,
    TaskResolved,
)
from domain.ids import ErrandId, MessageId
from domain.plan import Plan
from domain.recorded import Recorded
from plans.what_if.past import fact_at

Decide = Callable[..., Sequence[Event]]


class Again(msgspec.Struct, frozen=True):
    """A recorded fact and how much later it happens; its message or task may have another id."""

    one: Recorded
    shift: timedelta
    message_id: MessageId | None = None
    task_id: ErrandId | None = None

    @property
    def at(self) -> datetime:
        """The instant that it is dated."""
        return fact_at(self.one) + self.shift


class Present(msgspec.Struct, frozen=True):
    """Where the other course stands; `texts` are the known `urlContains` texts by their tags."""

    state: Campaign
    now: datetime
    texts: Mapping[str, str]
    plans: Mapping[str, Plan]


def decision(again: Again, present: Present) -> Decide:
    """The decision that records it once more."""
    return _DECISIONS[type(again.one.fact)](again, present)


def _heard(again: Again, present: Present) -> Decide:
    told = again.one.fact
    assert isinstance(told, SignalRecorded)
    texts = [present.texts[tag] for tag in told.url_tags if tag in present.texts]
    reported = Reported(
        signal=told.signal,
        at=again.at,
        key=told.key,
        message_id=again.message_id or told.message_id,
        machine=told.machine,
        weak=told.weak,
        reader=told.reader,
        evidence=told.evidence,
        url="\n".join(texts) if texts else None,
    )
    return partial(campaign.record, reported=reported, now=present.now)


def _judged(again: Again, present: Present) -> Decide:
    fact = again.one.fact
    assert isinstance(fact, SignalJudged)
    verdict = Judged(key=fact.key, machine=fact.machine, reader=fact.reader, evidence=fact.evidence)
    return partial(campaign.judge_again, judged=[verdict], now=present.now)


def _ended(again: Again, present: Present) -> Decide:  # noqa: ARG001  # one shape for all
    resolved = again.one.fact
    assert isinstance(resolved, TaskResolved)
    assert again.task_id is not None
    return partial(campaign.resolve_task, task_id=again.task_id, end=resolved.end, at=again.at)


def _paused(again: Again, present: Present) -> Decide:  # noqa: ARG001  # one shape for all
    assert isinstance(again.one.fact, Paused)
    return partial(campaign.pause, reason=again.one.fact.reason, at=again.at)


def _resumed(again: Again, present: Present) -> Decide:  # noqa: ARG001  # one shape for all
    return partial(campaign.resume, at=again.at)


def _stopped(again: Again, present: Present) -> Decide:  # noqa: ARG001  # one shape for all
    assert isinstance(again.one.fact, Exited)
    return partial(campaign.stop, reason=again.one.fact.reason, at=again.at)


def _revised(again: Again, present: Present) -> Decide:
    order = again.one.fact
    assert isinstance(order, RevisionKept | PlanRevised)
    revision = Revision(
        plan=present.plans[order.new_hash],
        if_hash=present.state.plan_hash,
        author=order.author,
        mapping=order.mapping,
        resume_at=order.resume_at,
        diff=order.diff,
        proof=order.proof,
    )
    return partial(campaign.revise, revision=revision, at=again.at)


# --- what came of an attempt ----------------------------------------------------------------------


def _of_attempt(again: Again, present: Present) -> Mapping[str, Any]:
    assert again.message_id is not None
    message = present.state.messages[again.message_id]
    return {"message_id": message.id, "attempt": message.attempt, "at": again.at}


def _accepted(again: Again, present: Present) -> Decide:
    fact = again.one.fact
    assert isinstance(fact, MessageAccepted)
    told = _of_attempt(again, present)
    taken = Acceptance(**told, via=fact.via, provider_id=fact.provider_id)
    return partial(campaign.accept_message, acceptance=taken)


def _returned(again: Again, present: Present) -> Decide:
    fact = again.one.fact
    assert isinstance(fact, SendAttemptReturned)
    told = _of_attempt(again, present)
    returned = replace(fact, **told, due_at=fact.due_at + again.shift)
    return partial(campaign.return_attempt, returned=returned)


def _settled(decide: Decide, word: str) -> Callable[[Again, Present], Decide]:
    """A decision that says by this word why."""

    def settle(again: Again, present: Present) -> Decide:
        why = {word: getattr(again.one.fact, word)}
        return partial(decide, **_of_attempt(again, present), **why)

    return settle


_DECISIONS: Mapping[type[Event], Callable[[Again, Present], Decide]] = {
    SignalRecorded: _heard,
    SignalJudged: _judged,
    TaskResolved: _ended,
    Paused: _paused,
    Resumed: _resumed,
    Exited: _stopped,
    RevisionKept: _revised,
    PlanRevised: _revised,
    MessageAccepted: _accepted,
    SendAttemptReturned: _returned,
    MessageFailed: _settled(campaign.refuse, "reason"),
    MessageUnknown: _settled(campaign.doubt, "reason"),
    MessagePresumedLost: _settled(campaign.lose, "evidence"),
}
