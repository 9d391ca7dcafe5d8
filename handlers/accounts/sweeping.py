"""S9: what time and numbers ask of every sender account. Safe to run twice, and at once."""

from datetime import datetime, timedelta
from functools import partial

from domain import accounts
from domain.accounts import Counts, Numbers
from domain.accounts.health import DAYS
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.ports import Clock, Transaction
from handlers.ports.accounts import Deliverability, SenderAccounts, SenderOrder, Why

LOOKED = Why(Cause(CauseKind.SWEEP, "accounts"), "ticker")
NONE = Counts()


class AccountSweeper:
    """Looks after the accounts of one tenant."""

    def __init__(self, book: SenderAccounts, deliverability: Deliverability, clock: Clock) -> None:
        self._book = book
        self._deliverability = deliverability
        self._clock = clock

    def score_daily(self) -> int:
        """Health, rates, warm-up, and what is over; the number of accounts that have news."""
        begun = self._book.adopt()
        now = self._clock.now()
        orders = self._orders(now)
        done = self._book.together(partial(self._look, orders=orders))
        self._book.order_sending(partial(accounts.expire_tenant_caps, at=now), LOOKED)
        return begun + done

    def _look(self, tx: Transaction, orders: dict[str, SenderOrder]) -> int:
        return sum(map(bool, self._book.order_in(tx, orders, LOOKED).values()))

    def _orders(self, now: datetime) -> dict[str, SenderOrder]:
        """One decision for each account that stands; days are those of UTC, as in the numbers."""
        today = now.date()
        yesterday = today - timedelta(days=1)
        of_week = self._deliverability.between(today - timedelta(days=DAYS - 1), today)
        of_yesterday = self._deliverability.between(yesterday, yesterday)
        health_min = self._book.rules().health_min
        return {
            row.sender: partial(
                accounts.look_after,
                numbers=Numbers(of_week.get(row.sender, NONE), of_yesterday.get(row.sender, NONE)),
                on=today,
                health_min=health_min,
                at=now,
            )
            for row in self._book.rows()
            if not row.deleted
        }
