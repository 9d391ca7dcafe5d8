"""Which of several senders writes to a person: always the same one, as long as it may."""

from collections.abc import Iterable
from hashlib import sha256


def choose(members: Iterable[str], subject: str) -> str | None:
    """The sender with the highest draw for this subject; None where nobody may send.

    When a member comes or goes, only the subjects change that it takes over or had.
    """
    return max(sorted(set(members)), key=lambda name: _draw(name, subject), default=None)


def _draw(member: str, subject: str) -> bytes:
    return sha256(f"{len(subject)}:{subject}:{member}".encode()).digest()
