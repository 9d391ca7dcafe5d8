"""What the provider says about the accounts: trouble, addresses that are verified, credentials."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from domain import accounts
from domain.accounts import ClosedBy, SenderEvent
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.ports import Sender
from handlers.ports.accounts import (
    ProviderAccount,
    ProviderUnseen,
    SenderAccounts,
    SenderOrder,
    Why,
)

PULLED = Why(Cause(CauseKind.SWEEP, "verified_senders"), "ticker")
PROBED = Why(Cause(CauseKind.SWEEP, "credentials"), "ticker")


def pull_verified(
    book: SenderAccounts,
    identities: Mapping[str, Sender],
    provider: ProviderAccount,
    now: datetime,
) -> int:
    """Follow the provider's list of verified addresses; the number of accounts that changed.

    Where the provider does not answer, everything stays as it is.
    """
    try:
        listed = provider.verified()
    except ProviderUnseen:
        return 0
    orders: dict[str, SenderOrder] = {
        row.sender: partial(
            accounts.check_verified,
            listed=listed.get(identities[row.sender].from_email.lower()),
            at=now,
        )
        for row in book.rows()
        if row.sender in identities and not row.deleted
    }
    done = book.together(lambda tx: book.order_in(tx, orders, PULLED))
    return sum(map(bool, done.values()))


def probe_credentials(book: SenderAccounts, provider: ProviderAccount, now: datetime) -> int:
    """Close the circuits that refused credentials had opened, once the provider knows them again.

    The number of circuits closed; without an answer all stay open.
    """
    waiting = [row.sender for row in book.rows() if row.circuit_needs_operator and not row.deleted]
    if not waiting or not _work(provider):
        return 0
    close = partial(accounts.close_circuit, by=ClosedBy.CREDENTIALS, at=now)
    done: list[SenderEvent] = []
    for sender in waiting:
        done += book.order(sender, close, PROBED)
    return len(done)


def _work(provider: ProviderAccount) -> bool:
    try:
        return provider.credentials_work()
    except ProviderUnseen:
        return False
