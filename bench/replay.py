"""Timelines of 10, 50 and 500 events out of a log of a million, now and as of an instant.

The floor is the same SELECT, its rows fetched and not decoded.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from time import perf_counter

from bench.load.api import Api
from bench.load.copies import OF_STREAMS, PEOPLE, Copies
from bench.load.customer import Customer, mail, plan_of, way
from bench.load.posts import BROWSER
from bench.load.stand import Stand, standing
from bench.measuring import Row, percentile, tell, time_row
from bench.running.tenant import BY_BENCH
from domain.ids import StreamId
from handlers import campaigns as use
from handlers.timeline import timeline
from infra.clock import VirtualClock

ROUNDS = 3
EVENTS = 1_000_000
READ_EACH = 300
LIVED = {10: 40, 50: 8, 500: 1}
"""How many contact-campaigns of a life have so many events: most logs are of short ones."""
HEARD_MAX = 44
"""Events that are reported on one mail; of the same kind 50 are kept."""
SENT = 6
"""Events of a contact-campaign whose first mail was just accepted."""
PLAN = plan_of(
    [
        mail("hello", way("no_reply", "end", after="P60D")),
        {"id": "end", "type": "stop", "outcome": "no_response"},
    ]
)


def run(rounds: int, events: int = EVENTS, each: int = READ_EACH) -> list[Row]:
    """Rows for each length: at once, as of an instant, and over HTTP."""
    with standing() as stand:
        customer = stand.customer("replay")
        sent_at = _live(customer)
        _copy(customer, events)
        rows = []
        for length in LIVED:
            streams = _of_length(customer, length, each * (rounds + 1))
            rows += _told(customer, length, streams, sent_at, rounds)
            with stand.running(("web",)):
                rows += _over_http(stand, customer, length, streams, rounds)
        return rows


def _live(customer: Customer) -> datetime:
    """One life of each kind; when their mails had been sent and nothing was heard yet."""
    clock = customer.system.clock
    assert isinstance(clock, VirtualClock)
    streams = customer.enrol(PLAN, sum(LIVED.values()))
    assert customer.compose() == customer.send() == len(streams)
    sent_at = clock.now()
    clock.advance(timedelta(days=2))
    lengths = [length for length, number in LIVED.items() for _ in range(number)]
    found = customer.rows("SELECT message_id FROM {s}.send_queue ORDER BY stream_id")
    opened = [
        {
            "event": "open",
            "timestamp": int(sent_at.timestamp()) + 600 + nth,
            "ip": "81.84.20.7",
            "useragent": BROWSER,
            "antiphon_message": str(message),
            "antiphon_attempt": "1",
            "antiphon_tenant": customer.ports.tag,
        }
        for (message,), length in zip(found, lengths, strict=True)
        for nth in range(min(length - SENT, HEARD_MAX))
    ]
    customer.hear(json.dumps(opened).encode())
    _stopped_and_gone_on(customer, lengths)
    return sent_at


def _stopped_and_gone_on(customer: Customer, lengths: Sequence[int]) -> None:
    """Long lives are those of contact-campaigns that people stop and let go on again."""
    now = customer.system.clock.now()
    streams = customer.rows("SELECT stream_id FROM {s}.send_queue ORDER BY stream_id")
    for (stream,), length in zip(streams, lengths, strict=True):
        for _ in range((length - SENT - HEARD_MAX) // 2):
            for decide in (use.pause(now, "bench"), use.resume(now)):
                use.order(customer.ports, stream, decide, cause=BY_BENCH.cause, correlation=stream)


def _copy(customer: Customer, events: int) -> None:
    lived = customer.count(_FACTS)
    assert lived == sum(length * number for length, number in LIVED.items())
    copies = max(events // lived - 1, 1)
    tell(f"a log of {lived * (copies + 1)} events is made …")
    keep = {str(customer.campaign.campaign_id)}
    Copies(customer.system.database, customer.schema, keep).make(copies, (*OF_STREAMS, *PEOPLE))


def _of_length(customer: Customer, length: int, wanted: int) -> list[StreamId]:
    """Contact-campaigns with just so many events, from all over the log; again where too few."""
    found = customer.rows(_OF_LENGTH, length=length, limit=wanted)
    assert found
    return [StreamId(row[0]) for row in found] * -(-wanted // len(found))


def _told(
    customer: Customer, length: int, streams: Sequence[StreamId], sent_at: datetime, rounds: int
) -> list[Row]:
    """Now and as of the instant at which the mail had just been sent."""
    ways = {
        f"timeline_{length}": (partial(_timeline, customer, as_of=None), length),
        f"timeline_{length}_as_of": (partial(_timeline, customer, as_of=sent_at), SENT),
    }
    fetch = partial(_fetched, customer)
    return [
        row
        for name, (read, events) in ways.items()
        for row in _rows(name, streams, (read, events), (fetch, length), rounds)
    ]


def _timeline(customer: Customer, stream: StreamId, as_of: datetime | None) -> int:
    found = timeline(customer.log.history, stream, as_of)
    assert found is not None
    return len(found.events)


def _fetched(customer: Customer, stream: StreamId) -> int:
    return len(customer.rows(_FETCH, stream=stream))


def _over_http(
    stand: Stand, customer: Customer, length: int, streams: Sequence[StreamId], rounds: int
) -> list[Row]:
    api = Api(stand.web_url, customer)

    def read(stream: StreamId) -> int:
        _, found = api.get(f"/v1/contact-campaigns/{stream}/timeline")
        return len(found["events"])

    rows = _rows(f"timeline_{length}_over_http", streams, (read, length), None, rounds)
    api.close()
    return rows


Reading = tuple[Callable[[StreamId], int], int]
"""A way to read a stream, and how many events it must find."""


def _rows(
    name: str, streams: Sequence[StreamId], ours: Reading, floor: Reading | None, rounds: int
) -> list[Row]:
    """p50 and p95, of other streams in each round; the first round warms up."""
    each = len(streams) // (rounds + 1)
    parts = [streams[start : start + each] for start in range(0, each * (rounds + 1), each)]
    found = [(_timed(ours, part), _timed(floor, part) if floor else []) for part in parts]
    taken = [times for times, _ in found][1:]
    least = [times for _, times in found if times][1:]
    rows = [
        time_row(
            f"{name}_p{share * 100:.0f}_ms",
            "ms",
            [percentile(times, share) for times in taken],
            [percentile(times, share) for times in least] or None,
        )
        for share in (0.5, 0.95)
    ]
    tell(", ".join(f"{row.measure} {row.ours:.2f}" for row in rows))
    return rows


def _timed(reading: Reading, streams: Sequence[StreamId]) -> list[float]:
    read, wanted = reading
    taken = []
    for stream in streams:
        began = perf_counter()
        found = read(stream)
        taken.append(perf_counter() - began)
        assert found == wanted, (found, wanted)
    return taken


_FACTS = "SELECT count(*) FROM {s}.events"
_OF_LENGTH = """
SELECT originator_id FROM {s}.events GROUP BY 1 HAVING count(*) = %(length)s
 ORDER BY md5(originator_id::text) LIMIT %(limit)s
"""
_FETCH = """
SELECT topic, state FROM {s}.events WHERE originator_id = %(stream)s ORDER BY originator_version
"""
