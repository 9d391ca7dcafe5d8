"""One batch of due messages, from the claim to what came of it."""

from collections.abc import Callable
from concurrent.futures import Executor
from time import monotonic

from handlers.dispatch.calling import Answered, Calling
from handlers.dispatch.claiming import Claiming
from handlers.dispatch.recording import Recording
from handlers.ports import Provider, TenantPorts


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
        heard: Answered = []
        for answered in self._calling.call(claimed.token, claimed.claims):
            self._recording.record(answered)
            heard += answered
        self._recording.tell_circuits(heard)  # last, so that it can cost no answer
        return claimed.seen
