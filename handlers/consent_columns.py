"""The columns of a CSV about consent: by which names they are known, and what is taken for one."""

import re
from collections.abc import Mapping

from domain.consent import Ground

FIELD_OF: Mapping[str, str] = {
    "consent_ground": "ground",
    "consent_at": "at",
    "consent_expires_at": "expires_at",
    "consent_source": "source",
    "consent_text": "text_version",
}
"""Each column, and the field of a consent that it fills."""
COLUMN_OF = {field: column for column, field in FIELD_OF.items()}
GROUNDS = ", ".join(Ground)
MENDS = {
    "consent_ground": f"write one of {GROUNDS}, or leave all consent cells of the row empty",
    "consent_at": "write in a column consent_at the day the ground was recorded, such as "
    "2026-09-07: a consent without its day proves nothing",
    "consent_expires_at": "write a day after consent_at such as 2027-09-07, or leave it empty",
}
RENAME = (
    f"name it {', '.join(FIELD_OF)} (in consent_ground write {GROUNDS}), or give it a name that "
    "does not sound like a consent"
)

_PLAIN = {
    "consent": "consent_ground",
    "consent_basis": "consent_ground",
    "consent_date": "consent_at",
    "consent_expires": "consent_expires_at",
    "consent_expiry": "consent_expires_at",
    "consent_text_version": "consent_text",
}
"""Other words that people use for these columns."""
_SOUNDING = frozenset({"opt_in", "optin", "opted_in", "gdpr", "legal_basis", "lawful_basis"})
_SEPARATORS = re.compile(r"[ ._-]+")


def column_named(given: str) -> str:
    """The name of a column; those about consent are known by several."""
    plain = _plain(given)
    known = _PLAIN.get(plain, plain)
    return known if known in FIELD_OF else given


def sounds_like_consent(name: str) -> bool:
    """Whether whoever named this column would take its cells for a consent, and we would not.

    What is about the company (`company.x`) is not about the person.
    """
    if name in FIELD_OF or name.startswith("company."):
        return False
    plain = _plain(name)
    return "consent" in plain or plain in _SOUNDING


def consent_of(cells: Mapping[str, str]) -> dict[str, str] | None:
    """The fields of the consent that these cells tell; None where they tell nothing."""
    told = {FIELD_OF[name]: cell for name, cell in cells.items() if name in FIELD_OF and cell}
    if "ground" in told:
        told["ground"] = _plain(told["ground"])  # people write: Legitimate interest
    return told or None


def _plain(text: str) -> str:
    return _SEPARATORS.sub("_", text.strip().lower())
