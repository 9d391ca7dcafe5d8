"""Whether a recorded ground suffices at an instant, and until when one can."""

from calendar import monthrange
from datetime import datetime

from domain.consent.rules import Ground, Ruling
from domain.taxonomy import CancelReason
from domain.timing.zones import in_utc

_MONTHS = {Ground.IMPLIED_INQUIRY.value: 6, Ground.IMPLIED_BUSINESS.value: 24}
"""CASL s. 10(10): how long a consent lasts that nobody gave in words; taken everywhere."""


def consent_problem(
    rule: Ruling, ground: str, *, until: datetime | None, subscriber: str, at: datetime
) -> CancelReason | None:
    """Why this contact must not be written to under this rule; None where it may be.

    A ground that runs out by its kind and has no end recorded is no ground.
    """
    if not rule.consent_required:
        return None
    suffice = rule.corporate_grounds if subscriber == "corporate" else rule.grounds
    if ground not in suffice or (ground in _MONTHS and until is None):
        return CancelReason.NO_CONSENT
    if until is not None and at >= until:
        return CancelReason.CONSENT_EXPIRED
    return None


def valid_until(ground: str, given_at: datetime, told: datetime | None = None) -> datetime | None:
    """When a ground of this date ends: by its kind, or earlier where that was told."""
    months = _MONTHS.get(ground)
    by_kind = None if months is None else _later(in_utc(given_at), months)
    ends = [end for end in (by_kind, told) if end is not None]
    return min(ends) if ends else None


def _later(instant: datetime, months: int) -> datetime:
    """The same day some months later, or the last of that month."""
    years, month = divmod(instant.month - 1 + months, 12)
    year, month = instant.year + years, month + 1
    return instant.replace(year=year, month=month, day=min(instant.day, monthrange(year, month)[1]))
