"""Failure stories of outreach software that must not happen here: sending, limits, ends."""

import ast
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from domain.errors import CampaignError
from domain.ids import StreamId
from domain.taxonomy import AnswerClass
from handlers import campaigns as use
from handlers import queue_orders
from handlers.dispatch import claiming
from handlers.dispatch.sender import Sender as Sending
from handlers.ports import Answer, Mail
from infra.bootstrap import System
from infra.embedded.servers import ServerUrls
from infra.redis import connect
from tests.infra.limits_stage import most_in_any
from tests.stories.acceptance import HELD, an_order, called, enrolled, order, services, states
from tests.stories.house import TAKEN, House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

TWO_MAILS = plan(
    send("intro", way("no_reply", "second", after="P2D")),
    send("second", way("no_reply", "end", after="P3D")),
    stop(),
)


def test_f13_a_restart_at_the_cap_sends_nothing_more(house: House, database_url: str) -> None:
    house.rule(sender_hour_max=2)
    enrolled(house, 5)
    for _ in range(50):
        house.after(minutes=1)
    assert len(house.provider.calls) == 2
    connect(house.system.redis_url).flushall()
    urls = ServerUrls(database_url, house.system.redis_url)
    again = System(house.system.settings, urls, worker="restarted", pool=4)
    try:
        again.clock = house.clock
        worker = Sending(again.ports(house.tenant), house.provider, again.executor)
        for _ in range(5):
            house.clock.advance(timedelta(minutes=1))
            worker.send_batch()
    finally:
        again.close()
    assert len(house.provider.calls) == 2
    assert {reason for (reason,) in house.rows(HELD)} == {"sender_hour"}


def test_f19_two_workers_send_each_item_once(house: House, database_url: str) -> None:
    enrolled(house, 40)
    barrier = Barrier(2)
    urls = ServerUrls(database_url, house.system.redis_url)
    other = System(house.system.settings, urls, worker="other", pool=4)
    other.clock = house.clock
    failed: list[BaseException] = []

    def work(system: System) -> None:
        worker = Sending(system.ports(house.tenant), house.provider, system.executor)
        try:
            for _ in range(12):
                barrier.wait(30)
                worker.send_batch()
        except BaseException as error:  # noqa: BLE001  # told by the test, not by a thread
            failed.append(error)
            barrier.abort()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claiming, "BATCH", 5)
        threads = [Thread(target=work, args=[system]) for system in (house.system, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    other.close()
    assert failed == []
    assert len(called(house)) == 40
    assert set(called(house).values()) == {1}
    assert states(house) == {"ACCEPTED": 40}


ROOT = Path(__file__).resolve().parents[2]


def _calls_of_the_provider(path: Path) -> Iterator[ast.Call]:
    """`anything.send(mail, attempt=..., tenant_tag=...)`: the shape of `Provider.send`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            given = {word.arg for word in node.keywords}
            if node.func.attr == "send" and given & {"attempt", "tenant_tag"}:
                yield node


def _names(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_f25_the_provider_is_called_from_one_module_only() -> None:
    packages = ("domain", "plans", "projections", "handlers", "infra")
    modules = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    callers = [path for path in modules for _ in _calls_of_the_provider(path)]
    assert callers == [ROOT / "handlers/dispatch/calling.py"]
    makers = {path for path in modules if "SendGridProvider" in _names(path)}
    assert makers == {ROOT / "infra/outside.py"}


def test_f35_a_flush_in_mid_run_sends_nothing_twice_and_nothing_over(house: House) -> None:
    house.rule(sender_hour_max=6, tenant_hour_max=6)
    enrolled(house, 14)
    client = connect(house.system.redis_url)
    sent = []

    def flushes(_: Mail) -> Answer:
        sent.append(house.clock.now())
        if len(sent) % 3 == 0:
            client.flushall()
        return TAKEN

    house.provider.answer = flushes
    for _ in range(48):
        client.flushall()
        house.after(minutes=5)
    assert most_in_any(sent, timedelta(hours=1)) <= 6
    assert len(called(house)) == 14
    assert set(called(house).values()) == {1}


def test_f38_a_doubt_is_not_sent_again_even_by_order(house: House) -> None:
    house.provider.answer = lambda _: Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")
    (stream,) = enrolled(house, 1)
    house.work()
    house.provider.answer = lambda _: TAKEN
    with pytest.raises(CampaignError):
        queue_orders.resend(services(house), house.message(stream), an_order(house), confirmed=True)
    house.after(days=2)
    assert states(house) == {"UNKNOWN": 1}
    house.hear(house.event(stream, "delivered"))
    house.work()
    assert states(house) == {"ACCEPTED": 1}
    assert len(house.provider.calls) == 1


def _heard(house: House, event: Mapping[str, Any]) -> None:
    assert house.hear(event) == 1


def _hears(kind: str, **fields: Any) -> Callable[[House, StreamId], None]:
    return lambda house, stream: _heard(house, house.event(stream, kind, **fields))


def _stops(house: House, stream: StreamId) -> None:
    order(house, stream, use.stop(house.clock.now(), "story"))


ENDS: Mapping[str, Callable[[House, StreamId], None]] = {
    "a hard bounce": _hears("bounce", type="bounce", reason="550"),
    "a complaint": _hears("spamreport"),
    "an opt-out": _hears("unsubscribe"),
    "an opt-out of a group": _hears("group_unsubscribe", asm_group_id=3),
    "an order": _stops,
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("days", [0, 2])
def test_f41_who_came_to_an_end_has_no_next_send(house: House, end: str, days: int) -> None:
    """Whether it waits for the next node, or the next message is due already."""
    stream = house.started(TWO_MAILS)
    house.work()
    told = ENDS[end]
    house.clock.advance(timedelta(days=days, minutes=5))
    house.work_but_sends()
    waiting = house.rows("SELECT 1 FROM {s}.send_queue WHERE state IN ('PLANNED', 'QUEUED')")
    assert len(waiting) == (days > 0)
    told(house, stream)
    house.work_but_sends()
    assert house.state(stream).ended
    assert house.rows("SELECT 1 FROM {s}.timers") == []
    assert house.rows("SELECT 1 FROM {s}.send_queue WHERE state IN ('PLANNED', 'QUEUED')") == []
    for _ in range(3):
        house.after(days=5)
    assert len(house.provider.calls) == 1
