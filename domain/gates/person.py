"""Gates about the recipient: who must not be written to, not yet, or not from here."""

from datetime import datetime, timedelta

from domain.consent import consent_problem, ruling
from domain.gates.seen import Seen
from domain.gates.verdict import Hold, Never, Verdict
from domain.taxonomy import AddressVerdict, CancelReason, HoldReason


def known(seen: Seen, now: datetime) -> Verdict:  # noqa: ARG001  # every gate has the same head
    """An erased contact is written to by nobody, and one without an address cannot be."""
    if not seen.known:
        return Never(CancelReason.ERASED)
    return None if seen.reachable else Never(CancelReason.NO_IDENTITY)


def not_suppressed(seen: Seen, now: datetime) -> Verdict:  # noqa: ARG001  # every gate has the same head
    """An address that said no, bounced or complained is not written to."""
    return Never(CancelReason.SUPPRESSED) if seen.suppressed else None


def address_valid(seen: Seen, now: datetime) -> Verdict:  # noqa: ARG001  # every gate has the same head
    """An address that cannot receive mail costs reputation; one that nobody looked at may."""
    if seen.address == AddressVerdict.INVALID:
        return Never(CancelReason.ADDRESS_INVALID)
    good = seen.address in (AddressVerdict.VALID, AddressVerdict.RISKY)
    return None if good else Hold(HoldReason.ADDRESS_UNCHECKED)


def made_out_to_them(seen: Seen, now: datetime) -> Verdict:  # noqa: ARG001  # every gate has the same head
    """A mail goes to the address that its recipient has now, not to the one of an hour ago."""
    return Hold(HoldReason.READDRESSED, anew=True) if seen.readdressed else None


def consented(seen: Seen, now: datetime) -> Verdict:
    """Where the law wants consent, there is some, and it has not run out."""
    if not seen.looked:
        return None
    rule = ruling(seen.jurisdiction, seen.channel, strict=seen.strict_consent)
    problem = consent_problem(
        rule, seen.consent, until=seen.consent_until, subscriber=seen.subscriber, at=now
    )
    return Never(problem) if problem else None


def in_hours_of_region(seen: Seen, now: datetime) -> Verdict:
    """The hours in which the law of the recipient's place lets people be written to."""
    return _placed(HoldReason.REGION_HOURS, seen.region_until, now)


def not_on_weekend(seen: Seen, now: datetime) -> Verdict:
    """A tenant that stops at weekends stops wherever the recipient may be."""
    return _placed(HoldReason.WEEKEND, seen.weekend_until, now)


def _placed(reason: HoldReason, until: datetime | None, now: datetime) -> Verdict:
    return Hold(reason, until, placed=True) if until is not None and now < until else None


def one_campaign_at_a_time(seen: Seen, now: datetime) -> Verdict:
    """A person that one campaign wrote to is left alone by every other for a while."""
    if seen.contacted_at is None:
        return None
    apart = timedelta(days=seen.apart_days)
    return Never(CancelReason.CONTACTED_ELSEWHERE) if now < seen.contacted_at + apart else None


def not_touched_lately(seen: Seen, now: datetime) -> Verdict:
    """The tenant's least time between any two messages to one person."""
    if seen.touched_at is None or not seen.touch_gap_h:
        return None
    return _placed(HoldReason.TOUCH_GAP, seen.touched_at + timedelta(hours=seen.touch_gap_h), now)
