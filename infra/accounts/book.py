"""The sender accounts of one tenant for the use cases: what they are, and orders to them."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from typing_extensions import override

from domain import accounts
from domain.accounts import (
    Account,
    AccountRecorded,
    AccountSettings,
    AccountStream,
    AnswerCounts,
    Profile,
    Rules,
    SenderEvent,
    Sending,
    SendingEvent,
    sender_stream,
    sending_stream,
)
from domain.accounts.caps import HasCaps
from domain.accounts.facts import CapLifted, CapReached
from domain.ids import TenantId, schema_of
from domain.recorded import Cause
from domain.taxonomy import CauseKind, HoldReason
from handlers.ports import Clock, Rng, Transaction
from handlers.ports.accounts import (
    AccountRow,
    CapNote,
    Done,
    SenderAccounts,
    SenderOrder,
    SendingOrder,
    Why,
)
from infra.accounts.circuits import AnswerBook
from infra.accounts.log import AccountLog
from infra.accounts.writing import AccountWriter
from infra.claims.waking import wake
from infra.statements import Row, Statements, inside
from infra.tenancy import Database

ADOPTED = Why(Cause(CauseKind.SWEEP, "adopt"), "accounts")
HEARD = Why(Cause(CauseKind.DISPATCH, "answers"), "dispatch")
CAPPED = Why(Cause(CauseKind.DISPATCH, "caps"), "dispatch")


class SqlSenderAccounts(SenderAccounts):
    """Implements handlers.ports.accounts.SenderAccounts on the second log of a tenant."""

    def __init__(self, database: Database, tenant: TenantId, *, clock: Clock, rng: Rng) -> None:
        self._database = database
        self._tenant = tenant
        self._sql = Statements(schema_of(tenant))
        self._log = AccountLog(database, tenant)
        self._writer = AccountWriter(database, tenant, self._log, clock=clock, rng=rng)
        self._answers = AnswerBook(tenant)
        self.now = clock.now

    # --- looking ----------------------------------------------------------------------------------

    @override
    def rules(self, tx: Transaction | None = None) -> Rules:
        with inside(self._database, self._tenant, tx) as own:
            (row,) = self._sql.rows(own, _RULES)
        return msgspec.convert(dict(zip(Rules.__struct_fields__, row, strict=True)), Rules)

    @override
    def rows(self, tx: Transaction | None = None) -> list[AccountRow]:
        with inside(self._database, self._tenant, tx) as own:
            return [_row(row) for row in self._sql.rows(own, _ROWS)]

    @override
    def account(self, sender: str) -> Account:
        state = self._state(sender_stream(self._tenant, sender))
        assert isinstance(state, Account)
        return state

    @override
    def sending(self) -> Sending:
        state = self._state(sending_stream(self._tenant))
        assert isinstance(state, Sending)
        return state

    @override
    def history(self, sender: str | None) -> list[AccountRecorded]:
        if sender is None:
            return self._log.history(sending_stream(self._tenant))
        return self._log.history(sender_stream(self._tenant, sender))

    # --- orders -----------------------------------------------------------------------------------

    @override
    def order(self, sender: str, decide: SenderOrder, why: Why) -> Sequence[SenderEvent]:
        return self._writer.again(lambda tx: self.order_in(tx, {sender: decide}, why))[sender]

    @override
    def order_in(
        self, tx: Transaction, orders: Mapping[str, SenderOrder], why: Why
    ) -> Mapping[str, Sequence[SenderEvent]]:
        done = self._writer.write(tx, orders, None, why).senders
        opened = {sender: accounts.opened_by(facts) for sender, facts in done.items()}
        by_holds: defaultdict[frozenset[HoldReason], set[str]] = defaultdict(set)
        for sender, holds in opened.items():
            by_holds[holds].add(sender)
        for holds, senders in by_holds.items():
            wake(self._sql, tx, holds, self.now(), senders=senders)
        return done

    @override
    def order_all(self, decide: SenderOrder, why: Why) -> Mapping[str, Sequence[SenderEvent]]:
        def ordered(tx: Transaction) -> Mapping[str, Sequence[SenderEvent]]:
            standing = [name for (name,) in self._sql.rows(tx, _STANDING)]
            return self.order_in(tx, dict.fromkeys(standing, decide), why)

        return _news(self._writer.again(ordered))

    @override
    def order_sending(self, decide: SendingOrder, why: Why) -> Sequence[SendingEvent]:
        def ordered(tx: Transaction) -> Sequence[SendingEvent]:
            facts = self._writer.write(tx, {}, decide, why).sending
            wake(self._sql, tx, accounts.opened_by(facts), self.now())
            return facts

        return self._writer.again(ordered)

    @override
    def together(self, work: Callable[[Transaction], Done]) -> Done:
        return self._writer.again(work)

    @override
    def adopt(self) -> int:
        def adopted(tx: Transaction) -> int:
            names = [name for (name,) in self._sql.rows(tx, _WITHOUT_ACCOUNT)]
            return len(_news(self.order_in(tx, dict.fromkeys(names, _nothing), ADOPTED)))

        return self._writer.again(adopted)

    @override
    def heard(
        self, counts: Mapping[str, AnswerCounts], now: datetime, jitter: float
    ) -> Mapping[str, Sequence[SenderEvent]]:
        # counted twice after a commit whose answer was lost: a circuit may open early, never late
        judged = partial(self._judged, counts=counts, now=now, jitter=jitter)
        return self._writer.again(judged, opens=False)  # what a probe held waits for moments only

    @override
    def note_caps(self, tx: Transaction, reached: Sequence[CapNote], now: datetime) -> int:
        of_senders: defaultdict[str, list[CapNote]] = defaultdict(list)
        of_tenant: list[CapNote] = []
        for note in {(note.cap, note.key): note for note in reached}.values():
            if note.cap in accounts.OF_SENDER:
                of_senders[note.key].append(note)
            elif note.cap not in accounts.UNTOLD:
                of_tenant.append(note)
        if not (of_senders or of_tenant):
            return 0
        orders: dict[str, SenderOrder] = {
            sender: partial(_reach, notes=notes, at=now) for sender, notes in of_senders.items()
        }
        tenant_order = partial(_reach, notes=of_tenant, at=now) if of_tenant else None
        written = self._writer.write(tx, orders, tenant_order, CAPPED)
        return sum(map(len, written.senders.values())) + len(written.sending)

    def _judged(
        self, tx: Transaction, counts: Mapping[str, AnswerCounts], now: datetime, jitter: float
    ) -> Mapping[str, Sequence[SenderEvent]]:
        concerned = self._answers.concerned(tx, counts, now)
        if not concerned:
            return {}
        windows = self._answers.count(tx, concerned, now)
        orders: dict[str, SenderOrder] = {
            sender: partial(
                accounts.judge_answers,
                heard=heard,
                window=windows[sender],
                jitter=jitter,
                at=now,
            )
            for sender, heard in concerned.items()
        }
        turned = _news(self._writer.write(tx, orders, None, HEARD).senders)
        self._answers.forget(tx, sorted(turned))
        return turned

    def _state(self, stream: AccountStream) -> Account | Sending:
        with self._database.tenant_tx(self._tenant) as curs:
            return self._log.load(curs, [stream])[stream].state


def _nothing(_: Account) -> Sequence[SenderEvent]:
    return ()


def _news(
    done: Mapping[str, Sequence[SenderEvent]],
) -> Mapping[str, Sequence[SenderEvent]]:
    return {sender: facts for sender, facts in done.items() if facts}


def _reach(
    state: HasCaps, *, notes: Sequence[CapNote], at: datetime
) -> list[CapReached | CapLifted]:
    if isinstance(state, Account) and not state.stands:
        return []
    return [
        fact
        for note in notes
        for fact in accounts.reach_cap(
            state,
            cap=note.cap,
            key=note.key,
            until=note.until,
            amount=(note.used, note.limit),
            at=at,
        )
    ]


def _row(row: Row) -> AccountRow:
    sender, profile, zone, rotation_set, day_max, minute_max, hour_max, *rest = row
    settings = AccountSettings(
        profile=Profile(profile),
        zone=zone,
        rotation_set=rotation_set,
        day_max=day_max,
        minute_max=minute_max,
        hour_max=hour_max,
    )
    named: dict[str, Any] = dict(zip(_REST, rest, strict=True))
    return AccountRow(sender=sender, settings=settings, **named)


_REST = (
    "verified",
    "paused",
    "health",
    "warmup_max",
    "circuit_until",
    "circuit_needs_operator",
    "away_until",
    "connected",
    "deleted",
)

_ROWS = """
SELECT sender, profile, zone, rotation_set, day_max, minute_max, hour_max, verified,
       coalesce(paused, ''), health, warmup_max, circuit_until, circuit_needs_operator,
       away_until, connected, deleted
  FROM {s}.sender_accounts ORDER BY sender
"""

_STANDING = "SELECT sender FROM {s}.sender_accounts WHERE NOT deleted ORDER BY sender"

_WITHOUT_ACCOUNT = """
SELECT sender FROM {s}.senders d
 WHERE NOT EXISTS (SELECT FROM {s}.sender_accounts a WHERE a.sender = d.sender) ORDER BY sender
"""

_RULES = """
SELECT coalesce(paused, ''), zone, sender_minute_max, sender_hour_max, sender_day_max,
       tenant_hour_max, domain_hour_max, apart_days, touch_gap_h, weekend, weekend_percent,
       strict_consent, health_min, pace_min_s, pace_max_s, validate_max_age_days
  FROM {s}.sending_rules
"""
