"""A broker whose idle consumers wait for the doorbell instead of asking Redis all the time.

The library looks at a queue, sleeps, and looks again: shorter sleeps cost processor time on every
worker, longer ones delay every step. Here a ring is also published; who hears it looks at once.
While nobody can hear, the consumers look again as often as the library does.
"""

import logging
from threading import Event, Lock, Thread
from typing import Any, Final

import redis
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from typing_extensions import override

LOG = logging.getLogger("antiphon.redis")
CHANNEL: Final = "{antiphon}:bells"
HEARING_S = 0.25
"""How long an idle consumer that hears the bells waits for one; a lost one costs no more."""
DEAF_S = 0.025
"""The same while the bells cannot be heard."""
LOOK_MS = 5
"""The longest sleep of the library itself, after a look that found nothing."""
AGAIN_S = 0.5


class Ears:
    """Listens to the bells on one connection, for all consumers of this process."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self.rung: dict[str, Event] = {}
        self._lock = Lock()
        self._closed = Event()
        self._thread: Thread | None = None
        self.hears = False

    def of(self, queue: str) -> Event:
        """What is set when a bell of this queue rings."""
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._listen, name="bells", daemon=True)
                self._thread.start()
            return self.rung.setdefault(queue, Event())

    def close(self) -> None:
        """Stop listening."""
        self._closed.set()

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as heard:  # type: ignore[no-untyped-call]  # the same
                    heard.subscribe(CHANNEL)
                    while not self._closed.is_set():
                        self._tell(heard.get_message(timeout=HEARING_S))
            except (redis.RedisError, OSError) as error:
                LOG.warning("the bells cannot be heard: %s", type(error).__name__)
                self.hears = False
                self._closed.wait(AGAIN_S)

    def _tell(self, message: dict[str, Any] | None) -> None:
        self.hears = True
        if message is not None:
            rung = self.rung.get(message["data"].decode())
            if rung is not None:
                rung.set()


class WokenConsumer(_RedisConsumer):
    """Looks when a bell rang, and now and then without one."""

    def __init__(self, broker: "WokenBroker", queue_name: str, prefetch: int, timeout: int) -> None:
        looks_ms = min(timeout, LOOK_MS)
        super().__init__(broker, queue_name, prefetch, looks_ms)  # type: ignore[no-untyped-call]  # the library has no types here
        self._ears = broker.ears
        self._rung = broker.ears.of(queue_name)
        self._drained = False

    @override
    def __next__(self) -> Any:
        if self.message_cache:
            return super().__next__()  # type: ignore[no-untyped-call]  # the same
        if self._drained:
            self._rung.wait(HEARING_S if self._ears.hears else DEAF_S)
        self._rung.clear()
        room = self.prefetch - self.outstanding_message_count
        message = super().__next__()  # type: ignore[no-untyped-call]  # the same
        # A look that brought less than it had room for saw all there was: no second one to learn
        # that nothing is left, beside the work that has just begun. Without room nobody has looked.
        brought = len(self.message_cache) + (message is not None)
        self._drained = brought < room
        return message


class WokenBroker(RedisBroker):
    """The library's broker with consumers that wait for the bells."""

    def __init__(self, *, client: "redis.Redis", **settings: Any) -> None:  # noqa: ANN401  # the library's own
        super().__init__(client=client, **settings)  # type: ignore[no-untyped-call]  # the library has no types here
        self.ears = Ears(client)

    @property
    @override
    def consumer_class(self) -> type[WokenConsumer]:
        return WokenConsumer

    @override
    def close(self) -> None:
        self.ears.close()
        super().close()
