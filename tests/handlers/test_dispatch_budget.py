"""What one claim may take of every limit: counts, lanes, and the pace of a mailbox."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from domain.accounts import AccountSettings, Rules
from domain.gates import Cap, Hold, judge
from domain.taxonomy import CapName, HoldReason
from handlers.dispatch.budget import PACE, SLOT_MAX, Budget
from handlers.ports import Lane, Used
from tests.handlers.budgets_given import (
    BULK,
    HOUR,
    MAILBOX,
    MINUTE,
    NOW,
    RULES,
    SECOND,
    all_of,
    budget,
    counters,
    due,
    held,
    used_up,
)

# --- counts ---------------------------------------------------------------------------------------


def test_a_message_with_room_everywhere_passes_and_shows_every_count() -> None:
    one = due(1)
    seen = budget(used=used_up(one, CapName.TENANT_HOUR, 7)).seen(one)
    assert judge(seen, NOW) is None
    assert {cap.name: (cap.used, cap.limit) for cap in seen.caps} == {
        CapName.SENDER_MINUTE: (0, 20),
        CapName.SENDER_HOUR: (0, 1_000),
        CapName.CAMPAIGN_DAY: (0, 1_000),
        CapName.DOMAIN_HOUR: (0, 200),
        CapName.TENANT_HOUR: (7, 5_000),
        CapName.GLOBAL_HOUR: (0, 20_000),
    }


def test_what_a_claim_takes_counts_at_once_and_no_more_when_it_is_untaken() -> None:
    made = budget(Rules(sender_minute_max=2))
    first, second, third = due(1), due(2), due(3)
    made.take(first)
    assert judge(made.seen(second), NOW) is None
    made.take(second)
    assert held(made, third) == HoldReason.SENDER_MINUTE
    made.untake(first)
    assert judge(made.seen(third), NOW) is None
    assert made.taken == {**dict.fromkeys(all_of(second), 1)}
    made.untake(second)
    assert made.taken == {}


LIMITS: dict[CapName, tuple[Rules, dict[str, Any]]] = {
    CapName.SENDER_MINUTE: (Rules(sender_minute_max=3), {}),
    CapName.SENDER_HOUR: (Rules(sender_hour_max=3), {}),
    CapName.TENANT_HOUR: (Rules(tenant_hour_max=3), {}),
    CapName.DOMAIN_HOUR: (Rules(domain_hour_max=3), {"person": 1}),
    CapName.CAMPAIGN_DAY: (RULES, {"campaign_day_max": 3}),
    CapName.SENDER_DAY: (
        RULES,
        {"account": replace(BULK, settings=AccountSettings(day_max=3))},
    ),
    CapName.WARMUP_DAY: (RULES, {"account": replace(BULK, warmup_max=3)}),
}


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("before", [0, 1, 2, 3, 9])
def test_no_limit_is_passed_by_what_was_used_before_and_what_is_taken(
    name: CapName, before: int
) -> None:
    rules, fields = LIMITS[name]
    asked = [due(number, **fields) for number in range(1, 7)]
    made = budget(rules, used={counters(asked[0], rules)[name]: Used(before, NOW)})
    taken = 0
    for one in asked:
        seen = made.seen(one)
        full = [cap for cap in seen.caps if cap.full]
        assert full == ([Cap(name, before + taken, 3)] if before + taken >= 3 else [])
        if judge(seen, NOW) is None:
            made.take(one)
            taken += 1
    assert taken == max(3 - before, 0)


def test_a_sender_that_is_no_account_is_held_and_counts_against_no_limit_of_its_own() -> None:
    one = due(1, account=None)
    assert CapName.SENDER_MINUTE not in counters(one)
    assert held(budget(), one) == HoldReason.SENDER_UNVERIFIED


def test_a_disconnected_sender_isheld() -> None:
    one = due(1, account=replace(BULK, connected=False))
    assert budget().seen(one).sender_paused == "disconnected"
    assert held(budget(), one) == HoldReason.SENDER_PAUSED


# --- lanes ----------------------------------------------------------------------------------------


def _slots(made: Budget, numbers: range, **fields: Any) -> list[datetime]:
    found = [made.seen(due(number, **fields)).free_at for number in numbers]
    assert all(slot is not None for slot in found)
    return [slot for slot in found if slot is not None]


def test_what_a_full_limit_holds_comes_one_by_one_evenly() -> None:
    rules = Rules(sender_minute_max=4)
    name = CapName.SENDER_MINUTE
    full = {counters(due(1))[name]: Used(4, NOW - 30 * SECOND)}
    slots = _slots(budget(rules, used=full), range(1, 9))
    assert slots[0] == NOW + 31 * SECOND
    assert [after - before for before, after in pairwise(slots)] == ([15 * SECOND] * 7)


def test_a_lane_goes_on_where_the_last_claim_left_it() -> None:
    rules = Rules(sender_minute_max=4)
    full = {counters(due(1))[CapName.SENDER_MINUTE]: Used(4, NOW - 30 * SECOND)}
    lane = Lane(CapName.SENDER_MINUTE, "sam")
    made = budget(rules, used=full, lanes={lane: NOW + 5 * MINUTE})
    assert _slots(made, range(1, 3)) == [NOW + 5 * MINUTE + n * 15 * SECOND for n in (1, 2)]
    assert made.lanes[lane] == NOW + 5 * MINUTE + 30 * SECOND


def test_no_two_share_a_slot_within_the_hour_and_none_waits_longer_to_be_looked_at() -> None:
    rules = Rules(sender_minute_max=1)
    full = {counters(due(1))[CapName.SENDER_MINUTE]: Used(1, NOW - 10 * SECOND)}
    slots = _slots(budget(rules, used=full), range(1, 100))
    inside = [slot for slot in slots if slot < NOW + SLOT_MAX]
    assert len(set(inside)) == len(inside) == 60
    assert max(slots) == NOW + SLOT_MAX
    assert slots == sorted(slots)


def test_a_day_that_is_used_up_is_looked_at_again_when_it_is_over() -> None:
    one = due(1, campaign_day_max=3)
    full = used_up(one, CapName.CAMPAIGN_DAY, 3, NOW - HOUR)
    slots = _slots(budget(used=full), range(1, 4), campaign_day_max=3)
    assert set(slots) == {datetime(2026, 9, 10, tzinfo=UTC)}


def test_what_something_else_holds_takes_no_place_in_a_lane() -> None:
    full = used_up(due(1), CapName.SENDER_MINUTE, 20, NOW - 30 * SECOND)
    made = budget(used=full)
    paused = replace(due(1), campaign_status="paused")
    assert made.seen(paused).free_at is None
    assert made.lanes == {}


def test_the_lanes_that_are_asked_for_are_those_of_the_pace_and_of_every_limit() -> None:
    lanes = budget().lanes_of([due(1)])
    assert {Lane(PACE, "sam"), Lane("sender_minute", "sam"), Lane("tenant_hour", "")} <= set(lanes)
    assert len(lanes) == len(set(lanes))


def test_every_lane_that_a_claim_writes_is_one_that_the_next_claim_asks_for() -> None:
    full = used_up(due(1), CapName.SENDER_MINUTE, 20, NOW - 30 * SECOND)
    capped, paced = budget(used=full), budget()
    capped.seen(due(1))
    paced.take(due(1, account=MAILBOX))
    paced.seen(due(2, account=MAILBOX))
    asked = set(budget().lanes_of([due(3, account=MAILBOX)]))
    assert set(capped.lanes) <= asked
    assert set(paced.lanes) <= asked


# --- pace -----------------------------------------------------------------------------------------


def test_a_mailbox_writes_one_mail_and_then_waits_like_a_person() -> None:
    waits = set()
    for number in range(1, 400):
        made = budget()
        made.take(due(number, account=MAILBOX))
        waits.add((made.lanes[Lane(PACE, "sam")] - NOW) // SECOND)
    assert (min(waits), max(waits)) == (30, 90)
    assert len(waits) == 61


def test_the_wait_is_drawn_from_the_message_so_that_it_is_the_same_again() -> None:
    drawn = []
    for _ in range(2):
        made = budget()
        made.take(due(7, account=MAILBOX))
        drawn.append(made.lanes)
    assert drawn[0] == drawn[1]


def test_of_one_batch_a_mailbox_sends_only_the_first_and_the_others_come_one_by_one() -> None:
    made = budget()
    made.take(due(1, account=MAILBOX))
    until = made.lanes[Lane(PACE, "sam")]
    later = [made.seen(due(number, account=MAILBOX)) for number in range(2, 6)]
    assert {judge(seen, NOW) for seen in later} == {
        Hold(HoldReason.PACING, until + n * MINUTE) for n in range(4)
    }


def test_a_mailbox_that_wrote_in_an_earlier_claim_waits_to_the_last_instant() -> None:
    lane = Lane(PACE, "sam")
    early = budget(lanes={lane: NOW + timedelta(microseconds=1)})
    assert held(early, due(1, account=MAILBOX)) == HoldReason.PACING
    ready = budget(lanes={lane: NOW})
    assert judge(ready.seen(due(1, account=MAILBOX)), NOW) is None


def test_a_mail_that_does_not_leave_costs_no_wait() -> None:
    made = budget()
    made.take(due(1, account=MAILBOX))
    made.untake(due(1, account=MAILBOX))
    assert judge(made.seen(due(2, account=MAILBOX)), NOW) is None
    assert made.lanes == {}


def test_bulk_senders_do_not_wait() -> None:
    made = budget()
    for number in range(1, 20):
        assert judge(made.seen(due(number)), NOW) is None
        made.take(due(number))
    assert made.lanes == {}
