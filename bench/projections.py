"""The read models over a log of realistic events: run from its start, and built anew while live.

They run as in the projector: each page is read once for all of them. The floor of a run is reading
and decoding the same pages. A rebuild also compares row for row with the live tables and swaps; two
tenants are rebuilt by two processes at once.
"""

from collections.abc import Sequence
from contextlib import closing
from time import perf_counter
from typing import LiteralString

from bench.load.copies import OF_STREAMS, PEOPLE, Copies
from bench.load.customer import Customer
from bench.load.lives import live
from bench.load.stand import Stand, standing
from bench.measuring import Row, rate_row, tell
from infra.leadership import Leadership
from infra.projector import PAGE_MAX
from infra.rebuild import rebuild
from infra.runners import Desk
from projections.projection import Projection
from projections.registry import ALL, READ

ROUNDS = 3
EVENTS = 200_000
TENANTS = 2


def run(rounds: int, events: int = EVENTS) -> list[Row]:
    """Rows for each read model and for all, run and rebuilt."""
    with standing() as stand:
        customers = [_with_log(stand, f"log{number}", events) for number in range(TENANTS)]
        first = customers[0]
        rows = [_ran(first, [each], each.name, rounds) for each in READ]
        rows.append(_ran(first, READ, "all", rounds))
        rows += [_rebuilt(first, each, rounds) for each in READ]
        customers[1].project()
        return [*rows, _in_parallel(stand, customers, rounds)]


def _with_log(stand: Stand, name: str, events: int) -> Customer:
    """A tenant with so many facts of whole lives, and read models that have seen none of them."""
    tell(f"{name}: a log of {events} events is made …")
    customer = stand.customer(name)
    live(customer)
    lived = customer.count(_FACTS)
    keep = {str(customer.campaign.campaign_id)}
    copies = max(events // lived - 1, 1)
    Copies(customer.system.database, customer.schema, keep).make(copies, (*OF_STREAMS, *PEOPLE))
    assert customer.count(_FACTS) == lived * (copies + 1)
    return customer


# --- running --------------------------------------------------------------------------------------


def _ran(customer: Customer, projections: Sequence[Projection], name: str, rounds: int) -> Row:
    """Events of the log a second that any of them takes."""
    topics = sorted({topic for each in projections for topic in each.topics})
    events = customer.count(_OF_TOPICS, topics=topics)
    ours, floor = [], []
    for _ in range(rounds):
        ours.append(events / _run_from_the_start(customer, projections))
        floor.append(events / _only_read(customer, topics))
        tell(f"{name}: {ours[-1]:.0f} events/s, read alone {floor[-1]:.0f}")
    return rate_row(f"projections_run_{name}", "events/s", ours, floor)


def _run_from_the_start(customer: Customer, projections: Sequence[Projection]) -> float:
    database = customer.system.database
    for each in projections:
        _empty(customer, each)
    with closing(Leadership(database)) as leadership:
        desk = Desk(database, customer.tenant, projections, leadership)
        began = perf_counter()
        while desk.turn():
            pass
        took = perf_counter() - began
    names = [each.name for each in projections]
    assert customer.count(_AT_HEAD, names=names) == len(names), "all of them stand at the head"
    return took


def _only_read(customer: Customer, topics: Sequence[str]) -> float:
    began = perf_counter()
    position = 0
    while page := customer.log.page(position, PAGE_MAX, topics):
        position = page[-1].position
    return perf_counter() - began


def _empty(customer: Customer, projection: Projection) -> None:
    with customer.system.database.direct() as owner:
        for table in projection.tables:
            owner.execute(f"TRUNCATE {customer.schema}.{table.name}")
        owner.execute(
            f"DELETE FROM {customer.schema}.tracking WHERE application_name = %s",  # noqa: S608  # a name of ours
            [projection.name],
        )


# --- rebuilding -----------------------------------------------------------------------------------


def _rebuilt(customer: Customer, projection: Projection, rounds: int) -> Row:
    rates = []
    for _ in range(rounds):
        began = perf_counter()
        done = rebuild(customer.system.database, customer.tenant, projection)
        rates.append(done.events / (perf_counter() - began))
        assert done.swapped
        assert not done.differences, done.examples
        tell(f"rebuild of {projection.name}: {rates[-1]:.0f} events/s")
    return rate_row(f"projections_rebuild_{projection.name}", "events/s", rates)


def _in_parallel(stand: Stand, customers: Sequence[Customer], rounds: int) -> Row:
    """Everything of both tenants at once, by a process each, against one of them alone."""
    topics = [list(each.topics) for each in ALL]
    facts = [sum(one.count(_OF_TOPICS, topics=each) for each in topics) for one in customers]
    alone, both = [], []
    for _ in range(rounds):
        alone.append(facts[0] / _rebuild_all(stand, customers[:1]))
        both.append(sum(facts) / _rebuild_all(stand, customers))
        tell(f"rebuild of all: {alone[-1]:.0f} facts/s alone, {both[-1]:.0f} by two at once")
    return rate_row("projections_rebuild_two_tenants", "facts/s", both, alone)


def _rebuild_all(stand: Stand, customers: Sequence[Customer]) -> float:
    """Seconds for all read models of these tenants, by `antiphon rebuild` as people call it."""
    began = perf_counter()
    started = [stand.start(["rebuild", str(customer.tenant), "all"]) for customer in customers]
    assert [one.wait() for one in started] == [0] * len(started)
    return perf_counter() - began


_FACTS: LiteralString = "SELECT count(*) FROM {s}.events"
_AT_HEAD: LiteralString = """
SELECT count(*) FROM {s}.tracking WHERE application_name = ANY(%(names)s)
   AND notification_id = (SELECT max(notification_id) FROM {s}.events)
"""
_OF_TOPICS: LiteralString = "SELECT count(*) FROM {s}.events WHERE topic = ANY(%(topics)s)"
