"""The catalogue of codes for writers of plans: why each is given, and plans that show it."""

from collections.abc import Mapping

from plans.catalogue import (
    of_messages,
    of_proofs,
    of_revisions,
    of_settings,
    of_shape,
    of_structure,
)
from plans.catalogue.entry import Entry, Example
from plans.verify.codes import CODES
from plans.verify.report import nearest

__all__ = ["ENTRIES", "Entry", "Example", "UnknownCode", "explain"]

_WRITTEN = {
    entry.code: entry
    for part in (of_shape, of_structure, of_messages, of_settings, of_proofs, of_revisions)
    for entry in part.ENTRIES
}
ENTRIES: Mapping[str, Entry] = {code: _WRITTEN[code] for code in CODES if code in _WRITTEN}
"""Every entry by its code, in the order of the table of codes."""


class UnknownCode(LookupError):
    """No code has that name; `meant` is the one most like it, if any is close."""

    def __init__(self, code: str) -> None:
        self.meant = nearest(code, list(ENTRIES))
        super().__init__(f"no code is called {code!r}")


def explain(code: str) -> Entry:
    """What the catalogue says of a code, in whatever case it is written."""
    entry = ENTRIES.get(code.strip().upper())
    if entry is None:
        raise UnknownCode(code)
    return entry
