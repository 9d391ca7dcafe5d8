"""Looks on at a run from outside and says what must never be so (trust.md 2).

It knows the table of trust.md 1 by itself and counts what the provider took; nothing it judges by
is asked of the code that is judged.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from domain.accounts.facts import CircuitClosed, CircuitOpened
from domain.errors import DecisionFailed, GroundsMissing
from domain.events import (
    MessageAccepted,
    MessageCancelled,
    MessageDeferred,
    MessageFailed,
    MessagePresumedLost,
    MessageQueued,
    MessageReopened,
    MessageUnknown,
    PlanRevised,
    ResendOrdered,
    SendAttemptReturned,
    SendAttemptStarted,
    topic_of,
)
from domain.gates.holds import MAY_END_EARLY
from domain.ids import MessageId, StreamId
from domain.lifecycle import Stage
from domain.taxonomy import MessageState as S
from handlers.ports import Input, Mail, Result
from infra.log import Entry
from tests.simulation.baton import Task
from tests.simulation.memory_database import Tx
from tests.simulation.memory_suppressions import ban_of_contact
from tests.simulation.world import Violation, World

MOVES: Final[dict[type, tuple[frozenset[S], S]]] = {
    MessageQueued: (frozenset({S.PLANNED}), S.QUEUED),
    MessageReopened: (frozenset({S.QUEUED}), S.PLANNED),
    MessageCancelled: (frozenset({S.PLANNED, S.QUEUED}), S.CANCELLED),
    SendAttemptStarted: (frozenset({S.QUEUED}), S.SENDING),
    SendAttemptReturned: (frozenset({S.SENDING}), S.QUEUED),
    MessageFailed: (frozenset({S.SENDING, S.PLANNED, S.QUEUED}), S.FAILED),
    MessageUnknown: (frozenset({S.SENDING}), S.UNKNOWN),
    MessagePresumedLost: (frozenset({S.UNKNOWN}), S.PRESUMED_LOST),
    ResendOrdered: (frozenset({S.PRESUMED_LOST, S.UNKNOWN}), S.QUEUED),
    MessageAccepted: (frozenset({S.SENDING, S.UNKNOWN, S.PRESUMED_LOST}), S.ACCEPTED),
}
"""I12: which fact may come in which state, and the state it leads to."""
TENANT_PAUSED: Final = "the tenant is paused"
SWEEP_S: Final = 60.0
APART: Final = timedelta(days=60)
SETTLES: Final = (MessageAccepted, MessageFailed, MessagePresumedLost, MessageUnknown)


class Seen:
    """One message as its facts told it to the onlooker."""

    def __init__(self, stream: StreamId) -> None:
        self.stream = stream
        self.state = S.PLANNED
        self.attempt = 0
        self.held = ""
        self.again_at: datetime | None = None
        self.resends = 0
        self.accepted = 0
        self.started: dict[int, datetime] = {}
        self.returned: set[int] = set()


class Watch:
    """Checks a run: at every commit, at every call, and at the end."""

    def __init__(self, world: World) -> None:
        self.messages: dict[MessageId, Seen] = {}
        self.late_calls = 0
        self.risked = 0
        self._world = world
        self._closed_at_look: dict[Task, frozenset[MessageId]] = {}
        self._written: defaultdict[bytes, list[tuple[datetime, Any]]] = defaultdict(list)
        for stream, entries in world.memory.streams.items():
            for entry in entries:
                self._note(stream, entry)
        world.on_commit = self.committed
        world.on_look = self.looked
        world.tenant.on_answer = self.answered
        world.outside.on_call = self.called
        world.outside.on_taken = self.taken

    @property
    def tally(self) -> Counter[str]:
        """What was reached, by name."""
        return self._world.tally

    # --- at a commit ------------------------------------------------------------------------------

    def committed(self, tx: Tx) -> None:
        """Judge what was committed just now."""
        for entry in tx.entries:
            self._note(StreamId(entry.originator_id), entry)
        if tx.entries:
            self._positions()
            for message_id in {_about(entry) for entry in tx.entries} - {None}:
                self._row_agrees(message_id)
            for stream in {entry.originator_id for entry in tx.entries}:
                self._nothing_waits(StreamId(stream))

    def _positions(self) -> None:
        """I21: who has read up to a position never finds a new fact below it."""
        log = self._world.memory.log
        if len(log) > 1 and log[-1][0] <= log[-2][0]:
            raise Violation(f"I21: position {log[-1][0]} was committed after {log[-2][0]}")

    def _note(self, stream: StreamId, entry: Entry) -> None:
        fact = entry.body.fact
        planned = getattr(fact, "message_id", None)
        if topic_of(fact) == "node_entered" and planned is not None:
            if planned in self.messages:
                raise Violation(f"I11: {planned} was planned twice")
            self.messages[planned] = Seen(stream)
        elif isinstance(fact, MessageDeferred):
            deferred = self.messages[fact.message_id]
            deferred.held, deferred.again_at = fact.reason, None
        elif isinstance(fact, PlanRevised) and planned is not None:
            self.messages[planned].state = S.PLANNED
        elif type(fact) in MOVES and planned is not None:
            self._move(self.messages[planned], fact)

    def _move(self, seen: Seen, fact: Any) -> None:
        before, after = MOVES[type(fact)]
        again = isinstance(fact, MessageAccepted) and fact.late and seen.resends
        if seen.state not in before and not (again and seen.state in (S.PLANNED, S.QUEUED)):
            raise Violation(f"I12: {topic_of(fact)} in {seen.state}")
        if isinstance(fact, SendAttemptStarted):
            self._started(seen, fact)
        elif getattr(fact, "attempt", seen.attempt) != seen.attempt:
            raise Violation(f"I12: {topic_of(fact)} of attempt {fact.attempt}, not {seen.attempt}")
        self._count(seen, fact)
        seen.state = after

    def _started(self, seen: Seen, fact: SendAttemptStarted) -> None:
        if fact.attempt != seen.attempt + 1:
            raise Violation(f"I12: attempt {fact.attempt} follows {seen.attempt}")
        seen.attempt = fact.attempt
        seen.started[fact.attempt] = self._world.now()
        row = self._world.memory.committed_rows("send_queue")[fact.message_id]
        woken = seen.held in MAY_END_EARLY  # an order may have opened its gate since
        due_at = seen.again_at or row["due_at"]  # the row keeps the due time of the first attempt
        seen.held, seen.again_at = "", None
        if due_at > self._world.latest() and not woken:
            raise Violation(f"early: due at {due_at}, claimed at {self._world.latest()}")
        closed = self._closed(fact.message_id)
        if closed and closed != TENANT_PAUSED:  # which no lock guards; T2 finds it
            raise Violation(f"I13: claimed though {closed}")

    def _count(self, seen: Seen, fact: Any) -> None:
        """Sometimes-counters and what the end asks for."""
        if isinstance(fact, ResendOrdered):
            seen.resends += 1
            self.tally["resend ordered"] += 1
        elif isinstance(fact, SendAttemptReturned):
            seen.returned.add(fact.attempt)
            seen.again_at = fact.due_at
            self.tally[f"returned: {fact.reason}"] += 1
        elif isinstance(fact, MessageReopened):
            self.tally[f"reopened: {fact.reason}"] += 1
        elif isinstance(fact, MessageUnknown):
            self._doubted(fact)
        elif isinstance(fact, MessageAccepted):
            seen.accepted += 1
            self._accepted(seen, fact)
        elif isinstance(fact, MessagePresumedLost):
            self.tally[f"unknown resolved by {fact.evidence}"] += 1
            if fact.attempt in self._world.outside.accepts[fact.message_id]:
                self.tally["presumed lost though taken"] += 1

    def _doubted(self, fact: MessageUnknown) -> None:
        self.tally[f"unknown: {fact.reason}"] += 1
        row = self._world.memory.committed_rows("send_queue")[fact.message_id]
        if fact.reason == "sweep" and row["since"] > self._world.highest - SWEEP_S:
            raise Violation("I12: a sweep doubts an attempt that is younger than 60 s")

    def _accepted(self, seen: Seen, fact: MessageAccepted) -> None:
        if fact.attempt not in self._world.outside.accepts[fact.message_id]:
            raise Violation(f"I10: {fact.message_id} was accepted, and nobody took it")
        self.tally[f"{seen.state.value.lower()} accepted by {fact.via}"] += 1
        if seen.state is S.UNKNOWN:
            self.tally[f"unknown resolved by {fact.via}"] += 1

    def _row_agrees(self, message_id: MessageId) -> None:
        """I22: the row moved in the transaction of its facts."""
        row = self._world.memory.committed_rows("send_queue")[message_id]
        seen = self.messages[message_id]
        if (row["state"], row["attempt"]) != (seen.state, seen.attempt):
            raise Violation(f"I22: the row says {row['state']}, its facts {seen.state}")

    def _nothing_waits(self, stream: StreamId) -> None:
        """I7: what has ended sends nothing any more."""
        state = self._world.memory.loaded[stream].state
        waiting = [
            message_id
            for message_id, seen in self.messages.items()
            if seen.stream == stream and seen.state in (S.PLANNED, S.QUEUED)
        ]
        if state.ended and waiting:
            raise Violation(f"I7: {stream} ended with {state.outcome}, and {waiting} wait")

    # --- at an answer -----------------------------------------------------------------------------

    def answered(self, append: str, given: Sequence[Input], results: Sequence[Result]) -> None:
        """I20: what an append is said to have stored is stored, also after a lost commit."""
        stored = Counter(
            (entry.originator_id, topic_of(entry.body.fact))
            for _, entry in self._world.memory.log
            if entry.body.append == append
        )
        told = Counter((one.stream, topic_of(fact)) for one in results for fact in one.facts)
        if stored != told:
            raise Violation(f"I20: stored {dict(stored)}, and told {dict(told)}")
        for one, result in zip(given, results, strict=True):
            if isinstance(result.refused, DecisionFailed | GroundsMissing):
                raise Violation(f"a decision broke: {result.refused}")
            if not result.facts and result.refused is None:
                self.tally[f"too late: {_party(one)}"] += 1

    # --- at a look and a call ---------------------------------------------------------------------

    def looked(self, task: Task) -> None:
        """T2: what is closed at this very instant must not be called for."""
        sending = [mid for mid, seen in self.messages.items() if seen.state is S.SENDING]
        self._closed_at_look[task] = frozenset(mid for mid in sending if self._closed(mid))

    def called(self, mail: Mail, attempt: int) -> None:
        """I13: no call for what was closed at the look and still is; what came after is counted."""
        task = self._world.current()
        closed = self._closed(mail.message_id)
        if closed and mail.message_id in self._closed_at_look.get(task, frozenset()):
            raise Violation(f"I13: a call though {closed}")
        if closed:
            self.late_calls += 1
            self.tally["gate closed between look and call"] += 1
        seen = self.messages[mail.message_id]
        if seen.attempt != attempt or seen.state is not S.SENDING:
            self.tally[f"call of a process that woke late: {seen.state}"] += 1

    def _closed(self, message_id: MessageId) -> str:
        """Why nobody may call for a message, by what is committed."""
        memory = self._world.memory
        row = memory.committed_rows("send_queue")[message_id]
        campaign = memory.committed_rows("campaigns")[row["campaign_id"]]
        contact = memory.committed_rows("contacts")[row["contact_id"]]
        state = memory.loaded[row["stream_id"]].state
        look = Tx(memory, None)
        if ban_of_contact(look, contact, self._world.now()):
            return "its address is suppressed"
        if memory.committed_rows("bodies")[message_id]["mail"].to_email != contact["person"].email:
            return "its mail is made out to another address"
        if campaign["status"] != "active":
            return f"its campaign is {campaign['status']}"
        if memory.committed_rows("sending_rules")["only"]["rules"].paused:
            return TENANT_PAUSED
        if state.stage is Stage.PAUSED or state.ended:
            return f"its contact-campaign is {state.stage}"
        return ""

    def taken(self, mail: Mail, attempt: int) -> None:
        """I9 and I16, counted at the provider."""
        seen = self.messages[mail.message_id]
        accepts = self._world.outside.accepts[mail.message_id]
        if len(accepts) > 1 + seen.resends or len(set(accepts)) < len(accepts):
            raise Violation(f"I9: {mail.message_id} was taken as attempts {accepts}")
        if len(accepts) > 1:
            self.risked += 1
        self._one_campaign(mail, seen)
        if attempt > 1:
            self.tally["taken at a later attempt"] += 1

    def _one_campaign(self, mail: Mail, seen: Seen) -> None:
        person, now = self._world.tenant.mac(mail.to_email), self._world.now()
        campaign = self._world.memory.loaded[seen.stream].state.campaign_id
        for when, other in self._written[person]:
            if other != campaign and now < when + APART:
                raise Violation("I16: two campaigns wrote to one person within 60 days")
        self._written[person].append((now, campaign))

    def turns_of_circuits(self) -> None:
        """Count what became of the circuit of the sender."""
        for fact in self._world.tenant.accounts.told:
            if isinstance(fact, CircuitOpened):
                self.tally[f"circuit opened by {fact.cause}"] += 1
            elif isinstance(fact, CircuitClosed):
                self.tally[f"circuit closed by {fact.by}"] += 1


def _party(given: Input) -> str:
    """Who asked for a decision: the sender of a message, a report, a timer, a sweep, a person."""
    return given.cause.kind.value


def _about(entry: Entry) -> MessageId | None:
    fact = entry.body.fact
    return fact.message_id if type(fact) in MOVES else None  # type: ignore[union-attr]  # as in MOVES
