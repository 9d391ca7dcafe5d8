"""Rounds of the floor: new tables, the same journeys, and what they came to."""

from collections.abc import Sequence
from functools import partial

import psycopg
from psycopg.sql import SQL, Identifier

from bench.floor.journey import FloorPlace, floor_member, make_floor
from bench.floor.tables import text_of
from bench.running.course import WARM_UP, Round, walk
from bench.running.crew import Crew
from bench.running.posts import Post, Sent, Told, posts_of
from bench.running.servers import Bed
from infra.sandbox.keys import SigningKey

_WAITING = """
SELECT message_id FROM {s}.messages WHERE node = 'hello' AND state = 'accepted'
 ORDER BY accepted_at DESC, message_id LIMIT %s
"""
_ENDED = """
SELECT (SELECT count(*) FROM {s}.journeys WHERE status = 'completed'),
       (SELECT count(*) FROM {s}.messages WHERE state = 'accepted'),
       (SELECT count(*) FROM {s}.inbox WHERE state = 'done'), (SELECT count(*) FROM {s}.timers)
"""


def floor_round(bed: Bed, name: str, contacts: int, *, workers: int) -> Round:
    """One round on tables of its own, which are counted and dropped at the end."""
    key = SigningKey.generate()
    place = FloorPlace(bed.urls.database_url, name, key.public_key_base64())
    make_floor(place, contacts + WARM_UP)
    with Crew(partial(floor_member, place), workers) as crew:
        server_s, wal = bed.server_cpu_s(), bed.wal_bytes()
        course = walk(crew, contacts, partial(_posts, place, key))
        made = Round(
            course=course,
            contacts=contacts,
            server_cpu_s=bed.server_cpu_s() - server_s,
            wal_bytes=bed.wal_bytes() - wal,
            disk_bytes=bed.disk_bytes(name),
        )
    with psycopg.connect(place.database_url) as connection:
        found = connection.execute(text_of(name, _ENDED)).fetchone()
        assert found == (made.journeys, 2 * made.journeys, contacts * 3 // 2, 0), found
        connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(name)))
    return made


def _posts(place: FloorPlace, key: SigningKey, count: int, told: Told) -> Sequence[Post]:
    with psycopg.connect(place.database_url) as connection:
        found = connection.execute(text_of(place.schema, _WAITING), (count,)).fetchall()
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    sent = [Sent(message_id, "floor") for (message_id,) in found]
    return posts_of(sent, told, row[0], key)
