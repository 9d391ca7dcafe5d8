"""T1: due messages are claimed in one transaction in which every gate is asked (trust.md 1.1)."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec
from msgspec.structs import replace

from domain import campaign
from domain.campaign import LOOK_AGAIN
from domain.events import SendAttemptStarted
from domain.gates import Hold, Seen, judge
from domain.gates.holds import DATED_BY_RULE
from domain.ids import MessageId, StreamId
from domain.limits import Counter
from domain.recorded import Cause
from domain.taxonomy import CapName, CauseKind, HoldReason, domain_class
from handlers.dispatch.batches import shrinking
from handlers.dispatch.budget import Budget, zones_of_recipient
from handlers.ports import (
    Bucket,
    CapNote,
    Due,
    Input,
    Marked,
    Reserved,
    Result,
    SmoothingUnseen,
    TenantPorts,
    Transaction,
    Unsure,
)

LOG = logging.getLogger("antiphon.dispatch")
BATCH = 200

TURN_AFTER = timedelta(seconds=0.1)
"""The least that a message waits for its turn; less would only be looked at again and again."""
APART_FOR = timedelta(minutes=1)
"""How long a message waits for another one to the same person to be decided on."""


class Claim(msgspec.Struct, frozen=True):
    """A message that this worker, and nobody else, may call the provider for."""

    message_id: MessageId
    stream: StreamId
    attempt: int
    body_mac: str
    sender: str
    at: datetime
    taken: Sequence[Counter]
    turn: Sequence[Bucket]


class Claimed(msgspec.Struct, frozen=True):
    """What came of one look at the queue: how many were looked at, which may be called for."""

    seen: int = 0
    token: str = ""
    claims: Sequence[Claim] = ()


_NOTHING = Claimed()


class Claiming:
    """Claims what is due for one tenant."""

    def __init__(self, ports: TenantPorts) -> None:
        self._ports = ports

    def claim(self, most: int) -> Claimed:
        """Claim one batch; the share of all tenants' limit that it does not use is given back."""
        ports, now = self._ports, self._ports.clock.now()
        wanted = ports.outbox.waiting(now, most)
        if not wanted:
            return _NOTHING
        reserved = ports.global_share.reserve(wanted, now)
        claimed = _NOTHING
        try:
            claimed = shrinking(
                partial(self._settled, reserved), wanted, set_aside=self._set_aside, none=_NOTHING
            )
        finally:
            self._hand_back(reserved, reserved.granted - len(claimed.claims))
        return claimed

    def _hand_back(self, reserved: Reserved, unused: int) -> None:
        try:
            self._ports.global_share.give_back(reserved, unused)
        except Exception as error:  # noqa: BLE001  # it only delays
            LOG.warning("%d of the share of all are lost: %s", unused, type(error).__name__)

    def _settled(self, reserved: Reserved, limit: int) -> Claimed:
        """Claim; where the commit has no answer, only what is stored was claimed."""
        made: list[Claimed] = []
        try:
            return self._claim(reserved, limit, made)
        except Unsure:
            if not made:
                raise
        stored = self._ports.outbox.claimed(made[0].token)
        kept = [claim for claim in made[0].claims if claim.message_id in stored]
        LOG.warning("a claim of %s had no answer: %d stored", self._ports.tenant, len(kept))
        return replace(made[0], claims=kept)

    def _set_aside(self) -> Claimed:
        """Put the head of the queue back, for it cannot be claimed and others wait behind it."""
        ports, now = self._ports, self._ports.clock.now()
        with ports.transactions.begin() as tx:
            ports.limits.lock(tx)
            ids = [row.message_id for row in ports.outbox.due(tx, now, 1)]
            LOG.error("messages of %s cannot be claimed: %s", ports.tenant, ids)
            ports.outbox.hold(tx, ids, HoldReason.GATE_ERROR, now + LOOK_AGAIN)
        return Claimed(len(ids))

    def _claim(self, reserved: Reserved, limit: int, made: list[Claimed]) -> Claimed:
        ports, now = self._ports, self._ports.clock.now()
        with ports.transactions.begin() as tx:
            ports.limits.lock(tx)
            rows = ports.outbox.due(tx, now, limit)
            if not rows:
                return _NOTHING
            batch = _Batch(ports, reserved, now, rows)
            batch.look(tx)
            ports.accounts.note_caps(tx, batch.full(), now)
            counted = batch.budget.taken
            ports.limits.take(tx, counted)  # every row before the log, which is locked last
            results = ports.campaigns.decide_in(tx, batch.inputs())
            claims = batch.settle(results)
            ports.limits.give_back(tx, _less(counted, batch.budget.taken))
            token = ports.rng.new_id().hex
            marked = Marked(
                token=token,
                claimed=[batch.rows[claim.message_id] for claim in claims],
                lanes=batch.budget.lanes,
                now=now,
            )
            ports.outbox.mark(tx, marked)
            ports.outbox.hold_each(tx, batch.held_again(results))
            made.append(Claimed(len(rows), token, claims))
        return made[0]


class _Batch:
    """The rows of one claim with what is known of them."""

    def __init__(
        self, ports: TenantPorts, reserved: Reserved, now: datetime, rows: Sequence[Due]
    ) -> None:
        self.rows = {due.message_id: due for due in rows}
        self._ports = ports
        self._reserved = reserved
        self._now = now
        self._seen: dict[MessageId, Seen] = {}
        self._asking: list[Due] = []
        self._apart: list[Due] = []
        """Messages to a person that another message of this claim may go to."""
        self._crowded: list[tuple[Due, HoldReason]] = []
        """Messages behind a limit that other messages of this claim would fill."""
        self._leaving: set[MessageId] = set()

    def look(self, tx: Transaction) -> None:
        """See all that the gates ask, and count what may leave against every limit."""
        ports, rows = self._ports, list(self.rows.values())
        self.budget = Budget(ports.accounts.rules(tx), self._reserved, self._now)
        counters = self.budget.counters(rows)
        used = dict(zip(counters, ports.limits.used(tx, counters), strict=True))
        self.budget.know(used, ports.outbox.lanes(tx, self.budget.lanes_of(rows)))
        for due in rows:
            if self.budget.meets(due):
                self._apart.append(due)
                continue
            crowded = self.budget.crowded_by(due)
            if crowded is not None:
                self._crowded.append((due, HoldReason(crowded.value)))
                continue
            seen = self._seen[due.message_id] = self.budget.seen(due)
            if judge(seen, self._now) is None:
                self._asking.append(due)
                self.budget.take(due)
        self._take_turns()

    def _take_turns(self) -> None:
        """Whose turn it is, by the buckets that all processes share; unseen, it is nobody's."""
        ports, asking = self._ports, self._asking
        asks = [self.budget.buckets(due) for due in asking]
        try:
            answers = ports.smoothing.take(asks, tenant=ports.tenant, now=self._now)
        except SmoothingUnseen as error:
            LOG.warning("limits of %s cannot be seen: %s", ports.tenant, error)
            for due in asking:
                self._not_now(due, limits_seen=False)
            self._asking = []
            return
        for due, short in zip(asking, answers, strict=True):
            if short is not None:
                until = self._now + max(timedelta(seconds=short.wait_s), TURN_AFTER)
                self._not_now(due, smoothed_by=short.name.value, smoothed_until=until)
        self._asking = [due for due, short in zip(asking, answers, strict=True) if short is None]

    def _not_now(self, due: Due, **why: object) -> None:
        self.budget.untake(due)
        self._seen[due.message_id] = replace(self._seen[due.message_id], **why)

    def inputs(self) -> list[Input]:
        """The decisions on the rows that were looked at, each with what was seen."""
        return [self._input(due) for due in self.rows.values() if due.message_id in self._seen]

    def _input(self, due: Due) -> Input:
        decide = partial(
            campaign.start_attempt,
            message_id=due.message_id,
            now=self._now,
            seen=self._seen[due.message_id],
            zones=zones_of_recipient(due.recipient),
        )
        cause = Cause(CauseKind.DISPATCH, str(due.message_id))
        return Input(due.stream, decide, cause, due.message_id, ref=due.message_id)

    def settle(self, results: Sequence[Result]) -> list[Claim]:
        """The claims; what was counted and does not leave after all is counted no more."""
        claims = [claim for result in results for claim in self._claims_of(result)]
        self._leaving = {claim.message_id for claim in claims}
        staying = [due for due in self._asking if due.message_id not in self._leaving]
        for due in staying:
            self.budget.untake(due)
        if staying:
            self._give_back([self.budget.buckets(due) for due in staying])
        return claims

    def _give_back(self, asks: Sequence[Sequence[Bucket]]) -> None:
        try:
            self._ports.smoothing.give_back(asks, tenant=self._ports.tenant, now=self._now)
        except SmoothingUnseen as error:  # a token that is lost only delays
            LOG.warning("tokens of %s are lost: %s", self._ports.tenant, error)

    def _claims_of(self, result: Result) -> Iterable[Claim]:
        for fact in result.facts:
            if isinstance(fact, SendAttemptStarted):
                due = self.rows[fact.message_id]
                taken = tuple(limit.counter for limit in self.budget.limits(due))
                yield Claim(
                    fact.message_id,
                    result.stream,
                    fact.attempt,
                    fact.body_mac,
                    due.sender,
                    self._now,
                    taken,
                    self.budget.buckets(due),
                )

    def held_again(
        self, results: Sequence[Result]
    ) -> Mapping[MessageId, tuple[HoldReason, datetime]]:
        """When to look again at what nothing new was said about: it must not stay at the head.

        What a limit crowded out stays there, if anything left: the next claim finds it counted.
        """
        soon = self._now + APART_FOR
        apart = [(due, HoldReason.SAME_PERSON) for due in self._apart]
        if not self._leaving:
            apart += self._crowded
        held = {due.message_id: (reason, soon) for due, reason in apart}
        again = {result.ref: self._again(result.ref) for result in results if not result.facts}
        return held | again

    def _again(self, message_id: MessageId) -> tuple[HoldReason, datetime]:
        before = self.rows[message_id].hold_reason
        if before in DATED_BY_RULE:  # asked before its time, and the rule is the same still
            return HoldReason(before), self._now + LOOK_AGAIN
        verdict = judge(self._seen[message_id], self._now)
        if isinstance(verdict, Hold):
            return verdict.reason, campaign.look_again(verdict, self._now)
        return HoldReason.GATE_ERROR, self._now + LOOK_AGAIN

    def full(self) -> list[CapNote]:
        """The limits that a row of this batch is held by, each once."""
        found: dict[Counter, CapNote] = {}
        for message_id, seen in self._seen.items():
            due = self.rows[message_id]
            for limit, cap in zip(self.budget.limits(due), seen.caps, strict=False):
                if cap.full and seen.free_at is not None:
                    key = limit.counter.key
                    if cap.name == CapName.DOMAIN_HOUR:
                        key = domain_class(due.recipient.domain)
                    note = CapNote(
                        cap=cap.name, key=key, until=seen.free_at, used=cap.used, limit=cap.limit
                    )
                    found.setdefault(limit.counter, note)
        return list(found.values())


def _less(before: Mapping[Counter, int], after: Mapping[Counter, int]) -> dict[Counter, int]:
    less = {counter: times - after.get(counter, 0) for counter, times in before.items()}
    return {counter: times for counter, times in less.items() if times}
