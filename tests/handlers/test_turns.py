"""Actors of one kind take turns for a tenant, and no bell is lost by it."""

from collections.abc import Callable
from threading import Event, Thread

from dramatiq.brokers.stub import StubBroker

from domain.ids import TenantId
from handlers.actors import ENOUGH_S, QUEUE_OF, declare_actors


class Bells:
    """Work that is done once for each time that it was given, and what it met while it was done."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.due = 0
        self.done: list[str] = []
        self.passed = 0.0
        self.meanwhile = meanwhile
        work = dict.fromkeys(QUEUE_OF, self._batch)
        broker = StubBroker()  # type: ignore[no-untyped-call]  # the library has no types here
        actors = declare_actors(broker, work, stopwatch=lambda: self.passed)
        self.ring = {actor.actor_name: actor.fn for actor in actors}

    def give(self, count: int) -> None:
        self.due += count

    def _batch(self, tenant: TenantId) -> int:
        if not self.due:
            return 0
        self.due -= 1
        self.done.append(tenant)
        self.meanwhile()
        return 1


def test_a_bell_that_rings_during_a_turn_is_answered_by_it() -> None:
    bells = Bells()
    late = iter([True])

    def meanwhile() -> None:
        if next(late, False):
            bells.give(1)
            bells.ring["ingest"]("acme")  # returns at once: it is not its turn
            assert len(bells.done) == 1

    bells.meanwhile = meanwhile
    bells.give(1)
    bells.ring["ingest"]("acme")
    assert bells.done == ["acme", "acme"]


def test_other_kinds_and_tenants_do_not_wait() -> None:
    held, go = Event(), Event()

    def meanwhile() -> None:
        held.set()
        assert go.wait(20)

    bells = Bells(meanwhile)
    bells.give(1)
    first = Thread(target=bells.ring["ingest"], args=("acme",))
    first.start()
    assert held.wait(20)
    bells.meanwhile = lambda: None
    bells.give(2)
    bells.ring["ingest"]("bolt")
    assert bells.done == ["acme", "bolt", "bolt"]
    bells.give(1)
    bells.ring["timers"]("acme")
    assert bells.done[-1] == "acme"
    go.set()
    first.join()


def test_work_that_breaks_gives_its_turn_back() -> None:
    bells = Bells()

    def broken() -> None:
        raise ZeroDivisionError

    bells.meanwhile = broken
    bells.give(2)
    for _ in range(2):
        try:
            bells.ring["dispatch"]("acme")
        except ZeroDivisionError:
            continue
    assert bells.done == ["acme", "acme"]


def test_who_worked_long_enough_leaves_the_rest_to_the_ticker() -> None:
    bells = Bells()

    def long() -> None:
        bells.passed += ENOUGH_S + 1
        bells.ring["dispatch"]("acme")

    bells.meanwhile = long
    bells.give(3)
    bells.ring["dispatch"]("acme")
    assert len(bells.done) == 1
    bells.ring["dispatch"]("acme")
    assert len(bells.done) == 2
