"""What a gate says it reads is what it reads: so `explain` shows all inputs of a verdict."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.gates import GATES, Cap, Gate, Seen, ask
from domain.taxonomy import CapName, Channel

START = datetime(2026, 9, 7, tzinfo=UTC)
NOT_INPUTS = {"rules", "looked"}
"""Which gates judged, and whether anything but the plan was looked at."""
TOLD_ONLY = {
    ("sender", "sender"),
    ("other_campaigns", "contacted_by"),
    ("weekend", "weekend"),
    ("region_hours", "jurisdiction"),
    ("region_hours", "channel"),
}
"""Whom or what a verdict is about, told beside the input that decides."""
NOON = datetime(2026, 9, 11, 12, tzinfo=UTC)

INSTANTS = st.integers(0, 14 * 24 * 4).map(lambda n: START + timedelta(minutes=15 * n))
MAYBE = st.none() | INSTANTS
WORDS: dict[str, list[str]] = {
    "suppressed": ["", "unsubscribed"],
    "address": ["valid", "unchecked", "risky", "invalid"],
    "jurisdiction": ["", "US", "US-FL", "DE", "GB", "CA", "IN", "JP", "XX"],
    "subscriber": ["", "corporate", "individual"],
    "consent": ["", "express", "implied_business", "legitimate_interest", "none"],
    "campaign": ["active", "paused", "stopped", "?"],
    "tenant_paused": ["", "operator"],
    "stage": ["active", "paused"],
    "weekend": ["none", "reduced", "hard_stop"],
    "sender": ["sam", "kim"],
    "sender_paused": ["", "bounces"],
    "smoothed_by": ["", "tenant_hour"],
}
CAPS = st.builds(Cap, st.sampled_from(CapName), st.integers(0, 3), st.integers(0, 3))
NUMBERS = {"apart_days": 60, "touch_gap_h": 48, "sends": 4, "sends_max": 4}
HEALTHS = {"health": st.sampled_from([0, 29, 30, 100]), "health_min": st.sampled_from([0, 30, 50])}


def _values(name: str) -> st.SearchStrategy[Any]:
    """Values that a field of what was seen may have; also such as a gate breaks on."""
    if name in WORDS:
        return st.sampled_from(WORDS[name])
    if name in NUMBERS:
        return st.integers(0, NUMBERS[name])
    kinds: dict[str, st.SearchStrategy[Any]] = HEALTHS | {
        "channel": st.sampled_from(Channel),
        "caps": st.lists(CAPS, max_size=2).map(tuple),
        "contacted_by": st.none() | st.uuids(),
    }
    of_time = name.endswith(("_until", "_at"))
    return kinds.get(name, MAYBE if of_time else st.booleans())


FIELDS = [name for name in Seen.__struct_fields__ if name not in NOT_INPUTS]
VALUES = {name: _values(name) for name in FIELDS}
SEEN = st.builds(Seen, looked=st.sampled_from([True]), **VALUES)


class Read:
    """Notes which fields of what was seen are looked at."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> object:
        self.names.add(name)
        return getattr(self._seen, name)


@settings(max_examples=300, deadline=None)
@given(seen=SEEN, other=SEEN, now=INSTANTS)
def test_a_field_that_a_gate_does_not_name_never_changes_its_verdict(
    seen: Seen, other: Seen, now: datetime
) -> None:
    for gate in GATES:
        foreign = {name: getattr(other, name) for name in FIELDS if name not in gate.reads}
        assert ask(gate, replace(seen, **foreign), now) == ask(gate, seen, now), gate.name


@settings(max_examples=300, deadline=None)
@given(seen=SEEN, now=INSTANTS)
def test_a_gate_looks_at_nothing_that_it_does_not_name(seen: Seen, now: datetime) -> None:
    for gate in GATES:
        read = Read(seen)
        ask(gate, read, now)  # type: ignore[arg-type]  # it has all fields of Seen
        assert read.names <= {*gate.reads, *NOT_INPUTS}, gate.name


DE, IMPLIED = {"jurisdiction": "DE"}, {"jurisdiction": "CA", "consent": "implied_business"}
LATER, FULL = NOON + timedelta(hours=1), (Cap(CapName.SENDER_DAY, 1, 1),)
FLIPS: dict[str, dict[str, tuple[dict[str, Any], Any]]] = {
    "known": {"known": ({}, False), "reachable": ({}, False)},
    "suppression": {"suppressed": ({}, "unsubscribed")},
    "running": {
        "stage": ({}, "paused"),
        "campaign": ({}, "stopped"),
        "tenant_paused": ({}, "operator"),
        "global_paused": ({}, True),
    },
    "expiry": {"expires_at": ({}, NOON)},
    "plan": {
        "send_if": ({}, False),
        "sends": ({"sends_max": 3}, 3),
        "sends_max": ({"sends": 3}, 3),
    },
    "consent": {
        "channel": ({}, Channel.SMS),
        "jurisdiction": ({}, "DE"),
        "subscriber": ({"jurisdiction": "GB", "consent": "contract"}, "corporate"),
        "consent": (DE, "express"),
        "consent_until": (IMPLIED, LATER),
        "strict_consent": ({}, True),
    },
    "other_campaigns": {
        "contacted_at": ({}, NOON),
        "apart_days": ({"contacted_at": NOON}, 0),
    },
    "address": {"address": ({}, "invalid")},
    "hours": {"open": ({}, False)},
    "weekend": {"weekend_until": ({}, LATER)},
    "region_hours": {"region_until": ({}, LATER)},
    "spacing": {"spaced_until": ({}, LATER)},
    "touch_gap": {
        "touched_at": ({"touch_gap_h": 1}, NOON),
        "touch_gap_h": ({"touched_at": NOON}, 1),
    },
    "sender": {
        "sender_known": ({}, False),
        "sender_gone": ({}, True),
        "sender_verified": ({}, False),
        "sender_paused": ({}, "bounces"),
        "away_until": ({}, LATER),
    },
    "health": {"health": ({}, 29), "health_min": ({"health": 50}, 51)},
    "circuit": {
        "circuit_until": ({}, LATER),
        "circuit_needs_operator": ({}, True),
        "probing": ({"circuit_until": NOON}, True),
    },
    "mail": {"rendered": ({}, False), "opt_out": ({}, False), "postal_address": ({}, False)},
    "recipient": {"readdressed": ({}, True)},
    "caps": {
        "caps": ({}, FULL),
        "free_at": ({"caps": FULL}, LATER),
        "limits_seen": ({}, False),
    },
    "pace": {"paced_until": ({}, LATER)},
    "smoothing": {
        "smoothed_by": ({}, "tenant_hour"),
        "smoothed_until": ({"smoothed_by": "tenant_hour"}, LATER),
    },
}
"""For each gate and field: what else was seen, and a value of the field that turns the verdict."""


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_each_field_that_a_gate_names_can_change_its_verdict(gate: Gate) -> None:
    for name, (given_too, value) in FLIPS[gate.name].items():
        seen = replace(Seen(looked=True), **given_too)
        assert ask(gate, replace(seen, **{name: value}), NOON) != ask(gate, seen, NOON), name
    told = {name for of_gate, name in TOLD_ONLY if of_gate == gate.name}
    assert set(FLIPS[gate.name]) == set(gate.reads) - told


def test_every_field_of_what_was_seen_is_named_by_a_gate() -> None:
    named = {name for gate in GATES for name in gate.reads}
    assert named == set(FIELDS)
