"""Rounds of the engine: a new tenant, the journeys of its contacts, and what they came to."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import monotonic, perf_counter, sleep

from bench.engine.journey import engine_member
from bench.engine.place import (
    Place,
    drop_place,
    environment_of,
    make_place,
    opened,
    rows,
    settings_of,
)
from bench.measuring import cpu_s
from bench.running.course import OVER_AT, WARM_UP, Round, walk
from bench.running.crew import Crew
from bench.running.posts import Post, Sent, Told, posts_of
from bench.running.servers import Bed, role
from domain.ids import schema_of
from infra.invariants import check
from infra.sandbox.keys import SigningKey
from projections.registry import READ

CATCH_UP_S = 300.0
LOOK_S = 0.02
_WAITING = """
SELECT message_id FROM {s}.send_queue
 WHERE contact_id = ANY(%(contacts)s) AND node = 'hello' AND state = 'ACCEPTED' ORDER BY message_id
"""
_BEHIND = """
SELECT count(*), coalesce(min(notification_id), 0),
       (SELECT coalesce(max(notification_id), 0) FROM {s}.events) FROM {s}.tracking
"""
_ENDED = """
SELECT (SELECT count(*) FROM {s}.contact_campaigns WHERE status = 'completed'),
       (SELECT count(*) FROM {s}.send_queue WHERE state = 'ACCEPTED'),
       (SELECT count(*) FROM {s}.webhook_inbox WHERE state = 'recorded'),
       (SELECT count(*) FROM {s}.timers),
       (SELECT count(*) FROM {s}.projection_poison)
"""
_LOG = "SELECT count(*), pg_total_relation_size(%(log)s::regclass) FROM {s}.events"


def engine_round(bed: Bed, name: str, contacts: int, *, workers: int) -> Round:
    """One round on a tenant of its own, which is checked and dropped at the end."""
    place = make_place(bed.urls, bed.home, name, contacts + WARM_UP)
    made = lead(bed, place, workers=workers)
    _require_unbroken(place)
    drop_place(place)
    return made


def lead(bed: Bed, place: Place, *, workers: int) -> Round:
    """Lead the contacts of a place to their ends, with the read models beside."""
    contacts = len(place.contacts) - WARM_UP
    with (
        _projecting(place) as projector,
        Crew(partial(engine_member, place), workers) as crew,
    ):
        before = _ended(place)  # the read models are at the head by now
        server_s, wal, projector_s = bed.server_cpu_s(), bed.wal_bytes(), cpu_s(projector)
        course = walk(crew, contacts, partial(_posts, place))
        over = perf_counter()
        _await_projector(place)
        catch_up_s = perf_counter() - over
        made = Round(
            course=course,
            contacts=contacts,
            server_cpu_s=bed.server_cpu_s() - server_s,
            wal_bytes=bed.wal_bytes() - wal,
            disk_bytes=bed.disk_bytes(schema_of(place.tenant)),
            projector_cpu_s=cpu_s(projector) - projector_s,
            catch_up_s=catch_up_s,
        )
    ended = tuple(now - then for now, then in zip(_ended(place), before, strict=True))
    assert ended == (made.journeys, 2 * made.journeys, contacts + contacts // 2, 0, 0), ended
    events, log_bytes = _log_of(place)
    return made._replace(events=events, log_bytes=log_bytes)


def own_plans_s(bed: Bed, name: str, contacts: int) -> float:
    """Seconds that the enrolment of so many contacts takes where each has a plan of its own."""
    place = make_place(bed.urls, bed.home, name, contacts + WARM_UP)
    with Crew(partial(engine_member, place), 1) as crew:
        crew.ask("enrol", 0, WARM_UP, "own")
        enrolled = crew.ask("enrol", WARM_UP, WARM_UP + contacts, "own")
        assert enrolled.answers == [contacts]
    with opened(place) as system:
        ((plans,),) = rows(system, place.tenant, "SELECT count(*) FROM {s}.plans")
    assert plans == contacts + WARM_UP, "every contact has a plan of its own"
    drop_place(place)
    return enrolled.took_s


def _posts(place: Place, count: int, told: Told) -> Sequence[Post]:
    with opened(place) as system:
        contacts = list(place.contacts[WARM_UP : WARM_UP + count])
        found = rows(system, place.tenant, _WAITING, contacts=contacts)
        tag, now = system.ports(place.tenant).tag, system.database.now()
    sent = [Sent(message_id, tag) for (message_id,) in found]
    return posts_of(sent, told, now, SigningKey.from_pem(place.signing_pem))


@contextmanager
def _projecting(place: Place) -> Iterator[int]:
    """The projector as a process of its own, once it knows the tenant."""
    environment = environment_of(settings_of(place.home, place.servers, log_level="ERROR"))
    with role(environment, "projector") as pid:
        _await_projector(place)
        yield pid


def _await_projector(place: Place) -> None:
    """Until every read model shows all that is in the log."""
    deadline = monotonic() + CATCH_UP_S
    readers = least = head = 0
    with opened(place) as system:
        while monotonic() < deadline:
            ((readers, least, head),) = rows(system, place.tenant, _BEHIND)
            if readers == len(READ) and least >= head:
                return
            sleep(LOOK_S)
    raise TimeoutError(f"the read models are at {least}, the log is at {head}")


def _ended(place: Place) -> tuple[int, ...]:
    with opened(place) as system:
        (found,) = rows(system, place.tenant, _ENDED)
    return found


def _log_of(place: Place) -> tuple[int, int]:
    log = f"{schema_of(place.tenant)}.events"
    with opened(place) as system:
        ((events, log_bytes),) = rows(system, place.tenant, _LOG, log=log)
    return int(events), int(log_bytes)


def _require_unbroken(place: Place) -> None:
    with opened(place) as system:
        found = check(system.database, place.tenant, clock_now=OVER_AT)
    broken = {one.id: one.examples for one in found if one.broken}
    assert not broken, broken
