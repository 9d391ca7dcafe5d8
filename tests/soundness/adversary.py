"""Runs a plan through the real interpreter against whatever may happen, from a seed.

The adversary chooses what is reported, when (mostly at the ends of the plan's own intervals and a
second beside them), what fails, who resolves what, and whether news come late or twice. Nothing
here knows what the check has found.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random  # noqa: TID251  # a test draws by a seed, not by the Rng port
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain import campaign
from domain.campaign import Acceptance, Called, Campaign, Message, Phase, Reported
from domain.events import (
    Event,
    MessageQueued,
    PlanAccepted,
    PlanRevised,
    SendAttemptStarted,
    TimerSet,
)
from domain.ids import CampaignId, ContactId, StreamId
from domain.lifecycle import Stage
from domain.plan import WATCHING, Grounds, Plan, Policy, Send
from domain.taxonomy import CancelReason, Channel, MessageState, Signal, TaskEnd, Via
from domain.timing import add
from tests.soundness.clock_changes import beside_a_change

MONDAY = datetime(2026, 6, 1, 16, tzinfo=UTC)
SECOND = timedelta(seconds=1)
STEPS_MAX = 600
"""Far above what 8 nodes with 3 visits each and 30 messages can need."""
HEARD: Mapping[Channel, tuple[str, ...]] = {
    Channel.EMAIL: (
        "delivered",
        "opened",
        "clicked",
        "replied",
        "bounced",
        "deferred",
        "auto_replied",
        "unsubscribed",
        "spam_reported",
    ),
    Channel.SMS: ("delivered", "clicked", "replied", "bounced", "unsubscribed"),
    Channel.LINKEDIN_INVITE: ("invite_accepted", "replied"),
    Channel.LINKEDIN_MESSAGE: ("replied",),
}
URLS = ("https://harbor.example/offer", "https://harbor.example/other")


class Idle(Exception):
    """The token waits, and nothing that the engine does will ever move it."""


class Adversary:
    """One run. `mischief` is how often it does something instead of letting time pass."""

    def __init__(self, plan: Plan, seed: int, *, pauses: bool = False, grace_s: int = 0) -> None:
        self.rng = Random(seed)  # noqa: S311  # events, no secrets
        self.plan = plan
        self.mischief = self.rng.choice((0.0, 0.2, 0.5, 0.8))
        self.failures = self.rng.choice((0.0, 0.0, 0.1, 0.4))
        self.pauses = pauses
        self.escapes: dict[str, list[tuple[str, int]]] = {}
        self.grace = timedelta(seconds=grace_s)
        self.values = {"contact.stage": self.rng.choice(("hot", "cold", None))}
        policy = Policy(timer_grace_s=grace_s)
        stream = StreamId(UUID(int=seed))
        self.grounds = Grounds(stream, plan, f"t:{seed}:c", self.values, policy)
        self.state = Campaign()
        self.facts: list[Event] = []
        self.dropped: set[tuple[str, int, TimerSet]] = set()
        self.reported: list[Reported] = []
        self.numbers = 0
        start = MONDAY + timedelta(minutes=self.rng.randrange(0, 60 * 24 * 210, 7))
        self.now = start.replace(second=self.rng.choice((0, 0, 59)))
        if self.chance(0.4):
            sends = [node for node in plan.nodes.values() if isinstance(node, Send)]
            self.now = beside_a_change(sends[0].hours, self.rng) or self.now if sends else self.now

    def run(self, steps: int | None = None) -> Campaign:
        """Until the end, or for some steps; raises Idle."""
        if self.state.stage == Stage.NONE:
            self.enrol()
        for _ in range(steps or STEPS_MAX):
            if self.state.ended:
                return self.state
            self.step()
        if steps is None:
            raise Idle("it goes on and on")
        return self.state

    def under(self, plan: Plan) -> None:
        """From here on by another plan, which may still be kept for an outcome."""
        self.plan = plan
        kept = self.state.kept is not None
        self.grounds = replace(
            self.grounds, **({"revised": plan} if kept else {"plan": plan, "revised": None})
        )

    def enrol(self) -> None:
        accepted = PlanAccepted(
            contact_id=ContactId(UUID(int=1)),
            campaign_id=CampaignId(UUID(int=2)),
            run=1,
            plan_hash=self.plan.hash,
            dsl_version="1.0",
            tzdata="test",
            at=self.now,
        )
        self.do(partial(campaign.enrol, accepted=accepted, starts_at=self.now))

    def do(self, decide: Any) -> Sequence[Event]:
        news: Sequence[Event] = decide(self.state, self.grounds)
        self.facts += news
        self.state = campaign.fold(news, self.state)
        if any(isinstance(fact, PlanRevised) for fact in news) and self.grounds.revised:
            self.grounds = replace(self.grounds, plan=self.grounds.revised, revised=None)
        return news

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    # --- one step ---------------------------------------------------------------------------------

    def step(self) -> None:
        if self.pauses and self.chance(0.05):
            self.rest()
        elif self.state.phase == Phase.CALLING:
            self.answer()
        elif self.state.phase == Phase.SCHED:
            self.send()
        elif self.state.node in self.escapes:
            self.escape()
        elif self.chance(self.mischief):
            self.report()
        else:
            self.wait()

    def escape(self) -> None:
        """Let happen just what the check says that this node would wait for ever after."""
        about, t0 = self.state.anchor, self.state.t0
        assert t0 is not None
        for word, at_s in self.escapes.pop(self.state.node):
            at, key = t0 + timedelta(seconds=at_s), f"e{word}"
            self.tell(Reported(signal=word, at=at, key=key, message_id=about, url=URLS[1]))

    def rest(self) -> None:
        """A pause in which things may be heard."""
        self.do(partial(campaign.pause, reason="test", at=self.now))
        self.now += timedelta(seconds=self.rng.choice((1, 3600, 86_400 * 3)))
        if self.chance(0.5):
            self.report()
        if self.state.stage == Stage.PAUSED:
            self.do(partial(campaign.resume, at=self.now))

    def answer(self) -> None:
        """An endpoint answers within the hour, or not."""
        call = next(call for call, place in self.state.calls.items() if place[0] == self.state.node)
        self.now += timedelta(seconds=self.rng.choice((0, 1, 3599, 3600)))
        called = Called(call, ok=self.chance(0.5), reason="", attempts=1)
        self.do(partial(campaign.resolve_webhook, called=called, at=self.now))

    def send(self) -> None:
        """The pending message: news about older ones may come first, then it is called or not."""
        message = self.state.waiting
        assert message is not None
        if self.chance(self.mischief / 4) and self.accepted():
            self.report()
            return
        self.now = max(self.now, message.due_at)
        if message.state == MessageState.PLANNED:
            queued = MessageQueued(message_id=message.id, body_mac="m", snapshot="1", at=self.now)
            self.do(partial(campaign.queue, queued=queued))
        if self.chance(self.failures / 2):
            reason = CancelReason.OPERATOR
            self.do(partial(campaign.skip, message_id=message.id, reason=reason, at=self.now))
            return
        news = self.do(partial(campaign.start_attempt, message_id=message.id, now=self.now))
        if any(isinstance(fact, SendAttemptStarted) for fact in news):
            self.outcome(message)

    def outcome(self, message: Message) -> None:
        attempt = self.state.messages[message.id].attempt
        if self.chance(self.failures / 2):
            self.do(
                partial(
                    campaign.refuse,
                    message_id=message.id,
                    attempt=attempt,
                    reason="refused",
                    at=self.now,
                )
            )
            return
        taken = Acceptance(message_id=message.id, attempt=attempt, at=self.now, via=Via.ANSWER)
        self.do(partial(campaign.accept_message, acceptance=taken))

    # --- news -------------------------------------------------------------------------------------

    def accepted(self) -> list[Message]:
        return [one for one in self.state.messages.values() if one.accepted_at is not None]

    def report(self) -> None:
        """Something is heard: new, late or a second time; or a person ends a task."""
        if self.state.task is not None and self.chance(0.4):
            self.resolve()
            return
        if self.reported and self.chance(0.1):
            self.tell(self.rng.choice(self.reported))
            return
        at = self.instant()
        if self.chance(0.15):  # late, or merely old
            self.now = at
            at = max(self.started(), at - timedelta(hours=self.rng.choice((1, 6, 24, 72))))
        about = self.subject(at)
        word, url = self.word(about), self.rng.choice((*URLS, None))
        self.numbers += 1
        self.tell(
            Reported(
                signal=word,
                at=at,
                key=f"k{self.numbers}",
                message_id=about.id if about else None,
                machine=word in ("opened", "clicked") and self.chance(0.1),
                url=url if word == "clicked" else None,
            )
        )

    def tell(self, told: Reported) -> None:
        self.now = max(self.now, told.at)
        self.reported.append(told)
        self.do(partial(campaign.record, reported=told, now=self.now))

    def resolve(self) -> None:
        self.now = self.instant()
        end = self.rng.choice((TaskEnd.DONE, TaskEnd.SKIPPED))
        task = self.state.task
        self.do(partial(campaign.resolve_task, task_id=task, end=end, at=self.now))

    def subject(self, at: datetime) -> Message | None:
        """Mostly the watched message; what was sent later than that instant cannot be meant."""
        sent = [one for one in self.accepted() if one.accepted_at and one.accepted_at <= at]
        if not sent or self.chance(0.05):
            return None
        anchor = [one for one in sent if one.id == self.state.anchor]
        return anchor[0] if anchor and self.chance(0.8) else self.rng.choice(sent)

    def word(self, about: Message | None) -> str:
        """Mostly a word that this node has a way for."""
        if about is None:
            return self.rng.choice(("x_seen", "x_other", "x_bought", "meeting_booked"))
        likely = [way.on for way in self.ways() if way.on in HEARD[about.channel]]
        if self.chance(0.2):
            likely = []
        calm = [word for word in HEARD[about.channel] if not self.ends(word)]
        if calm and self.chance(0.8):  # a run that ends at once shows little
            likely = [word for word in likely if word in calm] or calm
        chosen: str = self.rng.choice(likely or HEARD[about.channel])
        return chosen

    def ends(self, word: str) -> bool:
        return word in (Signal.REPLIED, Signal.BOUNCED, "unsubscribed", "spam_reported")

    def ways(self) -> Sequence[Any]:
        node = self.plan.nodes.get(self.state.node)
        return node.transitions if isinstance(node, WATCHING) else ()

    def started(self) -> datetime:
        assert self.state.started_at is not None
        return self.state.started_at

    def instant(self) -> datetime:
        """Now, an end of one of the node's intervals, or a second beside it; never before now."""
        ends = [self.now, *self.ends_of_intervals()]
        chosen = self.rng.choice(ends) + self.rng.choice((-SECOND, 0 * SECOND, SECOND))
        return max(self.now, min([chosen, *self.turns()]))

    def turns(self) -> Iterator[datetime]:
        """When the engine has its turn: news overtake what is due by a second at most."""
        if self.state.waiting is not None:
            yield self.state.waiting.due_at
        ways = self.ways()
        for timer in self.state.timers:
            if ways[timer.index].when is None:
                yield timer.due_at + self.grace + SECOND

    def ends_of_intervals(self) -> Iterator[datetime]:
        t0, zone = self.state.t0, self.plan.zone
        if t0 is None:
            return
        for way in self.ways():
            yield from (add(t0, bound, zone) for bound in (way.after, way.within) if bound)
        yield from (timer.due_at for timer in self.state.timers)

    # --- time -------------------------------------------------------------------------------------

    def wait(self) -> None:
        """The next timer has its turn, by the order of the claims; one that is stale is dropped."""
        here = self.state.node, self.state.visit
        left = [timer for timer in self.state.timers if (*here, timer) not in self.dropped]
        if not left:
            raise Idle(f"at {self.state.node}")
        timer = min(left, key=lambda one: (one.due_at, one.index))
        self.now = max(self.now, timer.due_at + self.grace)
        self.dropped.add((*here, timer))
        self.do(
            partial(
                campaign.time_out,
                node=here[0],
                visit=here[1],
                index=timer.index,
                due_at=timer.due_at,
            )
        )
