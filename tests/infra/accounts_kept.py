"""The accounts of a tenant on PostgreSQL with a clock that is moved."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from domain.accounts import Account, AccountSettings, VerifiedBy, fold, register, verify
from domain.events import topic_of
from domain.ids import TenantId, schema_of
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.ports.accounts import SenderOrder, SendingOrder, Why
from infra.accounts import SqlSenderAccounts
from infra.clock import VirtualClock
from infra.entropy import SystemRng
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database

T0 = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
WHY = Why(Cause(CauseKind.OPERATOR, "order-1"), "key-7")


class Kept:
    """Accounts with short names for what tests do; decisions are dated by the clock."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self.database, self.tenant = database, tenant
        self.clock = VirtualClock(T0)
        self.book = self.another_book()
        self.sql = Statements(schema_of(tenant))

    def another_book(self) -> SqlSenderAccounts:
        """As another process has it."""
        return SqlSenderAccounts(self.database, self.tenant, clock=self.clock, rng=SystemRng())

    def add(self, *senders: str, **settings: Any) -> None:
        for sender in senders:
            self.order(sender, register, sender=sender, settings=AccountSettings(**settings))
            self.order(sender, verify, by=VerifiedBy.OPERATOR)

    def order(self, name: str, decide: Any, /, **given: Any) -> list[str]:
        facts = self.book.order(name, self.bound(decide, **given), WHY)
        return [topic_of(fact) for fact in facts]

    def bound(self, decide: Any, /, **given: Any) -> SenderOrder:
        return lambda state: decide(state, at=self.clock.now(), **given)

    def order_sending(self, decide: Any, **given: Any) -> list[str]:
        order: SendingOrder = lambda state: decide(state, at=self.clock.now(), **given)  # noqa: E731  # typed
        return [topic_of(fact) for fact in self.book.order_sending(order, WHY)]

    def folded(self, sender: str) -> Account:
        """What all facts of an account come to."""
        facts: list[Any] = [one.fact for one in self.book.history(sender)]
        return fold(facts)

    def topics(self, sender: str | None) -> list[str]:
        return [topic_of(one.fact) for one in self.book.history(sender)]

    def rows(self, text: Any, **params: Any) -> Sequence[Row]:
        with self.database.tenant_tx(self.tenant) as curs:
            return self.sql.rows(transaction(curs), text, params)

    def run(self, text: Any, **params: Any) -> int:
        with self.database.tenant_tx(self.tenant) as curs:
            return self.sql.run(transaction(curs), text, params)

    def identity(self, sender: str, *, verified: bool = True, paused: bool = False) -> None:
        """A sender as it was written before there were accounts."""
        self.run(
            "INSERT INTO {s}.senders (sender, from_email, from_name, reply_domain, postal_address,"
            " verified, paused)"
            " VALUES (%(s)s, %(s)s || '@mail.example', 'X', 'r.example', 'Here', %(v)s, %(p)s)",
            s=sender,
            v=verified,
            p=paused,
        )
