"""Facts to bytes and back; the only place that knows the shapes of older releases."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Generic, Self, TypeVar, get_args
from uuid import UUID

import msgspec
from msgspec.json import Decoder, Encoder

from domain.events import Event, Fact, topic_of
from domain.recorded import Cause, Envelope
from domain.taxonomy import CauseKind
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

F = TypeVar("F")
D = TypeVar("D")


class _Stored(msgspec.Struct, Generic[F], frozen=True, gc=False, omit_defaults=True):
    """A body as it is stored: what its row or its other fields say is left out (ADR 0029).

    Up to 0.3 the fact had its tag, and `c`, `t`, `a` and `k` were always there and in full.
    """

    f: F
    c: Cause | str
    """In full, or its kind with what comes behind the id of the fact's message in its own id."""
    t: datetime | int = 0
    """When it was recorded: an instant, or microseconds after the `at` of the fact."""
    a: str = ""
    k: UUID | None = None
    """The correlation; absent where the id of the cause begins with it."""


class _FactOnly(msgspec.Struct, Generic[F], frozen=True, gc=False):
    f: F


_encoder = Encoder()
_stored: Mapping[str, Decoder[_Stored[Event]]] = {
    topic: Decoder(_Stored[fact])  # type: ignore[valid-type]  # one for each type there is
    for topic, fact in FACTS.items()
}
_fact_only: Mapping[str, Decoder[_FactOnly[Event]]] = {
    topic: Decoder(_FactOnly[fact])  # type: ignore[valid-type]  # one for each type there is
    for topic, fact in FACTS.items()
}
_TAGGED: Mapping[type[Fact], int] = {
    fact: len(f'{{"f":{{"fact":"{topic}",') for topic, fact in FACTS.items()
}
"""How long the beginning of a body is that has the tag; the topic of its row says the same."""
_KINDS: Mapping[str, CauseKind] = {kind.value: kind for kind in CauseKind}
_ID_LENGTH = 36
_MICROSECOND = timedelta(microseconds=1)
_UNREADABLE = (msgspec.DecodeError, KeyError, TypeError, ValueError, OverflowError)


def encode(body: Envelope, *, named: bool = True) -> bytes:
    """The stored form, which goes under the topic of its fact; `named`: with its append."""
    fact, at, correlation = body.fact, body.at, body.correlation
    cause, root = _short(fact, body.cause)
    written = _encoder.encode(
        _Stored(
            fact,
            cause,
            0 if at == fact.at else (at - fact.at) // _MICROSECOND,
            body.append if named else "",
            None if root == correlation else correlation,
        )
    )
    return b'{"f":{' + written[_TAGGED[type(fact)] :]


def decode(topic: str, state: bytes) -> Envelope:
    """The body in the shape of this release; raises UnreadableEvent for what it cannot read."""
    decoder = _of_topic(_stored, topic)
    try:
        return _meant(decoder.decode(_upcast(topic, state)))
    except _UNREADABLE as error:
        raise UnreadableEvent(topic, str(error)) from error


def decode_fact(topic: str, state: bytes) -> Event:
    """The fact alone, which is all that a state is made of."""
    decoder = _of_topic(_fact_only, topic)
    try:
        return decoder.decode(_upcast(topic, state)).f
    except _UNREADABLE as error:
        raise UnreadableEvent(topic, str(error)) from error


def _of_topic(decoders: Mapping[str, D], topic: str) -> D:
    decoder = decoders.get(topic)
    if decoder is None:
        raise UnknownTopic(topic)
    return decoder


def _upcast(topic: str, state: bytes) -> bytes:
    for mark, upcast in UPCASTS.get(topic, ()):
        if mark in state:
            state = _encoder.encode(upcast(msgspec.json.decode(state, type=Body)))
    return state


def _meant(stored: _Stored[Event]) -> Envelope:
    fact, at, cause, correlation = stored.f, stored.t, stored.c, stored.k
    if isinstance(at, int):
        at = (fact.at + timedelta(microseconds=at) if at else fact.at).astimezone(UTC)
    if isinstance(cause, str):
        cause = _whole(fact, cause)
    if correlation is None:
        correlation = _root(cause.id)
    if correlation is None:
        raise ValueError("neither its body nor its cause has a correlation")
    return Envelope(fact, at, stored.a, cause, correlation)


# --- causes ---------------------------------------------------------------------------------------


def _short(fact: Event, cause: Cause) -> tuple[Cause | str, UUID | None]:
    """How a cause is written, and the id that its own begins with.

    Most facts about a message are caused by what was to be done with just this message.
    """
    message = getattr(fact, "message_id", None)
    if message is not None:
        known = _text(message)
        if cause.id.startswith(known) and cause.id[len(known) :][:1] in ("", "."):
            return f"{cause.kind}{cause.id[len(known) :]}", message
    return cause, _root(cause.id)


def _whole(fact: Event, cause: str) -> Cause:
    message = getattr(fact, "message_id", None)
    if message is None:
        raise ValueError("its cause is a message that it does not name")
    kind, dot, rest = cause.partition(".")
    return Cause(_KINDS[kind], f"{_text(message)}{dot}{rest}")


# Facts about one message come together, as those of one input do; a text or an id costs 0.5 us.
_text = lru_cache(maxsize=4_096)(str)


@lru_cache(maxsize=4_096)
def _root(cause_id: str) -> UUID | None:
    """The id that the id of a cause begins with, if it does."""
    try:
        return msgspec.convert(cause_id[:_ID_LENGTH], UUID)
    except msgspec.ValidationError:
        return None
