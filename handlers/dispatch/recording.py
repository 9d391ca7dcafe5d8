"""T5: what the provider answered, recorded in sets; a doubt is recorded as a doubt."""

import logging
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

from domain import campaign
from domain.accounts import AnswerCounts
from domain.campaign import Acceptance
from domain.events import MessageFailed, SendAttemptReturned
from domain.ids import TenantId
from domain.limits import Counter
from domain.recorded import Cause
from domain.taxonomy import AnswerClass, CapName, CauseKind, Via
from handlers.dispatch.calling import ALTERED, INCOMPLETE, Answered
from handlers.dispatch.claiming import Claim
from handlers.ports import (
    Answer,
    Decide,
    Input,
    Result,
    SmoothingUnseen,
    TenantPorts,
    Transaction,
)

LOG = logging.getLogger("antiphon.dispatch")
BACKOFF_FIRST_S, BACKOFF_MAX_S = 30.0, 3600.0
DOUBLINGS_MAX = 7
"""More would be longer than the longest; attempts that do not count have no end."""
RATE_LIMITED = "rate_limited"
OURS = frozenset({ALTERED.reason, INCOMPLETE.reason})
"""Refusals that no provider was asked for."""


class Recording:
    """Records answers for one tenant."""

    def __init__(self, ports: TenantPorts) -> None:
        self._ports = ports

    def record(self, answered: Answered) -> None:
        """Write outcomes and give back what certainly did not leave."""
        ports, now = self._ports, self._ports.clock.now()
        given = [self._outcome(claim, answer, now) for claim, answer in answered]
        results = ports.campaigns.transact_many(given, along=self._give_back)
        self._drain(answered, now)
        self._give_turns_back(results, now)
        for result in results:
            self._compare(result)
        for claim, answer in answered:
            if answer.detail:
                ports.vault.keep_note(claim.message_id, None, "provider_answer", answer.detail)

    def tell_circuits(self, answered: Answered) -> None:
        """Open the circuits of senders whose provider fails, close those that it answers again."""
        ports = self._ports
        counts = counted(answered)
        if counts:
            ports.accounts.heard(counts, ports.clock.now(), ports.rng.uniform(0.0, 1.0))

    def _outcome(self, claim: Claim, answer: Answer, now: datetime) -> Input:
        cause = Cause(CauseKind.DISPATCH, f"{claim.message_id}.{claim.attempt}")
        decide = self._decide(claim, answer, now)
        return Input(claim.stream, decide, cause, claim.message_id, ref=(claim, answer))

    def _decide(self, claim: Claim, answer: Answer, now: datetime) -> Decide:
        mid, attempt = claim.message_id, claim.attempt
        match answer.kind:
            case AnswerClass.ACCEPTED:
                taken = Acceptance(
                    message_id=mid,
                    attempt=attempt,
                    at=now,
                    via=Via.ANSWER,
                    provider_id=answer.provider_id,
                )
                return partial(campaign.accept_message, acceptance=taken)
            case AnswerClass.NOT_SENT:
                returned = SendAttemptReturned(
                    message_id=mid,
                    attempt=attempt,
                    reason=answer.reason,
                    due_at=now + self._backoff(claim.attempt, answer),
                    at=now,
                    counted=answer.counted,
                )
                return partial(campaign.return_attempt, returned=returned)
            case AnswerClass.REFUSED:
                return partial(
                    campaign.refuse, message_id=mid, attempt=attempt, reason=answer.reason, at=now
                )
            case AnswerClass.AMBIGUOUS:
                return partial(
                    campaign.doubt, message_id=mid, attempt=attempt, reason=answer.reason, at=now
                )

    def _backoff(self, attempt: int, answer: Answer) -> timedelta:
        """30 s doubling to an hour with full jitter; what the provider names is kept to."""
        rng = self._ports.rng
        if answer.retry_after_s is not None:
            return timedelta(seconds=answer.retry_after_s + rng.uniform(0.0, 5.0))
        top = min(BACKOFF_FIRST_S * 2 ** min(attempt - 1, DOUBLINGS_MAX), BACKOFF_MAX_S)
        return timedelta(seconds=rng.uniform(1.0, top))

    def _give_back(self, tx: Transaction, results: Sequence[Result]) -> None:
        """What certainly did not leave counts against no limit, and nobody was written to."""
        ports = self._ports
        stayed = [result.ref[0] for result in results if _stayed(result)]
        returned = [result.ref[0] for result in results if _returned(result)]
        unused = Tally[Counter]()
        for claim in returned:
            unused.update(claim.taken)
        ports.limits.give_back(tx, unused)
        ports.outbox.not_contacted(tx, [claim.message_id for claim in stayed])

    def _give_turns_back(self, results: Sequence[Result], now: datetime) -> None:
        """Buckets that a message did not use after all; a full one drains by its own order."""
        ports = self._ports
        turns = [
            result.ref[0].turn
            for result in results
            if _returned(result) and result.ref[1].reason != RATE_LIMITED
        ]
        if turns:
            with _only_delayed(ports.tenant):
                ports.smoothing.give_back(turns, tenant=ports.tenant, now=now)

    def _drain(self, answered: Answered, now: datetime) -> None:
        """A provider that has had enough of a sender gets nothing of it until its bucket fills."""
        ports = self._ports
        for sender in sorted({c.sender for c, answer in answered if answer.reason == RATE_LIMITED}):
            with _only_delayed(ports.tenant):
                ports.smoothing.drain(CapName.SENDER_MINUTE, sender, tenant=ports.tenant, now=now)

    def _compare(self, result: Result) -> None:
        """A provider's report that was faster than its answer must name the same message."""
        claim, answer = result.ref
        if result.facts or answer.kind != AnswerClass.ACCEPTED or not answer.provider_id:
            return
        known = self._ports.outbox.provider_id(claim.message_id)
        if known and known != answer.provider_id:
            LOG.error(
                "message %s has two ids at its provider: %s and %s",
                claim.message_id,
                known,
                answer.provider_id,
            )


def _returned(result: Result) -> bool:
    return any(isinstance(fact, SendAttemptReturned) for fact in result.facts)


def _stayed(result: Result) -> bool:
    """Whether it certainly did not leave: handed back, or refused by whoever was asked."""
    return any(isinstance(fact, SendAttemptReturned | MessageFailed) for fact in result.facts)


@contextmanager
def _only_delayed(tenant: TenantId) -> Iterator[None]:
    try:
        yield
    except SmoothingUnseen as error:  # while it is away nothing is claimed at all
        LOG.warning("the buckets of %s: %s", tenant, error)


def counted(answered: Answered) -> dict[str, AnswerCounts]:
    """The answers by sender, as its circuit counts them; what was not called says nothing."""
    kinds = {
        sender: Tally(_kind(answer) for claim, answer in answered if claim.sender == sender)
        for sender in {claim.sender for claim, _ in answered}
    }
    return {
        sender: AnswerCounts(**{kind: times for kind, times in tally.items() if kind})
        for sender, tally in sorted(kinds.items())
        if any(tally)
    }


def _kind(answer: Answer) -> str:
    if answer.opens_circuit:
        return "account_refused"
    if answer.kind == AnswerClass.NOT_SENT:
        return "not_sent" if answer.counted else ""
    if answer.reason in OURS:
        return ""
    return answer.kind.value.lower()
