"""Whoever can rewrite the database is found out: seeded attacks on a log that has a checkpoint."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random  # noqa: TID251  # seeded: an attack is the same for the same seed
from typing import Any
from uuid import UUID

import pytest

from domain.ids import TenantId
from infra.audit.chain import GENESIS, Chain
from infra.audit.files import AuditFiles
from infra.tenancy import Database
from tests.infra.audited import Audited

pytestmark = pytest.mark.postgres

STREAMS = 12
FACTS = 120
SAMPLE = 260
ALL = 10_000


@pytest.fixture
def audited(database: Database, tenant: TenantId, tmp_path: Path) -> Iterator[Audited]:
    """A log whose whole length a checkpoint covers, and a copy of it."""
    with Audited(database, tenant, tmp_path) as audited:
        for _ in range(3):
            audited.fill(Random(5), STREAMS, FACTS // 3)  # noqa: S311  # repeatable on purpose
            audited.checkpoints.take()
        audited.sql("CREATE TABLE {s}.kept AS TABLE {s}.events")
        audited.sql("CREATE TABLE {s}.kept_checkpoints AS TABLE {s}.audit_checkpoints")
        yield audited


def _restore(audited: Audited) -> None:
    audited.sql(
        "TRUNCATE {s}.events; INSERT INTO {s}.events TABLE {s}.kept; "
        "TRUNCATE {s}.audit_checkpoints; "
        "INSERT INTO {s}.audit_checkpoints TABLE {s}.kept_checkpoints"
    )


# --- attacks --------------------------------------------------------------------------------------

Attack = Callable[[Audited, Random], None]
Row = tuple[Any, ...]


def _one(audited: Audited, chance: Random) -> Row:
    return chance.choice(audited.rows())


def _flip(data: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(data) * 8)
    changed = bytearray(data)
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


def edit_a_body(audited: Audited, chance: Random) -> None:
    row = _one(audited, chance)
    audited.sql(
        "UPDATE {s}.events SET state = %s WHERE notification_id = %s",
        _flip(row[4], chance),
        row[2],
    )


def edit_a_hash(audited: Audited, chance: Random) -> None:
    row = _one(audited, chance)
    audited.sql(
        "UPDATE {s}.events SET chain = %s WHERE notification_id = %s",
        _flip(row[5], chance),
        row[2],
    )


def edit_a_topic(audited: Audited, chance: Random) -> None:
    row = _one(audited, chance)
    audited.sql("UPDATE {s}.events SET topic = topic || 'x' WHERE notification_id = %s", row[2])


def edit_a_body_and_take_all_hashes_away(audited: Audited, chance: Random) -> None:
    edit_a_body(audited, chance)
    audited.sql("UPDATE {s}.events SET chain = NULL")


def edit_a_body_and_chain_anew(audited: Audited, chance: Random) -> None:
    edit_a_body(audited, chance)
    _chain_anew(audited)


def remove_a_fact(audited: Audited, chance: Random) -> None:
    audited.sql("DELETE FROM {s}.events WHERE notification_id = %s", _one(audited, chance)[2])


def remove_a_stream(audited: Audited, chance: Random) -> None:
    audited.sql("DELETE FROM {s}.events WHERE originator_id = %s", _one(audited, chance)[0])


def remove_a_fact_and_chain_anew(audited: Audited, chance: Random) -> None:
    stream, version, position, *_ = _one(audited, chance)
    audited.sql("DELETE FROM {s}.events WHERE notification_id = %s", position)
    audited.sql(
        "UPDATE {s}.events SET originator_version = -originator_version + 1 "
        "WHERE originator_id = %s AND originator_version > %s",
        stream,
        version,
    )
    audited.sql("UPDATE {s}.events SET originator_version = abs(originator_version)")
    _chain_anew(audited)


def cut_the_end(audited: Audited, chance: Random) -> None:
    count = chance.randrange(1, 30)
    audited.sql(
        "DELETE FROM {s}.events WHERE notification_id IN "
        "(SELECT notification_id FROM {s}.events ORDER BY notification_id DESC LIMIT %s)",
        count,
    )
    audited.sql("DELETE FROM {s}.audit_checkpoints WHERE size > (SELECT count(*) FROM {s}.events)")


def insert_a_stream_in_between(audited: Audited, chance: Random) -> None:
    position = _one(audited, chance)[2]
    _make_room(audited, position)
    stream, state = UUID(int=chance.getrandbits(128)), b'{"f":{}}'
    head = Chain(audited.tenant).link(stream, 1, "topic_1", GENESIS, state)
    audited.sql(
        "INSERT INTO {s}.events VALUES (%s, 1, 'topic_1', %s, %s, %s)",
        stream,
        state,
        position,
        head,
    )


def append_with_a_wrong_hash(audited: Audited, chance: Random) -> None:
    stream, version, *_ = max(audited.rows(), key=lambda row: row[1])
    audited.sql(
        "INSERT INTO {s}.events VALUES (%s, %s, 'topic_1', '{{}}', %s, %s)",
        stream,
        version + 1,
        10**9,
        chance.randbytes(32),
    )


def exchange_two_bodies(audited: Audited, chance: Random) -> None:
    one, other = chance.sample(audited.rows(), 2)
    for row, state in ((one, other[4]), (other, one[4])):
        audited.sql("UPDATE {s}.events SET state = %s WHERE notification_id = %s", state, row[2])


def exchange_two_places(audited: Audited, chance: Random) -> None:
    one, other = chance.sample(audited.rows(), 2)
    for place, position in ((one[2], -1), (other[2], one[2]), (-1, other[2])):
        audited.sql(
            "UPDATE {s}.events SET notification_id = %s WHERE notification_id = %s",
            position,
            place,
        )


def renumber_a_stream(audited: Audited, chance: Random) -> None:
    audited.sql(
        "UPDATE {s}.events SET originator_version = originator_version + 1000 "
        "WHERE originator_id = %s",
        _one(audited, chance)[0],
    )
    if chance.random() < 0.5:
        _chain_anew(audited)


def renumber_the_log(audited: Audited, chance: Random) -> None:
    _make_room(audited, _one(audited, chance)[2])


def write_the_whole_database_anew(audited: Audited, chance: Random) -> None:
    """With chains and checkpoints that agree, signed by a key of the attacker's."""
    edit_a_body(audited, chance)
    _chain_anew(audited)
    audited.sql("TRUNCATE {s}.audit_checkpoints")
    own = AuditFiles(audited.files.files(audited.tenant)[0].parent / f"{chance.random()}")
    type(audited.checkpoints)(audited.database, audited.tenant, own).take()


def _make_room(audited: Audited, position: int) -> None:
    audited.sql(
        "UPDATE {s}.events SET notification_id = -notification_id WHERE notification_id >= %s",
        position,
    )
    audited.sql(
        "UPDATE {s}.events SET notification_id = 1 - notification_id WHERE notification_id < 0"
    )


def _chain_anew(audited: Audited) -> None:
    chain, heads = Chain(audited.tenant), dict[UUID, bytes]()
    hashes = {}
    for stream, version, position, topic, state, _ in audited.rows():
        heads[stream] = chain.link(stream, version, topic, heads.get(stream, GENESIS), state)
        hashes[position] = heads[stream]
    audited.sql(
        "UPDATE {s}.events SET chain = hash FROM unnest(%s::bigint[], %s::bytea[]) "
        "AS new (place, hash) WHERE notification_id = place",
        list(hashes),
        list(hashes.values()),
    )


ATTACKS: tuple[Attack, ...] = (
    edit_a_body,
    edit_a_hash,
    edit_a_topic,
    edit_a_body_and_take_all_hashes_away,
    edit_a_body_and_chain_anew,
    remove_a_fact,
    remove_a_stream,
    remove_a_fact_and_chain_anew,
    cut_the_end,
    insert_a_stream_in_between,
    append_with_a_wrong_hash,
    exchange_two_bodies,
    exchange_two_places,
    renumber_a_stream,
    renumber_the_log,
    write_the_whole_database_anew,
)


def _unseen(audited: Audited, count: int) -> Iterator[tuple[str, int]]:
    for seed in range(count):
        attack = ATTACKS[seed % len(ATTACKS)]
        attack(audited, Random(seed))  # noqa: S311  # repeatable on purpose
        if not audited.verify().broken:
            yield attack.__name__, seed
        _restore(audited)


def test_every_attack_of_a_sample_is_found_out(audited: Audited) -> None:
    assert audited.broken() == 0
    assert list(_unseen(audited, SAMPLE)) == []
    assert audited.broken() == 0


@pytest.mark.long
def test_ten_thousand_attacks_are_found_out(audited: Audited) -> None:
    assert list(_unseen(audited, ALL)) == []
