"""The gates of a claim: each alone with its boundary, all in their order, and broken ones."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain import gates
from domain.gates import CLEAR, GATES, Cap, Gate, Hold, Never, Seen, Verdict, judge, judged
from domain.gates.sender import PROBED_FOR
from domain.ids import CampaignId
from domain.taxonomy import CancelReason, CapName, Channel, HoldReason

NOW = datetime(2026, 9, 9, 12, tzinfo=UTC)
"""A Wednesday."""
TICK = timedelta(microseconds=1)
BEFORE, AFTER = NOW - TICK, NOW + TICK
DAYS_60, HOURS_24 = timedelta(days=60), timedelta(hours=24)
OTHER = CampaignId(UUID(int=9))
LOOKED = Seen(looked=True)


class Case(NamedTuple):
    """What one gate says of what was seen, and when."""

    gate: str
    given: dict[str, Any]
    then: Verdict
    now: datetime = NOW


def never(gate: str, reason: CancelReason, now: datetime = NOW, **given: Any) -> Case:
    return Case(gate, given, Never(reason), now)


def hold(
    gate: str,
    reason: HoldReason,
    until: datetime | None = None,
    *,
    placed: bool = False,
    now: datetime = NOW,
    **given: Any,
) -> Case:
    return Case(gate, given, Hold(reason, until, placed=placed), now)


def passes(gate: str, now: datetime = NOW, **given: Any) -> Case:
    return Case(gate, given, None, now)


PERSON = (
    passes("known"),
    never("known", CancelReason.ERASED, known=False),
    never("known", CancelReason.ERASED, known=False, reachable=False),
    never("known", CancelReason.NO_IDENTITY, reachable=False),
    never("suppression", CancelReason.SUPPRESSED, suppressed="unsubscribed"),
    never("suppression", CancelReason.SUPPRESSED, suppressed="a word of tomorrow"),
    passes("other_campaigns", contacted_at=NOW - DAYS_60),
    passes("other_campaigns", contacted_at=NOW, apart_days=0),
    never(
        "other_campaigns",
        CancelReason.CONTACTED_ELSEWHERE,
        contacted_at=NOW - DAYS_60 + TICK,
        contacted_by=OTHER,
    ),
    never("other_campaigns", CancelReason.CONTACTED_ELSEWHERE, contacted_at=NOW + DAYS_60),
    passes("address", address="valid"),
    passes("address", address="risky"),
    never("address", CancelReason.ADDRESS_INVALID, address="invalid"),
    hold("address", HoldReason.ADDRESS_UNCHECKED, address="unchecked"),
    passes("touch_gap", touched_at=NOW, touch_gap_h=0),
    passes("touch_gap", touched_at=None, touch_gap_h=24),
    passes("touch_gap", touched_at=NOW - HOURS_24, touch_gap_h=24),
    hold(
        "touch_gap",
        HoldReason.TOUCH_GAP,
        AFTER,
        placed=True,
        touched_at=AFTER - HOURS_24,
        touch_gap_h=24,
    ),
)
CONSENT = (
    passes("consent", jurisdiction="US"),
    passes("consent", jurisdiction=""),
    never("consent", CancelReason.NO_CONSENT, jurisdiction="", strict_consent=True),
    never("consent", CancelReason.NO_CONSENT, jurisdiction="", channel=Channel.SMS),
    never("consent", CancelReason.NO_CONSENT, jurisdiction="DE"),
    never("consent", CancelReason.NO_CONSENT, jurisdiction="DE", consent="legitimate_interest"),
    passes("consent", jurisdiction="DE", consent="express"),
    never("consent", CancelReason.NO_CONSENT, jurisdiction="GB", consent="legitimate_interest"),
    passes("consent", jurisdiction="GB", consent="legitimate_interest", subscriber="corporate"),
    never("consent", CancelReason.NO_CONSENT, jurisdiction="CA", consent="implied_inquiry"),
    passes("consent", jurisdiction="CA", consent="implied_inquiry", consent_until=AFTER),
    never(
        "consent",
        CancelReason.CONSENT_EXPIRED,
        jurisdiction="CA",
        consent="implied_inquiry",
        consent_until=NOW,
    ),
    never(
        "consent",
        CancelReason.CONSENT_EXPIRED,
        jurisdiction="DE",
        consent="express",
        consent_until=BEFORE,
    ),
)
PLACE = (
    passes("weekend", weekend="hard_stop"),
    passes("weekend", weekend="hard_stop", weekend_until=NOW),
    hold(
        "weekend",
        HoldReason.WEEKEND,
        AFTER,
        placed=True,
        weekend="hard_stop",
        weekend_until=AFTER,
    ),
    passes("region_hours", region_until=NOW),
    hold("region_hours", HoldReason.REGION_HOURS, AFTER, placed=True, region_until=AFTER),
)
ORDERS = (
    passes("running", campaign="active", stage="active"),
    never("running", CancelReason.STOPPED, campaign="stopped", stage="paused", global_paused=True),
    hold("running", HoldReason.PAUSED, stage="paused", global_paused=True, tenant_paused="x"),
    hold("running", HoldReason.GLOBAL_PAUSED, global_paused=True, tenant_paused="operator"),
    hold("running", HoldReason.TENANT_PAUSED, tenant_paused="operator", campaign="paused"),
    hold("running", HoldReason.CAMPAIGN_PAUSED, campaign="paused"),
    hold("running", HoldReason.CAMPAIGN_PAUSED, campaign="draft"),
    hold("running", HoldReason.CAMPAIGN_PAUSED, campaign="a word of tomorrow"),
    passes("expiry", expires_at=None),
    passes("expiry", expires_at=AFTER),
    never("expiry", CancelReason.EXPIRED, expires_at=NOW),
    never("expiry", CancelReason.EXPIRED, expires_at=BEFORE),
    never("plan", CancelReason.SEND_IF, send_if=False, sends=3, sends_max=3),
    passes("plan", sends=3, sends_max=0),
    passes("plan", sends=2, sends_max=3),
    never("plan", CancelReason.POLICY, sends=3, sends_max=3),
    never("plan", CancelReason.POLICY, sends=4, sends_max=3),
    hold("hours", HoldReason.HOURS, placed=True, open=False),
    passes("spacing", spaced_until=NOW),
    hold("spacing", HoldReason.SPACING, placed=True, spaced_until=AFTER),
)
SENDER = (
    hold("sender", HoldReason.SENDER_GONE, sender_gone=True, sender_verified=False),
    hold("sender", HoldReason.SENDER_UNVERIFIED, sender_known=False),
    hold("sender", HoldReason.SENDER_UNVERIFIED, sender_verified=False, sender_paused="bounces"),
    hold("sender", HoldReason.SENDER_PAUSED, sender_paused="bounces", away_until=AFTER),
    hold("sender", HoldReason.SENDER_AWAY, AFTER, away_until=AFTER),
    passes("sender", away_until=NOW),
    passes("health", health=30, health_min=30),
    hold("health", HoldReason.SENDER_HEALTH, health=29, health_min=30),
    hold("circuit", HoldReason.CIRCUIT_OPEN, circuit_needs_operator=True),
    hold("circuit", HoldReason.CIRCUIT_OPEN, circuit_needs_operator=True, circuit_until=BEFORE),
    hold("circuit", HoldReason.CIRCUIT_OPEN, AFTER, circuit_until=AFTER),
    passes("circuit", circuit_until=NOW),
    hold("circuit", HoldReason.CIRCUIT_OPEN, NOW + PROBED_FOR, circuit_until=NOW, probing=True),
    passes("circuit", probing=True),
    hold("mail", HoldReason.MAIL_INCOMPLETE, rendered=False),
    hold("mail", HoldReason.MAIL_INCOMPLETE, opt_out=False),
    hold("mail", HoldReason.MAIL_INCOMPLETE, postal_address=False),
    Case("recipient", {"readdressed": True}, Hold(HoldReason.READDRESSED, anew=True), NOW),
    passes("pace", paced_until=NOW),
    hold("pace", HoldReason.PACING, AFTER, paced_until=AFTER),
    passes("smoothing", smoothed_until=AFTER),
    hold("smoothing", HoldReason.SMOOTHED, AFTER, smoothed_by="tenant_hour", smoothed_until=AFTER),
)


def _of_caps(used: int, limit: int) -> dict[str, Any]:
    first = Cap(CapName.SENDER_MINUTE, 0, 1)
    return {"caps": (first, Cap(CapName.TENANT_HOUR, used, limit)), "free_at": AFTER}


CAPS = (
    passes("caps", **_of_caps(4, 5)),
    hold("caps", HoldReason.TENANT_HOUR, AFTER, **_of_caps(5, 5)),
    hold("caps", HoldReason.TENANT_HOUR, AFTER, **_of_caps(6, 5)),
    hold("caps", HoldReason.TENANT_HOUR, AFTER, **_of_caps(0, 0)),
    hold("caps", HoldReason.TENANT_HOUR, AFTER, **_of_caps(0, -1)),
    hold("caps", HoldReason.LIMITS_UNSEEN, limits_seen=False, **_of_caps(5, 5)),
    *(
        hold("caps", HoldReason(name.value), AFTER, caps=(Cap(name, 1, 1),), free_at=AFTER)
        for name in CapName
    ),
)
CASES = (*PERSON, *CONSENT, *PLACE, *ORDERS, *SENDER, *CAPS)
CLOSED = [case for case in CASES if case.then is not None]


def gate_of(name: str) -> Gate:
    return next(gate for gate in GATES if gate.name == name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.gate}-{case.then}")
def test_a_gate_says_what_the_table_says(case: Case) -> None:
    seen = replace(LOOKED, **case.given)
    assert gate_of(case.gate).judge(seen, case.now) == case.then


@pytest.mark.parametrize("case", CLOSED, ids=lambda case: f"{case.gate}-{case.then}")
def test_what_closes_one_gate_closes_no_other_and_is_the_verdict_of_all(case: Case) -> None:
    seen = replace(LOOKED, **case.given)
    assert [one.gate.name for one in judged(seen, case.now) if one.verdict] == [case.gate]
    assert judge(seen, case.now) == case.then


def test_what_is_clear_passes_every_gate() -> None:
    assert all(gate.judge(CLEAR, NOW) is None for gate in GATES)
    assert judge(CLEAR, NOW) is None
    assert judge(LOOKED, NOW) is None


def test_every_gate_is_in_the_table_with_an_objection() -> None:
    assert {case.gate for case in CLOSED} == {gate.name for gate in GATES}


def test_every_word_that_a_gate_can_say_is_in_the_table_and_the_others_are_said_elsewhere() -> None:
    holds = {case.then.reason for case in CASES if isinstance(case.then, Hold)}
    assert set(HoldReason) - holds == {
        HoldReason.AUTO_REPLIED,  # a signal puts the message off
        HoldReason.OPERATOR,
        HoldReason.BACKOFF,
        HoldReason.SAME_PERSON,  # the claim, which takes one message to a person at a time
        HoldReason.RELEASED,  # a dead letter, by a person
        HoldReason.GATE_ERROR,  # of any gate, below
    }
    nevers = {case.then.reason for case in CASES if isinstance(case.then, Never)}
    assert nevers == {
        CancelReason.ERASED,
        CancelReason.NO_IDENTITY,
        CancelReason.SUPPRESSED,
        CancelReason.STOPPED,
        CancelReason.EXPIRED,
        CancelReason.SEND_IF,
        CancelReason.POLICY,
        CancelReason.NO_CONSENT,
        CancelReason.CONSENT_EXPIRED,
        CancelReason.CONTACTED_ELSEWHERE,
        CancelReason.ADDRESS_INVALID,
    }


def test_only_gates_about_the_hour_or_the_person_give_a_new_due_time() -> None:
    placed = {case.gate for case in CASES if isinstance(case.then, Hold) and case.then.placed}
    assert placed == {"hours", "weekend", "region_hours", "spacing", "touch_gap"}


def test_a_simulation_asks_no_law() -> None:
    unlawful = {"jurisdiction": "DE", "channel": Channel.SMS}
    assert judge(Seen(**unlawful), NOW) is None
    assert judge(Seen(looked=True, **unlawful), NOW) == Never(CancelReason.NO_CONSENT)


# --- their order ----------------------------------------------------------------------------------

LATER = NOW + HOURS_24
MENDS: tuple[tuple[str, dict[str, Any], Verdict], ...] = (
    ("known", {"known": True}, Never(CancelReason.ERASED)),
    ("suppression", {"suppressed": ""}, Never(CancelReason.SUPPRESSED)),
    ("running", {"tenant_paused": ""}, Hold(HoldReason.TENANT_PAUSED)),
    ("expiry", {"expires_at": None}, Never(CancelReason.EXPIRED)),
    ("plan", {"send_if": True}, Never(CancelReason.SEND_IF)),
    ("consent", {"consent": "express"}, Never(CancelReason.NO_CONSENT)),
    ("other_campaigns", {"contacted_at": None}, Never(CancelReason.CONTACTED_ELSEWHERE)),
    ("address", {"address": "valid"}, Never(CancelReason.ADDRESS_INVALID)),
    ("hours", {"open": True}, Hold(HoldReason.HOURS, placed=True)),
    ("weekend", {"weekend_until": None}, Hold(HoldReason.WEEKEND, LATER, placed=True)),
    ("region_hours", {"region_until": None}, Hold(HoldReason.REGION_HOURS, LATER, placed=True)),
    ("spacing", {"spaced_until": None}, Hold(HoldReason.SPACING, placed=True)),
    ("touch_gap", {"touched_at": None}, Hold(HoldReason.TOUCH_GAP, LATER, placed=True)),
    ("sender", {"sender_gone": False}, Hold(HoldReason.SENDER_GONE)),
    ("health", {"health": 100}, Hold(HoldReason.SENDER_HEALTH)),
    ("circuit", {"circuit_needs_operator": False}, Hold(HoldReason.CIRCUIT_OPEN)),
    ("mail", {"rendered": True}, Hold(HoldReason.MAIL_INCOMPLETE)),
    ("recipient", {"readdressed": False}, Hold(HoldReason.READDRESSED, anew=True)),
    ("caps", {"caps": ()}, Hold(HoldReason.SENDER_DAY)),
    ("pace", {"paced_until": None}, Hold(HoldReason.PACING, LATER)),
    ("smoothing", {"smoothed_by": ""}, Hold(HoldReason.SMOOTHED)),
)
WORST = Seen(
    looked=True,
    known=False,
    suppressed="hard_bounce",
    tenant_paused="operator",
    expires_at=NOW,
    send_if=False,
    channel=Channel.SMS,
    jurisdiction="IN",
    region_until=LATER,
    contacted_at=NOW,
    address="invalid",
    open=False,
    weekend_until=LATER,
    spaced_until=LATER,
    touched_at=NOW,
    touch_gap_h=24,
    sender_gone=True,
    health=0,
    circuit_needs_operator=True,
    readdressed=True,
    rendered=False,
    caps=(Cap(CapName.SENDER_DAY, 9, 9),),
    paced_until=LATER,
    smoothed_by="global_hour",
)


def test_the_gates_are_asked_in_this_order_and_the_first_objection_counts() -> None:
    seen, told = WORST, []
    for name, mend, verdict in MENDS:
        assert judge(seen, NOW) == verdict
        first = next(one for one in judged(seen, NOW) if one.verdict is not None)
        told.append(first.gate.name)
        assert first.gate.name == name
        seen = replace(seen, **mend)
    assert judge(seen, NOW) is None
    assert told == [gate.name for gate in GATES]


def test_what_forbids_for_good_is_asked_before_what_waits_unless_somebody_paused() -> None:
    forbids = [one.gate for one in CASES if isinstance(one.then, Never)]
    waits = {one.gate for one in CASES if isinstance(one.then, Hold)}
    order = [gate.name for gate in GATES]
    last = max(map(order.index, forbids))
    assert [name for name in order[:last] if name in waits] == ["running"]


def test_all_gates_are_told_with_what_was_reached() -> None:
    clear = list(judged(CLEAR, NOW))
    assert [one.gate for one in clear] == list(GATES)
    assert all(one.reached and one.verdict is None for one in clear)
    worst = list(judged(WORST, NOW))
    assert [one.gate for one in worst] == list(GATES)
    assert [one.reached for one in worst] == [True] + [False] * (len(GATES) - 1)
    assert all(one.verdict is not None for one in worst)
    two = list(judged(Seen(health=0, paced_until=AFTER), NOW))
    names = [gate.name for gate in GATES]
    assert [one.reached for one in two] == [
        names.index(one.gate.name) <= names.index("health") for one in two
    ]
    assert [one.gate.name for one in two if one.verdict] == ["health", "pace"]


# --- a gate that cannot decide --------------------------------------------------------------------

NAIVE = NOW.replace(tzinfo=None)
BREAKS = {
    "weekend": {"weekend_until": NAIVE},
    "region_hours": {"region_until": NAIVE},
    "expiry": {"expires_at": NAIVE},
    "consent": {"jurisdiction": "CA", "consent": "express", "consent_until": NAIVE},
    "other_campaigns": {"contacted_at": NAIVE},
    "spacing": {"spaced_until": NAIVE},
    "touch_gap": {"touched_at": NAIVE, "touch_gap_h": 1},
    "circuit": {"circuit_until": NAIVE},
    "caps": {"caps": ("nonsense",)},
    "health": {"health": None},
}


@pytest.mark.parametrize("gate", BREAKS)
def test_a_gate_that_breaks_on_its_inputs_holds_and_says_so(gate: str) -> None:
    seen = replace(LOOKED, **BREAKS[gate])
    told = {one.gate.name: one.verdict for one in judged(seen, NOW)}
    assert told[gate] == Hold(HoldReason.GATE_ERROR)
    assert judge(seen, NOW) == Hold(HoldReason.GATE_ERROR)
    assert gates.ask(gate_of(gate), CLEAR, NOW) is None


def test_every_gate_is_told_in_words() -> None:
    assert all(gate.asks.endswith("?") and gate.judge.__doc__ for gate in GATES)
    assert len({gate.name for gate in GATES}) == len(GATES)
