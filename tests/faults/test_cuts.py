"""The connection to PostgreSQL is cut at every round trip: no second call, no lost fact."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import psycopg
import pytest

from domain.events import SignalRecorded
from domain.ids import StreamId
from domain.taxonomy import MessageState
from handlers.composing import Composer
from handlers.ports import Conflict
from infra.embedded.servers import ServerUrls
from tests.infra.cutting_proxy import CUTS, Asked, CuttingProxy
from tests.stories.house import House, open_house, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.faults, pytest.mark.slow]

WAITS_LONG = plan(send("intro", way("timeout", "end", after="P10D")), stop())
TOGETHER = 2
"""Messages in a batch."""
WARM = 4
"""After so many runs the pool's statements are prepared, and a run has no fewer round trips."""
SETTLED = {MessageState.ACCEPTED, MessageState.UNKNOWN}


class Cut(msgspec.Struct, frozen=True):
    """One cut: at which round trip, or at which COMMIT, and in which way."""

    number: int
    how: str
    at_commit: bool


class Line:
    """A house whose every statement passes the proxy."""

    def __init__(self, house: House, proxy: CuttingProxy) -> None:
        self.house = house
        self.proxy = proxy

    def trips(self, work: Callable[[], object]) -> list[Asked]:
        """The round trips of some work that nobody disturbs, once its statements are prepared."""
        found: list[Asked] = []

        def note(asked: Asked) -> None:
            found.append(asked)

        self.proxy.count()
        self.proxy.choose = note
        work()
        self.proxy.choose = lambda _: None
        return found

    def disturbed(self, cut: Cut, work: Callable[[], object]) -> bool:
        """Do some work with one cut in it; whether it said that it did not go well."""
        self.proxy.cut_at(cut.number, cut.how, commits=cut.at_commit)
        try:
            work()
        except psycopg.Error:
            return True
        finally:
            self.proxy.choose = lambda _: None
        return False

    def queued(self) -> list[StreamId]:
        """Streams with a mail each that is rendered and due."""
        house = self.house
        streams = [house.started(WAITS_LONG) for _ in range(TOGETHER)]
        links = house.system.links(house.ports.tag)
        while Composer(house.ports, links).compose_batch():
            pass
        return streams

    def recover(self) -> None:
        """What the ticker and time bring about: late leases end, doubts are told, work goes on."""
        house = self.house
        for table in ("webhook_inbox", "timers"):
            house.rows(f"UPDATE {{s}}.{table} SET lease_until = now() - interval '1s' RETURNING 1")
        house.rows("UPDATE {s}.send_queue SET since = now() - interval '10min' RETURNING 1")
        house.sweep().leases()
        house.sweep().doubts()
        house.after(minutes=70)

    def heard(self, stream: StreamId) -> list[str]:
        """What was reported of a stream, each fact as often as it is there."""
        facts = [one.fact for one in self.house.history(stream)]
        return sorted(fact.signal for fact in facts if isinstance(fact, SignalRecorded))

    def state(self, stream: StreamId) -> MessageState:
        (message,) = self.house.state(stream).messages.values()
        return MessageState(self.house.rows(_STATE, id=message.id)[0][0])


_STATE = "SELECT state FROM {s}.send_queue WHERE message_id = %(id)s"


@pytest.fixture
def line(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Line]:
    with (
        CuttingProxy(database_url) as proxy,
        open_house(ServerUrls(proxy.url, redis_url), tmp_path) as house,
    ):
        yield Line(house, proxy)


def _cuts(asked: list[Asked], *, all_of_them: bool) -> list[Cut]:
    if all_of_them:
        return [Cut(one.number, how, at_commit=False) for one in asked for how in CUTS]
    commits = [one.commit for one in asked if one.commit is not None]
    return [Cut(number, how, at_commit=True) for number in commits for how in CUTS]


def _called(house: House) -> dict[str, int]:
    called: dict[str, int] = {}
    for mail, _ in house.provider.calls:
        called[mail.to_email] = called.get(mail.to_email, 0) + 1
    return called


def _send_through(line: Line, *, all_of_them: bool) -> dict[str, int]:
    house = line.house
    asked: list[Asked] = []
    for _ in range(WARM):
        line.queued()
        asked = line.trips(house.send)
    cuts = _cuts(asked, all_of_them=all_of_them)
    doubts = 0
    for cut in cuts:
        streams = line.queued()
        before = len(house.provider.calls)
        line.disturbed(cut, lambda: _quietly(house.send))
        called_at_once = len(house.provider.calls) - before
        if called_at_once == TOGETHER:  # what was answered is recorded, whatever was cut
            states = {line.state(stream) for stream in streams}
            assert states == {MessageState.ACCEPTED}, (cut, states)
        line.recover()
        for stream in streams:
            state = line.state(stream)
            assert state in SETTLED, (cut, state)
            doubts += state == MessageState.UNKNOWN
            topics = house.topics(stream)
            assert topics.count("message_accepted") <= 1, (cut, topics)
            assert topics.count("send_attempt_started") <= 2, (cut, topics)
    assert max(_called(house).values()) == 1
    return {"round trips": len(asked), "cuts": line.proxy.cuts, "unknown": doubts}


def _quietly(work: Callable[[], object]) -> None:
    """A conflict here would be a false one: nobody else is at work."""
    try:
        work()
    except Conflict as conflict:
        raise AssertionError("a cut was taken for a conflict") from conflict


def _ingest_through(line: Line, *, all_of_them: bool) -> dict[str, int]:
    house = line.house
    asked: list[Asked] = []
    for _ in range(WARM):
        (stream, _) = line.queued()
        house.send()
        house.hear(house.event(stream, "delivered"))
        asked = line.trips(house.ingest)
    cuts = _cuts(asked, all_of_them=all_of_them)
    again = 0
    for cut in cuts:
        stream = line.queued()[0]
        house.send()
        house.hear(house.event(stream, "delivered"), house.event(stream, "click"))
        again += line.disturbed(cut, lambda: _quietly(house.ingest))
        line.recover()
        assert line.heard(stream) == ["clicked", "delivered", "opened"], cut
        left = house.rows("SELECT count(*) FROM {s}.webhook_inbox WHERE state <> 'recorded'")
        assert left == [(0,)], cut
    return {"round trips": len(asked), "cuts": line.proxy.cuts, "taken again": again}


def _keep_through(line: Line, *, all_of_them: bool) -> dict[str, int]:
    """What is answered for is kept; what is not comes again, and is one fact all the same."""
    house = line.house
    asked: list[Asked] = []
    for _ in range(WARM):
        stream = line.queued()[0]
        house.send()
        asked = line.trips(partial(house.hear, house.event(stream, "delivered")))
    cuts = _cuts(asked, all_of_them=all_of_them)
    again = 0
    for cut in cuts:
        stream = line.queued()[0]
        house.send()
        event = house.event(stream, "click")
        if line.disturbed(cut, partial(house.hear, event)):
            again += 1
            house.hear(event)
        line.recover()
        assert line.heard(stream) == ["clicked", "opened"], cut
    return {"round trips": len(asked), "cuts": line.proxy.cuts, "posted again": again}


THROUGH = {"send": _send_through, "ingest": _ingest_through, "keep": _keep_through}


@pytest.mark.parametrize("what", THROUGH)
def test_a_cut_at_any_commit_makes_no_second_call_and_loses_nothing(line: Line, what: str) -> None:
    figures = THROUGH[what](line, all_of_them=False)
    print(what, figures)  # noqa: T201  # the figures of a run are its product
    assert figures["cuts"] >= 3


@pytest.mark.long
@pytest.mark.parametrize("what", THROUGH)
def test_a_cut_at_any_statement_makes_no_second_call_and_loses_nothing(
    line: Line, what: str
) -> None:
    figures = THROUGH[what](line, all_of_them=True)
    print(what, figures)  # noqa: T201  # the figures of a run are its product
    assert figures["cuts"] == 3 * figures["round trips"]
