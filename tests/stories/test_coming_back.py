"""What comes back from the world: who clicked, in which order it is heard, what bans an address."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace

from domain.events import SignalJudged, SignalRecorded
from domain.ids import MessageId, StreamId
from domain.lifecycle import Stage
from domain.taxonomy import AnswerClass, Family, MessageState, Outcome
from handlers.links import HIDDEN
from handlers.ports import Answer, Mail, Past, Transaction
from handlers.signals import Ingest
from handlers.web.link_reports import PROVIDER, Evidence, report_of
from infra.claims.inbox import BUSY_S
from infra.invariants.run import check
from infra.leadership import Leadership
from infra.projector import Runner
from projections.registry import READ
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/129.0 Safari/537.36"
HOME, GATEWAY = "198.51.100.7", "148.163.149.1"
CLICKS = plan(
    send("intro", way("clicked", "warm"), way("no_click", "cold", after="P2D")),
    stop("warm", outcome="converted"),
    stop("cold", outcome="no_response"),
)
OPENS = plan(
    send("intro", way("opened", "warm"), way("no_open", "cold", after="P2D")),
    stop("warm", outcome="converted"),
    stop("cold", outcome="no_response"),
)
PATIENT = plan(
    send("intro", way("no_click", "cold", after="P2D"), way("timeout", "cold", after="P20D")),
    stop("cold"),
)


def sent(house: House, document: Mapping[str, Any], **fields: Any) -> StreamId:
    stream = house.started(document, **fields)
    house.work()
    assert house.provider.calls[-1][0].message_id == house.message(stream)
    return stream


def arrived(house: House, document: Mapping[str, Any]) -> StreamId:
    """Sent, delivered at once, and five minutes later."""
    stream = sent(house, document)
    house.hear(house.event(stream, "delivered"))
    house.after(minutes=5)
    return stream


def clicked(house: House, stream: StreamId, number: int, after_s: float, **fields: Any) -> None:
    """A request for a link of the latest message, so many seconds after now; nobody decides yet."""
    given = {"ip": HOME, "useragent": CHROME, "url": "https://site.example/a"} | fields
    evidence = Evidence(
        kind="click",
        message_id=house.message(stream),
        tenant_tag=house.ports.tag,
        at=house.clock.now() + timedelta(seconds=after_s),
        number=number,
        **given,
    )
    report = report_of(evidence, house.tenant)
    house.ports.inbox.keep(PROVIDER, {}, report.raw, [report], late=False)


def told(house: House, stream: StreamId) -> list[tuple[str, str]]:
    """Signals with what they are taken for, in the order of the log."""
    return [
        (
            f"{'judged ' if isinstance(one.fact, SignalJudged) else ''}{one.fact.signal}",
            one.fact.reader,
        )
        for one in house.history(stream)
        if isinstance(one.fact, SignalRecorded | SignalJudged)
        and one.fact.signal in ("opened", "clicked")
        and not one.fact.derived
    ]


def projected(house: House) -> None:
    """Let every read model take in the whole log."""
    with closing(Leadership(house.system.database)) as leads:
        for projection in READ:
            runner = Runner(house.system.database, house.tenant, projection, leads)
            while runner.step():
                pass


def sound(house: House) -> None:
    """Every invariant holds, with all read models up to date."""
    projected(house)
    found = check(house.system.database, house.tenant, clock_now=house.clock.now())
    assert [(one.id, one.examples) for one in found if one.broken] == []


# --- machines -------------------------------------------------------------------------------------


def test_a_scanner_that_follows_every_link_is_known_by_the_third_though_the_first_was_heard(
    house: House,
) -> None:
    stream = arrived(house, PATIENT)
    clicked(house, stream, 0, 0)
    house.work()
    assert told(house, stream) == [("clicked", "human")]
    clicked(house, stream, 1, 1)
    clicked(house, stream, 2, 2)
    house.work()
    assert told(house, stream) == [
        ("clicked", "human"),
        ("judged clicked", "machine"),
        ("clicked", "machine"),
        ("clicked", "machine"),
    ]
    house.after(days=2, minutes=3)
    assert house.state(stream).stage == Stage.COMPLETED, "no_click fires, though a click was heard"
    sound(house)


class Overtaken:
    """An inbox whose history is read just before another worker takes what has come since."""

    def __init__(self, house: House, meanwhile: Callable[[], object]) -> None:
        self._inbox = house.ports.inbox
        self._meanwhile: Callable[[], object] | None = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inbox, name)

    def past(self, tx: Transaction, known: Mapping[MessageId, int]) -> list[Past]:
        found = self._inbox.past(tx, known)
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return found


SLOW = """
UPDATE {s}.webhook_inbox SET lease_until = lease_until - make_interval(secs => %(busy)s)
 WHERE state = 'claimed' RETURNING 1
"""
"""Whoever works on reports has been at them for so long that nobody waits for it."""


@pytest.mark.parametrize("first", ["click", "delivered"])
def test_two_workers_that_each_know_a_part_come_to_one_verdict(house: House, first: str) -> None:
    stream = arrived(house, PATIENT)
    clicked(house, stream, 0, 0)
    if first == "delivered":
        house.work()
        house.hear(house.event(stream, "delivered"))

    def meanwhile() -> None:
        clicked(house, stream, 1, 1)
        clicked(house, stream, 2, 2)
        house.rows(SLOW, busy=BUSY_S)
        house.ingest()

    overtaken: Any = Overtaken(house, meanwhile)
    ports = replace(house.ports, inbox=overtaken)
    Ingest(ports, house.system.readers()).take_batch()
    message = house.state(stream).messages[house.message(stream)]
    assert [one.machine for one in message.sightings if not one.derived] == [True] * 3
    sound(house)


def test_scanner_clicks_do_not_branch(house: House) -> None:
    stream = arrived(house, CLICKS)
    for number in range(4):
        clicked(house, stream, number, number, ip=GATEWAY)
    house.work()
    assert {reader for _, reader in told(house, stream)} == {"machine"}
    assert house.state(stream).stage == Stage.ACTIVE
    house.after(days=2, minutes=3)
    assert house.state(stream).outcome == Outcome.NO_RESPONSE
    sound(house)


def test_who_finds_the_hidden_link_is_a_machine_wherever_else_it_goes(house: House) -> None:
    stream = arrived(house, CLICKS)
    clicked(house, stream, HIDDEN, 0, url="")
    clicked(house, stream, 0, 40)
    clicked(house, stream, 0, 50, ip="192.0.2.9")
    house.clock.advance(timedelta(minutes=1))
    house.work()
    assert told(house, stream)[:2] == [("clicked", "machine")] * 2
    assert house.state(stream).outcome == Outcome.CONVERTED, "another address is another person"
    sound(house)


def test_a_click_as_soon_as_the_mail_is_there_is_nobody_s(house: House) -> None:
    stream = sent(house, CLICKS)
    clicked(house, stream, 0, 1.5)
    house.clock.advance(timedelta(seconds=2))
    house.work()
    assert told(house, stream) == [("clicked", "machine")]
    assert house.state(stream).stage == Stage.ACTIVE


def test_a_delivery_that_is_told_late_takes_a_click_back(house: House) -> None:
    stream = sent(house, PATIENT)
    clicked(house, stream, 0, 11)
    house.after(seconds=20)
    assert told(house, stream) == [("clicked", "unknown")]
    stamp = int(house.clock.now().timestamp()) - 10
    house.hear(house.event(stream, "delivered", timestamp=stamp))
    house.work()
    assert told(house, stream)[1] == ("judged clicked", "machine")
    sound(house)


def test_machine_open_is_not_interest(house: House) -> None:
    stream = arrived(house, OPENS)
    house.hear(house.event(stream, "open", sg_machine_open=True, useragent=CHROME, ip=HOME))
    house.hear(house.event(stream, "open", useragent="Mozilla/5.0", ip=HOME))
    house.after(days=2, minutes=3)
    assert house.state(stream).outcome == Outcome.NO_RESPONSE
    sound(house)


def test_the_verdict_and_its_rules_stand_in_the_fact_that_the_plan_acted_on(house: House) -> None:
    stream = sent(house, CLICKS)
    house.hear(house.event(stream, "delivered"))
    house.after(minutes=5)
    clicked(house, stream, 0, 0)
    house.work()
    (fact,) = [
        one.fact
        for one in house.history(stream)
        if isinstance(one.fact, SignalRecorded) and one.fact.signal == "clicked"
    ]
    assert (fact.reader, fact.evidence, fact.machine) == ("human", "2:B10", False)
    assert house.state(stream).outcome == Outcome.CONVERTED


def test_opens_counted_once(house: House) -> None:
    """Unique and total apart; no more people opened than got it."""
    stream = sent(house, PATIENT)
    house.hear(house.event(stream, "delivered"))
    for minutes in range(1, 6):
        house.clock.advance(timedelta(minutes=minutes))
        house.hear(house.event(stream, "open", useragent=CHROME, ip=HOME))
    house.work()
    projected(house)
    row = "SELECT sum(opens), sum(unique_opens), sum(delivered) FROM {s}.metrics_daily"
    assert [int(one) for one in house.rows(row)[0]] == [5, 1, 1]
    sound(house)


# --- order ----------------------------------------------------------------------------------------


def heard_in_order(house: House, order: Iterable[tuple[str, int]]) -> tuple[Any, ...]:
    """Send, hear these events in this order, each in a post of its own; what is known then."""
    house.provider.answer = _accepted
    stream = sent(house, PATIENT)
    began = int(house.clock.now().timestamp())
    house.clock.advance(timedelta(hours=2))
    for kind, minute in order:
        fields: dict[str, Any] = {"timestamp": began + 60 * minute}
        if kind in ("open", "click"):
            fields |= {"useragent": CHROME, "ip": HOME, "url": "https://site.example/a"}
        house.hear(house.event(stream, kind, **fields))
        house.work()
    message = house.state(stream).messages[house.message(stream)]
    heard = {
        name: int((at - _from(began)).total_seconds()) for name, at in message.heard_at.items()
    }
    state = house.state(stream)
    return state.stage, state.outcome, message.state, tuple(sorted(heard.items()))


def _accepted(mail: Mail) -> Answer:
    return Answer(kind=AnswerClass.ACCEPTED, provider_id=str(mail.message_id))


def _from(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    "events",
    [
        [("delivered", 1), ("open", 10), ("click", 20)],
        [("processed", 0), ("deferred", 1), ("delivered", 5)],
        [("delivered", 1), ("open", 10), ("spamreport", 30)],
        [("delivered", 9), ("open", 10), ("click", 12), ("unsubscribe", 15)],
    ],
)
def test_events_come_in_every_order_and_come_to_the_same(
    house: House, events: list[tuple[str, int]]
) -> None:
    """Open before delivered, click before open, a complaint before all of it."""
    found = {heard_in_order(house, order) for order in permutations(events)}
    assert len(found) == 1, found
    sound(house)


def test_late_delivered_does_not_hide_complaint(house: House) -> None:
    stream = sent(house, PATIENT)
    house.after(hours=1)
    house.hear(house.event(stream, "spamreport"))
    house.work()
    hour_ago = int(house.clock.now().timestamp()) - 3600
    house.hear(house.event(stream, "delivered", timestamp=hour_ago))
    house.work()
    state = house.state(stream)
    assert (state.stage, state.outcome) == (Stage.EXITED, Outcome.UNSUBSCRIBED)
    assert "delivered" in state.messages[house.message(stream)].heard_at
    assert house.ports.suppressions.banned(Family.EMAIL, ["dana@harbor.example"], house.clock.now())
    sound(house)


# --- bans -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bounce", "spamreport", "unsubscribe", "group_unsubscribe"])
def test_bounce_before_processed_suppresses(house: House, kind: str) -> None:
    """At once, also as an orphan that nobody knows the message of."""
    now = int(house.clock.now().timestamp())
    house.hear({"event": kind, "timestamp": now, "email": "Ada@Harbor.example", "type": "bounce"})
    house.ingest()
    assert house.rows("SELECT state FROM {s}.webhook_inbox") == [("orphan",)]
    assert house.ports.suppressions.banned(
        Family.EMAIL, ["ada+x@harbor.example"], house.clock.now()
    )


def test_async_bounce_without_ids(house: House) -> None:
    """Found by the address: enough to ban and to end, not enough to settle a doubt."""
    house.provider.answer = lambda _: Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")
    doubtful = house.started(PATIENT, email="bo@harbor.example")
    house.work()
    house.provider.answer = _accepted
    stream = sent(house, PATIENT, email="ada@harbor.example")
    house.after(hours=5)
    for address in ("ada@harbor.example", "bo@harbor.example"):
        house.hear(
            {
                "event": "bounce",
                "type": "bounce",
                "timestamp": int(house.clock.now().timestamp()),
                "email": address,
                "sg_message_id": "",
            }
        )
    house.work()
    assert house.state(stream).outcome == Outcome.BOUNCED
    message = house.state(doubtful).messages[house.message(doubtful)]
    assert message.state == MessageState.UNKNOWN
    banned = house.ports.suppressions.banned(
        Family.EMAIL, ["ada@harbor.example", "bo@harbor.example"], house.clock.now()
    )
    assert len(banned) == 2


def test_a_block_is_soft_and_bans_nobody(house: House) -> None:
    stream = sent(house, PATIENT, email="ada@harbor.example")
    house.hear(house.event(stream, "bounce", type="blocked", email="ada@harbor.example"))
    house.work()
    assert house.state(stream).stage == Stage.ACTIVE
    assert not house.ports.suppressions.banned(
        Family.EMAIL, ["ada@harbor.example"], house.clock.now()
    )


def test_who_comes_back_to_a_group_may_be_written_to_unless_another_ground_stands(
    house: House,
) -> None:
    now = int(house.clock.now().timestamp())
    free, banned = "free@harbor.example", "banned@harbor.example"
    for address in (free, banned):
        told_of = {"email": address, "asm_group_id": 17}
        house.hear(
            {"event": "group_resubscribe", "timestamp": now + 9, **told_of},
            {"event": "group_unsubscribe", "timestamp": now, **told_of},
        )
    house.hear({"event": "unsubscribe", "timestamp": now, "email": banned})
    house.clock.advance(timedelta(minutes=1))
    house.work()
    found = house.ports.suppressions.banned(Family.EMAIL, [free, banned], house.clock.now())
    assert found == {banned}


def test_opted_out_then_imported_again(house: House) -> None:
    """Another spelling under a new contact: planned, and never sent."""
    stream = sent(house, PATIENT, email="ada.byron@gmail.com")
    house.hear(house.event(stream, "unsubscribe", email="ada.byron@gmail.com"))
    house.work()
    again = house.started(PATIENT, email="Ada.Byron+again@GoogleMail.com")
    house.work()
    assert len(house.provider.calls) == 1
    message = house.state(again).messages[house.message(again)]
    assert message.state == MessageState.CANCELLED
    assert house.rows("SELECT reason FROM {s}.send_queue WHERE state = 'CANCELLED'") == [
        ("suppressed",)
    ]


# --- the inbox ------------------------------------------------------------------------------------


def test_raw_body_stored_once(house: House) -> None:
    stream = sent(house, PATIENT)
    now = int(house.clock.now().timestamp())
    events = [house.event(stream, "deferred", attempt=n, timestamp=now + n) for n in range(300)]
    house.hear(*events)
    assert house.rows("SELECT count(*) FROM {s}.webhook_deliveries") == [(1,)]
    assert house.rows("SELECT count(*) FROM {s}.webhook_inbox") == [(300,)]


def test_event_time_is_provider_time(house: House) -> None:
    stream = sent(house, PATIENT)
    house.clock.advance(timedelta(days=1))
    yesterday = int((house.clock.now() - timedelta(hours=20)).timestamp())
    house.hear(house.event(stream, "delivered", timestamp=yesterday))
    house.work()
    ((occurred_at, received_at),) = house.rows(
        "SELECT occurred_at, received_at FROM {s}.webhook_inbox"
    )
    assert occurred_at == _from(yesterday) != received_at
    message = house.state(stream).messages[house.message(stream)]
    assert message.heard_at["delivered"] == _from(yesterday)


def test_two_tenants_in_one_batch(house: House) -> None:
    """The tenant is the one of the path; what names another is set aside with an alarm."""
    stream = sent(house, PATIENT)
    house.hear(
        house.event(stream, "spamreport", antiphon_tenant="stranger", email="bo@harbor.example"),
        house.event(stream, "delivered"),
    )
    house.work()
    states = "SELECT kind, state, reason FROM {s}.webhook_inbox ORDER BY kind DESC"
    assert house.rows(states) == [
        ("spamreport", "parked", "other_tenant"),
        ("delivered", "recorded", None),
    ]
    assert house.rows("SELECT count(*) FROM {s}.suppressions") == [(0,)]


def test_forty_six_copies(house: House) -> None:
    """Changed ids, other posts, other order: one fact, and counters that do not move."""
    stream = arrived(house, PATIENT)
    event = house.event(stream, "open", useragent=CHROME, ip=HOME)
    for copy in range(46):
        house.hear({**event, "sg_event_id": f"changed-{copy}"})
        if copy % 7 == 0:
            house.work()
    house.work()
    assert told(house, stream) == [("opened", "human")]
    sound(house)


def test_every_event_type_is_handled(house: House) -> None:
    """All twelve end as news or none; a type nobody knows is set aside with its name."""
    stream = sent(house, PATIENT)
    kinds = (
        *("processed", "deferred", "delivered", "open", "click", "bounce", "dropped"),
        *("spamreport", "unsubscribe", "group_unsubscribe", "group_resubscribe", "hologram"),
    )
    house.after(minutes=1)
    for kind in kinds:
        house.hear(house.event(stream, kind))
    now = int(house.clock.now().timestamp())
    house.hear({"event": "account_status_change", "type": "compliance_suspend", "timestamp": now})
    house.work()
    ended = "SELECT kind, reason FROM {s}.webhook_inbox WHERE state NOT IN ('recorded', 'no_news')"
    assert house.rows(ended) == [("hologram", "unknown_kind:hologram")]
