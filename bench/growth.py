"""What the engine does with a long log behind it: the same work at 0.1, 1 and 10 million events.

The log is filled by COPY with copies of journeys that were really lived through, with their rows of
work, of the read models and of people. The floor of each row is the value at the shortest log.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import NamedTuple

from bench.append import OurLog, facts_of, timed_appends
from bench.engine.lived import Lived, live
from bench.engine.place import Place, drop_place, make_place, opened, rows, with_contacts
from bench.engine.rounds import lead
from bench.load.copies import Copies
from bench.measuring import Row, rate_row, tell
from bench.running.course import WARM_UP
from bench.running.servers import Bed, fresh_servers
from domain.ids import schema_of
from infra.leadership import Leadership
from infra.projector import Runner
from projections.registry import READ

ROUNDS = 3
EVENTS_MAX = 10_000_000
LENGTHS = (100_000, 1_000_000, 10_000_000)
CONTACTS = 2_000
LIVED = 50
BATCH = 1_000
APPENDS = 20
FAR = 1 << 44
"""Where the numbers of appended streams begin: those of copies are below."""
_FACTS = "SELECT count(*) FROM {s}.events"


class Rates(NamedTuple):
    """What one round came to."""

    first_sends: float
    signals: float
    timeouts: float
    appended: float


def run(rounds: int, events_max: int = EVENTS_MAX) -> list[Row]:
    """A row for each measure and length of the log."""
    lengths = [length for length in LENGTHS if length <= events_max] or [events_max]
    with fresh_servers() as bed:
        found = {length: _at(bed, length, rounds) for length in lengths}
    measures: Mapping[str, Callable[[Rates], float]] = {
        "enrol_to_first_send": lambda one: one.first_sends,
        "signals": lambda one: one.signals,
        "timeouts": lambda one: one.timeouts,
        f"append_{BATCH}": lambda one: one.appended,
    }
    return [
        rate_row(
            f"{measure}_at_{length}_per_s",
            "1/s",
            [value_of(one) for one in found[length]],
            [value_of(one) for one in found[lengths[0]]],
        )
        for measure, value_of in measures.items()
        for length in lengths
    ]


def _at(bed: Bed, length: int, rounds: int) -> Sequence[Rates]:
    tell(f"a log of {length} events is made")
    place = make_place(bed.urls, bed.home, f"long{length}", LIVED)
    lived = live(place)
    _project(place)
    _fill(place, length)
    contacts = min(CONTACTS, max(length // 10, 2))
    found = []
    for number in range(rounds):
        tell(f"  round {number + 1} of {rounds}")
        new = with_contacts(place, contacts + WARM_UP, LIVED + number * (contacts + WARM_UP))
        course = lead(bed, new, workers=1).course
        found.append(
            Rates(
                first_sends=contacts / course.to_first_send_s,
                signals=contacts // 2 / course.heard_s,
                timeouts=(contacts - contacts // 2) / course.fired_s,
                appended=_appended(new, lived, FAR * (number + 1), length),
            )
        )
    drop_place(place)
    return found


def _project(place: Place) -> None:
    """Bring the read models to the head."""
    with opened(place) as system, closing(Leadership(system.database)) as leads:
        for each in READ:
            runner = Runner(system.database, place.tenant, each, leads)
            while runner.step():
                pass


def _fill(place: Place, length: int) -> None:
    with opened(place) as system:
        ((lived,),) = rows(system, place.tenant, _FACTS)
        copies = Copies(system.database, schema_of(place.tenant), {str(place.campaign)})
        wanted = max(length // lived - 1, 1)
        copies.make(wanted)
        ((stored,),) = rows(system, place.tenant, _FACTS)
    assert stored == lived * (wanted + 1), "the log is as long as it is called"


def _appended(place: Place, lived: Lived, first: int, length: int) -> float:
    """Facts a second, of few enough that the log stays about as long as it is."""
    count = max(1, min(APPENDS, length // BATCH // 5))
    with opened(place) as system:
        log = OurLog(system, place)
        took = timed_appends(log.append, log.loaded(facts_of(lived, first)), BATCH, count)
    return BATCH * len(took) / sum(took)
