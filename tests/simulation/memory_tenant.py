"""One tenant whose every port is in memory: the same ports that the bootstrap makes of servers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, cast

import msgspec
from typing_extensions import override

from domain.ids import ContactId, TenantId
from domain.plan import Policy
from domain.recorded import Cause
from domain.taxonomy import AddressVerdict, CauseKind
from handlers.ports import (
    Calendars,
    Clock,
    Doorbell,
    Input,
    Result,
    Rng,
    TenantPorts,
    Transaction,
    Transactions,
)
from handlers.ports.tenant import KnownAddresses
from infra.campaigns import Along, Find, LogCampaigns
from infra.claims.outbox import Claimant
from infra.grounds import GroundsOf
from infra.vault import AddressMac
from plans.context import TenantPolicy
from projections.registry import WORK
from tests.simulation.memory_accounts import MemoryAccounts
from tests.simulation.memory_database import Memory
from tests.simulation.memory_gates import Gates
from tests.simulation.memory_inbox import MemoryInbox, MemoryTimers
from tests.simulation.memory_limits import LosableSmoothing, MemoryLimits, MemoryShare
from tests.simulation.memory_log import MemoryLog
from tests.simulation.memory_outbox import Alive, MemoryOutbox
from tests.simulation.memory_suppressions import MemorySuppressions
from tests.simulation.memory_vault import MemoryRegister, MemoryVault

PEPPER = b"a pepper that is long enough for tests"
TAG = "simulated"
STORY = Cause(CauseKind.REQUEST, "simulation")


class _NoCalendars(Calendars):
    @override
    def dates(self, name: str, since: date, until: date) -> Sequence[date] | None:
        return None


class _LostBells(Doorbell):
    """Every bell is lost: only the ticker finds what is due."""

    @override
    def ring(self, kind: str, tenant: TenantId) -> None:
        pass


class _NothingKnown(KnownAddresses):
    """No address was ever looked at."""

    @override
    def verdicts(self, ids: Iterable[ContactId]) -> Mapping[ContactId, AddressVerdict]:
        return {}


class _NothingLeased:
    """The errands of plans without errands."""

    def free_expired(self) -> int:
        return 0


class _MemoryTransactions(Transactions):
    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    @override
    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        with self._memory.begin() as tx:
            yield Transaction(tx)


OnAnswer = Callable[[str, Sequence[Input], Sequence[Result]], None]
"""Told of every append that has an answer: its name, what was asked, what came of it."""


class HeardCampaigns(LogCampaigns):
    """The product's own streams, with somebody who hears what they answer."""

    on_answer: OnAnswer

    @override
    def _new_append(self) -> str:
        self._append_name = super()._new_append()
        return self._append_name

    @override
    def transact(self, given: Input) -> Result:
        result = super().transact(given)
        self.on_answer(self._append_name, [given], [result])
        return result

    @override
    def transact_many(self, given: Sequence[Input], along: Along | None = None) -> list[Result]:
        results = super().transact_many(given, along)
        if given:
            self.on_answer(self._append_name, given, results)
        return results

    @override
    def transact_found(self, find: Find, along: Along) -> list[Result]:
        given: Sequence[Input] = []

        def noted(tx: Transaction) -> Sequence[Input]:
            nonlocal given
            given = find(tx)
            return given

        results = super().transact_found(noted, along)
        if given:
            self.on_answer(self._append_name, given, results)
        return results


class MemoryTenant(msgspec.Struct):
    """What all processes of a tenant share."""

    memory: Memory
    rng: Rng
    tenant: TenantId
    mac: AddressMac
    vault: MemoryVault
    accounts: MemoryAccounts
    smoothing: LosableSmoothing
    inbox: MemoryInbox
    suppressions: MemorySuppressions
    on_answer: OnAnswer = lambda _append, _given, _results: None
    share_max: int = 20_000
    alive: Alive | None = None

    def ports(self, worker: str, clock: Clock) -> TenantPorts:
        """Everything the use cases need in one process."""
        memory, policy = self.memory, Policy()
        limits = MemoryLimits(memory)
        transactions = _MemoryTransactions(memory)
        campaigns = HeardCampaigns(
            cast("Any", MemoryLog(memory, self.tenant)),
            transactions,
            clock=clock,
            rng=self.rng,
            grounds_of=GroundsOf(self.tenant, cast("Any", self.vault), policy),
            work=WORK,
        )
        campaigns.on_answer = self.on_answer
        nobody = cast("Any", _NothingLeased())
        return TenantPorts(
            tenant=self.tenant,
            tag=TAG,
            policy=policy,
            plan_policy=TenantPolicy(),
            campaigns=campaigns,
            transactions=transactions,
            register=MemoryRegister(memory, clock),
            vault=self.vault,
            outbox=MemoryOutbox(
                memory,
                Claimant(worker=worker),
                gates=Gates(memory, lambda domain: self.mac(f"@{domain}").hex()[:32]),
                limits=limits,
                clock=clock,
                alive=self.alive,
            ),
            accounts=self.accounts,
            addresses=_NothingKnown(),
            limits=limits,
            smoothing=self.smoothing,
            global_share=MemoryShare(memory, self.share_max),
            timers=MemoryTimers(memory),
            errands=nobody,
            people=nobody,
            endpoints=nobody,
            notices=nobody,
            inbox=self.inbox,
            suppressions=self.suppressions,
            calendars=_NoCalendars(),
            clock=clock,
            rng=self.rng,
            doorbell=_LostBells(),
        )


def memory_tenant(memory: Memory, rng: Rng, tenant: TenantId) -> MemoryTenant:
    """A tenant on a memory; what is in the memory already is his."""
    mac = AddressMac(PEPPER, tenant)
    return MemoryTenant(
        memory,
        rng,
        tenant,
        mac,
        MemoryVault(memory, mac),
        MemoryAccounts(memory, tenant),
        LosableSmoothing(memory),
        MemoryInbox(memory, rng),
        MemorySuppressions(memory, mac),
    )
