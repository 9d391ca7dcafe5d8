"""Puts given facts into a real log with the work rows, as appends do."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from random import Random  # noqa: TID251  # seeded: an order is the same for the same seed
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from psycopg.sql import SQL, Identifier

from domain.events import Event, PlanAccepted
from domain.ids import ContactId, StreamId, TenantId, schema_of
from domain.recorded import Envelope, Recorded
from infra.changes import apply
from infra.leadership import Leadership
from infra.log import Entry, Log
from infra.projector import Runner
from infra.tenancy import Database
from projections.projection import Projection
from projections.registry import WORK
from tests.projections.facts_given import AT, CAUSE, journeys, recorded

Fact = tuple[StreamId, Event]


class Written:
    """A tenant's log, and how to add to it."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self.database = database
        self.tenant = tenant
        self.log = Log(database, tenant)
        self._versions: dict[StreamId, int] = {}
        self._contacts: dict[StreamId, ContactId] = {}

    def write(self, facts: Sequence[Fact]) -> list[int]:
        """One append; the positions."""
        entries = [self._entry(stream, fact) for stream, fact in facts]
        with self.database.tenant_tx(self.tenant) as curs:
            positions = self.log.append(curs, entries)
            changes = (
                (stream, change)
                for entry, (stream, fact), position in zip(entries, facts, positions, strict=True)
                for projection in WORK
                for change in projection.changes(
                    replace(
                        self._recorded(stream, fact, position), version=entry.originator_version
                    )
                )
            )
            apply(curs, schema_of(self.tenant), changes)
        return positions

    def write_journeys(self, seed: int, count: int) -> int:
        """Whole journeys, their facts mixed and appended in portions; the last position."""
        chance = Random(seed)  # noqa: S311  # repeatable on purpose
        facts = list(mixed(chance, journeys(seed, count)))
        last = 0
        while facts:
            portion = chance.randrange(1, 40)
            last = self.write(facts[:portion])[-1]
            facts = facts[portion:]
        return last

    def run(self, *projections: Projection, upto: int | None = None, page_max: int = 1_000) -> None:
        """Each in turn to a position or the head, as a process of its own."""
        with closing(Leadership(self.database)) as leads:
            for each in projections:
                runner = Runner(self.database, self.tenant, each, leads, page_max=page_max)
                while runner.step(upto):
                    pass

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """All rows of a table, in the order of their texts."""
        query = SQL("SELECT * FROM {} AS t ORDER BY t::text").format(
            Identifier(schema_of(self.tenant), table)
        )
        with self.database.tenant_tx(self.tenant) as curs:
            return curs.execute(query).fetchall()

    def spoil(self, position: int) -> None:
        """Make a stored event unreadable, as a damaged or foreign one is."""
        events = Identifier(schema_of(self.tenant), "events")
        query = SQL("UPDATE {} SET state = 'no json' WHERE notification_id = %s").format(events)
        with self.database.direct() as owner:
            owner.execute(query, (position,))

    def _entry(self, stream: StreamId, fact: Event) -> Entry:
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        return Entry(stream, version, Envelope(fact, AT, "a1", CAUSE, UUID(int=9)))

    def _recorded(self, stream: StreamId, fact: Event, position: int) -> Recorded:
        if isinstance(fact, PlanAccepted):
            self._contacts[stream] = fact.contact_id
        read = recorded(fact, position)
        return replace(read, tenant=self.tenant, stream=stream, contact_id=self._contacts[stream])


def mixed(chance: Random, given: Sequence[tuple[StreamId, list[Event]]]) -> Iterator[Fact]:
    """The facts of many streams, each stream in its order."""
    left = [(stream, list(facts)) for stream, facts in given]
    while left:
        stream, facts = left[index := chance.randrange(len(left))]
        yield stream, facts.pop(0)
        if not facts:
            left.pop(index)
