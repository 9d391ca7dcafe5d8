"""Consent: what the law of a place wants, whether a record suffices, and in which hours."""

from domain.consent.hours import in_region_hours, region_opens_at
from domain.consent.places import known_place, zones_of
from domain.consent.rules import STRICTEST, UNKNOWN, Ground, Ruling, rows, ruling, strictest
from domain.consent.verdict import consent_problem, valid_until

__all__ = [
    "STRICTEST",
    "UNKNOWN",
    "Ground",
    "Ruling",
    "consent_problem",
    "in_region_hours",
    "known_place",
    "region_opens_at",
    "rows",
    "ruling",
    "strictest",
    "valid_until",
    "zones_of",
]
