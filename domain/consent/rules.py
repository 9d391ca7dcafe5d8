"""What the law of a place wants before a message of one channel may go there: one table.

Working rules from secondary readings (trust.md 8), not legal advice; each row names its source.
A place that nobody is sure about has no row and is treated as the strictest row of its channel.
"""

from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from typing import NamedTuple

import msgspec

from domain.taxonomy import FAMILY_OF, Channel, Family

DAY_MINUTES = 1_440
EVERY_DAY = frozenset(range(7))
Span = tuple[int, int]


class Ground(StrEnum):
    """Why a person may be written to, as it was recorded; an absent record is the empty text."""

    EXPRESS = "express"
    IMPLIED_INQUIRY = "implied_inquiry"
    IMPLIED_BUSINESS = "implied_business"
    LEGITIMATE_INTEREST = "legitimate_interest"
    CONTRACT = "contract"
    NONE = "none"


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """What one row of the table asks; weekday 0 is Monday, `hours` are minutes of the local day."""

    jurisdiction_row: str
    consent_required: bool
    grounds: frozenset[str] = frozenset()
    """What suffices for an individual subscriber, and for one that nobody knows the kind of."""
    corporate_grounds: frozenset[str] = frozenset()
    hours: Span | None = None
    """End exclusive; None is the whole day."""
    weekdays: frozenset[int] = EVERY_DAY


class _Wants(NamedTuple):
    """The grounds that suffice: of an individual, of a corporate subscriber."""

    grounds: frozenset[str]
    corporate: frozenset[str]


def _wants(*grounds: Ground, corporate: Iterable[Ground] = ()) -> _Wants:
    suffice = frozenset(ground.value for ground in grounds)
    return _Wants(suffice, suffice | frozenset(ground.value for ground in corporate))


_FREE = None
_EXPRESS = _wants(Ground.EXPRESS)
_CASL = _wants(Ground.EXPRESS, Ground.IMPLIED_INQUIRY, Ground.IMPLIED_BUSINESS)
_SOFT = _wants(Ground.EXPRESS, Ground.IMPLIED_BUSINESS, Ground.CONTRACT)
_PRIVACY = _wants(Ground.EXPRESS, corporate=(Ground.LEGITIMATE_INTEREST, Ground.CONTRACT))
_LGPD = _wants(Ground.EXPRESS, Ground.LEGITIMATE_INTEREST)

_UNION = (
    # Directive 2002/58/EC art. 13 (individuals: consent; others: as the member rules), GDPR art. 6;
    # in force in the EEA too. The soft opt-in of 13(2) is not used: no record shows its conditions.
    *("BE", "BG", "CY", "CZ", "EE", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "LI", "LT", "LU"),
    *("LV", "MT", "NL", "NO", "PT", "RO", "SE", "SI", "SK"),
)
_UNION_EXPRESS = (
    "AT",  # TKG 2021 § 174: companies too
    "DE",  # UWG § 7 (2) no. 2: companies too
    "DK",  # markedsføringsloven § 10: companies too
    "ES",  # LSSI art. 21: companies too
    "IT",  # Codice privacy art. 130: companies too
    "PL",  # Prawo komunikacji elektronicznej art. 398: companies too
)

_ELECTRONIC: dict[str, _Wants | None] = {
    "US": _FREE,  # CAN-SPAM, 15 U.S.C. 7704: opt-out
    "CA": _CASL,  # CASL s. 6 and 10(9) to (14); no exemption between companies assumed
    "GB": _PRIVACY,  # PECR reg. 22: individual subscribers need consent; UK GDPR art. 6
    **dict.fromkeys(_UNION, _PRIVACY),
    **dict.fromkeys(_UNION_EXPRESS, _EXPRESS),
    "CH": _EXPRESS,  # UWG art. 3 (1) o; its exception for customers is not used
    "AU": _SOFT,  # Spam Act 2003 s. 16 and schedule 2: express, or inferred from a relationship
    "NZ": _SOFT,  # Unsolicited Electronic Messages Act 2007 s. 4 and 9
    "BR": _LGPD,  # LGPD art. 7 I and IX
    "ZA": _EXPRESS,  # POPIA s. 69
}
"""E-mail, and messages in a network: the laws above mean every electronic message to a person."""

_SMS: dict[str, _Wants | None] = {
    **_ELECTRONIC,
    "US": _EXPRESS,  # TCPA, 47 CFR 64.1200(a)(2): prior express consent
    "BR": _EXPRESS,  # code of the carriers: opt-in
    "IN": _EXPRESS,  # TCCCPR 2018
}

_DECENT: Span = (8 * 60, 21 * 60)
"""Nobody wants a text at night: the hours of the TCPA also where no law names any."""

_SMS_HOURS: dict[str, Span] = {
    "US": _DECENT,  # 47 CFR 64.1200(c)(1)
    "US-CT": (9 * 60, 20 * 60),  # Conn. Gen. Stat. 42-288a as of October 2023
    "US-FL": (8 * 60, 20 * 60),  # Fla. Stat. 501.616(6)
    "US-MD": (8 * 60, 20 * 60),  # Stop the Spam Calls Act of 2023
    "US-OK": (8 * 60, 20 * 60),  # 15 O.S. 775C.4
    "US-WA": (8 * 60, 20 * 60),  # RCW 80.36.390
    "IN": (10 * 60, 21 * 60),  # TCCCPR 2018: promotion from 10 to 21
}

_TABLES: dict[Family, dict[str, _Wants | None]] = {
    Family.EMAIL: _ELECTRONIC,
    Family.LINKEDIN: _ELECTRONIC,
    Family.SMS: _SMS,
}
UNKNOWN = "unknown"
"""The row of a contact whose country nobody told, on a channel where that is let through."""
STRICTEST = "strictest"


def ruling(jurisdiction: str, channel: Channel, *, strict: bool = False) -> Ruling:
    """The row for a place such as US or US-FL; the strictest one where there is none.

    Only an e-mail to a contact whose country nobody told needs no record, unless `strict`.
    """
    return _ruling(jurisdiction.strip().upper(), FAMILY_OF[channel], strict=strict)


@cache
def strictest(family: Family) -> Ruling:
    """What every row of a channel lets through."""
    spans = [_hours(place, family) for place in _places(family)]
    wants = [want for want in _TABLES[family].values() if want is not None]
    return Ruling(
        jurisdiction_row=STRICTEST,
        consent_required=True,
        grounds=frozenset.intersection(*(want.grounds for want in wants)),
        corporate_grounds=frozenset.intersection(*(want.corporate for want in wants)),
        hours=_common(span for span in spans if span is not None),
    )


def rows(channel: Channel) -> tuple[str, ...]:
    """The places that the table has a row of its own for."""
    return _places(FAMILY_OF[channel])


@cache
def _ruling(place: str, family: Family, *, strict: bool) -> Ruling:
    if not place and family is Family.EMAIL and not strict:
        return Ruling(jurisdiction_row=UNKNOWN, consent_required=False)
    country = place.partition("-")[0]
    if country not in _TABLES[family]:
        return strictest(family)
    wants = _TABLES[family][country]
    return Ruling(
        jurisdiction_row=place if place in _places(family) else country,
        consent_required=wants is not None,
        grounds=frozenset() if wants is None else wants.grounds,
        corporate_grounds=frozenset() if wants is None else wants.corporate,
        hours=_hours(place, family),
    )


def _places(family: Family) -> tuple[str, ...]:
    hours = _SMS_HOURS if family is Family.SMS else {}
    return tuple(sorted({*_TABLES[family], *hours}))


def _hours(place: str, family: Family) -> Span | None:
    """Of a country alone, the hours that each of its parts allows: nobody knows which it is."""
    if family is not Family.SMS:
        return None
    country, _, part = place.partition("-")
    own = _SMS_HOURS.get(country, _DECENT)
    if part:
        return _SMS_HOURS.get(place, own)
    parts = (span for name, span in _SMS_HOURS.items() if name.startswith(f"{country}-"))
    return _common((own, *parts))


def _common(spans: Iterable[Span]) -> Span | None:
    found = tuple(spans)
    if not found:
        return None
    return max(start for start, _ in found), min(end for _, end in found)
