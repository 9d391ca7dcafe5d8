"""Facts to bytes and back; the only place that knows the shapes of older releases."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self, get_args
from uuid import UUID

import msgspec
from msgspec.json import Decoder, Encoder

from domain.events import Event, Fact, topic_of
from domain.recorded import Envelope
from handlers.ports import Broken

Body = dict[str, Any]
Upcast = Callable[[Body], Body]
"""From the decoded JSON of a stored body to the shape of a later release; pure."""


class UnreadableEvent(Broken):
    """A stored event that this release cannot read; an error of that event alone."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"event {topic!r}: {reason}")
        self.topic = topic
        self.stream: UUID | None = None
        self.position: int | None = None

    def at(self, stream: UUID, position: int | None = None) -> Self:
        """The same error, knowing its place in the log."""
        self.stream, self.position = stream, position
        self.add_note(f"stream {stream}, position {position}")
        return self


class UnknownTopic(UnreadableEvent):
    """The stored name is no fact of this release; no name from the database is resolved to code."""

    def __init__(self, topic: str) -> None:
        super().__init__(topic, "no fact of this release has this name")


def _accepted_at_becomes_at(body: Body) -> Body:
    """Before 0.1 `message_accepted` called the instant `accepted_at`, alone among the facts."""
    fact = dict(body["f"])
    if "accepted_at" in fact:
        fact["at"] = fact.pop("accepted_at")
    return {**body, "f": fact}


UPCASTS: Mapping[str, tuple[tuple[bytes, Upcast], ...]] = MappingProxyType(
    {
        "message_accepted": ((b'"accepted_at":', _accepted_at_becomes_at),),
    }
)
"""Old shapes by stored name, oldest first, each with the bytes that give it away.

Bodies without them are read at once; an upcast leaves the shapes after its own as they are.
"""

FACTS: Mapping[str, type[Fact]] = MappingProxyType(
    {topic_of(fact): fact for fact in get_args(Event)}
)

_encoder = Encoder()
_decoder: Decoder[Envelope] = Decoder(Envelope)


def encode(body: Envelope) -> bytes:
    """The stored form."""
    return _encoder.encode(body)


def decode(topic: str, state: bytes) -> Envelope:
    """The body in the shape of this release; raises UnreadableEvent for what it cannot read."""
    if topic not in FACTS and topic not in UPCASTS:
        raise UnknownTopic(topic)
    try:
        old = [upcast for mark, upcast in UPCASTS.get(topic, ()) if mark in state]
        return _upcast(state, old) if old else _decoder.decode(state)
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableEvent(topic, str(error)) from error


def _upcast(state: bytes, upcasts: Sequence[Upcast]) -> Envelope:
    body = msgspec.json.decode(state, type=Body)
    for upcast in upcasts:
        body = upcast(body)
    return msgspec.convert(body, Envelope)
