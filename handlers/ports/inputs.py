"""What waits to be decided: due timers and reported events, each under lease and fence."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from domain.ids import MessageId, StreamId
from handlers.ports.provider import Report
from handlers.ports.streams import Transaction


class DueTimer(msgspec.Struct, frozen=True):
    """A claimed timer."""

    timer_id: UUID
    stream: StreamId
    kind: str
    node: str
    visit: int
    index: int
    due_at: datetime
    fence: int


class Timers(Protocol):
    """The timers of one tenant, claimed under lease and fence."""

    def claim(self, now: datetime, *, grace_s: int, limit: int) -> list[DueTimer]:
        """Lease due timers, oldest first; those of a node only after their grace."""
        ...

    def settle(self, tx: Transaction, timers: Sequence[DueTimer]) -> None:
        """Take timers away that are still ours; what another worker has is left to it."""
        ...

    def free_expired(self) -> int:
        """S7: give back what a dead worker had leased."""
        ...


class InboxItem(msgspec.Struct, frozen=True):
    """A claimed row of the webhook inbox."""

    inbox_id: int
    delivery_id: UUID
    provider: str
    raw: bytes
    key: bytes
    received_at: datetime
    tries: int
    fence: int


class Settled(msgspec.Struct, frozen=True):
    """What became of an inbox item: recorded, no_news, orphan or parked, with the reason."""

    item: InboxItem
    state: str
    reason: str = ""
    stream: StreamId | None = None
    message_id: MessageId | None = None


class Past(msgspec.Struct, frozen=True):
    """What the inbox holds about one message that was opened or clicked."""

    message_id: MessageId
    sent_at: datetime | None
    delivered_at: datetime | None
    """The first delivery that was reported, and the last reply."""
    replied_at: datetime | None
    size: int
    """How many of its deliveries, opens, clicks and replies are kept."""
    sights: Sequence[tuple[str, bytes, bytes]]
    """Provider, raw report and semantic key of its opens and clicks, the latest first."""


class Inbox(Protocol):
    """Reported events of one tenant, stored before they are answered for."""

    def keep(
        self,
        provider: str,
        headers: Mapping[str, str],
        body: bytes,
        reports: Sequence[Report],
        *,
        late: bool,
    ) -> int:
        """Store the raw delivery and a row for each event at once; the number of new ones."""
        ...

    def claim(self, limit: int) -> list[InboxItem]:
        """Lease new items, and orphans whose next try is due, oldest first."""
        ...

    def past(self, tx: Transaction, known: Mapping[MessageId, int]) -> list[Past]:
        """The history of messages that were opened or clicked, settled or not.

        Only of those about which more reports are kept than the number that is known.
        """
        ...

    def settle(self, tx: Transaction | None, settled: Sequence[Settled]) -> None:
        """Write what became of items that are still ours; an orphan gets its next try."""
        ...

    def free_expired(self) -> int: ...
