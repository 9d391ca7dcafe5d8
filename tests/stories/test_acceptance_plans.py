"""Known defects of outreach software, as they must not be here: plans, times, people, by name."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from domain.campaign import fold
from domain.ids import StreamId, subject_key
from domain.lifecycle import Stage
from domain.plan import draw
from domain.taxonomy import Family, MessageState
from domain.timing import add, parse_duration
from handlers import composing
from handlers.app import create_app
from handlers.contacts import ContactRow
from handlers.explain import explain
from handlers.explain.shapes import HELD, NEVER
from handlers.ports import Report, Suppression
from handlers.services import Queue
from infra.keys import add_key
from infra.services import make_services
from tests.stories.acceptance import ONE_MAIL, enrolled, services, states
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

TWO_MAILS = plan(
    send("intro", way("no_reply", "second", after="P2D")),
    send("second", way("no_reply", "end", after="P3D")),
    stop(),
)


def _started(house: House, document: dict[str, Any], count: int) -> list[StreamId]:
    row = house.campaign()
    done = [house.enrol(document, row=row).contact_campaign_id for _ in range(count)]
    return [stream for stream in done if stream is not None]


# --- plans ----------------------------------------------------------------------------------------


def test_unknown_node_type_refused_at_submit(house: House) -> None:
    strange = {"id": "fax", "type": "send_fax", "number": "+1 555 0100", "next": "end"}
    document = plan(send("intro", way("no_reply", "fax", after="P2D")), strange, stop())
    done = house.enrol(document, row=house.campaign())
    assert done.status == "refused"
    assert done.report is not None
    assert "/nodes/1/type" in [one["path"] for one in done.report["issues"]]
    assert house.rows("SELECT 1 FROM {s}.events") == []


def test_self_restart_loop_refused(house: House) -> None:
    endless = plan(
        send("again", way("no_reply", "again", after="P1D"), way("replied", "end")), stop()
    )
    done = house.enrol(endless, row=house.campaign())
    assert done.report is not None
    assert ("E_LOOP_UNBOUNDED", "/nodes/0") in [
        (one["code"], one["path"]) for one in done.report["issues"]
    ]


def test_self_restart_loop_ends_where_its_visits_do(house: House) -> None:
    bounded = send("again", way("no_reply", "again", after="P1D"), maxVisits=3, onMaxVisits="end")
    stream = house.started(plan(bounded, stop()))
    for _ in range(8):
        house.after(days=1, minutes=3)
    assert len(house.provider.calls) == 3
    assert house.state(stream).stage == Stage.COMPLETED


UNITS = {"S": 1, "M": 60, "H": 3600}


TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis takes bounds without a zone


@given(st.integers(0, 9999), st.sampled_from(sorted(UNITS)), TIMES)
def test_minute_is_a_minute(number: int, unit: str, at: datetime) -> None:
    for zone in ("UTC", "Europe/Berlin", "America/New_York"):  # on any day, also of a change
        passed = add(at, parse_duration(f"PT{number}{unit}"), zone) - at
        assert passed == timedelta(seconds=number * UNITS[unit])


@pytest.mark.parametrize(("delay", "minutes"), [("PT1M", 1), ("PT90M", 90), ("PT24H", 1440)])
def test_minute_is_a_minute_for_a_message_too(house: House, delay: str, minutes: int) -> None:
    later = plan(
        send("intro", way("timeout", "end", after="P9D"), schedule={"delay": delay}), stop()
    )
    house.started(later)
    house.after(minutes=minutes - 1, seconds=59)
    assert house.provider.calls == []
    house.after(seconds=1)
    assert len(house.provider.calls) == 1


def test_split_is_replayable(house: House) -> None:
    """The arm follows from who it is, in which campaign and experiment; nothing is drawn."""
    arms = [{"id": name, "weight": weight, "to": name} for name, weight in (("a", 1), ("b", 2))]
    split = {"id": "ask", "type": "split", "experiment": "tone", "arms": arms}
    mails = [send(name, way("timeout", "end", after="P9D")) for name in "ab"]
    row = house.campaign()
    nodes = Counter[str]()
    for _ in range(24):
        contact = house.contact()
        done = house.enrol(plan(split, *mails, stop()), contact, row=row)
        assert done.contact_campaign_id is not None
        state = house.state(done.contact_campaign_id)
        assert fold(one.fact for one in house.history(done.contact_campaign_id)) == state
        subject = subject_key(house.tenant, contact, row.campaign_id)
        assert state.node == "ab"[draw(subject, "tone", (1, 2))]
        nodes[str(state.node)] += 1
    assert set(nodes) == {"a", "b"}


# --- times ----------------------------------------------------------------------------------------

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = {"days": ["MO", "TU", "WE", "TH", "FR", "SA", "SU"], "start": "01:00", "end": "05:00"}


EVES = (datetime(2026, 10, 24, tzinfo=UTC), datetime(2027, 3, 27, tzinfo=UTC))
"""Of the nights in which Berlin has an hour more, and an hour less."""


@pytest.mark.parametrize("send_at", ["02:00", "02:30", None])
@pytest.mark.parametrize(
    "day", [datetime(2026, 10, 24, tzinfo=UTC), datetime(2027, 3, 27, tzinfo=UTC)]
)
def test_dst_gap_and_fold(house: House, day: datetime, send_at: str | None) -> None:
    """Due in the hour that is shown twice or never: one mail, in the hours of the plan."""
    schedule: dict[str, Any] = {"window": NIGHT} | ({"sendAt": send_at} if send_at else {})
    mail = send("intro", way("timeout", "end", after="P9D"), schedule=schedule)
    house.clock.advance(day + timedelta(hours=18) - house.clock.now())
    house.started(plan(mail, stop(), timezone="Europe/Berlin"))
    left: list[datetime] = []
    for _ in range(4 * 36):
        before = len(house.provider.calls)
        house.after(minutes=15)
        left += [house.clock.now()] * (len(house.provider.calls) - before)
    assert len(left) == 1
    wall = left[0].astimezone(BERLIN)
    assert wall.date() == (day + timedelta(days=1)).date()
    assert 1 <= wall.hour < 5
    if send_at == "02:30":
        assert (wall.hour, wall.minute) == ((2, 30) if day.month == 10 else (3, 30))


@pytest.mark.parametrize("held_days", [0, 3])
def test_delay_from_last_send(house: House, held_days: int) -> None:
    """Also F37: who was enrolled long ago waits as long after a mail as everybody else."""
    row = house.campaign(status="paused")
    house.enrol(TWO_MAILS, row=row)
    house.after(days=held_days - 0.25 if held_days else 0)
    house.ports.register.set_status(row.campaign_id, "active")
    house.after(minutes=6)
    assert len(house.provider.calls) == 1
    accepted = house.rows("SELECT accepted_at FROM {s}.send_queue WHERE node = 'intro'")[0][0]
    house.clock.advance(accepted + timedelta(days=2) - house.clock.now() - timedelta(minutes=1))
    house.work()
    assert len(house.provider.calls) == 1
    house.after(minutes=4)
    assert len(house.provider.calls) == 2


# --- people ---------------------------------------------------------------------------------------


def _named(number: int, version: int) -> ContactRow:
    """Address, name and company of a person, who is called and written to otherwise each time."""
    return ContactRow(
        external_id=f"p{number}",
        email=f"p{number}.v{version}@harbor.example",
        first_name=f"P{number}.V{version}",
        company=f"P{number}.V{version} Ltd",
    )


@contextmanager
def _meanwhile(act: Callable[[int], None]) -> Iterator[None]:
    """Something is done over and over by another thread."""
    enough, failed = Event(), list[BaseException]()

    def run() -> None:
        turn = 0
        try:
            while not enough.is_set():
                turn += 1
                act(turn)
        except BaseException as error:  # noqa: BLE001  # told by the test, not by a thread
            failed.append(error)

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()
    assert failed == []


def test_wrong_person_never_greeted(house: House) -> None:
    """While names and addresses change, address and words of a mail are of one version of one."""
    people = 16
    contacts = house.system.contacts(house.tenant)
    ids = [row.contact_id for row in contacts.put([_named(n, 0) for n in range(people)])]
    message = {
        "subject": "{{ contact.first_name }}",
        "text": "Hi {{ contact.first_name }} of {{ company.name }}",
    }
    hello = plan(send("intro", way("timeout", "end", after="P9D"), message=message), stop())
    row = house.campaign()

    def renames(turn: int) -> None:
        contacts.put([_named(n, turn) for n in range(people)])

    with _meanwhile(renames):
        for contact in ids:
            assert house.enrol(hello, contact, row=row).status == "started"
            house.work()
    house.after(minutes=6)
    assert len(house.provider.calls) == people
    for mail, _ in house.provider.calls:
        who = mail.to_email.partition("@")[0].upper()
        assert mail.subject == who
        assert mail.text.startswith(f"Hi {who} of {who} Ltd\n")
    addresses = [mail.to_email for mail, _ in house.provider.calls]
    assert len({address.partition(".")[0] for address in addresses}) == people
    assert any(".v0@" not in address for address in addresses), "nothing changed meanwhile"


def test_wrong_person_never_greeted_by_a_body_that_was_exchanged(house: House) -> None:
    """The text of one in the row of another does not fit what was decided on."""
    enrolled(house, 2)
    house.rows(
        "UPDATE {s}.bodies b SET mail = o.mail FROM {s}.bodies o"
        " WHERE o.message_id <> b.message_id RETURNING 1"
    )
    house.work()
    assert house.provider.calls == []
    assert states(house) == {"FAILED": 2}
    assert house.rows("SELECT DISTINCT reason FROM {s}.send_queue") == [("body_altered",)]


# --- what is waited for ---------------------------------------------------------------------------


def test_idle_with_due_work_is_an_alarm(house: House, caplog: pytest.LogCaptureFixture) -> None:
    enrolled(house, 2)
    house.clock.advance(timedelta(minutes=14))
    assert house.sweep().idle() == 0
    house.clock.advance(timedelta(minutes=2))
    assert house.sweep().idle() == 1
    assert "Are workers running?" in caplog.text
    house.work()
    assert house.sweep().idle() == 0


def test_idle_is_nobody_every_waiting_contact_shows_what_it_waits_for(house: House) -> None:
    """A due time of a message, or a timer: something moves everybody who has not come to an end."""
    streams = _started(house, TWO_MAILS, 2)
    held = _started(house, TWO_MAILS, 1)
    house.ports.register.set_status(_campaign_of(house, held[0]), "paused")
    house.work()
    house.after(days=1)
    waits = """SELECT stream_id FROM {s}.timers WHERE state = 'due'
               UNION SELECT stream_id FROM {s}.send_queue WHERE state IN ('PLANNED', 'QUEUED')"""
    assert {stream for (stream,) in house.rows(waits)} == {*streams, *held}
    told = "SELECT hold_reason FROM {s}.send_queue WHERE state = 'QUEUED'"
    assert house.rows(told) == [("campaign_paused",)]


def _campaign_of(house: House, stream: StreamId) -> Any:
    query = "SELECT campaign_id FROM {s}.streams WHERE stream_id = %(stream)s"
    return house.rows(query, stream=stream)[0][0]


def test_why_not_sent(house: House) -> None:
    """For every message, whatever became of it: the chain that led to it, and the gate."""
    sent = house.started(TWO_MAILS)
    house.work()
    banned = house.started(ONE_MAIL, email="no@harbor.example")
    paused = house.started(ONE_MAIL)
    quiet = plan(
        send("intro", way("timeout", "end", after="P9D")),
        stop(),
        quietHours={"start": "08:00", "end": "20:00"},
    )
    night = house.started(quiet)
    house.ports.register.set_status(_campaign_of(house, paused), "paused")
    ban = Suppression(Family.EMAIL, "no@harbor.example", "unsubscribed", "s", house.clock.now())
    house.ports.suppressions.add(None, [ban])
    house.work()
    expected = {
        sent: ("It was sent on", []),
        banned: ("It was not sent", [("suppression", NEVER)]),
        paused: ("It waits since", [("running", HELD)]),
        night: ("It waits for its time", [("hours", HELD)]),
    }
    tenant, now = services(house), house.clock.now()
    rows = tenant.reads.queue(Queue(states=tuple(MessageState), limit=20))
    assert len(rows) == 4
    for row in rows:
        told = explain(tenant, row.id, now)
        assert told is not None
        assert [link.kind for link in told.because][-1] == "node_entered"
        gates = told.now or told.decisions[-1].gates
        closed = [(gate.name, gate.verdict) for gate in gates if gate.verdict in (HELD, NEVER)]
        sentence, gate = expected[row.contact_campaign_id]
        assert told.answer.startswith(sentence)
        assert closed == gate


def test_handler_error_does_not_end_journey(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What breaks is set aside with a reason; who it is about goes on when it is mended."""

    def breaks(*_: Any, **__: Any) -> Any:
        raise KeyError("nobody foresaw this")

    stream = house.started(ONE_MAIL)
    with monkeypatch.context() as patch:
        patch.setattr(composing, "render", breaks)
        house.work()
    held = house.rows("SELECT state, hold_reason FROM {s}.send_queue")
    assert held == [("PLANNED", "gate_error")]
    assert house.state(stream).stage == Stage.ACTIVE
    house.after(minutes=6)
    assert states(house) == {"ACCEPTED": 1}

    strange = Report(provider="gone", kind="x", raw=b"{}", key=b"k", at=house.clock.now())
    house.ports.inbox.keep("gone", {}, b"{}", [strange], late=False)
    house.hear(house.event(stream, "delivered"))
    house.work()
    told = house.rows("SELECT state, reason FROM {s}.webhook_inbox ORDER BY 1")
    assert told == [("parked", "untranslatable"), ("recorded", None)]
    assert house.state(stream).stage == Stage.ACTIVE
    house.after(days=10)
    assert house.state(stream).stage == Stage.COMPLETED


# --- over HTTP ------------------------------------------------------------------------------------


class _Agent:
    """A program that uses the API with a key of its own."""

    def __init__(self, house: House) -> None:
        system = house.system
        self._client = TestClient(create_app(make_services(system)), follow_redirects=False)
        key = add_key(system.database, house.tenant, "admin", pepper=system.pepper)
        self._key = f"Bearer {key.text}"

    def post(self, path: str, body: Any, key: str) -> tuple[int, Any]:
        headers = {"Authorization": self._key, "Idempotency-Key": key}
        answer = self._client.post(path, json=body, headers=headers)
        return answer.status_code, answer.json()


def test_second_click_of_send_button(house: House) -> None:
    """Every step of a start clicked twice: one campaign, one run, one mail."""
    agent = _Agent(house)
    (contact,) = house.system.contacts(house.tenant).put([_named(1, 1)])
    new = {"name": "Autumn", "sender": "sam"}
    made, again = (agent.post("/v1/campaigns", new, "a") for _ in range(2))
    assert made == again
    path = f"/v1/campaigns/{made[1]['id']}"
    assert agent.post(f"{path}/launch", {}, "b") == agent.post(f"{path}/launch", {}, "b")
    items = {"items": [{"contact_id": str(contact.contact_id), "plan": ONE_MAIL}]}
    first, second = (agent.post(f"{path}/enrolments", items, "c") for _ in range(2))
    assert first == second
    assert first[1]["items"][0]["status"] == "started"
    assert agent.post(f"{path}/enrolments", items, "d")[1]["items"][0]["status"] == "duplicate"
    assert agent.post("/v1/campaigns", {**new, "name": "Winter"}, "a")[0] == 409
    house.work()
    assert len(house.provider.calls) == 1
