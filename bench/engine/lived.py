"""A journey that was really lived through, copied with new ids: facts as we write them today."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from bench.engine.journey import EngineMember
from bench.engine.place import BEGINS, Place, opened, rows
from bench.running.course import AGAIN_AT, CLICKED, DELIVERED, OVER_AT, SILENT_AT
from bench.running.posts import Sent, Told, posts_of
from infra.bootstrap import System
from infra.clock import VirtualClock
from infra.codec import decode
from infra.log import Entry
from infra.sandbox.keys import SigningKey

GROUP = 1_000
"""Streams that go on side by side."""
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SENT = """
SELECT message_id FROM {s}.send_queue WHERE node = 'hello' ORDER BY stream_id LIMIT %(half)s
"""
_WRITTEN = """
SELECT originator_id, originator_version, topic, state FROM {s}.events
 WHERE originator_id = (SELECT stream_id FROM {s}.streams ORDER BY stream_id LIMIT 1)
 ORDER BY originator_version
"""


class Written(NamedTuple):
    """A fact as it stands in the log."""

    version: int
    topic: str
    state: str


class Lived:
    """The facts of one journey; `entries` gives them to as many streams as are wanted."""

    def __init__(self, stream: UUID, written: Sequence[Written], kept: frozenset[str]) -> None:
        self.stream = stream
        self.written = written
        self._kept = kept

    def entries(self, first: int, streams: int) -> Iterator[Entry]:
        """The facts of so many new streams, of many streams in turn as batches have them."""
        for begin in range(first, first + streams, GROUP):
            numbers = range(begin, min(begin + GROUP, first + streams))
            for written in self.written:
                for number in numbers:
                    state = self.copied(written.state, number).encode()
                    stream = UUID(self.copied(str(self.stream), number))
                    yield Entry(stream, written.version, decode(written.topic, state))

    def copied(self, text: str, number: int) -> str:
        """The same with ids of its own, but for those that all have in common."""
        ending = f"{number:012x}"
        return _ID.sub(
            lambda found: found[0] if found[0] in self._kept else found[0][:-12] + ending, text
        )


def live(place: Place) -> Lived:
    """Lead the contacts of a small tenant to their ends, half of them by a click."""
    with opened(place) as system:
        clock = system.clock
        assert isinstance(clock, VirtualClock)
        member = EngineMember(system, clock, place)
        member.set_clock(BEGINS)
        member.enrol(0, len(place.contacts))
        member.dispatch()
        half = rows(system, place.tenant, _SENT, half=(len(place.contacts) + 1) // 2)
        tag = system.ports(place.tenant).tag
        for told in (DELIVERED, CLICKED):
            _hear(system, member, place, told, [Sent(message_id, tag) for (message_id,) in half])
        for at in (SILENT_AT, AGAIN_AT, OVER_AT):
            member.set_clock(at)
            member.fire()
            member.dispatch()
        written = rows(system, place.tenant, _WRITTEN)
    assert written[-1][2] == "completed", "the journey was led to its end"
    facts = [Written(version, topic, bytes(state).decode()) for _, version, topic, state in written]
    return Lived(written[0][0], facts, frozenset({str(place.campaign)}))


def _hear(
    system: System, member: EngineMember, place: Place, told: Told, sent: Sequence[Sent]
) -> None:
    member.set_clock(told.at)
    key = SigningKey.from_pem(place.signing_pem)
    member.hold(posts_of(sent, told, system.database.now(), key))
    member.hear()
