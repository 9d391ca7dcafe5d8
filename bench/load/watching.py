"""What a benchmark sees of the engine from outside: committed facts, and work that is left."""

from collections.abc import Callable, Sequence
from threading import Event, Thread
from time import monotonic, sleep
from typing import Self
from uuid import UUID

from psycopg.sql import SQL, Identifier

from bench.load.customer import Customer
from projections.registry import READ

LISTEN_S = 0.2
LOOK_S = 0.05
STUCK_S = 120.0

_SINCE = SQL("""
SELECT notification_id, originator_id FROM {events}
 WHERE notification_id > %s AND topic = ANY(%s) ORDER BY notification_id
""")
_LEFT = """
SELECT EXISTS (SELECT FROM {s}.webhook_inbox WHERE state = 'claimed')
       OR EXISTS (SELECT FROM {s}.webhook_inbox WHERE state = 'new')
       OR EXISTS (SELECT FROM {s}.webhook_inbox WHERE state = 'orphan')
"""
"""Each has its index: to count them would take what is measured."""
_BEHIND = """
SELECT coalesce(max(e.head - coalesce(t.notification_id, 0)), 0)
  FROM unnest(%(names)s::text[]) AS n (name)
       LEFT JOIN {s}.tracking t ON t.application_name = n.name,
       (SELECT coalesce(max(notification_id), 0) AS head FROM {s}.events) AS e
"""


class Stored:
    """Notes when facts of some topics were first seen committed, woken by the log's own NOTIFY."""

    def __init__(self, customer: Customer, topics: Sequence[str]) -> None:
        self._customer = customer
        self._topics = list(topics)
        self._over = Event()
        self._ready = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self.at: dict[UUID, float] = {}
        """The instant for each stream."""

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        customer = self._customer
        query = _SINCE.format(events=Identifier(customer.schema, "events"))
        head = customer.count("SELECT coalesce(max(notification_id), 0) FROM {s}.events")
        with customer.system.database.direct() as connection:
            channel = Identifier(customer.log.recorder.channel_name)
            connection.execute(SQL("LISTEN {}").format(channel))
            self._ready.set()
            while not self._over.is_set():
                if not list(connection.notifies(timeout=LISTEN_S, stop_after=1)):
                    continue
                rows = connection.execute(query, (head, self._topics), prepare=True).fetchall()
                seen = monotonic()
                for _, stream in rows:
                    self.at.setdefault(stream, seen)
                head = rows[-1][0] if rows else head


def is_settled(customer: Customer) -> bool:
    """Whether every report is settled and every read model has seen what came of it."""
    return not customer.rows(_LEFT)[0][0] and not behind(customer)


def behind(customer: Customer) -> int:
    """How many positions the last of the read models is behind the log."""
    return customer.count(_BEHIND, names=[each.name for each in READ])


def until(done: Callable[[], bool], what: str) -> float:
    """When something was done, looked for often; an error when it never is."""
    began = monotonic()
    while not done():
        assert monotonic() - began < STUCK_S, what
        sleep(LOOK_S)
    return monotonic()
