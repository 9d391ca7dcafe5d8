"""Due messages of one tenant, from the claim to what came of it; claims go on while calls last."""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from time import monotonic

from domain.taxonomy import AnswerClass
from handlers.dispatch import claiming
from handlers.dispatch.calling import Answered, Calling
from handlers.dispatch.claiming import Claiming
from handlers.dispatch.recording import Recording
from handlers.ports import Provider, TenantPorts

LOG = logging.getLogger("antiphon.dispatch")
CLAIMS_MAX = 200
"""Claims that one bell is good for; then other tenants get their turn."""
ENOUGH_S = 10.0
"""After this nothing more is claimed; with the actor's own patience, the guard of a claim and the
longest call it is less than the actor's time limit, which would break into calls."""
PACE_OVER_S = 1.0
AHEAD_S = 0.5
"""How many seconds of calls may be claimed, at the pace of the last ones: it must be well below the
time after which each call looks at its gates anew."""


class Sender:
    """Sends what is due for one tenant.

    Up to twice `at_once` messages are claimed and not answered, so that no thread of the executor
    waits for a claim; more where calls are fast, for what a claim costs is shared by its messages.
    """

    def __init__(
        self,
        ports: TenantPorts,
        provider: Provider,
        executor: Executor,
        *,
        at_once: int = claiming.BATCH,
        stopwatch: Callable[[], float] = monotonic,
    ) -> None:
        self._ports = ports
        self._claiming = Claiming(ports)
        self._calling = Calling(ports, provider, executor, stopwatch=stopwatch)
        self._recording = Recording(ports)
        self._open_least = 2 * at_once
        self._landed: deque[tuple[float, int]] = deque()
        """When the provider took mails lately, and how many; what fails fast is no pace."""
        self._stopwatch = stopwatch
        self._unkept: Answered = []
        self._broken: Exception | None = None

    def send_batch(self) -> int:
        """Claim, call and record one batch; the number of messages that left the queue's head."""
        return self.send(claims=1)

    def send(self, *, claims: int = CLAIMS_MAX, meanwhile: Callable[[], int] = lambda: 0) -> int:
        """Send what is due, by up to so many claims; how much there was to do.

        `meanwhile` is done before each claim, and counted. What goes wrong with either is raised
        when all calls are back and recorded.
        """
        self._unkept, self._broken = [], None
        found, work, more = 0, self._work(claims, meanwhile), True
        while more or self._calling.under_way:
            if more and self._has_room():
                done = next(work, 0)
                found += done
                more = done > 0
            else:
                self._land()
                more = True  # what came due meanwhile does not wait for the slowest call
        if self._unkept:  # once more, when no call is under way whose answer could be lost by it
            self._record(self._unkept)
        if self._broken is not None:
            raise self._broken
        return found

    def _land(self) -> None:
        answered = self._calling.landed()
        taken = sum(answer.kind == AnswerClass.ACCEPTED for _, answer in answered)
        self._landed.append((self._stopwatch(), taken))
        self._keep(answered)

    def _open_max(self) -> int:
        since = self._stopwatch() - PACE_OVER_S
        while self._landed and self._landed[0][0] < since:
            self._landed.popleft()
        lately = sum(taken for _, taken in self._landed)
        return max(self._open_least, int(lately / PACE_OVER_S * AHEAD_S))

    def _has_room(self) -> bool:
        under_way, most = self._calling.under_way, self._open_max()
        return not under_way or most - under_way >= min(claiming.BATCH, most) // 2

    def _work(self, claims: int, meanwhile: Callable[[], int]) -> Iterator[int]:
        until = self._stopwatch() + ENOUGH_S
        for _ in range(claims):
            if self._unkept or self._stopwatch() > until:
                return
            try:
                yield meanwhile() + self._claim()
            except Exception as error:  # noqa: BLE001  # raised by `send`, after the answers
                self._broken = error
                return

    def _claim(self) -> int:
        room = self._open_max() - self._calling.under_way  # less than there was before `meanwhile`
        claimed = self._claiming.claim(max(0, min(claiming.BATCH, room)))
        self._keep(self._calling.begin(claimed.token, claimed.claims))
        return claimed.seen

    def _keep(self, answered: Answered) -> None:
        if self._unkept or not self._recorded(answered):
            self._unkept += answered

    def _recorded(self, answered: Answered) -> bool:
        try:
            self._record(answered)
        except Exception as error:  # noqa: BLE001  # answers that cannot be kept now must cost no other
            LOG.warning("answers of %s wait: %s", self._ports.tenant, type(error).__name__)
            return False
        return True

    def _record(self, answered: Answered) -> None:
        """What came of the calls, and then what that says about the provider."""
        if answered:
            self._recording.record(answered)
            self._recording.tell_circuits(answered)
