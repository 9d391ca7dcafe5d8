"""A history under another plan: what came from outside, at its instant or as long after its cause.

* Signals about a message come as long after its acceptance as they came; so do the answers of the
  provider after the attempt. Where the message leaves at the instant it left, so do they.
* A message is the same when node, visit and channel are. One that was never sent is sent as soon
  as it is due, and nothing is ever heard about it.
* What held a due message up (a gate, a busy worker) holds it up as long again; what a person did
  to a waiting one comes as long after the entry of its node.
* Signals about the contact, pauses, resumes and a stop keep their instant.
* The end of a task and the answer of an endpoint keep their delay. A task that never was is ended
  by nobody; a call that never was is taken at once.
* Timers fire by the interpreter when their grace is over. Derived signals are left out: it derives
  them again. Machine and weak signals stay what they are; of a clicked link only those texts are
  known that a plan of then asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heappop
from typing import Any

import msgspec
from msgspec.structs import replace
from typing_extensions import override

from domain import campaign
from domain.campaign import Acceptance, Called, Message
from domain.errors import MessageUnknownHere
from domain.events import (
    Event,
    MessageCancelled,
    MessageDeferred,
    MessageFailed,
    MessageQueued,
    NodeEntered,
    PlanRevised,
    RevisionKept,
    SendAttemptReturned,
    SendAttemptStarted,
    TaskCreated,
    TimerSet,
)
from domain.ids import MessageId, NodeId, StreamId
from domain.lifecycle import Stage
from domain.plan import Plan, Policy
from domain.taxonomy import CancelReason, HoldReason, MessageState, Via
from plans.simulate.run import Course, Run
from plans.what_if.again import Again, Present, decision
from plans.what_if.known import Answers, Known
from plans.what_if.past import NO_WINDOW, WAITING, Look, Past, PastMessage, fact_at

_RANKS = 1 << 16
"""More than one history ever plans: things of one instant go in the order of the log."""
_BY_THE_PLAN = (HoldReason.HOURS, HoldReason.SPACING)
_PERHAPS_BY_THE_PLAN = (CancelReason.SEND_IF, CancelReason.POLICY)
_AT_ONCE = timedelta()


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What a history runs again on.

    `plans` has the plans that were in force, by hash; `until` is where a history that still runs
    ends, None for one that is over: its other course goes on in silence to its own end.
    """

    stream: StreamId
    subject: str
    plans: Mapping[str, Plan] = {}
    policy: Policy = Policy()
    values: Mapping[str, object] = {}
    until: datetime | None = None


class Rerun(Run):
    """One history under one plan; with `revisions` it is revised on the way as it was then.

    `used` has the versions of the facts that happened again, `moved` the messages that left at
    another time than then.
    """

    def __init__(
        self, past: Past, setting: Setting, plan: Plan, *, revisions: bool = False
    ) -> None:
        course = Course(
            plan=plan, start=fact_at(past.started), policy=setting.policy, values=setting.values
        )
        self.known = Known(past, setting.stream, plan.nodes)
        super().__init__(course, setting.subject, Answers(self.known, setting.until))
        self._grounds = replace(self._grounds, stream=setting.stream)
        self.past = past
        self.setting = setting
        self.used: set[int] = set()
        self.moved: set[MessageId] = set()
        self._orders = past.orders if revisions else []
        self._attempts: dict[MessageId, int] = {}
        self._texts = {
            tag: text for known in setting.plans.values() for text, tag in known.url_tags.items()
        }
        self._last = _rank(past.last.version + 1)

    def go(self) -> list[Event]:
        """The facts of this course, up to where the history is known."""
        plan, start = self.course.plan, self.course.start
        accepted = replace(
            self.past.accepted,
            plan_hash=plan.hash,
            dsl_version=plan.version,
            holidays=plan.holidays,
            proof=None,
        )
        self.take(campaign.accept, accepted=accepted)
        for one in (*self.past.loose, *self._orders):
            self._plan_again(Again(one, _AT_ONCE))
        self.take(campaign.start, at=start, now=start)
        agenda, until = self._agenda, self.setting.until
        # of the last instant only what was recorded counts
        end = None if until is None else (until, self._last)
        while agenda and not self.state.ended and (end is None or agenda[0][:2] < end):
            at, _, act, what = heappop(agenda)
            act(what, at)
        return self.facts

    # --- what facts make come ---------------------------------------------------------------------

    @override
    def _take(self, facts: Sequence[Event]) -> None:
        for fact in facts:
            if isinstance(fact, PlanRevised):  # first: nodes entered after it are of that plan
                self._put_in_force(fact)
        super()._take(facts)
        for fact in facts:
            if type(fact) in _FOLLOW_TOO:
                _FOLLOW_TOO[type(fact)](self, fact)

    def _put_in_force(self, fact: PlanRevised) -> None:
        plan = self.setting.plans[fact.new_hash]
        self._grounds = replace(self._grounds, plan=plan, revised=None)
        self.course = replace(self.course, plan=plan)
        self.known.nodes = plan.nodes

    def _kept(self, fact: RevisionKept) -> None:
        self._grounds = replace(self._grounds, revised=self.setting.plans[fact.new_hash])

    def _placed_anew(self, fact: PlanRevised) -> None:
        if fact.expires_at is not None:
            self.plan(fact.expires_at, self._expire, None, self._last)
        if fact.message_id is not None and fact.due_at is not None:
            self.plan(fact.due_at, self._dispatch, fact.message_id)
        self._arm(fact.node, fact.visit, fact.timers)

    def _waited_for(self, fact: NodeEntered) -> None:
        """What was done to the message without waiting for its due time."""
        if fact.message_id is None:
            return
        known = self.known.message(self.state.messages[fact.message_id])
        for look in known.looks if known else ():
            if look.early and known is not None:
                again = Again(look.one, fact.at - known.entered.at, fact.message_id)
                self._plan_again(again, self._look_early)

    def _given_back(self, fact: SendAttemptReturned) -> None:
        self.plan(fact.due_at, self._dispatch, fact.message_id)

    def _given_out(self, fact: TaskCreated) -> None:
        known = self.known.task(fact)
        if known is not None and known.ended is not None:
            self._plan_again(Again(known.ended, fact.at - known.at, task_id=fact.task_id))

    @override
    def _arm(self, node: NodeId, visit: int, timers: Sequence[TimerSet]) -> None:
        """A timer that was taken then has its turn among the things of its instant as then."""
        fired = self.past.fired
        for timer in timers:
            place = fired.get((node, visit, timer.index, timer.due_at))
            rank = self._last if place is None else _rank(place)
            self.plan(timer.due_at + self._grace, self._time_out, (node, visit, timer), rank)

    def _plan_again(
        self, again: Again, act: Callable[[Again, datetime], None] | None = None
    ) -> None:
        act = act or self._happen
        self.plan(again.one.at + again.shift, act, again, _rank(again.one.version))

    def _happen(self, again: Again, now: datetime) -> None:
        try:
            self.take(decision(again, Present(self.state, now, self._texts, self.setting.plans)))
        except MessageUnknownHere:
            return
        self.used.add(again.one.version)

    @override
    def _resolve_call(self, called: Called, at: datetime) -> None:
        """An answer has its turn among the things of its instant as then."""
        known = self.past.calls.get(called.call_id)
        rank = _rank(known.ended.version) if known and known.ended else self._last
        self.plan(at, super()._resolve_call, called, rank)

    # --- messages ---------------------------------------------------------------------------------

    @override
    def _dispatch(self, message_id: MessageId, now: datetime) -> None:
        """A message is due: what befell it then befalls it again, as long after."""
        message, stage = self.state.messages[message_id], self.state.stage
        if stage != Stage.ACTIVE or message.due_at != now or message.state not in WAITING:
            return  # a resume places it anew
        known = self.known.message(message)
        look = self._next_look(known) if known else None
        if look is None:
            if known is None or not self._waits_still(known):
                self.plan(now, self._try, message_id, self._last)
            return
        again = Again(look.one, now - look.due_at, message_id)
        if look.missed:
            self.used.add(look.one.version)
            self.plan(again.at, self._try, message_id, self._last)
        else:
            self._plan_again(again, self._look)

    def _waits_still(self, known: PastMessage) -> bool:
        """Whether the history ends before anything came of this message."""
        mid = known.entered.message_id
        return mid is not None and self.past.state.messages[mid].state in WAITING

    def _next_look(self, known: PastMessage) -> Look | None:
        """What was done next when it was due."""
        ahead = (look for look in known.looks if not look.early)
        return next((look for look in ahead if look.one.version not in self.used), None)

    def _look(self, again: Again, _: datetime) -> None:
        assert again.message_id is not None
        message, before = self.state.messages[again.message_id], len(self.facts)
        due = self.state.stage == Stage.ACTIVE and message.due_at <= again.at
        if due and again.one.version not in self.used:
            self._look_early(again, _)
        if len(self.facts) > before:
            self.used.add(again.one.version)

    def _look_early(self, again: Again, _: datetime) -> None:
        assert again.message_id is not None
        if self.state.messages[again.message_id].state in WAITING:
            self._act_on(again.message_id, again)

    def _act_on(self, mid: MessageId, again: Again) -> None:
        at, before = again.at, len(self.facts)
        match again.one.fact:
            case MessageDeferred(reason=reason) as held if reason not in _BY_THE_PLAN:
                until = held.due_at + again.shift
                self.take(campaign.hold, message_id=mid, reason=reason, until=until, at=at)
            case MessageCancelled(reason=reason) if reason not in _PERHAPS_BY_THE_PLAN:
                self.take(campaign.skip, message_id=mid, reason=reason, at=at)
            case MessageFailed(reason=reason) if reason != NO_WINDOW:
                self.take(campaign.give_up, message_id=mid, reason=reason, at=at)
            case _:
                pass
        if len(self.facts) == before:
            self._try(mid, at)

    def _try(self, mid: MessageId, now: datetime) -> None:
        """Render and claim it; the plan may still say not now, or not at all."""
        waiting = self.state.waiting
        if waiting is None or waiting.id != mid or waiting.due_at > now:
            return
        if self.state.messages[mid].state is MessageState.PLANNED:
            queued = MessageQueued(message_id=mid, body_mac="", snapshot="", at=now)
            self.take(campaign.queue, queued=queued)
        before = len(self.facts)
        self.take(campaign.start_attempt, message_id=mid, now=now)
        if len(self.facts) > before and isinstance(self.facts[-1], SendAttemptStarted):
            self._begun(self.state.messages[mid], now)

    def _begun(self, message: Message, now: datetime) -> None:
        known = self.known.message(message)
        index = self._attempts.get(message.id, 0)
        self._attempts[message.id] = index + 1
        if known is None or index >= len(known.attempts):
            taken = Acceptance(
                message_id=message.id, attempt=message.attempt, at=now, via=Via.ANSWER
            )
            self.take(campaign.accept_message, acceptance=taken)
            return
        attempt = known.attempts[index]
        shift = now - fact_at(attempt.begun)
        if shift:
            self.moved.add(message.id)
        follows = known.heard if attempt is known.attempts[-1] else []
        for one in (*attempt.outcomes, *follows):
            self._plan_again(Again(one, shift, message.id))


def _rank(version: int) -> int:
    return version * _RANKS


_FOLLOW_TOO: Mapping[type[Event], Callable[[Rerun, Any], None]] = {
    NodeEntered: Rerun._waited_for,  # noqa: SLF001  # its own table
    SendAttemptReturned: Rerun._given_back,  # noqa: SLF001  # its own table
    TaskCreated: Rerun._given_out,  # noqa: SLF001  # its own table
    RevisionKept: Rerun._kept,  # noqa: SLF001  # its own table
    PlanRevised: Rerun._placed_anew,  # noqa: SLF001  # its own table
}
