"""Whom one claim may write to, and when less may leave: persons, tenants, probes, weekends."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from domain.accounts import AccountSettings, Rules, Weekend
from domain.gates import Cap, Hold, judge
from domain.taxonomy import CapName, HoldReason
from handlers.ports import Reserved
from tests.handlers.budgets_given import (
    BULK,
    MINUTE,
    NOW,
    PLENTY,
    SECOND,
    budget,
    due,
    held,
    used_up,
)

SATURDAY = datetime(2026, 9, 12, 12, tzinfo=UTC)

# --- persons --------------------------------------------------------------------------------------


def test_one_claim_takes_one_message_to_a_person_at_a_time() -> None:
    made = budget()
    made.take(due(1, person=5, campaign=1))
    assert made.meets(due(2, person=5, campaign=2))
    assert made.meets(due(2, person=5))
    assert not made.meets(due(3, person=6, campaign=2))


def test_one_shared_identity_is_enough_to_be_the_same_person() -> None:
    made = budget()
    made.take(due(1, campaign=1))
    other = due(2, campaign=2)
    same = replace(other.recipient, identities=(b"mail 2", b"profile 1"))
    assert made.meets(replace(other, recipient=same))


def test_a_person_who_is_not_written_to_after_all_is_free_for_the_other_campaign() -> None:
    made, first = budget(), due(1, person=5, campaign=1)
    made.take(first)
    made.untake(first)
    assert not made.meets(due(2, person=5, campaign=2))


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
    assert held(made, due(1)) == HoldReason.GLOBAL_PAUSED


# --- a circuit that is half open ------------------------------------------------------------------

HALF_OPEN = replace(BULK, circuit_until=NOW)


def test_a_circuit_that_is_half_open_admits_one_message() -> None:
    made = budget()
    assert judge(made.seen(due(1, account=HALF_OPEN)), NOW) is None
    made.take(due(1, account=HALF_OPEN))
    assert held(made, due(2, account=HALF_OPEN)) == HoldReason.CIRCUIT_OPEN
    made.untake(due(1, account=HALF_OPEN))
    assert judge(made.seen(due(2, account=HALF_OPEN)), NOW) is None


def test_the_probe_of_one_sender_is_not_that_of_another() -> None:
    made = budget()
    made.take(due(1, account=HALF_OPEN))
    kim = replace(HALF_OPEN, sender="kim")
    assert judge(made.seen(due(2, account=kim, sender="kim")), NOW) is None


def test_while_a_probe_of_an_earlier_claim_is_under_way_none_is_admitted() -> None:
    probed = replace(due(1, account=HALF_OPEN), probing=True)
    assert held(budget(), probed) == HoldReason.CIRCUIT_OPEN


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
    assert held(made, one, SATURDAY) == HoldReason.WARMUP_DAY
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
