"""Histories for what-if: told by hand, or drawn by an adversary whose workers are punctual."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from typing_extensions import override

from domain import campaign
from domain.campaign import INITIAL, Reported, Revision, fold
from domain.errors import RevisionRefused
from domain.events import ContactUpdateRequested, Event
from domain.plan import Grounds, Plan, Update
from domain.recorded import Cause, Recorded
from domain.taxonomy import CauseKind, TaskEnd
from plans.compile import compile_plan
from plans.verify.check import check
from plans.what_if import Setting, WhatIf, what_if
from tests.domain.asking import Decide
from tests.domain.building import CAMPAIGN, CONTACT, STREAM, SUBJECT
from tests.soundness.adversary import SECOND, Adversary
from tests.soundness.documents import Documents


def proven(seed: int) -> Iterator[Plan]:
    """Accepted random plans, without end."""
    documents = Documents(seed)
    while True:
        found = check(documents.document())
        if found.report.ok and found.document is not None and found.report.plan_hash is not None:
            yield compile_plan(found.document, found.report.plan_hash)


def recorded(facts: Iterable[tuple[Event, datetime]]) -> list[Recorded]:
    """Facts with the instants they were recorded at, as the log gives them."""
    return [
        Recorded(
            tenant="t",  # type: ignore[arg-type]  # a name
            stream=STREAM,
            version=version,
            position=version,
            fact=fact,
            at=at,
            cause=Cause(CauseKind.REQUEST, "test"),
            correlation=UUID(int=0),
            campaign_id=CAMPAIGN,
            contact_id=CONTACT,
        )
        for version, (fact, at) in enumerate(facts, 1)
    ]


class Punctual(Adversary):
    """Fires each timer when its grace is over, and keeps when each fact was recorded.

    A worker that is late lets a signal overtake a guarded timer, and no log tells whether that
    timer had had its turn before.
    """

    def __init__(self, plan: Plan, seed: int, **how: Any) -> None:
        super().__init__(plan, seed, **how)
        self.log: list[tuple[Event, datetime]] = []
        self.values_then = dict(self.values)

    @override
    def do(self, decide: Any) -> Sequence[Event]:
        news = super().do(decide)
        self.log += [(fact, self.now) for fact in news]
        for fact in news:
            if isinstance(fact, ContactUpdateRequested):
                self.update(fact)
        return news

    def update(self, fact: ContactUpdateRequested) -> None:
        node = self.grounds.plan.nodes[fact.node]
        assert isinstance(node, Update)
        values = {**self.grounds.values, **dict(node.assigned)}
        self.grounds = replace(self.grounds, values=values)

    @override
    def tell(self, told: Reported) -> None:
        self.catch_up(max(self.now, told.at))
        if self.expects(told):
            super().tell(told)

    @override
    def rest(self) -> None:
        self.catch_up(self.now)
        if not self.state.ended:
            super().rest()

    @override
    def instant(self) -> datetime:
        chosen = super().instant()
        self.catch_up(chosen)
        return max(chosen, self.now)

    @override
    def resolve(self) -> None:
        at, task = self.instant(), self.state.task
        if task is None:
            return
        self.now = at
        end = self.rng.choice((TaskEnd.DONE, TaskEnd.SKIPPED))
        self.do(partial(campaign.resolve_task, task_id=task, end=end, at=at))

    @override
    def wait(self) -> None:
        """Nothing is reported at the very instant at which a guarded timer was dropped."""
        before = len(self.log)
        super().wait()
        if len(self.log) == before:
            self.now += SECOND

    def expects(self, told: Reported) -> bool:
        about = self.state.messages.get(told.message_id) if told.message_id else None
        return not self.state.ended and (told.message_id is None or about is not None)

    def catch_up(self, upto: datetime) -> None:
        """Let timers go whose grace is over before that instant."""
        while True:
            here = self.state.node, self.state.visit
            due = [
                timer
                for timer in self.state.timers
                if timer.due_at + self.grace < upto and (*here, timer) not in self.dropped
            ]
            if not due or self.state.stage != "active":
                return
            self.wait()

    def revise(self, new: Plan) -> bool:
        """Put another plan in force, if it fits; the run goes on under it."""
        revision = Revision(
            plan=new,
            if_hash=self.state.plan_hash,
            author="test",
            resume_at=self.rng.choice(list(new.nodes)),
        )
        self.grounds = replace(self.grounds, revised=new)
        try:
            self.do(partial(campaign.revise, revision=revision, at=self.now))
        except RevisionRefused:
            self.grounds = replace(self.grounds, revised=None)
            return False
        self.under(new)
        return True

    def setting(self, *plans: Plan) -> Setting:
        """What its history runs again on."""
        return Setting(
            stream=self.grounds.stream,
            subject=self.grounds.subject,
            plans={plan.hash: plan for plan in plans},
            policy=self.grounds.policy,
            values=self.values_then,
        )


def history(
    plan: Plan, *told: tuple[Decide, datetime], revised: Plan | None = None
) -> list[Recorded]:
    """What came of these decisions, each taken at its instant."""
    grounds = Grounds(STREAM, plan, SUBJECT)
    state, log = INITIAL, list[tuple[Event, datetime]]()
    for decide, now in told:
        news = decide(state, grounds)
        assert news, f"nothing came of {decide}"
        log += [(fact, now) for fact in news]
        state = fold(news, state)
        if revised is not None and state.plan_hash == revised.hash:
            grounds = replace(grounds, plan=revised)
    return recorded(log)


def against(log: Sequence[Recorded], own: Plan, other: Plan, **more: Any) -> WhatIf:
    """That history against another plan."""
    setting = Setting(stream=STREAM, subject=SUBJECT, plans={own.hash: own}, **more)
    return what_if(log, other, setting)
