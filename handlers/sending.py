"""Due messages: render, claim behind every gate, call the provider once, record what came of it.

The order is what makes a message go out at most once: the claim is committed before the call, the
call is made only by who claimed, and a doubt is recorded as a doubt, never tried again.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime, timedelta
from functools import partial
from time import monotonic

import msgspec

from domain import campaign
from domain.campaign import Acceptance
from domain.events import SendAttemptReturned, SendAttemptStarted
from domain.ids import MessageId, StreamId
from domain.recorded import Cause
from domain.taxonomy import AnswerClass, CancelReason, CauseKind, Family, HoldReason, Via
from handlers import gates
from handlers.ports import (
    Answer,
    Broken,
    Conflict,
    Decide,
    Due,
    Input,
    Mail,
    Provider,
    Result,
    TenantPorts,
    Transaction,
)
from handlers.rendering import body_mac

LOG = logging.getLogger("antiphon.sending")
BATCH = 50
HOLD_FOR = timedelta(minutes=5)
LOOK_LASTS_S = 1.0
"""How long after a look at the gates a call may still begin without another look."""
BACKOFF_FIRST_S, BACKOFF_MAX_S = 30.0, 3600.0


_Mails = Mapping[MessageId, tuple[Mail, bytes]]


class Claim(msgspec.Struct, frozen=True):
    """A message that this worker, and nobody else, may call the provider for."""

    message_id: MessageId
    stream: StreamId
    attempt: int
    body_mac: str


class Sender:
    """Sends what is due for one tenant."""

    def __init__(
        self,
        ports: TenantPorts,
        provider: Provider,
        executor: Executor,
        *,
        stopwatch: Callable[[], float] = monotonic,
    ) -> None:
        self._ports = ports
        self._provider = provider
        self._executor = executor
        self._stopwatch = stopwatch

    def send_batch(self) -> int:
        """Claim, call and record one batch; the number of messages that left the queue's head."""
        seen, claims = self._claimed(BATCH)
        if claims:
            self._record(claims, self._call(claims))
        return seen

    def _claimed(self, limit: int) -> tuple[int, list[Claim]]:
        """Claim; a conflict gives the whole claim back, and a smaller one meets it less likely."""
        try:
            return self._claim(limit)
        except Conflict:
            return self._claimed(max(limit // 4, 1)) if limit > 1 else (0, [])
        except Broken:
            return self._claimed(max(limit // 4, 1)) if limit > 1 else (self._set_aside(), [])

    def _set_aside(self) -> int:
        """Put the head of the queue back, for it cannot be claimed and others wait behind it."""
        ports, now = self._ports, self._ports.clock.now()
        with ports.transactions.begin() as tx:
            rows = ports.outbox.due(tx, now, 1)
            LOG.error(
                "message %s of %s cannot be claimed",
                rows[0].message_id if rows else None,
                ports.tenant,
            )
            ports.outbox.hold(
                tx, [row.message_id for row in rows], HoldReason.GATE_ERROR, now + HOLD_FOR
            )
        return len(rows)

    # --- T1 ---------------------------------------------------------------------------------------

    def _claim(self, limit: int) -> tuple[int, list[Claim]]:
        ports, now = self._ports, self._ports.clock.now()
        with ports.transactions.begin() as tx:
            rows = ports.outbox.due(tx, now, limit)
            given = [self._judged(tx, row, now) for row in rows]
            results = ports.campaigns.decide_in(tx, [item for item in given if item is not None])
            claims = [claim for result in results for claim in _claims_of(result)]
            ports.outbox.sign(tx, [claim.message_id for claim in claims])
            # what nothing was decided about must not stay at the head of the queue
            undecided = [result.ref for result in results if not result.facts]
            ports.outbox.hold(tx, undecided, HoldReason.GATE_ERROR, now + HOLD_FOR)
        return len(rows), claims

    def _judged(self, tx: Transaction, due: Due, now: datetime) -> Input | None:
        verdict = gates.judge(due)
        if verdict is None:
            attempt = partial(campaign.start_attempt, message_id=due.message_id, now=now)
            return self._input(due, attempt)
        if isinstance(verdict, gates.Never):
            return self._input(due, _never(due, verdict, now))
        if due.hold_reason == verdict.reason:
            self._ports.outbox.hold(tx, [due.message_id], verdict.reason, now + HOLD_FOR)
            return None
        hold = partial(
            campaign.hold,
            message_id=due.message_id,
            reason=verdict.reason,
            until=now + HOLD_FOR,
            at=now,
        )
        return self._input(due, hold)

    def _input(self, due: Due, decide: Decide) -> Input:
        cause = Cause(CauseKind.DISPATCH, str(due.message_id))
        return Input(due.stream, decide, cause, due.message_id, ref=due.message_id)

    # --- T2, T3 -----------------------------------------------------------------------------------

    def _call(self, claims: Sequence[Claim]) -> Mapping[MessageId, Answer]:
        """One call for each claim that is still ours and whole, side by side; no answer is lost."""
        looked_at = self._stopwatch()
        try:
            mails = self._ports.vault.mails([claim.message_id for claim in claims])
            banned, fresh = self._look(claims, mails)
        except Exception as error:  # noqa: BLE001  # certainly not called: handed back, no doubt
            LOG.warning("claims of %s handed back: %s", self._ports.tenant, type(error).__name__)
            return {claim.message_id: NOT_CALLED for claim in claims}

        def answer(claim: Claim) -> Answer:
            kept, noes, ours = mails.get(claim.message_id), banned, fresh
            if self._stopwatch() - looked_at > LOOK_LASTS_S:  # it waited for slower calls
                noes, ours = self._look_again(claim, mails)
            if kept is None or claim.message_id not in ours:
                return NOT_CALLED
            mail, key = kept
            if body_mac(mail, key) != claim.body_mac:
                return ALTERED
            return SUPPRESSED if mail.to_email in noes else self._try(mail, claim)

        answers = self._executor.map(answer, claims)
        return {claim.message_id: given for claim, given in zip(claims, answers, strict=True)}

    def _look(self, claims: Sequence[Claim], mails: _Mails) -> tuple[set[str], set[MessageId]]:
        """Addresses that must not be written to, and the claims whose gates are open still.

        A mail goes where it was rendered for, which need not be the contact's address of today.
        """
        ports = self._ports
        kept = (mails.get(claim.message_id) for claim in claims)
        addresses = {one[0].to_email for one in kept if one is not None}
        banned = ports.suppressions.banned(Family.EMAIL, addresses, ports.clock.now())
        fresh = ports.outbox.fresh({claim.message_id: claim.attempt for claim in claims})
        return banned, fresh

    def _look_again(self, claim: Claim, mails: _Mails) -> tuple[set[str], set[MessageId]]:
        try:
            return self._look([claim], mails)
        except Exception as error:  # noqa: BLE001  # a gate that cannot be seen is closed
            LOG.warning("the gates of %s: %s", claim.message_id, type(error).__name__)
            return set(), set()

    def _try(self, mail: Mail, claim: Claim) -> Answer:
        try:
            return self._provider.send(mail, attempt=claim.attempt, tenant_tag=self._ports.tag)
        except Exception as error:  # noqa: BLE001  # one broken call must not cost other answers
            LOG.warning("the call for %s broke: %s", claim.message_id, type(error).__name__)
            return BROKEN_CALL

    # --- T5 ---------------------------------------------------------------------------------------

    def _record(self, claims: Sequence[Claim], answers: Mapping[MessageId, Answer]) -> None:
        ports, now = self._ports, self._ports.clock.now()
        given = [self._outcome(claim, answers[claim.message_id], now) for claim in claims]
        if any(answer.opens_circuit for answer in answers.values()):
            LOG.error("senders of %s held: the provider refuses our credentials", ports.tenant)
            ports.register.hold_senders()
        ports.campaigns.transact_many(given)
        for claim in claims:
            detail = answers[claim.message_id].detail
            if detail:
                ports.vault.keep_note(claim.message_id, None, "provider_answer", detail)

    def _outcome(self, claim: Claim, answer: Answer, now: datetime) -> Input:
        cause = Cause(CauseKind.DISPATCH, f"{claim.message_id}.{claim.attempt}")
        return Input(claim.stream, self._decide(claim, answer, now), cause, claim.message_id)

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
        top = min(BACKOFF_FIRST_S * 2 ** (attempt - 1), BACKOFF_MAX_S)
        return timedelta(seconds=rng.uniform(1.0, top))


def _never(due: Due, verdict: gates.Never, now: datetime) -> Decide:
    """A message of a stopped campaign ends its plan; any other skip the plan may answer."""
    if verdict.reason == CancelReason.STOPPED:
        return partial(campaign.stop, reason="campaign_stopped", at=now)
    return partial(campaign.skip, message_id=due.message_id, reason=verdict.reason, at=now)


NOT_CALLED = Answer(kind=AnswerClass.NOT_SENT, reason="not_called", counted=False)
ALTERED = Answer(kind=AnswerClass.REFUSED, reason="body_altered")
SUPPRESSED = Answer(kind=AnswerClass.REFUSED, reason="suppressed")
BROKEN_CALL = Answer(kind=AnswerClass.AMBIGUOUS, reason="broken_call")


def _claims_of(result: Result) -> list[Claim]:
    return [
        Claim(fact.message_id, result.stream, fact.attempt, fact.body_mac)
        for fact in result.facts
        if isinstance(fact, SendAttemptStarted)
    ]
