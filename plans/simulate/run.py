"""One contact-campaign in virtual time: the decisions of `domain.campaign`, each at its instant.

Nothing here knows the plan language. An agenda holds what is to be asked and when; every answer is
facts, and facts say what comes onto the agenda next.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain import campaign
from domain.campaign import INITIAL, Acceptance, Called, Campaign, Message, Reported, evolve
from domain.campaign.entering import _values_after as values_after
from domain.events import (
    CampaignStarted,
    ContactUpdateRequested,
    Event,
    MessageAccepted,
    MessageDeferred,
    MessageQueued,
    NodeEntered,
    PlanAccepted,
    Resumed,
    SendAttemptStarted,
    TaskCreated,
    TimerSet,
    WebhookRequested,
)
from domain.ids import CampaignId, ContactId, ErrandId, MessageId, NodeId, StreamId
from domain.plan import Grounds, Plan, Policy, Update
from domain.taxonomy import MessageState, TaskEnd, Via
from plans.simulate.people import Reaction, Surroundings

_STREAM = StreamId(UUID(int=1))
_CONTACT, _CAMPAIGN = ContactId(UUID(int=2)), CampaignId(UUID(int=3))
REFUSED = "simulated"

Values = Mapping[str, object]


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """What all runs of one simulation have in common.

    `values` are the contact's data as guards read them, before the plan changes any.
    """

    plan: Plan
    start: datetime
    policy: Policy = Policy()
    values: Values = {}


def accepted(course: Course) -> PlanAccepted:
    """The acceptance of the plan; ids are the same for all runs, which never meet."""
    plan = course.plan
    return PlanAccepted(
        contact_id=_CONTACT,
        campaign_id=_CAMPAIGN,
        run=1,
        plan_hash=plan.hash,
        dsl_version=plan.version,
        tzdata="",
        at=course.start,
        holidays=plan.holidays,
    )


class Run:
    """One contact on its way, from enrolment to the end."""

    def __init__(self, course: Course, subject: str, surroundings: Surroundings) -> None:
        plan, policy = course.plan, course.policy
        self.course = course
        self.state: Campaign = INITIAL
        self.facts: list[Event] = []
        self._surroundings = surroundings
        self._grounds = Grounds(_STREAM, plan, subject, course.values, policy)
        self._grace = timedelta(seconds=policy.timer_grace_s)
        self._agenda: list[tuple[datetime, int, Callable[..., None], Any]] = []
        self._planned = 0

    def finish(self, *, to_the_last: bool = False) -> None:
        """Go on until the end, or until nothing is left that could come after it."""
        course = self.course
        self.take(campaign.enrol, accepted=accepted(course), starts_at=course.start)
        agenda = self._agenda
        while agenda and (to_the_last or not self.state.ended):
            at, _, act, what = heappop(agenda)
            act(what, at)

    def plan(self, at: datetime, act: Callable[..., None], what: object, rank: int = 0) -> None:
        """Do this at that instant; of one instant the lower rank first, then in this order."""
        self._planned += 1
        heappush(self._agenda, (at, rank + self._planned, act, what))

    def take(self, decide: Callable[..., Sequence[Event]], **given: Any) -> None:  # noqa: ANN401  # inputs of decisions
        """Decide on what is given, as it stands now."""
        self._take(decide(self.state, self._grounds, **given))

    def _take(self, facts: Sequence[Event]) -> None:
        """Add the facts of a decision, and note what they make come."""
        state = self.state
        for fact in facts:
            state = evolve(state, fact)
        self.state = state
        self.facts += facts
        for fact in facts:
            follow = _FOLLOW.get(type(fact))
            if follow is not None:
                follow(self, fact)

    # --- what facts make come --------------------------------------------------------------------

    def _started(self, fact: CampaignStarted) -> None:
        self.plan(fact.expires_at, self._expire, None, _LAST)

    def _entered(self, fact: NodeEntered) -> None:
        if fact.message_id is not None and fact.due_at is not None:
            self.plan(fact.due_at, self._dispatch, fact.message_id)
        self._arm(fact.node, fact.visit, fact.timers)

    def _deferred(self, fact: MessageDeferred) -> None:
        self.plan(fact.due_at, self._dispatch, fact.message_id)

    def _sent(self, fact: MessageAccepted) -> None:
        self._arm(fact.node, fact.visit, fact.timers)
        message = self.state.messages[fact.message_id]
        for reaction in self._surroundings.reactions(message):
            self._expect(fact, reaction)

    def _expect(self, sent: MessageAccepted, reaction: Reaction) -> None:
        at = sent.at + reaction.delay
        reported = Reported(
            signal=reaction.signal,
            at=at,
            key=f"{reaction.signal}:{self._planned}",
            message_id=sent.message_id,
            url=reaction.url,
        )
        self.plan(at, self._hear, reported)

    def _resumed(self, fact: Resumed) -> None:
        self.plan(fact.expires_at, self._expire, None, _LAST)
        if fact.message_id is not None and fact.due_at is not None:
            self.plan(fact.due_at, self._dispatch, fact.message_id)
        self._arm(fact.node, fact.visit, fact.timers)

    def _assigned(self, fact: TaskCreated) -> None:
        ended = self._surroundings.task(fact)
        if ended is not None:
            delay, end = ended
            self.plan(fact.at + delay, self._resolve_task, (fact.task_id, end))

    def _called(self, fact: WebhookRequested) -> None:
        delay, ok = self._surroundings.call(fact)
        called = Called(fact.call_id, ok, "" if ok else REFUSED, 1)
        self.plan(fact.at + delay, self._resolve_call, called)

    def _updated(self, fact: ContactUpdateRequested) -> None:
        node = self.course.plan.nodes[fact.node]
        assert isinstance(node, Update)
        self._grounds = replace(self._grounds, values=values_after(node, self._grounds.values))

    def _arm(self, node: NodeId, visit: int, timers: Sequence[TimerSet]) -> None:
        for timer in timers:
            self.plan(timer.due_at + self._grace, self._time_out, (node, visit, timer), _LAST)

    # --- what is asked at its instant ------------------------------------------------------------

    def _hear(self, reported: Reported, at: datetime) -> None:
        self.take(campaign.record, reported=reported, now=at)

    def _resolve_task(self, ended: tuple[ErrandId, TaskEnd], at: datetime) -> None:
        task, end = ended
        self.take(campaign.resolve_task, task_id=task, end=end, at=at)

    def _resolve_call(self, called: Called, at: datetime) -> None:
        self.take(campaign.resolve_webhook, called=called, at=at)

    def _dispatch(self, message_id: MessageId, now: datetime) -> None:
        """A message is due: rendered, claimed, and taken or refused by the provider."""
        if self.state.messages[message_id].state is MessageState.PLANNED:
            queued = MessageQueued(message_id=message_id, body_mac="", snapshot="", at=now)
            self.take(campaign.queue, queued=queued)
        facts = campaign.start_attempt(self.state, self._grounds, message_id=message_id, now=now)
        self._take(facts)
        if facts and isinstance(facts[-1], SendAttemptStarted):
            self._send(self.state.messages[message_id], now)

    def _send(self, message: Message, now: datetime) -> None:
        mid, attempt = message.id, message.attempt
        if self._surroundings.refuses(message, now):
            self.take(campaign.refuse, message_id=mid, attempt=attempt, reason=REFUSED, at=now)
        else:
            acceptance = Acceptance(message_id=mid, attempt=attempt, at=now, via=Via.ANSWER)
            self.take(campaign.accept_message, acceptance=acceptance)

    def _time_out(self, armed: tuple[NodeId, int, TimerSet], _: datetime) -> None:
        node, visit, timer = armed
        self.take(campaign.time_out, node=node, visit=visit, index=timer.index, due_at=timer.due_at)

    def _expire(self, _: object, at: datetime) -> None:
        self.take(campaign.expire, due_at=at)


_LAST = 1 << 40
"""The rank of timers: of one instant, reports go first (A7)."""

_FOLLOW: Mapping[type[Event], Callable[[Run, Any], None]] = {
    CampaignStarted: Run._started,  # noqa: SLF001  # its own table
    NodeEntered: Run._entered,  # noqa: SLF001  # its own table
    MessageDeferred: Run._deferred,  # noqa: SLF001  # its own table
    MessageAccepted: Run._sent,  # noqa: SLF001  # its own table
    Resumed: Run._resumed,  # noqa: SLF001  # its own table
    TaskCreated: Run._assigned,  # noqa: SLF001  # its own table
    WebhookRequested: Run._called,  # noqa: SLF001  # its own table
    ContactUpdateRequested: Run._updated,  # noqa: SLF001  # its own table
}
