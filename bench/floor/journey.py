"""The journey on plain tables: the least that does the same durably, as the floor of ours."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import LiteralString
from uuid import UUID, uuid5

import msgspec
import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from bench.engine.place import BEGINS, address
from bench.floor import tables
from bench.measuring import own_cpu_s, resident_bytes
from bench.running.posts import Post
from infra.providers.sendgrid.signature import SignedPosts

BATCH = 200
WAIT_S = 1.0
SPACE = UUID(int=0xF100)


class FloorPlace(msgspec.Struct, frozen=True):
    """Where the tables are, and who signs what comes in."""

    database_url: str
    schema: str
    public_key: str


class _Event(msgspec.Struct):
    """What is read of an event."""

    event: str
    timestamp: int
    antiphon_message: UUID
    sg_event_id: str


def make_floor(place: FloorPlace, contacts: int) -> None:
    """New tables with so many contacts."""
    with psycopg.connect(place.database_url) as connection:
        connection.execute(tables.text_of(place.schema, tables.TABLES))
        for start in range(0, contacts, BATCH):
            numbers = range(start, min(start + BATCH, contacts))
            columns = [
                [contact_of(number) for number in numbers],
                [f"crm-{number}" for number in numbers],
                [address(number) for number in numbers],
                ["Dana" for _ in numbers],
                [f"Okafor {number}" for number in numbers],
                ["Head of Operations" for _ in numbers],
                [f"Harbor Freightways {number % 977}" for number in numbers],
                ["Lisbon" for _ in numbers],
                ["UTC" for _ in numbers],
            ]
            connection.execute(tables.text_of(place.schema, tables.PUT_CONTACTS), columns)


def contact_of(number: int) -> UUID:
    """The id of a contact."""
    return uuid5(SPACE, f"contact-{number}")


class FloorMember:
    """One process that works on the tables."""

    def __init__(self, place: FloorPlace, connection: Connection[TupleRow]) -> None:
        self._place = place
        self._connection = connection
        self._now = BEGINS
        self._signed = SignedPosts([place.public_key])
        self._posts: list[Post] = []
        self._decode = msgspec.json.Decoder(list[msgspec.Raw])
        self._read = msgspec.json.Decoder(_Event)

    def set_clock(self, now: datetime) -> None:
        """Let time pass."""
        self._now = now

    def enrol(self, first: int, last: int) -> int:
        """Start the journeys of contacts; how many."""
        started = 0
        for begin in range(first, last, BATCH):
            contacts = [contact_of(number) for number in range(begin, min(begin + BATCH, last))]
            messages = [uuid5(SPACE, f"{contact}") for contact in contacts]
            now = self._now
            with self._connection.transaction():
                done = self._run(tables.ENROL, contacts, messages, "plan", now, now, now)
            started += done.rowcount
        return started

    def dispatch(self) -> int:
        """Render and send until nothing is due; the number of messages."""
        return _until_empty(self._send)

    def _send(self) -> int:
        with self._connection.transaction():
            due = self._run(tables.HEAD, self._now, BATCH).fetchall()
            if not due:
                return 0
            mails = [_rendered(*row) for row in due]
            ids, subjects, bodies = (list(column) for column in zip(*mails, strict=True))
            self._run(tables.CLAIM, ids, subjects, bodies)
        answers = [f"p-{message_id.hex}-1" for message_id in ids]  # a provider that takes all
        with self._connection.transaction():
            self._run(tables.ACCEPTED, self._now, ids, answers, self._now)
        return len(due)

    def hold(self, posts: Sequence[Post]) -> None:
        """Have deliveries at hand that will come in."""
        self._posts = list(posts)

    def hear(self) -> int:
        """Verify and keep the deliveries, then settle what they told."""
        for post in self._posts:
            self.take_in(post)
        return _until_empty(self._settle)

    def take_in(self, post: Post) -> None:
        """Verify a delivery, keep it, and say so to whoever listens."""
        headers, body = post
        row = self._connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        self._signed.verify(headers, body, now=row[0])
        self._keep(body)

    def settle_when_told(self, wanted: int) -> int:
        """Settle what comes in as soon as it is told, until so much is; then tell that it is."""
        settled = 0
        with psycopg.connect(self._place.database_url, autocommit=True) as ear:
            ear.execute("LISTEN kept")
            while settled < wanted:
                list(ear.notifies(timeout=WAIT_S, stop_after=1))
                if taken := _until_empty(self._settle):
                    settled += taken
                    self._connection.execute("NOTIFY settled")
        return settled

    def _keep(self, body: bytes) -> None:
        raws = [bytes(raw) for raw in self._decode.decode(body)]
        events = [self._read.decode(raw) for raw in raws]
        delivery = uuid5(SPACE, events[0].sg_event_id)
        with self._connection.transaction():
            self._run(tables.KEEP, delivery, body)
            self._run(
                tables.KEEP_ITEMS,
                delivery,
                [event.sg_event_id for event in events],
                [event.event for event in events],
                [event.antiphon_message for event in events],
                [datetime.fromtimestamp(event.timestamp, self._now.tzinfo) for event in events],
                raws,
            )
            self._connection.execute("NOTIFY kept")

    def _settle(self) -> int:
        with self._connection.transaction():
            row = self._run(tables.SETTLE, BATCH, self._now, self._now).fetchone()
        assert row is not None
        return int(row[0])

    def fire(self) -> int:
        """Let timers that are due move their journeys on."""
        return _until_empty(self._fire)

    def _fire(self) -> int:
        with self._connection.transaction():
            row = self._run(tables.FIRE, self._now, BATCH, self._now, self._now).fetchone()
        assert row is not None
        return int(row[0])

    def used(self) -> tuple[float, int]:
        """Processor time and resident memory of this process."""
        return own_cpu_s(), resident_bytes(os.getpid())

    def _run(self, text: LiteralString, *values: object) -> psycopg.Cursor[TupleRow]:
        return self._connection.execute(
            tables.text_of(self._place.schema, text), values, prepare=True
        )


@contextmanager
def floor_member(place: FloorPlace) -> Iterator[FloorMember]:
    """A process that works on the tables."""
    with psycopg.connect(place.database_url, autocommit=True) as connection:
        yield FloorMember(place, connection)


def _rendered(
    message_id: UUID, node: str, email: str, first_name: str, company: str
) -> tuple[UUID, str, str]:
    body = (
        f"To: {email}\n\nHello {first_name}, how does {company} plan its docks? "
        f"See https://site.example/{node}"
    )
    return message_id, f"Docks at {company}", body


def _until_empty(batch: Callable[[], int]) -> int:
    done = 0
    while taken := batch():
        done += taken
    return done
