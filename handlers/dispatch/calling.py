"""T2 and T3: one call for each claim that is still ours and whole, side by side."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from math import inf
from time import monotonic

from domain.ids import MessageId
from domain.taxonomy import AnswerClass
from handlers.dispatch.claiming import Claim
from handlers.ports import Answer, Mail, Provider, TenantPorts
from handlers.rendering import body_mac

LOG = logging.getLogger("antiphon.dispatch")
LOOK_LASTS_S = 1.0
"""How long after a look at the gates a call may still begin without another look."""
LANDS_S = 1.0
"""How long a first answer is waited for; then there may be something else to do."""
GATHER_S = 0.05
"""How long answers are gathered before they are recorded together; a slow call holds none up."""

Answered = list[tuple[Claim, Answer]]

NOT_CALLED = Answer(kind=AnswerClass.NOT_SENT, reason="not_called", counted=False)
ALTERED = Answer(kind=AnswerClass.REFUSED, reason="body_altered")
INCOMPLETE = Answer(kind=AnswerClass.REFUSED, reason="no_opt_out")
BROKEN_CALL = Answer(kind=AnswerClass.AMBIGUOUS, reason="broken_call")
OPT_OUT_HEADERS = ("List-Unsubscribe", "List-Unsubscribe-Post")


class Calling:
    """Calls the provider for claims, side by side; no answer is lost."""

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
        self._under_way: dict[Future[Answer], Claim] = {}
        self._failed_at = -inf
        """When a call last failed: what was claimed before looks at its gates anew."""

    @property
    def under_way(self) -> int:
        """How many calls have no answer that was taken yet."""
        return len(self._under_way)

    def begin(self, token: str, claims: Sequence[Claim]) -> Answered:
        """Begin a call for each claim; the answers to those that nothing can be called for."""
        looked_at = self._stopwatch()
        try:
            mails = self._ports.vault.mails([claim.message_id for claim in claims])
            fresh = self._look(token, claims)
        except Exception as error:  # noqa: BLE001  # certainly not called: handed back, no doubt
            LOG.warning("claims of %s handed back: %s", self._ports.tenant, type(error).__name__)
            return [(claim, NOT_CALLED) for claim in claims]

        def answer(claim: Claim) -> Answer:
            kept, ours = mails.get(claim.message_id), fresh
            waited = self._stopwatch() - looked_at > LOOK_LASTS_S  # for slower calls
            if waited or looked_at <= self._failed_at:  # or a circuit may have opened
                ours = self._look_again(token, claim)
            if kept is None or claim.message_id not in ours:
                return NOT_CALLED
            return _fault(claim, *kept) or self._try(kept[0], claim)

        for number, claim in enumerate(claims):
            try:
                self._under_way[self._executor.submit(answer, claim)] = claim
            except RuntimeError:  # this process is asked to stop: certainly not called
                return [(one, NOT_CALLED) for one in claims[number:]]
        return []

    def landed(self) -> Answered:
        """The answers that are there; waits a while for one, and a little for others with it."""
        done, waiting = wait(self._under_way, LANDS_S, return_when=FIRST_COMPLETED)
        if done and waiting:
            more, _ = wait(waiting, GATHER_S)
            done |= more
        landed = [future for future in self._under_way if future in done]
        return [(self._under_way.pop(future), future.result()) for future in landed]

    def _look(self, token: str, claims: Sequence[Claim]) -> set[MessageId]:
        """The claims whose gates are open still, and whose mails are made out to whom they know."""
        ports = self._ports
        fresh = ports.outbox.fresh(token, {claim.message_id: claim.attempt for claim in claims})
        return set() if ports.global_share.is_paused() else fresh

    def _look_again(self, token: str, claim: Claim) -> set[MessageId]:
        try:
            return self._look(token, [claim])
        except Exception as error:  # noqa: BLE001  # a gate that cannot be seen is closed
            LOG.warning("the gates of %s: %s", claim.message_id, type(error).__name__)
            return set()

    def _try(self, mail: Mail, claim: Claim) -> Answer:
        try:
            given = self._provider.send(mail, attempt=claim.attempt, tenant_tag=self._ports.tag)
        except Exception as error:  # noqa: BLE001  # one broken call must not cost other answers
            LOG.warning("the call for %s broke: %s", claim.message_id, type(error).__name__)
            given = BROKEN_CALL
        if given.kind in (AnswerClass.AMBIGUOUS, AnswerClass.NOT_SENT):
            self._failed_at = self._stopwatch()
        return given


def _fault(claim: Claim, mail: Mail, key: bytes) -> Answer | None:
    if body_mac(mail, key) != claim.body_mac:
        return ALTERED
    return None if all(name in mail.headers for name in OPT_OUT_HEADERS) else INCOMPLETE
