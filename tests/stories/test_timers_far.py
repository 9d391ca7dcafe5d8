"""Timers far ahead, over clock changes, with dead workers and clocks that jump: one event each."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.events import TransitionTaken
from domain.ids import StreamId
from domain.lifecycle import Stage
from domain.recorded import Cause
from domain.taxonomy import CauseKind, Outcome
from handlers import campaigns as use
from handlers.contacts import ContactRow
from handlers.ports import DueTimer, Timers, Transaction
from handlers.timeouts import BATCH, Timeouts
from tests.stories.house import MONDAY, House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
GRACE = timedelta(minutes=2)
"""Within it a report that was under way may still go before a timer."""
SILENT = stop("silent", outcome="no_response")


def waits(after: str, **fields: Any) -> dict[str, Any]:
    """One mail, then nothing for so long."""
    return plan(send("intro", way("timeout", "silent", after=after)), SILENT, **fields)


def fire(house: House) -> int:
    return Timeouts(house.ports).fire_batch()


def fired(house: House, stream: StreamId) -> list[TransitionTaken]:
    return [one.fact for one in house.history(stream) if isinstance(one.fact, TransitionTaken)]


def move_to(house: House, at: datetime) -> None:
    """Set the clock; also back."""
    house.clock._now = at


def due_of(house: House, stream: StreamId) -> datetime:
    (timer,) = house.state(stream).timers
    return timer.due_at


# --- far ahead ------------------------------------------------------------------------------------


def test_a_timer_a_year_ahead_fires_once_at_its_time_and_never_before(house: House) -> None:
    long = house.ports.plan_policy.model_copy(update={"max_duration": "P400D"})
    house.ports = replace(house.ports, plan_policy=long)
    stream = house.started(waits("P365D", limits={"maxDuration": "P400D"}))
    house.work()
    due = due_of(house, stream)
    assert due == MONDAY + 365 * DAY
    for month in range(1, 13):
        move_to(house, MONDAY + month * 30 * DAY)
        house.work()
    for early in (due - SECOND, due, due + GRACE - SECOND):
        move_to(house, early)
        house.work()
        assert fired(house, stream) == []
    move_to(house, due + GRACE)
    assert (fire(house), fire(house)) == (1, 0)
    assert [(one.on, one.at) for one in fired(house, stream)] == [("timeout", due)]
    house.after(days=20)
    assert len(fired(house, stream)) == 1
    assert house.rows("SELECT 1 FROM {s}.timers") == []


AUTUMN = datetime(2026, 10, 31, 16, tzinfo=UTC)  # noon in New York, the day before
SPRING = datetime(2027, 3, 13, 17, tzinfo=UTC)


def test_days_keep_the_time_on_the_wall_over_a_clock_change_and_hours_do_not(house: House) -> None:
    new_york = {"timezone": "America/New_York"}
    for noon, a_day in ((AUTUMN, 25 * HOUR), (SPRING, 23 * HOUR)):
        move_to(house, noon)
        by_day, by_hours = (house.started(waits(after, **new_york)) for after in ("P1D", "PT24H"))
        house.work()
        due = {by_day: noon + a_day, by_hours: noon + 24 * HOUR}
        assert {stream: due_of(house, stream) for stream in due} == due
        for stream, at in sorted(due.items(), key=lambda one: one[1]):
            move_to(house, at + GRACE - SECOND)
            house.work()
            assert fired(house, stream) == []
            move_to(house, at + GRACE)
            house.work()
            assert [one.at for one in fired(house, stream)] == [at]


# --- stale ones -----------------------------------------------------------------------------------


class Slow(Timers):
    """The timers of a tenant as a worker sees them that was slow since its claim."""

    def __init__(self, inner: Timers, meanwhile: Callable[[], Any]) -> None:
        self._inner = inner
        self._meanwhile = meanwhile

    def claim(self, now: datetime, *, grace_s: int, limit: int) -> list[DueTimer]:
        claimed = self._inner.claim(now, grace_s=grace_s, limit=limit)
        self._meanwhile()
        return claimed

    def settle(self, tx: Transaction, timers: Sequence[DueTimer]) -> None:
        self._inner.settle(tx, timers)

    def free_expired(self) -> int:
        return self._inner.free_expired()


def slow(house: House, meanwhile: Callable[[], Any]) -> int:
    """A worker claims what is due, and before it decides something happens."""
    ports = replace(house.ports, timers=Slow(house.ports.timers, meanwhile))
    return Timeouts(ports).fire_batch()


def let_leases_run_out(house: House) -> None:
    house.rows("UPDATE {s}.timers SET lease_until = now() - interval '1 second' RETURNING 1")
    house.ports.timers.free_expired()


def test_a_timer_whose_node_was_left_meanwhile_makes_no_event(house: House) -> None:
    nodes = (
        send("intro", way("clicked", "second"), way("timeout", "silent", after="P2D")),
        send("second", way("timeout", "silent", after="P3D"), schedule={"delay": "P1D"}),
        SILENT,
    )
    stream = house.started(plan(*nodes))
    house.work()
    house.clock.advance(2 * DAY + GRACE)
    clicked_at = int((MONDAY + DAY).timestamp())

    def clicks() -> None:
        click = house.event(stream, "click", url="https://site.example/a", ip="192.0.2.1")
        house.hear(click | {"timestamp": clicked_at})
        house.ingest()

    assert slow(house, clicks) == 1
    assert [(one.node, one.on) for one in fired(house, stream)] == [("intro", "clicked")]
    house.work()
    assert len(house.provider.calls) == 2
    house.after(days=3, minutes=3)
    assert [one.on for one in fired(house, stream)] == ["clicked", "timeout"]


def test_a_timer_of_a_visit_that_is_over_leaves_the_next_visit_alone(house: House) -> None:
    again = send("intro", way("timeout", "intro", after="P2D"), maxVisits=2, onMaxVisits="silent")
    stream = house.started(plan(again, SILENT))
    house.work()
    house.clock.advance(2 * DAY + GRACE)

    def another_worker_fires_it() -> None:
        let_leases_run_out(house)
        assert fire(house) == 1
        house.work()

    assert slow(house, another_worker_fires_it) == 1
    assert (house.state(stream).visit, len(fired(house, stream))) == (2, 1)
    assert len(house.rows("SELECT 1 FROM {s}.timers WHERE scope = 'node' AND visit = 2")) == 1
    assert len(house.provider.calls) == 2
    house.after(days=2, minutes=3)
    assert house.state(stream).outcome == Outcome.NO_RESPONSE
    assert len(fired(house, stream)) == 2


def test_a_timer_of_what_was_stopped_meanwhile_makes_no_event(house: House) -> None:
    stream = house.started(waits("P2D"))
    house.work()
    house.clock.advance(3 * DAY)
    given = {"cause": Cause(CauseKind.OPERATOR, "story"), "correlation": UUID(int=8)}
    stops = partial(
        use.order, house.ports, stream, use.stop(house.clock.now(), "operator"), **given
    )
    assert slow(house, stops) == 1
    assert fired(house, stream) == []
    assert house.state(stream).outcome == Outcome.CANCELLED


# --- many, and more than one worker ---------------------------------------------------------------

MORE = BATCH + 20


def _many(house: House, number: int) -> None:
    """So many contact-campaigns that nobody sends for, each with the timer of its end."""
    people = [
        ContactRow(email=f"dana.{n}@harbor.example", first_name="Dana") for n in range(number)
    ]
    contacts = [one.contact_id for one in house.system.contacts(house.tenant).put(people)]
    use.enrol(
        house.ports,
        house.campaign(),
        [use.Enrolment(contact, waits("P2D")) for contact in contacts],
        tzdata="test",
        cause=Cause(CauseKind.REQUEST, "story"),
        correlation=UUID(int=7),
    )


def test_timers_are_claimed_in_batches_the_oldest_first(house: House) -> None:
    for _ in range(7):
        _many_later(house)
    far = house.clock.now() + 90 * DAY
    batches = [house.ports.timers.claim(far, grace_s=0, limit=3) for _ in range(4)]
    assert [len(batch) for batch in batches] == [3, 3, 1, 0]
    claimed = [timer for batch in batches for timer in batch]
    assert len({timer.timer_id for timer in claimed}) == 7
    assert [timer.due_at for timer in claimed] == sorted(timer.due_at for timer in claimed)


def _many_later(house: House) -> None:
    house.started(waits("P2D"))
    house.clock.advance(HOUR)


def test_two_workers_at_once_make_one_event_of_each_timer(house: House) -> None:
    _many(house, MORE)
    house.clock.advance(61 * DAY)
    together = Barrier(2)

    def works() -> list[int]:
        together.wait()
        taken = []
        while not taken or taken[-1]:
            taken.append(fire(house))
        return taken

    with ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(works) for _ in range(2)]
        taken = [number for one in workers for number in one.result()]
    assert sum(taken) == MORE
    assert max(taken) <= BATCH
    ends = house.rows("SELECT originator_id FROM {s}.events WHERE topic = 'exited'")
    assert len(ends) == MORE
    assert set(Counter(ends).values()) == {1}
    assert house.rows("SELECT 1 FROM {s}.timers") == []


def test_a_worker_that_dies_in_the_middle_leaves_nothing_and_the_next_fires_it_once(
    house: House,
) -> None:
    stream = house.started(waits("P2D"))
    house.work()
    house.clock.advance(3 * DAY)

    class Dies(Slow):
        def settle(self, tx: Transaction, timers: Sequence[DueTimer]) -> None:
            super().settle(tx, timers)
            raise SystemExit

    with pytest.raises(SystemExit):
        Timeouts(replace(house.ports, timers=Dies(house.ports.timers, lambda: None))).fire_batch()
    assert fired(house, stream) == []
    assert fire(house) == 0  # its lease holds
    let_leases_run_out(house)
    assert (fire(house), fire(house)) == (1, 0)
    assert len(fired(house, stream)) == 1


# --- clocks that jump -----------------------------------------------------------------------------

TWICE = plan(
    send("intro", way("timeout", "second", after="PT12H")),
    send("second", way("timeout", "silent", after="PT12H")),
    SILENT,
)


def test_a_clock_that_jumps_back_an_hour_fires_nothing_early_and_nothing_twice(
    house: House,
) -> None:
    stream = house.started(TWICE)
    house.work()
    due = due_of(house, stream)
    move_to(house, due + GRACE - SECOND)
    move_to(house, house.clock.now() - HOUR)
    house.work()
    assert fired(house, stream) == []
    move_to(house, due + GRACE)
    assert fire(house) == 1
    move_to(house, house.clock.now() - HOUR)
    house.work()
    assert [one.at for one in fired(house, stream)] == [due]
    assert len(house.provider.calls) == 1  # the second mail is due when the timer was
    move_to(house, due + GRACE)
    house.work()
    assert len(house.provider.calls) == 2
    assert len(fired(house, stream)) == 1
    house.after(hours=12, minutes=2)
    assert [one.node for one in fired(house, stream)] == ["intro", "second"]
    assert len(house.provider.calls) == 2


def test_a_clock_that_jumps_forward_a_day_fires_all_that_is_due_once_and_nothing_else(
    house: House,
) -> None:
    waited = ("PT1H", "PT5H", "PT23H", "P1D", "PT25H")
    streams = {after: house.started(waits(after)) for after in waited}
    twice = house.started(TWICE)
    house.work()
    house.after(days=1, minutes=2)
    for after, stream in streams.items():
        ended = after != "PT25H"
        assert house.state(stream).stage == (Stage.COMPLETED if ended else Stage.ACTIVE)
        assert len(fired(house, stream)) == ended
    sent = [fact.at for fact in fired(house, twice)]
    assert sent == [MONDAY + 12 * HOUR]  # the second mail has only left now
    house.after(hours=12, minutes=2)
    assert {len(fired(house, stream)) for stream in streams.values()} == {1}
    assert len(fired(house, twice)) == 2
    assert len(house.provider.calls) == len(waited) + 2
