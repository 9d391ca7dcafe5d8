"""Whether a due message may be claimed now: one small function a gate, each failing closed.

The gates that the plan itself rules (hours, spacing, sendIf, limits) are in
`domain.campaign.dispatch`.
"""

from collections.abc import Callable

import msgspec

from domain.taxonomy import CancelReason, HoldReason
from handlers.ports import Due


class Hold(msgspec.Struct, frozen=True):
    """Not now, and why."""

    reason: HoldReason


class Never(msgspec.Struct, frozen=True):
    """Not at all, and why."""

    reason: CancelReason


Verdict = Hold | Never | None
"""What a gate says; None lets the message through."""


def contact_reachable(due: Due) -> Verdict:
    """The contact is still known and has an address."""
    return None if due.reachable else Never(CancelReason.NO_IDENTITY)


def not_suppressed(due: Due) -> Verdict:
    """The address is not on the suppression list."""
    return Never(CancelReason.SUPPRESSED) if due.suppressed else None


def campaign_runs(due: Due) -> Verdict:
    """The campaign is active; a stopped one sends nothing more."""
    if due.campaign_status == "active":
        return None
    if due.campaign_status == "stopped":
        return Never(CancelReason.STOPPED)
    return Hold(HoldReason.CAMPAIGN_PAUSED)


def sender_ready(due: Due) -> Verdict:
    """The sender is known, verified and not held back."""
    if not due.sender_known or not due.sender_verified:
        return Hold(HoldReason.SENDER_UNVERIFIED)
    return Hold(HoldReason.CIRCUIT_OPEN) if due.sender_paused else None


GATES: tuple[Callable[[Due], Verdict], ...] = (
    contact_reachable,
    not_suppressed,
    campaign_runs,
    sender_ready,
)


def judge(due: Due) -> Verdict:
    """The first objection in the order of the gates, or None."""
    return next((verdict for gate in GATES if (verdict := gate(due)) is not None), None)
