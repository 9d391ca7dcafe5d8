"""Gates about what people ordered and what the plan itself says."""

from datetime import datetime

from domain.gates.seen import Seen
from domain.gates.verdict import Hold, Never, Verdict
from domain.taxonomy import CancelReason, HoldReason


def running(seen: Seen, now: datetime) -> Verdict:  # noqa: ARG001  # every gate has the same head
    """A pause of the contact-campaign, the campaign, the tenant or all works at once."""
    if seen.campaign == "stopped":
        return Never(CancelReason.STOPPED)
    if seen.stage == "paused":
        return Hold(HoldReason.PAUSED)
    if seen.global_paused:
        return Hold(HoldReason.GLOBAL_PAUSED)
    if seen.tenant_paused:
        return Hold(HoldReason.TENANT_PAUSED)
    return None if seen.campaign == "active" else Hold(HoldReason.CAMPAIGN_PAUSED)


def not_expired(seen: Seen, now: datetime) -> Verdict:
    """A message that could not leave in time is not sent late."""
    late = seen.expires_at is not None and now >= seen.expires_at
    return Never(CancelReason.EXPIRED) if late else None


def wanted(seen: Seen, now: datetime) -> Verdict:  # noqa: ARG001  # every gate has the same head
    """What the plan asks right before a send still holds, and its limit of sends is not reached."""
    if not seen.send_if:
        return Never(CancelReason.SEND_IF)
    used_up = seen.sends_max and seen.sends >= seen.sends_max
    return Never(CancelReason.POLICY) if used_up else None


def in_hours(seen: Seen, now: datetime) -> Verdict:  # noqa: ARG001  # every gate has the same head
    """The windows, quiet hours and closed days of the plan, in its zone, as they are now."""
    return None if seen.open else Hold(HoldReason.HOURS, placed=True)


def spaced(seen: Seen, now: datetime) -> Verdict:
    """The plan's own least time between two messages."""
    early = seen.spaced_until is not None and now < seen.spaced_until
    return Hold(HoldReason.SPACING, placed=True) if early else None
