"""Gates about the sender and about how much is sent: accounts, circuits, caps, pace, the mail."""

from datetime import datetime, timedelta

from domain.gates.seen import Seen
from domain.gates.verdict import Hold, Verdict
from domain.taxonomy import HoldReason

PROBED_FOR = timedelta(seconds=30)
"""When to look again at what waits for a probe: its answer is there by then, or nearly."""


def sender_ready(seen: Seen, now: datetime) -> Verdict:
    """The account is there, verified, connected, and nobody and nothing paused it."""
    if seen.sender_gone:
        return Hold(HoldReason.SENDER_GONE)
    if not seen.sender_known or not seen.sender_verified:
        return Hold(HoldReason.SENDER_UNVERIFIED)
    if seen.sender_paused:
        return Hold(HoldReason.SENDER_PAUSED)
    away = seen.away_until is not None and now < seen.away_until
    return Hold(HoldReason.SENDER_AWAY, seen.away_until) if away else None


def sender_healthy(seen: Seen, now: datetime) -> Verdict:  # noqa: ARG001  # every gate has the same head
    """A burned account takes weeks to recover: below the least health nothing leaves."""
    return Hold(HoldReason.SENDER_HEALTH) if seen.health < seen.health_min else None


def circuit_closed(seen: Seen, now: datetime) -> Verdict:
    """While a provider fails it is not called, but by one message now and then."""
    if seen.circuit_needs_operator:
        return Hold(HoldReason.CIRCUIT_OPEN)
    if seen.circuit_until is None:
        return None
    if now < seen.circuit_until:
        return Hold(HoldReason.CIRCUIT_OPEN, seen.circuit_until)
    return Hold(HoldReason.CIRCUIT_OPEN, now + PROBED_FOR) if seen.probing else None


def under_caps(seen: Seen, now: datetime) -> Verdict:  # noqa: ARG001  # every gate has the same head
    """No more than each limit says, counted in the database in the transaction of the claim."""
    if not seen.limits_seen:
        return Hold(HoldReason.LIMITS_UNSEEN)
    full = next((cap for cap in seen.caps if cap.full), None)
    return Hold(HoldReason(full.name.value), seen.free_at) if full else None


def paced(seen: Seen, now: datetime) -> Verdict:
    """A mailbox sends like a person: one message, then some time nothing."""
    early = seen.paced_until is not None and now < seen.paced_until
    return Hold(HoldReason.PACING, seen.paced_until) if early else None


def smooth(seen: Seen, now: datetime) -> Verdict:  # noqa: ARG001  # every gate has the same head
    """Limits are used up evenly, and the one of all tenants by all of them."""
    return Hold(HoldReason.SMOOTHED, seen.smoothed_until) if seen.smoothed_by else None


def mail_whole(seen: Seen, now: datetime) -> Verdict:  # noqa: ARG001  # every gate has the same head
    """The mail is rendered and lets its reader opt out and know who wrote."""
    whole = seen.rendered and seen.opt_out and seen.postal_address
    return None if whole else Hold(HoldReason.MAIL_INCOMPLETE)
