"""The log alone: facts appended in batches, against binary COPY of the same rows.

Ours is what every append does: stored under the lock of the log with a notification, positions
returned, the directory of streams written along. The rows of queue and timers are left out, since
the floor has none. The floor copies rows that are encoded before into a table of the same shape.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count as counted
from itertools import islice
from time import perf_counter
from typing import TypeVar
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from bench.engine.lived import Lived, live
from bench.engine.place import Place, make_place, opened, rows
from bench.measuring import Row, percentile, rate_row, tell, time_row
from bench.running.servers import fresh_servers
from domain.campaign import INITIAL
from domain.events import PlanAccepted, topic_of
from domain.ids import StreamId, schema_of
from domain.recorded import Recorded
from infra.audit.chain import GENESIS, Chain
from infra.bootstrap import System
from infra.changes import apply
from infra.codec import encode
from infra.log import Entry, Loaded, Log
from projections.streams import STREAMS

ROUNDS = 3
BATCHES = {1: 400, 10: 300, 100: 100, 1_000: 30}
"""Transactions in a round for each size of a batch."""
WARM_UP = 5
LATENCIES = (1, 10)
FLOOR = "floor"
PORTION = 1_000

Fact = tuple[UUID, int, str, bytes]
"""A row of a log."""
Given = tuple[Entry, Loaded]
"""A fact, and its stream as a decision leaves it: with the hash that was loaded."""
T = TypeVar("T")
Times = dict[int, list[list[float]]]
"""For each size of a batch, in each round, the seconds of each transaction."""

_COUNT = "SELECT count(*), count(DISTINCT originator_id) FROM {s}.events"
_STREAMS = "SELECT count(*) FROM {s}.streams"


def run(rounds: int, transactions: int | None = None) -> list[Row]:
    """Rates for each size of a batch, latencies for small ones."""
    counts = {size: transactions or count for size, count in BATCHES.items()}
    with fresh_servers() as bed:
        place = make_place(bed.urls, bed.home, "append", 4)
        lived = live(place)
        with opened(place) as system, psycopg.connect(bed.urls.database_url) as connection:
            logs = OurLog(system, place), CopiedTable(connection, schema_of(place.tenant))
            before = _stored(system, place)
            ours, floor = _measured(*logs, lived, counts, rounds)
            wanted = rounds * sum(size * (count + WARM_UP) for size, count in counts.items())
            assert _stored(system, place) == before + wanted, "every fact is in the log"
            copied = connection.execute("SELECT count(*) FROM floor").fetchone()
            assert copied == (wanted,), copied
    delays = [
        _delay(size, name, ours[size], floor[size]) for size in LATENCIES for name in ("p50", "p95")
    ]
    return [*(_rate(size, ours[size], floor[size]) for size in counts), *delays]


def _measured(
    ours: "OurLog", floor: "CopiedTable", lived: Lived, counts: Mapping[int, int], rounds: int
) -> tuple[Times, Times]:
    """Ours and the floor in turn; what the floor copies is made ready beforehand."""
    found: Times = {size: [] for size in counts}
    limit: Times = {size: [] for size in counts}
    entries, facts = ours.loaded(facts_of(lived)), map(row_of, facts_of(lived))
    for number in range(rounds):
        for size, count in counts.items():
            tell(f"round {number + 1} of {rounds}: {count} appends of {size}")
            limit[size].append(timed_appends(floor.append, facts, size, count))
            found[size].append(timed_appends(ours.append, entries, size, count))
    return found, limit


def facts_of(lived: Lived, first: int = 1) -> Iterator[Entry]:
    """Facts of ever new streams."""
    for number in counted(first, PORTION):
        yield from lived.entries(number, PORTION)


class OurLog:
    """Appends as the engine does, without a decision before them."""

    def __init__(self, system: System, place: Place) -> None:
        self._database = system.database
        self._place = place
        self._log = Log(system.database, place.tenant)
        self._schema = schema_of(place.tenant)

    def loaded(self, entries: Iterable[Entry]) -> Iterator[Given]:
        """Each fact with its stream as a decision on it leaves that."""
        heads: dict[UUID, bytes] = {}
        chain = Chain(self._place.tenant)
        for entry in entries:
            stream, version, topic, state = row_of(entry)
            before = heads.get(stream, GENESIS)
            heads[stream] = chain.link(stream, version, topic, before, state)
            yield entry, Loaded(version, INITIAL, before)

    def append(self, given: Sequence[Given]) -> None:
        """One transaction: the facts, and the streams that begin with them."""
        entries = [entry for entry, _ in given]
        streams = {StreamId(entry.originator_id): loaded for entry, loaded in reversed(given)}
        with self._database.tenant_tx(self._place.tenant) as curs:
            positions = self._log.append(curs, entries, streams)
            begun = [
                self._recorded(entry, position)
                for entry, position in zip(entries, positions, strict=True)
                if entry.originator_version == 1
            ]
            changes = ((one.stream, row) for one in begun for row in STREAMS.changes(one))
            apply(curs, self._schema, changes)

    def _recorded(self, entry: Entry, position: int) -> Recorded:
        fact = entry.body.fact
        assert isinstance(fact, PlanAccepted)
        return Recorded(
            tenant=self._place.tenant,
            stream=StreamId(entry.originator_id),
            version=entry.originator_version,
            position=position,
            fact=fact,
            at=entry.body.at,
            cause=entry.body.cause,
            correlation=entry.body.correlation,
            campaign_id=fact.campaign_id,
            contact_id=fact.contact_id,
        )


class CopiedTable:
    """The floor: the same rows by binary COPY into a table of the same shape."""

    def __init__(self, connection: Connection[TupleRow], schema: str) -> None:
        self._connection = connection
        like = SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)")
        connection.execute(like.format(Identifier(FLOOR), Identifier(schema, "events")))
        connection.commit()

    def append(self, facts: Sequence[Fact]) -> None:
        """One transaction."""
        copy_facts(self._connection, Identifier(FLOOR), facts)
        self._connection.commit()


def row_of(entry: Entry) -> Fact:
    """The columns of a fact."""
    body = entry.body
    return entry.originator_id, entry.originator_version, topic_of(body.fact), encode(body)


def copy_facts(connection: Connection[TupleRow], table: Identifier, facts: Iterable[Fact]) -> None:
    """Rows into a table that has the shape of a log."""
    columns = SQL("originator_id, originator_version, topic, state")
    text = SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(table, columns)
    with connection.cursor().copy(text) as copy:
        copy.set_types(("uuid", "int8", "text", "bytea"))
        for fact in facts:
            copy.write_row(fact)


def _stored(system: System, place: Place) -> int:
    ((facts, streams),) = rows(system, place.tenant, _COUNT)
    ((known,),) = rows(system, place.tenant, _STREAMS)
    assert streams == known, "the directory has every stream"
    return int(facts)


def timed_appends(
    append: Callable[[Sequence[T]], None], facts: Iterator[T], size: int, count: int
) -> list[float]:
    """Seconds of so many transactions, after some that are not timed."""
    batches = [list(islice(facts, size)) for _ in range(count + WARM_UP)]
    for batch in batches[:WARM_UP]:
        append(batch)
    took = []
    for batch in batches[WARM_UP:]:
        began = perf_counter()
        append(batch)
        took.append(perf_counter() - began)
    return took


def _rate(size: int, ours: list[list[float]], floor: list[list[float]]) -> Row:
    rates, limits = ([size * len(one) / sum(one) for one in each] for each in (ours, floor))
    return rate_row(f"append_{size}_per_s", "1/s", rates, limits)


def _delay(size: int, name: str, ours: list[list[float]], floor: list[list[float]]) -> Row:
    share = int(name.removeprefix("p")) / 100
    return time_row(
        f"append_{size}_{name}_ms",
        "ms",
        [percentile(one, share) for one in ours],
        [percentile(one, share) for one in floor],
    )
