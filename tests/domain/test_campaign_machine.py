"""Random plans, random events, virtual time: what must hold after every step of every history."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from domain import campaign
from domain.campaign import INITIAL, Acceptance, Called, Campaign, Message, Phase, fold
from domain.errors import CampaignError
from domain.events import (
    Event,
    MessageQueued,
    PlanRevised,
    SendAttemptReturned,
    SignalRecorded,
)
from domain.ids import ErrandId, NodeId, errand_id
from domain.lifecycle import Stage
from domain.plan import Grounds, Plan, Policy
from domain.taxonomy import CancelReason, HoldReason, MessageState, Signal, TaskEnd, Via
from tests.domain.asking import Decide, enrols, report, revises
from tests.domain.building import (
    GRACE,
    STREAM,
    SUBJECT,
    T0,
    plan,
    stop,
)
from tests.domain.lawful import checked_errands, checked_messages, checked_step
from tests.domain.random_plans import TARGETS, plans

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
EXITS = (Signal.REPLIED, Signal.BOUNCED)
MAPPINGS: list[dict[str, str]] = [
    {},
    {},
    {},
    {"s1": "s2", "s2": "s1"},
    {"t1": "t2"},
    {"w1": "w2", "w2": "w1"},
    {"h2": "h1", "h1": "h2"},
    {"s3": "nowhere"},
]

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
        self.base = Grounds(STREAM, plan(stop()), SUBJECT)
        self.plans: dict[str, Plan] = {}

    def grounds_of(self, state: Campaign) -> Grounds:
        """What a worker would load: the plan in force and the one that waits."""
        kept = self.plans[state.kept.new_hash] if state.kept else None
        return replace(
            self.base, plan=self.plans.get(state.plan_hash, self.base.plan), revised=kept
        )

    @property
    def grounds(self) -> Grounds:
        return self.grounds_of(self.state)

    @initialize(chosen=plans(), machines_count=st.booleans(), times=st.integers(0, 5))
    def enrolled(self, chosen: Plan, times: int, *, machines_count: bool) -> None:
        self.plans = {chosen.hash: chosen}
        self.base = Grounds(
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

    @rule(which=st.integers(0, 3), ago=lateness, signal=st.sampled_from(CALM))
    def a_report_proves_that_a_message_left(self, which: int, ago: timedelta, signal: str) -> None:
        message = self.chosen(which, *IN_DOUBT, MessageState.PRESUMED_LOST)
        if message is not None:
            at = self.now - ago
            acceptance = Acceptance(
                message_id=message.id, attempt=message.attempt, at=at, via=Via.WEBHOOK
            )
            reported = replace(report(signal, at), message_id=message.id)
            self.give(
                partial(campaign.hear, acceptance=acceptance, reported=reported, now=self.now)
            )

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

    # --- errands ----------------------------------------------------------------------------------

    @rule(end=st.sampled_from([TaskEnd.DONE, TaskEnd.SKIPPED]), ago=lateness)
    def task_is_ended(self, end: TaskEnd, ago: timedelta) -> None:
        if self.state.task is not None:
            at = self.now - ago
            self.give(partial(campaign.resolve_task, task_id=self.state.task, end=end, at=at))

    @rule(node=st.sampled_from(["t1", "t2"]), visit=st.integers(1, 3))
    def some_task_is_ended(self, node: str, visit: int) -> None:
        task_id = errand_id(STREAM, NodeId(node), visit)
        end = TaskEnd.DONE
        self.give(partial(campaign.resolve_task, task_id=task_id, end=end, at=self.now))

    @rule(which=st.integers(0, 3), ok=st.booleans())
    def call_is_answered(self, which: int, *, ok: bool) -> None:
        calls = sorted(self.state.calls)
        if calls:
            self.answer(calls[which % len(calls)], ok=ok)

    @rule(visit=st.integers(1, 3), ok=st.booleans())
    def some_call_is_answered(self, visit: int, *, ok: bool) -> None:
        self.answer(errand_id(STREAM, NodeId("h2"), visit), ok=ok)

    def answer(self, call: ErrandId, *, ok: bool) -> None:
        called = Called(call_id=call, ok=ok, reason="" if ok else "status_500", attempts=1)
        self.give(partial(campaign.resolve_webhook, called=called, at=self.now))

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

    @precondition(lambda self: not self.state.ended)
    @rule(
        new=plans(),
        mapping=st.sampled_from(MAPPINGS),
        resume_at=st.none() | st.none() | st.sampled_from(TARGETS),
        stale=st.integers(0, 9),
    )
    def plan_is_revised(
        self, new: Plan, mapping: dict[str, str], resume_at: str | None, stale: int
    ) -> None:
        new = replace(new, hash=f"sha256:{len(self.plans)}")
        self.plans[new.hash] = new
        now = self.state.plan_hash if stale else "sha256:stale"
        self.give(revises(new, self.now, if_hash=now, mapping=mapping, resume_at=resume_at))

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
        state = self.state
        if state.stage == Stage.ACTIVE:
            match state.phase:
                case Phase.WATCH:
                    assert state.timers
                    assert not state.fell
                case Phase.CALLING:
                    assert (state.node, state.visit) in state.calls.values()
                case _:
                    assert state.pending is not None
                    assert state.messages[state.pending].state in (*WAITING, *IN_DOUBT)

    @invariant()
    def an_exit_waits_for_nothing_but_an_older_timer(self) -> None:
        if self.state.stage == Stage.ACTIVE:
            goals = [signal for signal, _ in self.grounds.plan.goals]
            for heard in self.state.latched:
                if heard.signal in (*EXITS, *goals):
                    assert any(timer.due_at < heard.at for timer in self.state.timers)

    @invariant()
    def a_task_is_open_where_the_token_is(self) -> None:
        if self.state.task is not None:
            assert self.state.node in {"t1", "t2"}
            assert not self.state.ended

    @invariant()
    def a_revision_waits_only_for_an_outcome_or_a_resume(self) -> None:
        if self.state.kept is not None:
            under_way = self.state.phase in (Phase.SENDING, Phase.CALLING)
            assert under_way or self.state.stage == Stage.PAUSED

    @invariant()
    def the_plan_in_force_is_the_one_last_put_in_force(self) -> None:
        hashes = [fact.new_hash for fact in self.facts if isinstance(fact, PlanRevised)]
        if hashes:
            assert self.state.plan_hash == hashes[-1]

    @invariant()
    def a_paused_one_dispatches_nothing(self) -> None:
        if self.state.stage == Stage.PAUSED:
            for message in self.state.messages.values():
                due = partial(campaign.start_attempt, message_id=message.id, now=message.due_at)
                assert not due(self.state, self.grounds)

    @invariant()
    def sends_keep_to_the_limit(self) -> None:
        hashes = {fact.new_hash for fact in self.facts if isinstance(fact, PlanRevised)}
        in_force = [self.base.plan, *(self.plans[each] for each in hashes)]
        assert self.state.sends <= max(each.limits.max_sends for each in in_force)

    @invariant()
    def no_two_messages_have_one_dedupe_key(self) -> None:
        keys = [message.dedupe_key for message in self.state.messages.values()]
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
        checked_errands(self.facts)
        state, facts = INITIAL, list[Event]()
        for decide in self.inputs:
            with suppress(CampaignError):
                news = decide(state, self.grounds_of(state))
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
