"""Reports that came to nothing: set aside, or about a message that nobody knows; tried again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from domain.ids import MessageId, StreamId
from handlers.errors import NotHere, OutOfStep

InboxState = Literal["new", "claimed", "recorded", "no_news", "duplicate", "orphan", "parked"]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the webhook inbox; what was reported stays in the vault.

    Without `next_try_at` an orphan is tried no more.
    """

    id: int
    delivery_id: UUID
    provider: str
    kind: str
    state: str
    reason: str | None
    occurred_at: datetime | None
    received_at: datetime
    tries: int
    next_try_at: datetime | None
    contact_campaign_id: StreamId | None
    message_id: MessageId | None


class DeadLetters(Protocol):
    """The webhook inbox of one tenant, to be looked at and to be tried again."""

    def page(self, state: str, after: int | None, limit: int) -> Sequence[DeadLetter]:
        """Reports in a state, oldest first."""
        ...

    def one(self, number: int) -> DeadLetter | None: ...

    def again(self, number: int) -> bool:
        """Make a report new that is parked or an orphan; false where it was taken in meanwhile."""
        ...


def release(letters: DeadLetters, number: int) -> DeadLetter:
    """Have a report tried again from the beginning. Safe to repeat: what is new stays new."""
    found = letters.one(number)
    if found is None:
        raise NotHere("no report has this id")
    if found.state in ("new", "claimed"):
        return found
    if found.state not in ("orphan", "parked"):
        raise OutOfStep(f"it is {found.state}: only what is parked or an orphan can be tried again")
    if not letters.again(number):
        raise OutOfStep("the same report came again since and was taken in; nothing is left to do")
    return letters.one(number) or found
