"""Whether a due message may be claimed: small pure functions over what was seen, in one order."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from domain.gates import order, person, sender
from domain.gates.clocks import with_clocks
from domain.gates.seen import CLEAR, RULES_VERSION, Cap, Seen
from domain.gates.verdict import Gate, Hold, Never, Verdict
from domain.taxonomy import HoldReason

GATES: tuple[Gate, ...] = (
    Gate(
        "known",
        "Is the recipient known here, with an address?",
        ("known", "reachable"),
        person.known,
    ),
    Gate(
        "suppression",
        "Did the address opt out, bounce or complain?",
        ("suppressed",),
        person.not_suppressed,
    ),
    Gate(
        "running",
        "Is nothing paused or stopped?",
        ("stage", "campaign", "tenant_paused", "global_paused"),
        order.running,
    ),
    Gate("expiry", "Is it still in time?", ("expires_at",), order.not_expired),
    Gate("plan", "Does the plan still want it?", ("send_if", "sends", "sends_max"), order.wanted),
    Gate(
        "consent",
        "Does the law of the recipient's place allow it?",
        ("channel", "jurisdiction", "subscriber", "consent", "consent_until", "strict_consent"),
        person.consented,
    ),
    Gate(
        "other_campaigns",
        "Was this person left alone by other campaigns for long enough?",
        ("contacted_at", "contacted_by", "apart_days"),
        person.one_campaign_at_a_time,
    ),
    Gate("address", "Can the address receive mail?", ("address",), person.address_valid),
    Gate("hours", "Is it an open hour of the plan?", ("open",), order.in_hours),
    Gate(
        "weekend",
        "Is it a working day where the recipient is?",
        ("weekend", "weekend_until"),
        person.not_on_weekend,
    ),
    Gate(
        "region_hours",
        "Is it an hour that the law of the place allows?",
        ("jurisdiction", "channel", "region_until"),
        person.in_hours_of_region,
    ),
    Gate("spacing", "Is the plan's time between messages over?", ("spaced_until",), order.spaced),
    Gate(
        "touch_gap",
        "Is the tenant's time between messages to a person over?",
        ("touched_at", "touch_gap_h"),
        person.not_touched_lately,
    ),
    Gate(
        "sender",
        "Is the sender known, verified, connected and not paused?",
        ("sender", "sender_known", "sender_gone", "sender_verified", "sender_paused", "away_until"),
        sender.sender_ready,
    ),
    Gate("health", "Is the sender healthy?", ("health", "health_min"), sender.sender_healthy),
    Gate(
        "circuit",
        "Does the provider answer?",
        ("circuit_until", "circuit_needs_operator", "probing"),
        sender.circuit_closed,
    ),
    Gate(
        "mail",
        "Is the mail whole, with its opt-out and postal address?",
        ("rendered", "opt_out", "postal_address"),
        sender.mail_whole,
    ),
    Gate(
        "recipient",
        "Is the mail made out to the address that the recipient has now?",
        ("readdressed",),
        person.made_out_to_them,
    ),
    Gate(
        "caps",
        "Is every limit free for one more?",
        ("caps", "free_at", "limits_seen"),
        sender.under_caps,
    ),
    Gate("pace", "Has the sender waited like a person?", ("paced_until",), sender.paced),
    Gate(
        "smoothing",
        "Is it this message's turn among all?",
        ("smoothed_by", "smoothed_until"),
        sender.smooth,
    ),
)
"""Every gate in the order in which it is asked: what forbids for good before what waits."""


class Judged(msgspec.Struct, frozen=True):
    """One gate with its verdict; `reached` is false where an earlier gate had said no."""

    gate: Gate
    verdict: Verdict
    reached: bool


def judge(seen: Seen, now: datetime) -> Verdict:
    """The first objection in the order of the gates, or None; as `ask` for one after the other."""
    try:
        for gate in GATES:
            verdict = gate.judge(seen, now)
            if verdict is not None:
                return verdict
    except Exception:  # noqa: BLE001  # a gate that cannot decide holds the message, and says so
        return Hold(HoldReason.GATE_ERROR)
    return None


def ask(gate: Gate, seen: Seen, now: datetime) -> Verdict:
    """What one gate says; one that breaks on its inputs is closed."""
    try:
        return gate.judge(seen, now)
    except Exception:  # noqa: BLE001  # a gate that cannot decide holds the message, and says so
        return Hold(HoldReason.GATE_ERROR)


def judged(seen: Seen, now: datetime) -> Iterator[Judged]:
    """What every gate says, for people who ask why."""
    reached = True
    for gate in GATES:
        verdict = ask(gate, seen, now)
        yield Judged(gate, verdict, reached)
        reached = reached and verdict is None


__all__ = [
    "CLEAR",
    "GATES",
    "RULES_VERSION",
    "Cap",
    "Gate",
    "Hold",
    "Judged",
    "Never",
    "Seen",
    "Verdict",
    "ask",
    "judge",
    "judged",
    "with_clocks",
]
