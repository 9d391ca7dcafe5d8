"""The stream of events: in the order of the log, resumed behind a position, nothing kept for it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain.ids import CampaignId, ContactId, StreamId
from handlers.services import ActivityRow
from handlers.web import stream as streams
from handlers.web.console.reading import Pulse
from handlers.web.stream import PAGE, changes, stream
from tests.handlers.console_fakes import Looks
from tests.handlers.web_fakes import NOON

Send = Callable[[Any], Awaitable[None]]


def happened(position: int) -> ActivityRow:
    return ActivityRow(
        position=position,
        at=NOON,
        kind="message.accepted",
        category="lifecycle",
        contact_campaign_id=StreamId(UUID(int=1)),
        campaign_id=CampaignId(UUID(int=2)),
        contact_id=ContactId(UUID(int=3)),
        message_id=None,
        node="hello",
        detail="",
    )


class Client:
    """Takes what is sent until it has seen enough, then leaves."""

    def __init__(self, enough: Callable[[bytes], bool]) -> None:
        self.enough, self.left = enough, asyncio.Event()
        self.taken, self.started, self.pages = b"", {}, 0

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.started = {name.decode(): text.decode() for name, text in message["headers"]}
            return
        self.pages += 1
        self.taken += message["body"]
        if self.enough(self.taken):
            self.left.set()

    async def receive(self) -> dict[str, str]:
        await self.left.wait()
        return {"type": "http.disconnect"}


def follow(looks: Looks, enough: Callable[[bytes], bool], **headers: str) -> Client:
    async def run() -> Client:
        client = Client(enough)
        answer = stream(looks, headers)
        await asyncio.wait_for(answer({}, client.receive, client.send), 30)
        return client

    return asyncio.run(run())


def ids(taken: bytes) -> list[int]:
    return [int(line[4:]) for line in taken.decode().splitlines() if line.startswith("id: ")]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LOOK_S", 0.01)
    monkeypatch.setattr(streams, "BEAT_S", 0.05)


def test_everything_behind_the_last_event_comes_once_in_the_order_of_the_log() -> None:
    looks = Looks()
    looks.rows = [happened(position) for position in range(1, 3 * PAGE)]
    last = b"id: %d\n" % (3 * PAGE - 1)
    client = follow(looks, lambda taken: last in taken, **{"last-event-id": "7"})
    assert ids(client.taken) == list(range(8, 3 * PAGE))
    assert client.pages >= 3  # a page at a time
    assert client.started["content-type"] == "text/event-stream"
    assert "content-length" not in client.started
    lines = client.taken.decode().split("\n\n")
    kind, place, told = lines[1].splitlines()
    assert (kind, place) == ("event: activity", "id: 8")
    assert msgspec.json.decode(told.removeprefix("data: "))["kind"] == "message.accepted"


def test_without_a_last_event_it_begins_now() -> None:
    looks = Looks()
    looks.rows = [happened(position) for position in range(1, 50)]

    def enough(taken: bytes) -> bool:
        if b"event: queue" in taken and len(looks.rows) == 49:
            looks.rows.append(happened(50))
        return b"id: 50" in taken

    assert ids(follow(looks, enough).taken) == [50]


def test_a_beat_comes_where_nothing_happens() -> None:
    assert b": beat" in follow(Looks(), lambda taken: b": beat" in taken).taken


def test_a_client_that_falls_behind_is_dropped_and_reads_no_more_from_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "PATIENCE_S", 0.05)
    looks, looked = Looks(), list[int]()
    looks.rows = [happened(position) for position in range(1, 10 * PAGE)]
    read = looks.happenings

    def counted(after: int, limit: int) -> Sequence[ActivityRow]:
        looked.append(after)
        return read(after, limit)

    looks.happenings = counted

    async def run() -> None:
        sent = 0

        async def send(message: Any) -> None:
            nonlocal sent
            sent += message["type"] == "http.response.body"
            if sent > 2:
                await asyncio.Event().wait()  # its socket takes nothing any more

        answer = stream(looks, {"last-event-id": "0"})
        await asyncio.wait_for(answer({}, asyncio.Event().wait, send), 30)

    asyncio.run(run())
    assert looked == [0, PAGE]


def test_a_stream_ends_by_itself_so_that_a_session_that_is_over_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "LONGEST_S", 0.1)
    client = follow(Looks(), lambda _: False)
    assert client.taken.startswith(b"retry: ")


def test_an_error_behind_the_stream_is_not_kept_quiet() -> None:
    looks = Looks()

    def broken(after: int, limit: int) -> Sequence[ActivityRow]:
        assert after + limit
        raise OSError("gone")

    looks.happenings = broken
    with pytest.raises(OSError, match="gone"):
        follow(looks, lambda _: False)


def test_only_what_changed_in_queue_and_campaigns_is_told() -> None:
    before = Pulse({"a": "active", "b": "draft"}, {"QUEUED": 2})
    assert list(changes(before, before)) == []
    (first,) = changes(None, before)
    assert first == b'event: queue\ndata: {"waiting":{"QUEUED":2}}\n\n'
    after = Pulse({"a": "paused", "b": "draft", "c": "draft"}, {"QUEUED": 1})
    assert [part.split(b"\n")[0] for part in changes(before, after)] == [
        b"event: queue",
        b"event: campaign",
        b"event: campaign",
    ]
