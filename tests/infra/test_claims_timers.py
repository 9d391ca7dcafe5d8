"""Timers under lease and fence."""

from datetime import timedelta
from functools import partial

import pytest

from domain import campaign
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.campaigns import order
from handlers.timeouts import Timeouts
from infra.statements import transaction
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

TWO_DAYS = plan(send("intro", way("no_reply", "end", after="P2D")), stop())
GRACE_S = 120


def _waiting(house: House) -> None:
    house.started(TWO_DAYS)
    house.work()


def test_a_timer_is_claimed_only_after_its_time_and_its_grace(house: House) -> None:
    _waiting(house)
    due_at = house.rows("SELECT due_at FROM {s}.timers WHERE scope = 'node'")[0][0]
    claim = house.ports.timers.claim
    assert claim(due_at, grace_s=GRACE_S, limit=9) == []
    assert claim(due_at + timedelta(seconds=GRACE_S - 1), grace_s=GRACE_S, limit=9) == []
    taken = claim(due_at + timedelta(seconds=GRACE_S), grace_s=GRACE_S, limit=9)
    assert [timer.kind for timer in taken] == ["no_reply"]


def test_a_claimed_timer_is_nobody_elses_until_its_lease_is_over(house: House) -> None:
    _waiting(house)
    later = house.clock.now() + timedelta(days=3)
    assert house.ports.timers.claim(later, grace_s=0, limit=9)
    assert house.ports.timers.claim(later, grace_s=0, limit=9) == []
    assert house.ports.timers.free_expired() == 0
    house.rows("UPDATE {s}.timers SET lease_until = now() - interval '1 second' RETURNING 1")
    assert house.ports.timers.free_expired() == 1
    assert house.ports.timers.claim(later, grace_s=0, limit=9)


def test_a_late_finisher_takes_nothing_away(house: House) -> None:
    _waiting(house)
    later = house.clock.now() + timedelta(days=3)
    first = house.ports.timers.claim(later, grace_s=0, limit=9)
    house.rows("UPDATE {s}.timers SET lease_until = now() - interval '1 second' RETURNING 1")
    house.ports.timers.free_expired()
    second = house.ports.timers.claim(later, grace_s=0, limit=9)
    with house.system.database.tenant_tx(house.tenant) as curs:
        house.ports.timers.settle(transaction(curs), first)
    assert len(house.rows("SELECT 1 FROM {s}.timers WHERE state = 'claimed'")) == 1
    with house.system.database.tenant_tx(house.tenant) as curs:
        house.ports.timers.settle(transaction(curs), second)
    assert house.rows("SELECT 1 FROM {s}.timers WHERE scope = 'node'") == []


def test_a_timer_whose_worker_died_fires_once(house: House) -> None:
    _waiting(house)
    house.clock.advance(timedelta(days=3))
    assert house.ports.timers.claim(house.clock.now(), grace_s=0, limit=9)  # and dies
    assert Timeouts(house.ports).fire_batch() == 0
    house.rows("UPDATE {s}.timers SET lease_until = now() - interval '1 second' RETURNING 1")
    house.sweep().leases()
    assert Timeouts(house.ports).fire_batch() == 1
    assert Timeouts(house.ports).fire_batch() == 0
    states = house.rows("SELECT topic FROM {s}.events WHERE topic = 'completed'")
    assert len(states) == 1


def test_a_pause_takes_timers_away_and_a_resume_sets_them_later(house: House) -> None:
    stream = house.started(TWO_DAYS)
    house.work()
    before = house.rows("SELECT due_at FROM {s}.timers WHERE scope = 'node'")[0][0]
    cause = Cause(CauseKind.OPERATOR, "test")
    given = {"cause": cause, "correlation": house.system.rng.new_id()}
    now = house.clock.now()
    order(house.ports, stream, partial(campaign.pause, reason="test", at=now), **given)
    assert house.rows("SELECT 1 FROM {s}.timers") == []
    house.clock.advance(timedelta(days=1))
    order(house.ports, stream, partial(campaign.resume, at=house.clock.now()), **given)
    after = house.rows("SELECT due_at FROM {s}.timers WHERE scope = 'node'")[0][0]
    assert after - before == timedelta(days=1)


def test_a_timer_that_was_set_anew_while_it_was_claimed_stays_and_is_nobodys(house: House) -> None:
    _waiting(house)
    later = house.clock.now() + timedelta(days=3)
    taken = house.ports.timers.claim(later, grace_s=0, limit=9)
    house.rows("UPDATE {s}.timers SET due_at = due_at + interval '1 day' RETURNING 1")
    with house.system.database.tenant_tx(house.tenant) as curs:
        house.ports.timers.settle(transaction(curs), taken)
    again = house.ports.timers.claim(later + timedelta(days=1), grace_s=0, limit=9)
    assert {timer.timer_id for timer in again} >= {timer.timer_id for timer in taken}
