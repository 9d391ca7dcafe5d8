"""Sender accounts of a tenant in memory: the product's facts, decisions and rows, without a log."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from typing_extensions import override

from domain import accounts
from domain.accounts import (
    Account,
    AccountRecorded,
    AnswerCounts,
    Failures,
    Rules,
    SenderEvent,
    Sending,
    SendingEvent,
    fold,
    fold_sending,
)
from domain.accounts.circuit import WINDOW
from domain.accounts.facts import CapLifted, CapReached
from domain.ids import TenantId
from handlers.ports import AccountRow, CapNote, SenderAccounts, Transaction
from handlers.ports.accounts import SenderOrder, SendingOrder, Why
from projections.projection import Put
from projections.sender_accounts import account_changes
from tests.simulation.memory_database import Memory, Tx, of
from tests.simulation.memory_limits import CLAIMS
from tests.simulation.memory_waking import wake

ACCOUNTS, RULES, ANSWERS = "sender_accounts", "sending_rules", "circuit_answers"
ONLY = "only"
T = TypeVar("T")


class MemoryAccounts(SenderAccounts):
    """Implements handlers.ports.SenderAccounts; `told` has every fact in order."""

    def __init__(self, memory: Memory, tenant: TenantId) -> None:
        self._memory = memory
        self._tenant = tenant
        self.told: list[SenderEvent | SendingEvent] = []

    # --- looking ----------------------------------------------------------------------------------

    @override
    def rules(self, tx: Transaction | None = None) -> Rules:
        return self._in(tx, "accounts.rules", lambda inside: _sending(inside).rules)

    @override
    def rows(self, tx: Transaction | None = None) -> list[AccountRow]:
        return self._in(tx, "accounts.rows", _rows)

    @override
    def account(self, sender: str) -> Account:
        return self._in(None, "accounts.account", lambda tx: _account(tx, sender))

    @override
    def sending(self) -> Sending:
        return self._in(None, "accounts.sending", _sending)

    @override
    def history(self, sender: str | None) -> list[AccountRecorded]:
        return []

    # --- orders -----------------------------------------------------------------------------------

    @override
    def order(self, sender: str, decide: SenderOrder, why: Why) -> Sequence[SenderEvent]:
        def ordered(tx: Tx) -> Sequence[SenderEvent]:
            tx.lock(*CLAIMS)
            return self._ordered(tx, sender, decide)

        return self._in(None, "accounts.order", ordered)

    @override
    def order_in(
        self, tx: Transaction, orders: Mapping[str, SenderOrder], why: Why
    ) -> Mapping[str, Sequence[SenderEvent]]:
        self._memory.around.step("accounts.order_in", of(tx))
        return {name: self._ordered(of(tx), name, orders[name]) for name in sorted(orders)}

    @override
    def order_all(self, decide: SenderOrder, why: Why) -> Mapping[str, Sequence[SenderEvent]]:
        names = sorted(row.sender for row in self.rows())
        return {name: self.order(name, decide, why) for name in names}

    @override
    def order_sending(self, decide: SendingOrder, why: Why) -> Sequence[SendingEvent]:
        def ordered(tx: Tx) -> Sequence[SendingEvent]:
            tx.lock(*CLAIMS)
            facts = self._order_sending(tx, decide)
            if facts:
                wake(tx, accounts.opened_by(facts), facts[-1].at)
            return facts

        return self._in(None, "accounts.order_sending", ordered)

    @override
    def together(self, work: Callable[[Transaction], T]) -> T:
        with self._memory.begin() as tx:
            tx.lock(*CLAIMS)
            return work(Transaction(tx))

    @override
    def adopt(self) -> int:
        return 0

    @override
    def heard(
        self, counts: Mapping[str, AnswerCounts], now: datetime, jitter: float
    ) -> Mapping[str, Sequence[SenderEvent]]:
        return self._in(None, "accounts.heard", lambda tx: self._judged(tx, counts, now, jitter))

    @override
    def note_caps(self, tx: Transaction, reached: Sequence[CapNote], now: datetime) -> int:
        facts: list[Any] = []
        for note in reached:
            reach = partial(_reach, note=note, at=now)
            if note.cap in accounts.OF_SENDER:
                facts += self._order(of(tx), note.key, reach)
            elif note.cap not in accounts.UNTOLD:
                facts += self._order_sending(of(tx), reach)
        return len(facts)

    def _judged(
        self, tx: Tx, counts: Mapping[str, AnswerCounts], now: datetime, jitter: float
    ) -> Mapping[str, Sequence[SenderEvent]]:
        turned: dict[str, Sequence[SenderEvent]] = {}
        for sender, heard in sorted(counts.items()):
            until = _account(tx, sender).circuit.until
            half_open = until is not None and until <= now
            if not (heard.failed or (heard.settled and half_open)):
                continue
            tx.lock(ANSWERS, sender)
            window = _counted(tx, sender, heard, now)
            judge = partial(
                accounts.judge_answers, heard=heard, window=window, jitter=jitter, at=now
            )
            facts = self._order(tx, sender, judge)
            if facts:
                turned[sender] = facts
                tx.put(ANSWERS, sender, {"answers": ()})
        return turned

    def _ordered(self, tx: Tx, sender: str, decide: SenderOrder) -> Sequence[SenderEvent]:
        facts = self._order(tx, sender, decide)
        if facts:
            wake(tx, accounts.opened_by(facts), facts[-1].at, senders=(sender,))
        return facts

    def _order(self, tx: Tx, sender: str, decide: SenderOrder) -> Sequence[SenderEvent]:
        tx.lock(ACCOUNTS, sender)
        before = _account(tx, sender)
        facts = list(decide(before))
        if facts:
            after = fold(facts, before)
            tx.put(ACCOUNTS, sender, {"account": after, "row": _row(self._tenant, after)})
            self.told += facts
        return facts

    def _order_sending(self, tx: Tx, decide: SendingOrder) -> Sequence[SendingEvent]:
        tx.lock(RULES, ONLY)
        before = _sending(tx)
        facts = list(decide(before))
        if facts:
            after = fold_sending(facts, before)
            tx.put(RULES, ONLY, {"sending": after, "rules": after.rules})
            self.told += facts
        return facts

    def _in(self, tx: Transaction | None, point: str, work: Callable[[Tx], T]) -> T:
        """In the caller's transaction, or in one of our own."""
        if tx is not None:
            self._memory.around.step(point, of(tx))
            return work(of(tx))
        with self._memory.begin() as own:
            self._memory.around.step(point, own)
            return work(own)


def _reach(state: Any, *, note: CapNote, at: datetime) -> list[CapReached | CapLifted]:
    amount = (note.used, note.limit)
    return accounts.reach_cap(
        state, cap=note.cap, key=note.key, until=note.until, amount=amount, at=at
    )


def _account(tx: Tx, sender: str) -> Account:
    row = tx.get(ACCOUNTS, sender)
    return accounts.INITIAL if row is None else row["account"]


def _sending(tx: Tx) -> Sending:
    row = tx.get(RULES, ONLY)
    return accounts.INITIAL_SENDING if row is None else row["sending"]


def _rows(tx: Tx) -> list[AccountRow]:
    found: list[AccountRow] = [row["row"] for _, row in tx.rows(ACCOUNTS)]
    return sorted(found, key=lambda row: row.sender)


def _row(tenant: TenantId, account: Account) -> AccountRow:
    """The row that the product's projection makes of an account."""
    (put,) = account_changes(accounts.sender_stream(tenant, account.sender), account)
    assert isinstance(put, Put)
    told = {name: put.row[name] for name in AccountRow.__struct_fields__ if name in put.row}
    return AccountRow(settings=account.settings, **{**told, "paused": told["paused"] or ""})


def _counted(tx: Tx, sender: str, heard: AnswerCounts, now: datetime) -> Failures:
    row = tx.get(ANSWERS, sender)
    known = row["answers"] if row else ()
    since = now - WINDOW - timedelta(seconds=1)
    answers = (
        *(one for one in known if one[0] > since),
        (now.replace(microsecond=0), heard.ambiguous, heard.not_sent),
    )
    tx.put(ANSWERS, sender, {"answers": answers})
    return Failures(sum(one[1] for one in answers), sum(one[2] for one in answers))
