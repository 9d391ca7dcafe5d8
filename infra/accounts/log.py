"""The log of accounts: facts to bytes and back, loaded by stream, appended in a transaction."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import cast, get_args
from uuid import UUID

import msgspec
from msgspec.json import Decoder, Encoder
from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier

from domain.accounts import (
    INITIAL,
    INITIAL_SENDING,
    Account,
    AccountEnvelope,
    AccountEvent,
    AccountRecorded,
    AccountStream,
    SenderEvent,
    Sending,
    SendingEvent,
    fold,
    fold_sending,
    sending_stream,
)
from domain.events import topic_of
from domain.ids import TenantId, schema_of
from infra.audit.chain import GENESIS
from infra.codec import UnknownTopic, UnreadableEvent
from infra.recorder import recorder_of, stored
from infra.tenancy import Database

TABLE = "account_events"
STREAM_KEY = "account_events_pkey"
LONG = 200
"""Facts from which on reading them again each time costs more than keeping their state."""
TOPICS = frozenset(topic_of(fact) for fact in get_args(AccountEvent))

_LOAD = """
SELECT originator_id, originator_version, topic, state, chain
FROM unnest(%b::uuid[], %b::bigint[]) AS asked (stream, version)
JOIN {events} ON originator_id = stream AND originator_version > version
ORDER BY originator_id, originator_version
"""
_HISTORY = """
SELECT originator_id, originator_version, notification_id, topic, state FROM {events}
WHERE originator_id = %b ORDER BY originator_version
"""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A body with its place in the log."""

    stream: AccountStream
    version: int
    body: AccountEnvelope


class Loaded(msgspec.Struct, frozen=True, gc=False):
    """A stream as it stands: how many facts it has, the state they make, the hash of the last."""

    version: int
    state: Account | Sending
    head: bytes = GENESIS


class AccountLog:
    """The streams of sender accounts of one tenant, and of its sending.

    Accounts live for years: of streams with many facts a state is kept, and only what came since is
    read. Nothing is kept of a transaction that may yet be undone.
    """

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant
        self._recorder = recorder_of(database, tenant, TABLE)
        self._encoder = Encoder()
        self._decoder: Decoder[AccountEnvelope] = Decoder(AccountEnvelope)
        self._kept: dict[AccountStream, Loaded] = {}
        self._long: set[AccountStream] = set()

    def load(
        self, curs: Cursor[TupleRow], streams: Iterable[AccountStream]
    ) -> dict[AccountStream, Loaded]:
        """Some streams as the caller's transaction sees them."""
        loaded = {stream: self._kept.get(stream) or self._empty(stream) for stream in streams}
        versions = [one.version for one in loaded.values()]
        curs.execute(self._sql(_LOAD), (list(loaded), versions), prepare=True, binary=True)
        since: defaultdict[AccountStream, list[AccountEvent]] = defaultdict(list)
        heads = {stream: one.head for stream, one in loaded.items()}
        link = self._recorder.chain.link
        for stream, version, topic, state, chain in curs.fetchall():
            since[stream].append(self._decode(stream, topic, state).fact)
            heads[stream] = chain or link(stream, version, topic, heads[stream], state)
        for stream, facts in since.items():
            loaded[stream] = _after(loaded[stream], facts, heads[stream])
        self._long |= {stream for stream, facts in since.items() if len(facts) >= LONG}
        return loaded

    def catch_up(self) -> None:
        """Keep the states of streams that were long to read; call it outside of transactions."""
        streams = sorted(self._long)
        if streams:
            with self._database.tenant_tx(self._tenant) as curs:
                self._kept |= self.load(curs, streams)
            self._long -= set(streams)

    def append(
        self,
        curs: Cursor[TupleRow],
        entries: Sequence[Entry],
        heads: Mapping[UUID, bytes],
    ) -> None:
        """Store entries in the caller's transaction; the log is locked from here on.

        `heads` are the hashes of the streams as they were loaded.
        """
        rows = [
            stored(
                each.stream, each.version, topic_of(each.body.fact), self._encoder.encode(each.body)
            )
            for each in entries
        ]
        self._recorder.append(curs, rows, heads)

    def history(self, stream: AccountStream) -> list[AccountRecorded]:
        """The facts of one stream in order, with their places and causes."""
        with self._database.tenant_tx(self._tenant) as curs:
            curs.execute(self._sql(_HISTORY), (stream,), prepare=True, binary=True)
            return [self._recorded(*row) for row in curs.fetchall()]

    def _empty(self, stream: AccountStream) -> Loaded:
        is_sending = stream == sending_stream(self._tenant)
        return Loaded(0, INITIAL_SENDING if is_sending else INITIAL)

    def _recorded(
        self, stream: UUID, version: int, position: int, topic: str, state: bytes
    ) -> AccountRecorded:
        body = self._decode(stream, topic, state)
        return AccountRecorded(
            stream=AccountStream(stream),
            version=version,
            position=position,
            fact=body.fact,
            at=body.at,
            cause=body.cause,
            actor=body.actor,
        )

    def _decode(self, stream: UUID, topic: str, state: bytes) -> AccountEnvelope:
        if topic not in TOPICS:
            raise UnknownTopic(topic).at(stream)
        try:
            return self._decoder.decode(state)
        except msgspec.DecodeError as error:
            raise UnreadableEvent(topic, str(error)).at(stream) from error

    def _sql(self, text: str) -> Composed:
        return SQL(text).format(events=Identifier(schema_of(self._tenant), TABLE))


def _after(before: Loaded, facts: Sequence[AccountEvent], head: bytes) -> Loaded:
    """The same stream with some facts more; a stream has the facts of one aggregate."""
    version = before.version + len(facts)
    if isinstance(before.state, Sending):
        state: Account | Sending = fold_sending(cast("Sequence[SendingEvent]", facts), before.state)
    else:
        state = fold(cast("Sequence[SenderEvent]", facts), before.state)
    return Loaded(version, state, head)
