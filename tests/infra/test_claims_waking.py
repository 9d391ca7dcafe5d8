"""Waking in SQL: which rows, in parts, and beside claims and locked rows."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Thread
from typing import Any

import pytest

from domain import accounts
from domain.accounts import PauseReason
from domain.ids import CampaignId, MessageId, schema_of
from domain.taxonomy import HoldReason
from infra.claims import waking
from infra.statements import Statements, transaction
from tests.stories.house import MONDAY, STORY, House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

WAITS = plan(send("intro", way("timeout", "end", after="P9D")), stop())
PAUSED = (HoldReason.TENANT_PAUSED,)
LATER = MONDAY + timedelta(hours=1)


def _held(house: House, count: int) -> list[MessageId]:
    """Messages that a pause of the tenant holds for an hour."""
    row = house.campaign()
    _order(house, partial(accounts.pause_sending, reason=PauseReason.OPERATOR))
    for _ in range(count):
        house.enrol(WAITS, row=row)
    house.work()
    assert _not_before(house) == [LATER] * count
    return [MessageId(mid) for (mid,) in house.rows("SELECT message_id FROM {s}.send_queue")]


def _order(house: House, decide: Any) -> None:
    house.ports.accounts.order_sending(partial(decide, at=house.clock.now()), STORY)


def _not_before(house: House) -> list[Any]:
    return [at for (at,) in house.rows("SELECT not_before FROM {s}.send_queue ORDER BY 1")]


def _wake(house: House, **which: Any) -> int:
    sql = Statements(schema_of(house.tenant))
    with house.system.database.tenant_tx(house.tenant) as curs:
        return waking.wake(sql, transaction(curs), PAUSED, house.clock.now(), **which)


def _go_on(house: House) -> int:
    return waking.go_on(house.system.database, house.tenant, house.clock.now())


def test_only_what_the_gate_held_of_these_senders_and_this_campaign_is_woken(house: House) -> None:
    _held(house, 2)
    assert _wake(house, senders=("somebody else",)) == 0
    assert _wake(house, campaign=CampaignId(house.system.rng.new_id())) == 0
    assert _wake(house, senders=("sam", "somebody else")) == 2
    assert _not_before(house) == [MONDAY] * 2
    assert _wake(house) == 0  # what is due already keeps its place


def test_more_than_one_transaction_should_move_is_woken_in_parts(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waking, "PART", 2)
    _held(house, 5)
    _order(house, accounts.resume_sending)
    assert _not_before(house).count(MONDAY) == 2
    assert [_go_on(house) for _ in range(3)] == [2, 1, 0]
    assert _not_before(house) == [MONDAY] * 5
    assert house.rows("SELECT count(*) FROM {s}.wakings") == [(0,)]


def test_what_is_held_again_meanwhile_is_not_woken_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waking, "PART", 2)
    _held(house, 6)
    _order(house, accounts.resume_sending)
    _order(house, partial(accounts.pause_sending, reason=PauseReason.OPERATOR))
    rounds = 0
    while _go_on(house):
        rounds += 1
        house.work()  # looks at what was woken, and finds the tenant paused
        assert rounds <= 3
    assert house.provider.calls == []
    house.work()
    assert _not_before(house) == [LATER] * 6


def test_a_claim_that_saw_the_gate_closed_ends_before_the_gate_opens(house: House) -> None:
    held = _held(house, 1)
    house.clock.advance(timedelta(minutes=1))
    resume = partial(_order, house, accounts.resume_sending)
    ordering = Thread(target=resume)
    with house.ports.transactions.begin() as tx:
        house.ports.limits.lock(tx)
        assert house.ports.accounts.rules(tx).paused
        ordering.start()
        ordering.join(0.3)
        assert ordering.is_alive()
        house.ports.outbox.hold(tx, held, HoldReason.TENANT_PAUSED, LATER + timedelta(hours=1))
    ordering.join(20)
    assert not ordering.is_alive()
    assert _not_before(house) == [house.clock.now()]


def test_a_row_that_a_fact_is_moving_is_left_out_and_nobody_waits(house: House) -> None:
    first, _ = _held(house, 2)
    sql = Statements(schema_of(house.tenant))
    with house.ports.transactions.begin() as tx:
        lock = "SELECT 1 FROM {s}.send_queue WHERE message_id = %(id)s FOR UPDATE"
        sql.rows(tx, lock, {"id": first})
        _order(house, accounts.resume_sending)
    assert _not_before(house) == [MONDAY, LATER]


def test_orders_and_claims_side_by_side_neither_lock_each_other_out_nor_lose_a_message(
    house: House,
) -> None:
    row = house.campaign()
    for _ in range(30):
        house.enrol(WAITS, row=row)
    house.work_but_sends()
    pause = partial(accounts.pause, reason=PauseReason.OPERATOR)

    def close_and_open(_: int) -> None:
        _order(house, partial(accounts.pause_sending, reason=PauseReason.OPERATOR))
        house.account(pause)
        house.ports.register.set_status(row.campaign_id, "paused")
        _order(house, accounts.resume_sending)
        house.account(accounts.resume)
        house.ports.register.set_status(row.campaign_id, "active")

    with ThreadPoolExecutor(4) as pool:
        ordered = [pool.submit(close_and_open, turn) for turn in range(10)]
        sent = [pool.submit(house.send) for _ in range(40)]
        assert [one.result(60) for one in ordered] == [None] * 10
        assert all(one.result(60) >= 0 for one in sent)
    house.after(hours=2)
    assert len(house.provider.calls) == 30
    assert house.rows("SELECT DISTINCT state FROM {s}.send_queue") == [("ACCEPTED",)]
