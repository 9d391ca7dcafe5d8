"""From a click to the next step in tables alone: kept, told by NOTIFY, settled, one at a time."""

from functools import partial
from threading import Thread
from time import perf_counter, sleep

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from bench.engine.latency import CLICKS, IDLE_S, STEP_S, WARM_UP
from bench.floor.journey import FloorMember, FloorPlace, floor_member, make_floor
from bench.floor.tables import text_of
from bench.running.course import CLICKED
from bench.running.crew import Crew
from bench.running.posts import Post, Sent, posts_of
from bench.running.servers import Bed
from infra.sandbox.keys import SigningKey

_WAITING = "SELECT message_id FROM {s}.messages WHERE state = 'accepted' ORDER BY message_id"


def floor_step_times(bed: Bed, rounds: int, clicks: int = CLICKS) -> list[list[float]]:
    """For each round the seconds of each click, from its post to the commit of what it led to."""
    wanted = rounds * clicks + WARM_UP
    key = SigningKey.generate()
    place = FloorPlace(bed.urls.database_url, "live_floor", key.public_key_base64())
    make_floor(place, wanted)
    with Crew(partial(floor_member, place), 1) as crew:
        crew.ask("enrol", 0, wanted)
        crew.ask("dispatch")
        settling = Thread(target=crew.ask, args=("settle_when_told", wanted))
        settling.start()
        sleep(IDLE_S)
        took = _one_by_one(place, key)
        settling.join()
    assert len(took) == wanted
    warm = took[WARM_UP:]
    return [warm[start : start + clicks] for start in range(0, len(warm), clicks)]


def _one_by_one(place: FloorPlace, key: SigningKey) -> list[float]:
    took = []
    with (
        floor_member(place) as taker,
        psycopg.connect(place.database_url, autocommit=True) as ear,
    ):
        ear.execute("LISTEN settled")
        row = ear.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        for (message_id,) in ear.execute(text_of(place.schema, _WAITING)).fetchall():
            (post,) = posts_of([Sent(message_id, "floor")], CLICKED, row[0], key)
            sleep(IDLE_S)
            took.append(_step(taker, post, ear))
    return took


def _step(taker: FloorMember, post: Post, ear: Connection[TupleRow]) -> float:
    began = perf_counter()
    taker.take_in(post)
    assert list(ear.notifies(timeout=STEP_S, stop_after=1)), "the click led to no step"
    return perf_counter() - began
