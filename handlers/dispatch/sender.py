"""One batch of due messages, from the claim to what came of it."""

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from time import monotonic

from handlers.dispatch.calling import Answered, Calling
from handlers.dispatch.claiming import Claiming
from handlers.dispatch.recording import Recording
from handlers.ports import Provider, TenantPorts

LOG = logging.getLogger("antiphon.dispatch")


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
        self._claiming = Claiming(ports)
        self._calling = Calling(ports, provider, executor, stopwatch=stopwatch)
        self._recording = Recording(ports)

    def send_batch(self) -> int:
        """Claim, call and record one batch; the number of messages that left the queue's head."""
        claimed = self._claiming.claim()
        later: Answered = []
        for answered in self._calling.call(claimed.token, claimed.claims):
            if later or not self._recorded(answered):
                later += answered
        if later:  # once more, when no call is under way whose answer could be lost by it
            self._record(later)
        return claimed.seen

    def _recorded(self, answered: Answered) -> bool:
        try:
            self._record(answered)
        except Exception as error:  # noqa: BLE001  # answers that cannot be kept now must cost no other
            LOG.warning("answers of %s wait: %s", self._ports.tenant, type(error).__name__)
            return False
        return True

    def _record(self, answered: Answered) -> None:
        """What came of the calls, and then what that says about the provider."""
        self._recording.record(answered)
        self._recording.tell_circuits(answered)
