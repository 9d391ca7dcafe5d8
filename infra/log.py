"""The log of one tenant: facts in streams, in the library's application."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from eventsourcing.application import Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import InfrastructureFactory, Mapper, StoredEvent
from eventsourcing.utils import Environment, EnvType
from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier
from typing_extensions import override

from domain.campaign import INITIAL, Campaign, evolve
from domain.events import Event, topic_of
from domain.ids import StreamId, TenantId, schema_of
from domain.recorded import Envelope, Recorded
from infra.audit.chain import GENESIS
from infra.codec import UnreadableEvent, decode, decode_fact, encode
from infra.kept_states import NOTHING, Kept, KeptStates
from infra.recorder import EVENTS_TABLE, BorrowingDatastore, LogRecorder, RecorderFactory
from infra.tenancy import Database

_LOAD = """
SELECT originator_id, originator_version, notification_id, topic, state, chain
FROM unnest(%b::uuid[], %b::bigint[]) AS asked (stream, version)
JOIN {events} ON originator_id = stream AND originator_version >= version
ORDER BY originator_id, originator_version
"""
_ONE = "SELECT topic, state FROM {events} WHERE originator_id = %b AND originator_version = %b"
_RECORDED = """
SELECT originator_id, originator_version, notification_id, topic, state, campaign_id, contact_id
FROM {events} LEFT JOIN {streams} ON stream_id = originator_id
"""
_HISTORY = _RECORDED + "WHERE originator_id = %b ORDER BY originator_version"
_PAGE = _RECORDED + "WHERE notification_id > %b ORDER BY notification_id LIMIT %b"
_PAGE_OF_TOPICS = (
    _RECORDED + "WHERE notification_id > %b AND topic = ANY(%b) ORDER BY notification_id LIMIT %b"
)


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A stored body with its place; what the library calls a domain event."""

    originator_id: UUID
    originator_version: int
    body: Envelope


class Loaded(msgspec.Struct, frozen=True, gc=False):
    """A stream as it stands: how many facts it has and the state they make.

    `head` is the hash of its last fact that is stored; a fact that is only decided has none yet.
    """

    version: int = 0
    state: Campaign = INITIAL
    head: bytes = GENESIS

    def after(self, fact: Event) -> "Loaded":
        """The same stream with one fact more."""
        return Loaded(self.version + 1, evolve(self.state, fact), self.head)


class StreamNotInDirectory(UnreadableEvent):
    """A stream has facts but no row that says whose they are."""

    def __init__(self, topic: str) -> None:
        super().__init__(topic, "its stream is not in the directory `streams`")


class EntryMapper(Mapper[UUID]):
    """Stores facts under their topic; reads old shapes through the codec."""

    @override
    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        assert isinstance(domain_event, Entry)
        body = domain_event.body
        return StoredEvent(
            domain_event.originator_id,
            domain_event.originator_version,
            topic_of(body.fact),
            encode(body),
        )

    @override
    def to_domain_event(self, stored_event: StoredEvent) -> Entry:
        assert isinstance(stored_event.originator_id, UUID)
        body = decode(stored_event.topic, stored_event.state)
        return Entry(stored_event.originator_id, stored_event.originator_version, body)


class Log(Application[UUID]):
    """The streams of one tenant; made once per process and kept."""

    recorder: LogRecorder

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self.tenant = tenant
        self._database = database
        self._kept = KeptStates()
        self._load = self._sql(_LOAD)
        self._one = self._sql(_ONE)
        self._history = self._sql(_HISTORY)
        self._page = self._sql(_PAGE)
        self._page_of_topics = self._sql(_PAGE_OF_TOPICS)
        super().__init__()

    @override
    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """Nothing from the environment: no variable can turn on a cipher, a cache or functions."""
        return Environment(name, {})

    @override
    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        return RecorderFactory(env, BorrowingDatastore(self._database, self.tenant))

    @override
    def construct_mapper(self) -> Mapper[UUID]:
        return self.factory.mapper(transcoder=self.construct_transcoder(), mapper_class=EntryMapper)

    def load(self, stream: StreamId) -> Loaded:
        """One stream now; empty when it has no facts."""
        with self._database.tenant_tx(self.tenant) as curs:
            return self.load_many(curs, [stream])[stream]

    def load_many(
        self, curs: Cursor[TupleRow], streams: Iterable[StreamId]
    ) -> dict[StreamId, Loaded]:
        """Many streams by one query, as the caller's transaction sees them."""
        kept = self._kept.of(streams)
        found = self._read_on(curs, kept)
        if changed := [stream for stream in kept if stream not in found]:
            found |= self._read_on(curs, dict.fromkeys(changed, NOTHING))
        self._kept.keep({stream: one for stream, one in found.items() if one is not NOTHING})
        return {stream: Loaded(one.version, one.state, one.head) for stream, one in found.items()}

    def _read_on(
        self, curs: Cursor[TupleRow], kept: Mapping[StreamId, Kept]
    ) -> dict[StreamId, Kept]:
        """Streams from what is kept of them on; one is left out that is not as it was kept."""
        versions = [one.version for one in kept.values()]
        curs.execute(self._load, (list(kept), versions), prepare=True, binary=True)
        found = {stream: one for stream, one in kept.items() if one is NOTHING}
        link = self.recorder.chain.link
        for stream, version, position, topic, state, chain in curs:
            before = kept[stream]
            row = (position, topic, state)
            if version == before.version:
                if row == before.row and chain in (before.head, None):
                    found[stream] = before
            elif stream in found:
                last = found[stream]
                try:
                    fact = decode_fact(topic, state)
                except UnreadableEvent as error:
                    raise error.at(stream) from None
                head = chain or link(stream, version, topic, last.head, state)
                found[stream] = Kept(version, evolve(last.state, fact), row, head)
        return found

    def append(
        self,
        curs: Cursor[TupleRow],
        entries: Sequence[Entry],
        states: Mapping[StreamId, Loaded] = MappingProxyType({}),
    ) -> list[int]:
        """Store entries in the caller's transaction; their positions. Commit at once after it.

        `states` are what these entries make of their streams, to be kept for the next reading;
        the hash of a stream that is not among them is looked up first.
        The first entry tells the append of all: none of them is stored without it.
        """
        streams = [each.originator_id for each in entries]
        versions = [each.originator_version for each in entries]
        topics = [topic_of(each.body.fact) for each in entries]
        bodies = [encode(each.body, named=not index) for index, each in enumerate(entries)]
        known: dict[UUID, bytes] = {stream: one.head for stream, one in states.items()}
        heads = self.recorder.heads(curs, streams, versions, known)
        hashes = self.recorder.chain.on(heads, streams, versions, topics, bodies)
        columns = (streams, versions, topics, bodies, hashes)
        positions = self.recorder.insert(curs, columns)
        last = {stream: index for index, stream in enumerate(streams)}
        self._kept.keep(
            {
                stream: Kept(
                    one.version,
                    one.state,
                    (positions[index], topics[index], bodies[index]),
                    hashes[index],
                )
                for stream, one in states.items()
                if (index := last.get(stream)) is not None
            }
        )
        return positions

    def holds(self, entry: Entry) -> bool:
        """Whether just this first entry of an append is stored, once no append is under way."""
        with self._database.tenant_tx(self.tenant) as curs:
            self.recorder.lock(curs)
            place = (entry.originator_id, entry.originator_version)
            row = curs.execute(self._one, place, binary=True).fetchone()
        return row is not None and decode(*row).append == entry.body.append

    def history(self, stream: StreamId, upto: datetime | None = None) -> list[Recorded]:
        """The facts of one stream in order; with `upto` those recorded until then."""
        recorded = self._recorded(self._history, stream)
        return [each for each in recorded if upto is None or each.at <= upto]

    def page(self, after_position: int, limit: int, topics: Sequence[str] = ()) -> list[Recorded]:
        """Up to `limit` facts after a position, in the order of the log.

        Raises UnreadableEvent, with its place, for the first one that cannot be read.
        """
        if topics:
            return self._recorded(self._page_of_topics, after_position, list(topics), limit)
        return self._recorded(self._page, after_position, limit)

    def _recorded(self, query: bytes, *values: object) -> list[Recorded]:
        with self._database.tenant_tx(self.tenant) as curs:
            curs.execute(query, values, prepare=True, binary=True)
            rows = curs.fetchall()
        return [self._read(row) for row in rows]

    def _read(self, row: TupleRow) -> Recorded:
        stream, version, position, topic, state, campaign_id, contact_id = row
        try:
            if campaign_id is None:
                raise StreamNotInDirectory(topic)
            body = decode(topic, state)
        except UnreadableEvent as error:
            raise error.at(stream, position) from None
        return Recorded(
            self.tenant,
            stream,
            version,
            position,
            body.fact,
            body.at,
            body.cause,
            body.correlation,
            campaign_id,
            contact_id,
        )

    def _sql(self, text: LiteralString) -> bytes:
        schema = schema_of(self.tenant)
        return (
            SQL(text)
            .format(events=Identifier(schema, EVENTS_TABLE), streams=Identifier(schema, "streams"))
            .as_bytes(None)
        )
