"""Posts that are forged, replayed, cut, rewritten or plain odd: refused clearly, nothing lost."""

import gzip
import json
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from starlette.testclient import TestClient

from domain.ids import StreamId
from handlers.app import create_app
from handlers.signals import BATCH
from infra.sandbox.keys import SIGNATURE_HEADER, TIMESTAMP_HEADER, SigningKey
from infra.services import make_services
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PLAN = plan(send("intro", way("timeout", "end", after="P10D")), stop())
JSON = {"Content-Type": "application/json"}


class Door:
    """The webhook endpoint of a tenant, and the key that opens it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.key = SigningKey.generate()
        with house.system.database.control_tx() as curs:
            curs.execute(
                "INSERT INTO control.webhook_keys (tenant, provider, public_key)"
                " VALUES (%s, 'sendgrid', %s)",
                (house.tenant, self.key.public_key_base64()),
            )
        self.services = make_services(house.system)
        self.client = TestClient(create_app(self.services))
        self.path = f"/webhooks/sendgrid/{house.tenant}"

    def stamp(self, age_s: int = 0) -> int:
        return int(self.house.system.database.now().timestamp()) - age_s

    def signed(self, body: bytes, age_s: int = 0) -> dict[str, str]:
        return {**JSON, **self.key.headers(self.stamp(age_s), body)}

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> int:
        given = self.signed(body) if headers is None else headers
        answer = self.client.post(self.path, content=body, headers=dict(given))
        return int(answer.status_code)

    def states(self) -> Counter[str]:
        rows = self.house.rows("SELECT state FROM {s}.webhook_inbox")
        return Counter(state for (state,) in rows)

    def kept(self) -> int:
        return int(self.house.rows("SELECT count(*) FROM {s}.webhook_deliveries")[0][0])


@pytest.fixture
def door(house: House) -> Iterator[Door]:
    made = Door(house)
    yield made
    with house.system.database.control_tx() as curs:
        curs.execute("DELETE FROM control.webhook_keys WHERE tenant = %s", (house.tenant,))


@pytest.fixture
def stream(house: House) -> StreamId:
    started = house.started(PLAN)
    house.work()
    return started


def body_of(events: Sequence[object]) -> bytes:
    """As the provider writes it: CRLF between the events and at the end."""
    return b"[" + b",\r\n".join(json.dumps(one).encode() for one in events) + b"]\r\n"


def test_a_forged_post_is_refused_and_leaves_nothing(door: Door, stream: StreamId) -> None:
    body = body_of([door.house.event(stream, "spamreport")])
    stranger = SigningKey.generate().headers(door.stamp(), body)
    for headers in (JSON, {**JSON, **stranger}, {**door.signed(body), SIGNATURE_HEADER: "AA=="}):
        assert door.post(body, headers) == 401
    assert (door.kept(), door.states()) == (0, Counter())
    door.house.work()
    assert door.house.rows("SELECT count(*) FROM {s}.suppressions") == [(0,)]


def test_what_is_posted_twice_as_it_was_signed_is_taken_and_is_one_fact(
    door: Door, stream: StreamId
) -> None:
    body = body_of([door.house.event(stream, "delivered")])
    headers = door.signed(body)
    assert [door.post(body, headers) for _ in range(3)] == [204] * 3
    assert door.states() == {"new": 1, "duplicate": 2}
    door.house.work()
    assert door.house.topics(stream).count("signal_recorded") == 1


def test_an_old_signature_is_flagged_and_a_very_old_one_refused(
    door: Door, stream: StreamId
) -> None:
    now = int(door.house.clock.now().timestamp())
    answered = {}
    for number, age_s in enumerate((0, 290, 3600, 89_900, 90_100, 400_000, -400)):
        body = body_of([door.house.event(stream, "deferred", timestamp=now + number)])
        answered[age_s] = door.post(body, door.signed(body, age_s))
    taken, refused = dict.fromkeys((0, 290, 3600, 89_900), 204), (90_100, 400_000, -400)
    assert answered == taken | dict.fromkeys(refused, 401)
    flags = "SELECT late_signature, count(*) FROM {s}.webhook_deliveries GROUP BY 1 ORDER BY 1"
    assert door.house.rows(flags) == [(False, 2), (True, 2)]


def test_a_body_that_was_cut_rewritten_or_moved_against_its_timestamp_is_refused(
    door: Door, stream: StreamId
) -> None:
    body = body_of([door.house.event(stream, "delivered"), door.house.event(stream, "open")])
    headers = door.signed(body)
    stamp = headers[TIMESTAMP_HEADER]
    altered = [
        (body[:-1], headers),
        (body[: len(body) // 2], headers),
        (json.dumps(json.loads(body)).encode(), headers),
        (stamp[-1:].encode() + body, {**headers, TIMESTAMP_HEADER: stamp[:-1]}),
        (body[1:], {**headers, TIMESTAMP_HEADER: stamp + body[:1].decode()}),
        (body, {**headers, TIMESTAMP_HEADER: f" {stamp}"[:10]}),
    ]
    assert [door.post(*one) for one in altered] == [401] * len(altered)
    assert door.kept() == 0
    assert door.post(body, headers) == 204
    assert sum(door.states().values()) == 2


def test_a_malleated_signature_brings_no_second_fact(door: Door, stream: StreamId) -> None:
    body = body_of([door.house.event(stream, "open")])
    headers = door.signed(body)
    r, s = decode_dss_signature(b64decode(headers[SIGNATURE_HEADER]))
    other = b64encode(encode_dss_signature(r, ORDER - s)).decode()
    assert door.post(body, headers) == 204
    assert door.post(body, {**headers, SIGNATURE_HEADER: other}) == 204
    assert door.states() == {"new": 1, "duplicate": 1}


def test_the_url_of_another_tenant_is_another_lock(door: Door, stream: StreamId) -> None:
    body = body_of([door.house.event(stream, "open")])
    headers = door.signed(body)
    for name in ("nobody", "control", "..%2f..", "x" * 300):
        answer = door.client.post(f"/webhooks/sendgrid/{name}", content=body, headers=headers)
        assert answer.status_code in (401, 404)
    assert door.kept() == 0


def test_a_body_that_is_encoded_has_its_own_refusal(door: Door, stream: StreamId) -> None:
    packed = gzip.compress(body_of([door.house.event(stream, "open")]))
    headers = {**door.signed(packed), "Content-Encoding": "gzip"}
    assert door.post(packed, headers) == 415
    assert door.kept() == 0


def test_a_thousand_events_in_one_post_are_all_taken_and_heard(
    door: Door, stream: StreamId
) -> None:
    now = int(door.house.clock.now().timestamp())
    events = [
        door.house.event(stream, "deferred", attempt=number, timestamp=now + number)
        for number in range(1000)
    ]
    assert door.post(body_of(events)) == 204
    assert (door.kept(), door.states()) == (1, {"new": 1000})
    assert BATCH < 1000
    door.house.work()
    assert set(door.states()) == {"recorded", "no_news"}


def test_one_broken_event_among_good_ones_is_parked_alone(door: Door, stream: StreamId) -> None:
    good = [door.house.event(stream, kind) for kind in ("delivered", "deferred", "open")]
    broken: list[Any] = [7, None, [], {"event": 7}, {"event": "open", "timestamp": "soon"}]
    for place, bad in enumerate(broken):
        events = [*good[:place], bad, *good[place:]]
        assert door.post(body_of(events)) == 204
    states = door.states()
    assert states["new"] == len(good)
    assert states["parked"] == len(broken)
    assert states["duplicate"] == len(good) * (len(broken) - 1)
    door.house.work()
    assert door.states()["recorded"] == len(good)


def test_forty_six_copies_over_the_wire_are_one_fact(door: Door, stream: StreamId) -> None:
    event = door.house.event(stream, "delivered")
    for copy in range(46):
        assert door.post(body_of([{**event, "sg_event_id": f"other-{copy}"}])) == 204
    door.house.work()
    assert door.states() == {"recorded": 1, "duplicate": 45}
    assert door.house.topics(stream).count("signal_recorded") == 1
