"""The webhook inbox: kept once by semantic key, claimed under lease, settled under fence."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest

from domain.ids import MessageId
from handlers.ports import Past, Report, Settled
from infra.claims.inbox import BUSY_S, PAST_MAX
from tests.stories.house import House

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


def _report(key: str, **fields: object) -> Report:
    return Report(provider="sendgrid", kind="open", raw=b"{}", key=key.encode(), **fields)  # type: ignore[arg-type]  # fields of Report


def _keep(house: House, *reports: Report) -> int:
    return house.ports.inbox.keep("sendgrid", {"h": "v"}, b"body", reports, late=False)


def _states(house: House) -> list[str]:
    return [row[0] for row in house.rows("SELECT state FROM {s}.webhook_inbox ORDER BY inbox_id")]


def test_a_delivery_is_kept_whole_and_each_event_once(house: House) -> None:
    assert _keep(house, _report("a"), _report("b"), _report("a")) == 2
    assert _keep(house, _report("b"), _report("c")) == 1
    assert sorted(_states(house)) == ["duplicate", "duplicate", "new", "new", "new"]
    bodies = house.rows("SELECT body, headers FROM {s}.webhook_deliveries")
    assert [(bytes(body), headers) for body, headers in bodies] == [(b"body", {"h": "v"})] * 2


def test_what_cannot_be_read_is_parked_with_its_reason(house: House) -> None:
    _keep(house, _report("a", problem="no timestamp"), _report("b"))
    rows = house.rows("SELECT state, reason FROM {s}.webhook_inbox ORDER BY item")
    assert rows == [("parked", "no timestamp"), ("new", None)]
    assert [item.key for item in house.ports.inbox.claim(9)] == [b"b"]


def test_forty_six_copies(house: House) -> None:
    with ThreadPoolExecutor(6) as pool:
        new = sum(pool.map(lambda _: _keep(house, _report("same")), range(46)))
    assert new == 1
    assert sorted(_states(house)) == ["duplicate"] * 45 + ["new"]


def test_two_workers_never_claim_one_item(house: House) -> None:
    _keep(house, *(_report(str(number)) for number in range(200)))
    with ThreadPoolExecutor(4) as pool:
        taken = [
            item.inbox_id
            for items in pool.map(lambda _: house.ports.inbox.claim(60), range(4))
            for item in items
        ]
    assert len(taken) == len(set(taken)) == 200


def test_a_stale_worker_settles_nothing(house: House) -> None:
    _keep(house, _report("a"))
    first = house.ports.inbox.claim(9)
    house.rows("UPDATE {s}.webhook_inbox SET lease_until = now() - interval '1 s' RETURNING 1")
    assert house.ports.inbox.free_expired() == 1
    second = house.ports.inbox.claim(9)
    house.ports.inbox.settle(None, [Settled(first[0], "parked", "stale")])
    assert _states(house) == ["claimed"]
    house.ports.inbox.settle(None, [Settled(second[0], "no_news")])
    assert _states(house) == ["no_news"]


def test_an_orphan_is_tried_after_a_minute_ten_and_then_hourly(house: House) -> None:
    _keep(house, _report("a"))
    waits = []
    for _ in range(4):
        item = house.ports.inbox.claim(9)[0]
        house.ports.inbox.settle(None, [Settled(item, "orphan", "no_message")])
        wait = "SELECT extract(epoch FROM next_try_at - now()) FROM {s}.webhook_inbox"
        waits.append(round(float(house.rows(wait)[0][0]) / 60))
        assert house.ports.inbox.claim(9) == []
        house.rows("UPDATE {s}.webhook_inbox SET next_try_at = now() RETURNING 1")
    assert waits == [1, 10, 60, 60]


def test_an_orphan_that_was_given_up_stays_in_the_list(house: House) -> None:
    _keep(house, _report("a"))
    item = house.ports.inbox.claim(9)[0]
    house.ports.inbox.settle(None, [Settled(item, "orphan", "given_up")])
    assert house.ports.inbox.claim(9) == []
    assert _states(house) == ["orphan"]


# --- what is known of a message -------------------------------------------------------------------

MESSAGE, OTHER = MessageId(UUID(int=7)), MessageId(UUID(int=8))


def _about(key: str, signal: str, message: MessageId = MESSAGE, **fields: object) -> Report:
    return _report(key, signal=signal, message_id=message, **fields)


def _past(house: House, known: Mapping[MessageId, int]) -> list[Past]:
    with house.ports.transactions.begin() as tx:
        return house.ports.inbox.past(tx, known)


def _keys(house: House, *messages: MessageId) -> dict[MessageId, set[bytes]]:
    found = _past(house, dict.fromkeys(messages, 0))
    return {one.message_id: {bytes(key) for _, _, key in one.sights} for one in found}


def _claimed(house: House) -> list[bytes]:
    return [bytes(item.key) for item in house.ports.inbox.claim(9)]


def test_reports_of_a_message_that_a_worker_is_at_are_left_to_it(house: House) -> None:
    _keep(house, _about("open", "opened"))
    (item,) = house.ports.inbox.claim(9)
    _keep(house, _about("click", "clicked"), _about("other", "opened", OTHER), _report("nobody's"))
    assert set(_claimed(house)) == {b"other", b"nobody's"}
    house.ports.inbox.settle(None, [Settled(item, "no_news", message_id=MESSAGE)])
    assert _claimed(house) == [b"click"]


def test_nobody_waits_long_for_a_worker_that_does_not_come_back(house: House) -> None:
    _keep(house, _about("open", "opened"))
    assert _claimed(house) == [b"open"]
    _keep(house, _about("click", "clicked"))
    house.rows(
        "UPDATE {s}.webhook_inbox SET lease_until = lease_until - make_interval(secs => %(s)s)"
        " WHERE state = 'claimed' RETURNING 1",
        s=BUSY_S,
    )
    assert _claimed(house) == [b"click"], "before its lease is over"


def test_a_history_is_told_only_where_more_is_kept_than_is_known(house: House) -> None:
    _keep(house, _about("open", "opened"), _about("delivery", "delivered"))
    assert _past(house, {MESSAGE: 2}) == []
    assert [one.size for one in _past(house, {MESSAGE: 1})] == [2]


def test_a_history_has_the_first_delivery_the_last_reply_and_every_sight(house: House) -> None:
    at = house.clock.now()
    for minutes, key, signal in (
        (3, "second delivery", "delivered"),
        (1, "delivery", "delivered"),
        (5, "reply", "replied"),
        (4, "earlier reply", "replied"),
        (2, "open", "opened"),
        (6, "click", "clicked"),
    ):
        _keep(house, _about(key, signal, at=at + timedelta(minutes=minutes)))
    (past,) = _past(house, {MESSAGE: 0})
    assert past.delivered_at == at + timedelta(minutes=1)
    assert past.replied_at == at + timedelta(minutes=5)
    assert [bytes(key) for _, _, key in past.sights] == [b"click", b"open"]
    assert past.size == 6


def test_the_history_of_a_message_has_what_is_not_settled_yet(house: House) -> None:
    _keep(house, _about("open", "opened"), _about("delivery", "delivered"), _about("x", "deferred"))
    house.ports.inbox.claim(1)
    assert _keys(house, MESSAGE, OTHER) == {MESSAGE: {b"open"}}


def test_a_message_that_nobody_opened_has_no_history(house: House) -> None:
    _keep(house, _about("delivery", "delivered"), _about("reply", "replied"))
    assert _keys(house, MESSAGE) == {}


def test_copies_and_what_was_set_aside_are_no_history(house: House) -> None:
    _keep(house, _about("open", "opened"), _about("bad", "opened", problem="no timestamp"))
    _keep(house, _about("open", "opened"))
    assert _keys(house, MESSAGE) == {MESSAGE: {b"open"}}
    item = house.ports.inbox.claim(9)[0]
    house.ports.inbox.settle(None, [Settled(item, "parked", "other_tenant")])
    assert _keys(house, MESSAGE) == {}


def test_a_report_that_names_no_message_is_history_once_it_is_matched(house: House) -> None:
    _keep(house, _report("open", signal="opened"))
    item = house.ports.inbox.claim(9)[0]
    house.ports.inbox.settle(None, [Settled(item, "no_news", message_id=OTHER)])
    assert _keys(house, MESSAGE, OTHER) == {OTHER: {b"open"}}


def test_of_endless_opens_only_the_latest_are_looked_at(house: House) -> None:
    at = house.clock.now()
    reports = [
        _about(f"{number}", "opened", at=at + timedelta(seconds=number))
        for number in range(PAST_MAX + 20)
    ]
    _keep(house, *reports)
    assert _keys(house, MESSAGE)[MESSAGE] == {report.key for report in reports[20:]}
