"""Orders of people that need more than the account itself: to open it again, to take it away."""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid5

from domain import accounts
from domain.accounts import SenderEvent, sender_stream
from domain.accounts.health import DAYS
from domain.ids import ContactId, ErrandId, StreamId, TenantId
from handlers.ports import Notice, Notices, Transaction
from handlers.ports.accounts import Deliverability, SenderAccounts, Why

RECIPIENT = "operators"
NO_CONTACT = ContactId(UUID(int=0))
"""Of notices that are about no contact; erasure never finds them."""


class AccountOrders:
    """Orders to the accounts of one tenant. Each given twice writes once."""

    def __init__(
        self,
        tenant: TenantId,
        book: SenderAccounts,
        deliverability: Deliverability,
        notices: Notices,
    ) -> None:
        self._tenant = tenant
        self._book = book
        self._deliverability = deliverability
        self._notices = notices

    def resume(self, sender: str, why: Why, now: datetime) -> list[SenderEvent]:
        """Lift every pause, knowing the numbers of today; the hard stop only with a note.

        Raises ReasonRequired.
        """
        today = now.date()
        counts = self._deliverability.between(today - timedelta(days=DAYS - 1), today).get(sender)
        resume = partial(accounts.resume, explained=bool(why.note.strip()), counts=counts, at=now)
        return list(self._book.order(sender, resume, why))

    def delete(self, sender: str, why: Why, now: datetime) -> list[SenderEvent]:
        """Take an account away: what waits for it goes on waiting, and people are told how much."""
        waiting = self._deliverability.waiting(sender)

        def deleted(tx: Transaction) -> list[SenderEvent]:
            order = {sender: partial(accounts.delete, at=now)}
            facts = list(self._book.order_in(tx, order, why)[sender])
            if facts and waiting:
                self._notices.keep(tx, [self._notice(sender, waiting, now)])
            return facts

        return self._book.together(deleted)

    def _notice(self, sender: str, waiting: int, now: datetime) -> Notice:
        stream = sender_stream(self._tenant, sender)
        messages = "1 message waits" if waiting == 1 else f"{waiting} messages wait"
        return Notice(
            notice_id=ErrandId(uuid5(stream, f"deleted:{now.isoformat()}")),
            stream=StreamId(stream),
            contact_id=NO_CONTACT,
            recipient=RECIPIENT,
            text=(
                f"The sender {sender} was deleted and {messages} for it. Add it again, or stop the "
                "campaigns that use it; what waits longer than three days is not sent."
            ),
            at=now,
        )
