"""Sender accounts, dead letters and what is shown of limits, in stores of a few lines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from domain.accounts import (
    Account,
    AccountRecorded,
    AccountStream,
    Rules,
    SenderEvent,
    Sending,
    fold,
    fold_sending,
    take_over,
)
from domain.limits import Counter
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.dead_letters import DeadLetter
from handlers.ports import Sender, Used
from handlers.ports.accounts import AccountRow, SenderOrder, SendingOrder, Why

WRITTEN = Why(Cause(CauseKind.REQUEST, "put_sender"), "register")


class Accounts:
    """Implements what the endpoints need of handlers.ports.SenderAccounts."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.facts: dict[str | None, list[AccountRecorded]] = {}
        self.whys: list[Why] = []

    def rules(self, _: object = None) -> Rules:
        return self.sending().rules

    def sending(self) -> Sending:
        return fold_sending(self._facts(None))

    def rows(self, _: object = None) -> list[AccountRow]:
        """None: no test of the endpoints has a rotation set."""
        return []

    def account(self, sender: str) -> Account:
        return fold(self._facts(sender))

    def history(self, sender: str | None) -> list[AccountRecorded]:
        return self.facts.get(sender, [])

    def order(self, sender: str, decide: SenderOrder, why: Why) -> Sequence[SenderEvent]:
        return self._keep(sender, decide(self.account(sender)), why)

    def order_in(
        self, _: object, orders: Mapping[str, SenderOrder], why: Why
    ) -> Mapping[str, Sequence[SenderEvent]]:
        return {name: self.order(name, decide, why) for name, decide in orders.items()}

    def together(self, work: Callable[[Any], Any]) -> Any:
        return work(None)

    def order_sending(self, decide: SendingOrder, why: Why) -> Sequence[Any]:
        return self._keep(None, decide(self.sending()), why)

    def written(self, sender: Sender) -> None:
        """An identity was written: its account is as it says."""
        decide = partial(
            take_over,
            sender=sender.sender,
            verified=sender.verified,
            paused=sender.paused,
            at=self.now(),
        )
        self.order(sender.sender, decide, WRITTEN)

    def _facts(self, sender: str | None) -> list[Any]:
        return [one.fact for one in self.facts.get(sender, [])]

    def _keep(self, sender: str | None, news: Sequence[Any], why: Why) -> Sequence[Any]:
        kept = self.facts.setdefault(sender, [])
        self.whys += [why] * bool(news)
        for fact in news:
            version = len(kept) + 1
            stream = AccountStream(UUID(int=0))
            kept.append(
                AccountRecorded(stream, version, version, fact, self.now(), why.cause, why.actor)
            )
        return news


class Counts:
    """Implements Limits.used and Transactions.begin: of every limit so much is used."""

    def __init__(self) -> None:
        self.each = 0

    @contextmanager
    def begin(self) -> Iterator[object]:
        yield object()

    def used(self, _: object, counters: Sequence[Counter]) -> list[Used]:
        return [Used(self.each) for _ in counters]


class NoMail:
    """Implements handlers.ports.accounts.Deliverability: nothing was sent and nothing waits."""

    def between(self, *_: object) -> Mapping[str, Any]:
        return {}

    def waiting(self, _: str) -> int:
        return 0


class Letters:
    """Implements handlers.dead_letters.DeadLetters; `taken` cannot be made new again."""

    def __init__(self) -> None:
        self.held: dict[int, DeadLetter] = {}
        self.taken: set[int] = set()

    def page(self, state: str, after: int | None, limit: int) -> list[DeadLetter]:
        found = [one for one in self.held.values() if one.state == state]
        return [one for one in found if after is None or one.id > after][:limit]

    def one(self, number: int) -> DeadLetter | None:
        return self.held.get(number)

    def again(self, number: int) -> bool:
        if number in self.taken:
            return False
        self.held[number] = msgspec.structs.replace(self.held[number], state="new", reason=None)
        return True
