"""What one claim may take: counts, lanes, pace, persons, probes, the share of all tenants."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.accounts import AccountSettings, Profile, Rules, Weekend
from domain.gates import Cap, Hold, Never, judge
from domain.ids import CampaignId, ContactId, MessageId, StreamId
from domain.limits import Counter
from domain.taxonomy import CancelReason, CapName, HoldReason
from handlers.dispatch.budget import PACE, SLOT_MAX, Budget
from handlers.ports import AccountRow, Due, Lane, Recipient, Reserved, Used

NOW = datetime(2026, 9, 9, 12, tzinfo=UTC)
SATURDAY = datetime(2026, 9, 12, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PLENTY = Reserved(granted=1_000, used=0, limit=20_000)
RULES = Rules()

BULK = AccountRow(
    sender="sam",
    settings=AccountSettings(),
    verified=True,
    paused="",
    health=100,
    warmup_max=None,
    circuit_until=None,
    circuit_needs_operator=False,
    away_until=None,
    connected=True,
    deleted=False,
)
MAILBOX = replace(BULK, settings=AccountSettings(profile=Profile.MAILBOX))


def due(number: int, *, campaign: int = 1, person: int | None = None, **fields: Any) -> Due:
    """A message to somebody of their own, in a domain of their own."""
    who = number if person is None else person
    recipient = Recipient(
        contact_id=ContactId(UUID(int=who)),
        known=True,
        reachable=True,
        suppressed="",
        address="valid",
        country="US",
        subscriber="",
        consent="",
        consent_until=None,
        zone="UTC",
        domain="harbor.example",
        domain_key=f"domain {who}",
        identities=(b"mail %d" % who, b"profile %d" % who),
        contacted_at=None,
        contacted_by=None,
        touched_at=None,
    )
    given: dict[str, Any] = {
        "recipient": recipient,
        "sender": "sam",
        "account": BULK,
        "campaign_day_max": 1_000,
    } | fields
    return Due(
        message_id=MessageId(UUID(int=number)),
        stream=StreamId(UUID(int=1_000 * campaign + who)),
        campaign_id=CampaignId(UUID(int=campaign)),
        hold_reason=None,
        campaign_status="active",
        probing=False,
        rendered=True,
        opt_out=True,
        postal_address=True,
        **given,
    )


def budget(
    rules: Rules = RULES,
    reserved: Reserved = PLENTY,
    now: datetime = NOW,
    used: Mapping[Counter, Used] | None = None,
    lanes: Mapping[Lane, datetime] | None = None,
) -> Budget:
    made = Budget(rules, reserved, now)
    made.know(used or {}, lanes or {})
    return made


def counters(one: Due, rules: Rules = RULES, now: datetime = NOW) -> dict[CapName, Counter]:
    return {limit.counter.name: limit.counter for limit in budget(rules, now=now).limits(one)}


def used_up(one: Due, name: CapName, times: int, oldest: datetime | None = None) -> dict[Any, Used]:
    return {counters(one)[name]: Used(times, oldest)}


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
    assert _held(made, third) == HoldReason.SENDER_MINUTE
    made.untake(first)
    assert judge(made.seen(third), NOW) is None
    assert made.taken == {**dict.fromkeys(_all(second), 1)}
    made.untake(second)
    assert made.taken == {}


def _all(one: Due) -> list[Counter]:
    return [limit.counter for limit in budget().limits(one)]


def _held(made: Budget, one: Due, now: datetime = NOW) -> HoldReason:
    verdict = judge(made.seen(one), now)
    assert isinstance(verdict, Hold)
    return verdict.reason


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
    assert _held(budget(), one) == HoldReason.SENDER_UNVERIFIED


def test_a_disconnected_sender_is_held() -> None:
    one = due(1, account=replace(BULK, connected=False))
    assert budget().seen(one).sender_paused == "disconnected"
    assert _held(budget(), one) == HoldReason.SENDER_PAUSED


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
    lanes = budget().lanes_of(due(1))
    assert {Lane(PACE, "sam"), Lane("sender_minute", "sam"), Lane("tenant_hour", "")} <= set(lanes)
    assert len(lanes) == len(set(lanes))


def test_every_lane_that_a_claim_writes_is_one_that_the_next_claim_asks_for() -> None:
    full = used_up(due(1), CapName.SENDER_MINUTE, 20, NOW - 30 * SECOND)
    capped, paced = budget(used=full), budget()
    capped.seen(due(1))
    paced.take(due(1, account=MAILBOX))
    paced.seen(due(2, account=MAILBOX))
    asked = set(budget().lanes_of(due(3, account=MAILBOX)))
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
    assert _held(early, due(1, account=MAILBOX)) == HoldReason.PACING
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


# --- persons --------------------------------------------------------------------------------------


def test_of_one_person_in_two_campaigns_only_the_first_is_written_to() -> None:
    made = budget()
    made.take(due(1, person=5, campaign=1))
    seen = made.seen(due(2, person=5, campaign=2))
    assert judge(seen, NOW) == Never(CancelReason.CONTACTED_ELSEWHERE)
    assert (seen.contacted_at, seen.contacted_by) == (NOW, CampaignId(UUID(int=1)))
    assert judge(made.seen(due(3, person=6, campaign=2)), NOW) is None


def test_one_shared_identity_is_enough_to_be_the_same_person() -> None:
    made = budget()
    made.take(due(1, campaign=1))
    other = due(2, campaign=2)
    same = replace(other.recipient, identities=(b"mail 2", b"profile 1"))
    verdict = judge(made.seen(replace(other, recipient=same)), NOW)
    assert verdict == Never(CancelReason.CONTACTED_ELSEWHERE)


def test_the_same_contact_campaign_may_write_again_unless_the_tenant_wants_a_gap() -> None:
    made, again = budget(), due(2, person=5)
    made.take(due(1, person=5))
    assert judge(made.seen(again), NOW) is None
    gap = budget(Rules(touch_gap_h=24))
    gap.take(due(1, person=5))
    assert _held(gap, again) == HoldReason.TOUCH_GAP


def test_a_person_who_is_not_written_to_after_all_is_free_for_the_other_campaign() -> None:
    made, first = budget(), due(1, person=5, campaign=1)
    made.take(first)
    made.untake(first)
    assert judge(made.seen(due(2, person=5, campaign=2)), NOW) is None


# --- all tenants ----------------------------------------------------------------------------------


def test_the_share_of_all_tenants_is_kept_and_what_is_over_waits_until_it_is_free() -> None:
    free = NOW + 20 * MINUTE
    share = Reserved(granted=2, used=19_998, limit=20_000, frees_at=free)
    made = budget(reserved=share)
    for number in (1, 2):
        assert judge(made.seen(due(number)), NOW) is None
        made.take(due(number))
    seen = made.seen(due(3))
    assert judge(seen, NOW) == Hold(HoldReason.GLOBAL_HOUR, free)
    assert seen.caps[-1] == Cap(CapName.GLOBAL_HOUR, 20_000, 20_000)
    made.untake(due(2))
    assert judge(made.seen(due(3)), NOW) is None


def test_an_emergency_stop_holds_everything() -> None:
    made = budget(reserved=Reserved(granted=0, used=0, limit=20_000, paused=True))
    assert _held(made, due(1)) == HoldReason.GLOBAL_PAUSED


# --- a circuit that is half open ------------------------------------------------------------------

HALF_OPEN = replace(BULK, circuit_until=NOW)


def test_a_circuit_that_is_half_open_admits_one_message() -> None:
    made = budget()
    assert judge(made.seen(due(1, account=HALF_OPEN)), NOW) is None
    made.take(due(1, account=HALF_OPEN))
    assert _held(made, due(2, account=HALF_OPEN)) == HoldReason.CIRCUIT_OPEN
    made.untake(due(1, account=HALF_OPEN))
    assert judge(made.seen(due(2, account=HALF_OPEN)), NOW) is None


def test_the_probe_of_one_sender_is_not_that_of_another() -> None:
    made = budget()
    made.take(due(1, account=HALF_OPEN))
    kim = replace(HALF_OPEN, sender="kim")
    assert judge(made.seen(due(2, account=kim, sender="kim")), NOW) is None


def test_while_a_probe_of_an_earlier_claim_is_under_way_none_is_admitted() -> None:
    probed = replace(due(1, account=HALF_OPEN), probing=True)
    assert _held(budget(), probed) == HoldReason.CIRCUIT_OPEN


def test_an_open_circuit_admits_none_until_its_time() -> None:
    opened = replace(BULK, circuit_until=NOW + SECOND)
    assert judge(budget().seen(due(1, account=opened)), NOW) == Hold(
        HoldReason.CIRCUIT_OPEN, NOW + SECOND
    )


# --- weekends -------------------------------------------------------------------------------------

REDUCED = Rules(weekend=Weekend.REDUCED, weekend_percent=25)
FAR_EAST = replace(REDUCED, zone="Pacific/Auckland")
DAILY = {
    "campaign_day_max": 10,
    "account": replace(BULK, settings=AccountSettings(day_max=100), warmup_max=40),
}


@pytest.mark.parametrize(
    ("rules", "now", "limits"),
    [
        (REDUCED, SATURDAY, (2, 25, 10)),
        (REDUCED, SATURDAY + timedelta(days=1), (2, 25, 10)),
        (REDUCED, NOW, (10, 100, 40)),
        (REDUCED, datetime(2026, 9, 12, tzinfo=UTC), (2, 25, 10)),
        (REDUCED, datetime(2026, 9, 12, tzinfo=UTC) - SECOND, (10, 100, 40)),
        (REDUCED, datetime(2026, 9, 14, tzinfo=UTC), (10, 100, 40)),
        (FAR_EAST, datetime(2026, 9, 11, 12, tzinfo=UTC), (2, 25, 10)),
        (replace(REDUCED, weekend_percent=1), SATURDAY, (0, 1, 0)),
        (Rules(weekend=Weekend.NONE), SATURDAY, (10, 100, 40)),
    ],
)
def test_a_tenant_may_do_with_a_part_of_its_daily_limits_at_weekends(
    rules: Rules, now: datetime, limits: tuple[int, int, int]
) -> None:
    seen = budget(rules, now=now).seen(due(1, **DAILY))
    found = {cap.name: cap.limit for cap in seen.caps}
    names = (CapName.CAMPAIGN_DAY, CapName.SENDER_DAY, CapName.WARMUP_DAY)
    assert tuple(found[name] for name in names) == limits
    assert found[CapName.SENDER_MINUTE] == 20  # how fast is another matter


def test_a_part_that_rounds_to_nothing_lets_nothing_out_until_the_day_is_over() -> None:
    made = budget(replace(REDUCED, weekend_percent=1), now=SATURDAY)
    one = due(1, **DAILY)
    assert _held(made, one, SATURDAY) == HoldReason.WARMUP_DAY
    assert made.seen(one).free_at == datetime(2026, 9, 13, tzinfo=UTC)


# --- what is used evenly --------------------------------------------------------------------------


def test_only_limits_of_a_running_time_are_used_evenly_and_all_tenants_share_the_last() -> None:
    one = due(1, **DAILY)
    made = budget(used=used_up(one, CapName.TENANT_HOUR, 4_999), reserved=PLENTY)
    found = {bucket.name: bucket for bucket in made.buckets(one)}
    assert set(found) == {
        CapName.SENDER_MINUTE,
        CapName.SENDER_HOUR,
        CapName.DOMAIN_HOUR,
        CapName.TENANT_HOUR,
        CapName.GLOBAL_HOUR,
    }
    hour = found[CapName.TENANT_HOUR]
    assert (hour.capacity, hour.seed) == (1_250, 1)
    assert hour.per_s == pytest.approx(5_000 / 3_600)
    assert found[CapName.GLOBAL_HOUR].key == ""
