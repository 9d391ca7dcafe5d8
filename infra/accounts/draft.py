"""One append to the log of accounts in the making: decided in memory, before it is written."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from domain.accounts import (
    Account,
    AccountEnvelope,
    AccountEvent,
    AccountStream,
    SenderEvent,
    Sending,
    SendingEvent,
    fold,
    fold_sending,
)
from domain.ids import StreamId
from handlers.ports.accounts import SenderOrder, SendingOrder, Why
from infra.accounts.log import Entry, Loaded
from projections.projection import Change
from projections.sender_accounts import account_changes, rule_changes


class Stamp(msgspec.Struct, frozen=True):
    """What all facts of one append have in common."""

    append: str
    at: datetime
    why: Why


class Draft:
    """Takes decisions on streams as they were loaded, each stream once, and the rows they lead to.

    A row is written where there are facts; the same facts always lead to the same row.
    """

    def __init__(self, stamp: Stamp) -> None:
        self.entries: list[Entry] = []
        self.changes: list[tuple[StreamId, Change]] = []
        self.heads: dict[UUID, bytes] = {}
        self._stamp = stamp

    @property
    def at(self) -> datetime:
        """When its facts are recorded."""
        return self._stamp.at

    def of_account(
        self, stream: AccountStream, loaded: Loaded, decide: SenderOrder
    ) -> Sequence[SenderEvent]:
        """Decide on one account; its new facts."""
        state = loaded.state
        assert isinstance(state, Account)
        facts = decide(state)
        if facts:
            self._enter(stream, loaded, facts)
            self._change(stream, list(account_changes(stream, fold(facts, state))))
        return facts

    def of_sending(
        self, stream: AccountStream, loaded: Loaded, decide: SendingOrder
    ) -> Sequence[SendingEvent]:
        """Decide on the tenant's sending; its new facts."""
        state = loaded.state
        assert isinstance(state, Sending)
        facts = decide(state)
        if facts:
            self._enter(stream, loaded, facts)
            self._change(stream, list(rule_changes(fold_sending(facts, state))))
        return facts

    def _enter(self, stream: AccountStream, loaded: Loaded, facts: Sequence[AccountEvent]) -> None:
        stamp = self._stamp
        self.heads[stream] = loaded.head
        for place, fact in enumerate(facts, loaded.version + 1):
            body = AccountEnvelope(fact, stamp.at, stamp.append, stamp.why.cause, stamp.why.actor)
            self.entries.append(Entry(stream, place, body))

    def _change(self, stream: AccountStream, rows: Sequence[Change]) -> None:
        self.changes += [(StreamId(stream), row) for row in rows]
