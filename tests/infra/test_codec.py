"""The storage format: what was written once is read for ever."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaign import Campaign, fold
from domain.events import Event, MessageAccepted, SignalRecorded
from domain.ids import MessageId, NodeId
from domain.recorded import Cause, Envelope
from domain.taxonomy import CauseKind, MessageState, Via
from infra.codec import (
    FACTS,
    UPCASTS,
    UnknownTopic,
    UnreadableEvent,
    decode,
    decode_fact,
    encode,
)

GOLDEN = Path(__file__).parents[1] / "golden"

ACCEPTED_BEFORE_0_1 = b"""{"f":{"fact":"message_accepted",
"message_id":"6a6d1b2c-2d0c-5f5e-8a3e-0d9c1b7e4f10","attempt":1,
"accepted_at":"2026-01-05T09:30:00Z","via":"answer","node":"hello","visit":1,"provider_id":"p-1"},
"t":"2026-01-05T09:30:01Z","a":"5f1d","c":["dispatch","d-1"],
"k":"00000000-0000-0000-0000-00000000004d"}"""
M1 = MessageId(UUID("6a6d1b2c-2d0c-5f5e-8a3e-0d9c1b7e4f10"))
ACCEPTED = Envelope(
    fact=MessageAccepted(
        message_id=M1,
        attempt=1,
        at=datetime(2026, 1, 5, 9, 30, tzinfo=UTC),
        via=Via.ANSWER,
        node=NodeId("hello"),
        visit=1,
        provider_id="p-1",
    ),
    at=datetime(2026, 1, 5, 9, 30, 1, tzinfo=UTC),
    append="5f1d",
    cause=Cause(CauseKind.DISPATCH, "d-1"),
    correlation=UUID(int=77),
)


FULL = ("release_0_1.jsonl", "release_0_2.jsonl", "release_0_3.jsonl")
"""Bodies that say everything, also what their row and their other fields say."""
LAST = "release_0_4.jsonl"
"""The same facts as in these, in streams of their own."""


def golden(name: str = "release_*.jsonl") -> Iterator[tuple[str, str, bytes]]:
    """Stream, topic and stored bytes of every event of a released format, or of every one."""
    for path in sorted(GOLDEN.glob(name)):
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            yield event["stream"], event["topic"], event["state"].encode()


def test_the_accepted_at_of_old_becomes_at() -> None:
    assert decode("message_accepted", ACCEPTED_BEFORE_0_1) == ACCEPTED


def test_todays_shape_passes_the_upcasts_unchanged() -> None:
    assert decode("message_accepted", encode(ACCEPTED)) == ACCEPTED


def test_an_upcast_of_each_old_shape_is_tested_here() -> None:
    assert {topic: len(upcasts) for topic, upcasts in UPCASTS.items()} == {"message_accepted": 1}


def test_every_released_event_is_read_and_what_it_says_can_be_written() -> None:
    events = list(golden())
    assert {topic for _, topic, _ in events} == set(FACTS)
    for _, topic, state in events:
        assert decode(topic, encode(decode(topic, state))) == decode(topic, state)
        assert decode_fact(topic, state) == decode(topic, state).fact


def test_what_the_last_release_wrote_is_written_so_today() -> None:
    for _, topic, state in golden(LAST):
        assert encode(decode(topic, state)) == state


def test_the_same_facts_say_the_same_in_the_old_shape_and_in_todays() -> None:
    old = [decode_fact(topic, state) for name in FULL for _, topic, state in golden(name)]
    assert [decode_fact(topic, state) for _, topic, state in golden(LAST)] == old


def test_released_streams_replay_to_what_they_meant() -> None:
    streams: defaultdict[str, list[Event]] = defaultdict(list)
    for stream, topic, state in golden():
        streams[stream].append(decode(topic, state).fact)
    one, two, three, four, *again = (fold(facts) for facts in streams.values())
    assert again == [one, two, three, four]
    assert (one.stage, one.outcome, one.node, one.run) == ("completed", "no_response", "end", 1)
    assert (one.sends, one.signals, one.keys) == (1, 2, frozenset({"sg:1", "sg:2"}))
    assert _messages(one) == {
        "hello": (MessageState.ACCEPTED, 2),
        "nudge": (MessageState.PRESUMED_LOST, 1),
        "note": (MessageState.CANCELLED, 0),
        "last": (MessageState.FAILED, 0),
    }
    assert one.expires_at == datetime(2026, 4, 1, 15, tzinfo=UTC)
    assert (two.stage, two.outcome, two.run) == ("exited", "unsubscribed", 2)
    assert (three.stage, three.outcome, three.node) == ("exited", "cancelled", "call")
    assert three.plan_hash == "sha256:" + "4" * 64
    assert (three.drawn, three.holidays) == ({"tone": "y"}, (date(2026, 12, 25),))
    assert (three.task, three.calls, three.kept, three.signals) == (None, {}, None, 2)
    assert (three.visits[NodeId("call")], three.visits[NodeId("erp")]) == (2, 1)
    assert _messages(three) == {"mail": (MessageState.CANCELLED, 0)}
    assert (four.stage, four.node, four.sends, four.signals) == ("active", "hello", 1, 1)
    assert _messages(four) == {"hello": (MessageState.ACCEPTED, 2)}


def _messages(state: Campaign) -> dict[str, tuple[MessageState, int]]:
    return {each.node: (each.state, each.attempt) for each in state.messages.values()}


@pytest.mark.parametrize("topic", ["message_lost", "", "os.system", "domain.events:Paused"])
def test_an_unknown_topic_is_an_error_of_that_event_and_never_an_import(topic: str) -> None:
    with pytest.raises(UnknownTopic) as caught:
        decode(topic, encode(ACCEPTED))
    assert caught.value.topic == topic


@pytest.mark.parametrize(
    ("topic", "state"),
    [
        ("paused", b""),
        ("paused", b"not json"),
        ("paused", b"[]"),
        ("paused", b'{"f": {"fact": "paused"}}'),
        ("paused", b"\xff"),
        ("message_accepted", b"[]"),
        ("message_accepted", b"{}"),
        ("message_accepted", b'{"f": 1}'),
        ("message_accepted", b'{"f": {}}'),
        ("message_accepted", b"\xff"),
        ("message_accepted", b'{"f":{"fact":"paused","at":"2026-01-05T09:30:00Z"}}'),
        ("paused", b'{"f":{"at":"2026-01-05T09:30:00Z"}}'),
        ("paused", b'{"f":{"at":"2026-01-05T09:30:00Z"},"c":["request","r1"]}'),
        ("paused", b'{"f":{"at":"2026-01-05T09:30:00Z"},"c":"dispatch"}'),
        ("paused", b'{"f":{"at":"2026-01-05T09:30:00Z"},"c":"nobody"}'),
        ("paused", b'{"f":{"at":"2026-01-05T09:30:00Z"},"c":["timer","t"],"t":1e9}'),
    ],
)
def test_what_is_broken_is_an_error_of_that_event(topic: str, state: bytes) -> None:
    with pytest.raises(UnreadableEvent, match=topic):
        decode(topic, state)


A_DAY = timedelta(days=1)
SOME_ID = st.uuids() | st.sampled_from([ACCEPTED.correlation, M1])


@given(
    st.sampled_from(CauseKind),
    SOME_ID.map(str) | SOME_ID.map(str).map(str.upper) | st.sampled_from(["", "r1", "key-1/r-1"]),
    st.sampled_from(["", ".1", ".12", "#7", "/r-1", "x"]),
    SOME_ID,
    st.timedeltas(-A_DAY, A_DAY),
)
def test_whatever_caused_it_is_read_as_it_was_written(
    kind: CauseKind, begins: str, ends: str, correlation: UUID, late: timedelta
) -> None:
    body = msgspec.structs.replace(
        ACCEPTED,
        cause=Cause(kind, begins + ends),
        correlation=correlation,
        at=ACCEPTED.fact.at + late,
    )
    assert decode("message_accepted", encode(body)) == body
    heard = SignalRecorded(signal="x_test", at=ACCEPTED.fact.at)
    about_none = msgspec.structs.replace(body, fact=heard)
    assert decode("signal_recorded", encode(about_none)) == about_none


def test_a_body_does_not_say_what_its_row_or_its_fact_says() -> None:
    by_dispatch = Cause(CauseKind.DISPATCH, f"{M1}.1")
    body = msgspec.structs.replace(ACCEPTED, at=ACCEPTED.fact.at, cause=by_dispatch, correlation=M1)
    assert encode(body, named=False) == (
        b'{"f":{"message_id":"6a6d1b2c-2d0c-5f5e-8a3e-0d9c1b7e4f10","attempt":1,'
        b'"at":"2026-01-05T09:30:00Z","via":"answer","node":"hello","visit":1,'
        b'"provider_id":"p-1"},"c":"dispatch.1"}'
    )


def test_every_fact_has_the_instant_that_its_recording_is_told_from() -> None:
    assert all("at" in fact.__struct_fields__ for fact in FACTS.values())


def test_a_field_of_a_later_release_is_ignored() -> None:
    later = encode(ACCEPTED).replace(b'"attempt":1', b'"attempt":1,"mood":"good"')
    assert decode("message_accepted", later) == ACCEPTED


def test_no_python_path_is_stored() -> None:
    assert all("." not in topic and ":" not in topic for topic in FACTS)
    assert b"domain" not in encode(ACCEPTED).replace(b'"domain":', b"")
