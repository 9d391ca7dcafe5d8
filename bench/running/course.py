"""The course of many journeys, phase by phase, the same for ours and for the floor."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

from bench.engine.place import BEGINS
from bench.running.crew import Crew, shares
from bench.running.posts import Post, Told

WARM_UP = 100
"""Contacts that go first and are not timed: statements are prepared, caches filled."""
SILENT_AT = BEGINS + timedelta(days=2, hours=3)
"""When nobody clicked for two days, and late reports had their time."""
AGAIN_AT = BEGINS + timedelta(days=4)
OVER_AT = BEGINS + timedelta(days=9)

DELIVERED = Told("delivered", BEGINS + timedelta(minutes=1))
CLICKED = Told("click", BEGINS + timedelta(hours=5))

Tell = Callable[[int, Told], Sequence[Post]]
"""Signed posts that tell something about the first mails of so many contacts."""


class Course(NamedTuple):
    """Seconds of each phase, and what the processes used."""

    enrolled_s: float
    first_sent_s: float
    delivered_s: float
    heard_s: float
    fired_s: float
    second_sent_s: float
    ended_s: float
    cpu_s: float
    grown_bytes: int
    """By how much the processes have grown from the warm-up until all contacts waited."""

    @property
    def to_first_send_s(self) -> float:
        """From the submission of the first plan to the acceptance of the last first mail."""
        return self.enrolled_s + self.first_sent_s


class Round(NamedTuple):
    """One round: its course, and what it has cost in all, with the journeys of the warm-up."""

    course: Course
    contacts: int
    server_cpu_s: float
    wal_bytes: int
    disk_bytes: int
    projector_cpu_s: float = 0.0
    catch_up_s: float = 0.0
    """How long the read models took to the end of the log when all was over."""
    events: int = 0
    log_bytes: int = 0

    @property
    def journeys(self) -> int:
        """All that ended."""
        return self.contacts + WARM_UP


def walk(crew: Crew, count: int, tell: Tell) -> Course:
    """Lead so many journeys, after some to warm up, from enrolment to their ends."""
    crew.ask("set_clock", BEGINS)
    crew.each("enrol", shares(WARM_UP, len(crew)))
    crew.ask("dispatch")
    before = _used(crew)
    parts = [(first + WARM_UP, last + WARM_UP) for first, last in shares(count, len(crew))]
    enrolled = crew.each("enrol", parts)
    assert sum(enrolled.answers) == count, "every contact is started once"
    sent = crew.ask("dispatch")
    waiting = _used(crew)
    delivered_s = _heard(crew, tell(count, DELIVERED), DELIVERED, count)
    heard_s = _heard(crew, tell(count // 2, CLICKED), CLICKED, count // 2)
    crew.ask("set_clock", SILENT_AT)
    fired = crew.ask("fire")
    assert sum(fired.answers) == count - count // 2 + WARM_UP, "silence speaks for all others"
    crew.ask("set_clock", AGAIN_AT)
    again = crew.ask("dispatch")
    crew.ask("set_clock", OVER_AT)
    ended = crew.ask("fire")
    return Course(
        enrolled_s=enrolled.took_s,
        first_sent_s=sent.took_s,
        delivered_s=delivered_s,
        heard_s=heard_s,
        fired_s=fired.took_s,
        second_sent_s=again.took_s,
        ended_s=ended.took_s,
        cpu_s=_used(crew)[0] - before[0],
        grown_bytes=waiting[1] - before[1],
    )


def _heard(crew: Crew, posts: Sequence[Post], told: Told, count: int) -> float:
    """Seconds until all is settled that comes in; whoever is free takes the next post."""
    crew.ask("set_clock", told.at)
    crew.each("hold", [[posts[number :: len(crew)]] for number in range(len(crew))])
    heard = crew.ask("hear")
    assert sum(heard.answers) == count, f"every {told.kind} is heard once"
    return heard.took_s


def _used(crew: Crew) -> tuple[float, int]:
    answers = crew.ask("used").answers
    return sum(cpu_s for cpu_s, _ in answers), sum(resident for _, resident in answers)
