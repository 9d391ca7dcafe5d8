"""Random plans, random events, virtual time: what must hold after every step of every history."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain import campaign
from domain.campaign import INITIAL, Acceptance, Message, fold
from domain.errors import CampaignError
from domain.events import (
    Event,
    MessageAccepted,
    MessageQueued,
    SendAttemptReturned,
    SignalRecorded,
)
from domain.ids import NodeId
from domain.lifecycle import Stage
from domain.plan import Grounds, Plan, Policy
from domain.taxonomy import CancelReason, HoldReason, MessageState, Via
from tests.domain.asking import Decide, enrols, report
from tests.domain.building import (
    GRACE,
    STREAM,
    SUBJECT,
    T0,
    plan,
    stop,
)
from tests.domain.lawful import checked_messages, checked_step
from tests.domain.random_plans import plans

SIGNALS = [
    "delivered",
    "deferred",
    "opened",
    "clicked",
    "replied",
    "auto_replied",
    "bounced",
    "spam_reported",
    "unsubscribed",
    "meeting_booked",
    "x_demo",
]
CALM = ["delivered", "opened", "clicked", "auto_replied", "x_demo"]
WAITING = (MessageState.PLANNED, MessageState.QUEUED)
IN_DOUBT = (MessageState.SENDING, MessageState.UNKNOWN)

steps = st.sampled_from([0, 1, 30, 60, 3600, 12 * 3600, 86_400]).map(lambda s: timedelta(seconds=s))
lateness = st.sampled_from([0, 0, 0, 30, 119, 120, 121, 7200]).map(lambda s: timedelta(seconds=s))


class Interpreter(RuleBasedStateMachine):
    """Every input that a worker, a provider, a person or the clock can give."""

    def __init__(self) -> None:
        super().__init__()
        self.now = T0
        self.state = INITIAL
        self.facts: list[Event] = []
        self.inputs: list[Decide] = []
        self.grounds = Grounds(STREAM, plan(stop()), SUBJECT)

    @initialize(chosen=plans(), machines_count=st.booleans(), times=st.integers(0, 5))
    def enrolled(self, chosen: Plan, times: int, *, machines_count: bool) -> None:
        self.grounds = Grounds(
            STREAM, chosen, SUBJECT, policy=Policy(machine_events_count=machines_count)
        )
        self.give(enrols())
        self.all_goes_well(times)

    def give(self, decide: Decide) -> Sequence[Event]:
        """Decide, check the step against the state before it, apply it, and decide once more."""
        before = self.state
        self.inputs.append(decide)
        news: Sequence[Event] = ()
        with suppress(CampaignError):
            news = decide(before, self.grounds)
        checked_step(before, news, self.grounds)
        self.facts += news
        self.state = fold(news, before)
        with suppress(CampaignError):
            assert not decide(self.state, self.grounds), "the same request twice is no news"
        return news

    def chosen(self, which: int, *states: MessageState) -> Message | None:
        found = [message for message in self.state.messages.values() if message.state in states]
        return found[which % len(found)] if found else None

    # --- time and the work of workers -------------------------------------------------------------

    @rule(step=steps)
    def time_passes(self, step: timedelta) -> None:
        self.now += step

    @rule(which=st.integers(0, 3))
    def timers_go(self, which: int) -> None:
        """A due timer after its grace, not always the oldest."""
        due = [timer for timer in self.state.timers if timer.due_at + GRACE <= self.now]
        if due:
            timer = sorted(due, key=lambda timer: timer.due_at)[which % len(due)]
            self.give(
                partial(
                    campaign.time_out,
                    node=self.state.node,
                    visit=self.state.visit,
                    index=timer.index,
                    due_at=timer.due_at,
                )
            )

    @rule()
    def next_timer_goes(self) -> None:
        if self.state.timers:
            self.now = max(self.now, min(timer.due_at for timer in self.state.timers) + GRACE)
            self.timers_go(0)

    @rule(index=st.integers(0, 3), ago=steps)
    def stale_timer_goes(self, index: int, ago: timedelta) -> None:
        due_at = self.now - ago - GRACE
        self.give(
            partial(campaign.time_out, node=NodeId("s1"), visit=1, index=index, due_at=due_at)
        )

    @precondition(lambda self: len(self.inputs) > 25)
    @rule()
    def duration_is_over(self) -> None:
        self.give(partial(campaign.expire, due_at=self.now))

    @rule(which=st.integers(0, 3))
    def message_is_rendered(self, which: int) -> None:
        message = self.chosen(which, MessageState.PLANNED)
        if message is not None:
            queued = MessageQueued(message_id=message.id, body_mac="m", snapshot="1", at=self.now)
            self.give(partial(campaign.queue, queued=queued))

    @precondition(lambda self: self.state.stage == Stage.ACTIVE)
    @rule(times=st.integers(1, 3), late=steps, paused=st.booleans())
    def all_goes_well(
        self, times: int, late: timedelta = timedelta(), *, paused: bool = False
    ) -> None:
        """The usual way: what waits is rendered, leaves when due and is accepted; timers go."""
        for _ in range(times):
            message = self.chosen(0, *WAITING)
            if message is None:
                self.next_timer_goes()
                continue
            self.now = max(self.now, message.due_at) + late
            self.message_is_rendered(0)
            self.give(partial(campaign.start_attempt, message_id=message.id, now=self.now))
            if paused and self.state.stage == Stage.ACTIVE:
                self.pause_or_resume(late)
            self.message_is_accepted(0, timedelta(), Via.ANSWER)
            if self.state.stage == Stage.PAUSED:
                self.pause_or_resume(late)

    @rule(which=st.integers(0, 3))
    def message_is_claimed(self, which: int) -> None:
        message = self.chosen(which, *MessageState)
        if message is not None:
            self.give(partial(campaign.start_attempt, message_id=message.id, now=self.now))

    @rule(which=st.integers(0, 3), ago=lateness, via=st.sampled_from(Via))
    def message_is_accepted(self, which: int, ago: timedelta, via: Via) -> None:
        message = self.chosen(which, *IN_DOUBT, MessageState.PRESUMED_LOST)
        if message is not None:
            acceptance = Acceptance(
                message_id=message.id, attempt=message.attempt, at=self.now - ago, via=via
            )
            self.give(partial(campaign.accept_message, acceptance=acceptance))

    @rule(
        which=st.integers(0, 3),
        outcome=st.sampled_from(["doubt", "return", "refuse", "lose", "give up", "skip", "hold"]),
        wrong=st.integers(0, 8),
    )
    def message_fares_otherwise(self, which: int, outcome: str, wrong: int) -> None:
        message = self.chosen(which, *MessageState)
        if message is None:
            return
        attempt = message.attempt + (wrong == 0)
        head = {"message_id": message.id}
        of_attempt = {**head, "attempt": attempt, "at": self.now}
        returned = SendAttemptReturned(
            message_id=message.id, attempt=attempt, reason="reset", due_at=self.now, at=self.now
        )
        decisions: dict[str, Decide] = {
            "doubt": partial(campaign.doubt, **of_attempt, reason="timeout"),
            "return": partial(campaign.return_attempt, returned=returned),
            "refuse": partial(campaign.refuse, **of_attempt, reason="status_400"),
            "lose": partial(campaign.lose, **of_attempt, evidence="silence"),
            "give up": partial(campaign.give_up, **head, reason="render", at=self.now),
            "skip": partial(campaign.skip, **head, reason=CancelReason.EXPIRED, at=self.now),
            "hold": partial(
                campaign.hold,
                **head,
                reason=HoldReason.CIRCUIT_OPEN,
                until=self.now + GRACE,
                at=self.now,
            ),
        }
        self.give(decisions[outcome])

    # --- reports ----------------------------------------------------------------------------------

    @precondition(lambda self: len(self.inputs) > 10)
    @rule(signal=st.sampled_from(SIGNALS), which=st.integers(0, 3), ago=lateness)
    def somebody_does_something(self, signal: str, which: int, ago: timedelta) -> None:
        self.hear(signal, which, ago)

    @rule(
        signal=st.sampled_from(CALM),
        which=st.integers(0, 3),
        ago=lateness,
        machine=st.booleans(),
        priced=st.booleans(),
    )
    def something_is_heard(
        self, signal: str, which: int, ago: timedelta, *, machine: bool, priced: bool
    ) -> None:
        self.hear(signal, which, ago, machine=machine, url="x/pricing" if priced else None)

    def hear(
        self,
        signal: str,
        which: int,
        ago: timedelta,
        *,
        machine: bool = False,
        url: str | None = None,
    ) -> None:
        message = self.chosen(which, *IN_DOUBT, MessageState.ACCEPTED)
        named = message is not None and not signal.startswith(("x_", "meeting"))
        reported = report(
            signal,
            self.now - ago,
            message.node if message and named else None,
            visit=message.visit if message and named else 1,
            machine=machine,
            url=url,
        )
        self.give(partial(campaign.record, reported=reported, now=self.now))

    # --- orders -----------------------------------------------------------------------------------

    @precondition(lambda self: self.state.stage in (Stage.ACTIVE, Stage.PAUSED))
    @rule(how_long=steps)
    def pause_or_resume(self, how_long: timedelta) -> None:
        if self.state.stage == Stage.ACTIVE:
            self.give(partial(campaign.pause, reason="operator", at=self.now))
        else:
            self.now += how_long
            self.give(partial(campaign.resume, at=self.now))

    @precondition(lambda self: len(self.inputs) > 25)
    @rule()
    def stop(self) -> None:
        self.give(partial(campaign.stop, reason="operator", at=self.now))

    # --- what holds -------------------------------------------------------------------------------

    @invariant()
    def the_facts_make_the_state(self) -> None:
        assert fold(self.facts) == self.state

    @invariant()
    def an_end_has_no_timer_and_no_waiting_message(self) -> None:
        if self.state.ended:
            assert not self.state.timers
            assert all(message.state not in WAITING for message in self.state.messages.values())

    @invariant()
    def a_running_plan_waits_for_something(self) -> None:
        """Nothing stands still for ever: a timer, a message on its way, or a person's resume."""
        if self.state.stage == Stage.ACTIVE:
            guarded_only = self.state.phase == campaign.Phase.WATCH and not self.state.timers
            assert not guarded_only
            if self.state.phase != campaign.Phase.WATCH:
                assert self.state.pending is not None
                assert self.state.messages[self.state.pending].state in (*WAITING, *IN_DOUBT)

    @invariant()
    def a_paused_one_dispatches_nothing(self) -> None:
        if self.state.stage == Stage.PAUSED:
            for message in self.state.messages.values():
                due = partial(campaign.start_attempt, message_id=message.id, now=message.due_at)
                assert not due(self.state, self.grounds)

    @invariant()
    def sends_keep_to_the_limit(self) -> None:
        assert self.state.sends <= self.grounds.plan.limits.max_sends

    @invariant()
    def no_dedupe_key_is_accepted_twice(self) -> None:
        taken = [fact.message_id for fact in self.facts if isinstance(fact, MessageAccepted)]
        keys = [self.state.messages[each].dedupe_key for each in taken]
        assert len(keys) == len(set(keys))

    @invariant()
    def a_semantic_key_is_recorded_once(self) -> None:
        keys = Counter(
            fact.key for fact in self.facts if isinstance(fact, SignalRecorded) and fact.key
        )
        assert not keys or max(keys.values()) == 1

    def teardown(self) -> None:
        """The history is one of lawful attempts, and the same inputs make it again."""
        checked_messages(self.facts)
        state, facts = INITIAL, list[Event]()
        for decide in self.inputs:
            with suppress(CampaignError):
                news = decide(state, self.grounds)
                facts += news
                state = fold(news, state)
        assert facts == self.facts


Interpreter.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestInterpreter = Interpreter.TestCase
