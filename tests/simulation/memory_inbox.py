"""The webhook inbox and the timers of a tenant in memory, leased and fenced as in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from typing_extensions import override

from domain.ids import MessageId
from domain.taxonomy import Signal
from handlers.ports import (
    DueTimer,
    Inbox,
    InboxItem,
    Past,
    Report,
    Rng,
    Settled,
    Timers,
    Transaction,
)
from infra.claims.inbox import LEASE_S, ORPHAN_TRIES_S, PAST_MAX, SIGHTED, TELLING
from tests.simulation.memory_database import Memory, Row, Tx, of

INBOX, TIMERS = "inbox", "timers"
SAYS_NOTHING = ("duplicate", "parked")


class MemoryInbox(Inbox):
    """Implements handlers.ports.Inbox; one row for each semantic key that is no repeat."""

    def __init__(self, memory: Memory, rng: Rng) -> None:
        self._memory = memory
        self._rng = rng
        self._ids = 0

    @override
    def keep(
        self,
        provider: str,
        headers: Mapping[str, str],
        body: bytes,
        reports: Sequence[Report],
        *,
        late: bool,
    ) -> int:
        delivery = self._rng.new_id()
        with self._memory.begin() as tx:
            self._memory.around.step("inbox.keep", tx)
            return sum(self._keep(tx, provider, delivery, report) for report in reports)

    def _keep(self, tx: Tx, provider: str, delivery: UUID, report: Report) -> bool:
        tx.lock("inbox_keys", report.key)  # as the unique index makes a second insert wait
        known = any(
            row["key"] == report.key and row["state"] not in SAYS_NOTHING
            for _, row in tx.rows(INBOX)
        )
        fresh = "parked" if report.problem else "new"
        self._ids += 1
        row: Row = {
            "inbox_id": self._ids,
            "delivery_id": delivery,
            "provider": provider,
            "raw": report.raw,
            "key": report.key,
            "occurred_at": report.at,
            "state": "duplicate" if known else fresh,
            "signal": report.signal,
            "about": report.message_id,
            "message_id": None,
            "tries": 0,
            "fence": 0,
            "lease_until": None,
            "next_try_at": None,
        }
        tx.put(INBOX, self._ids, row)
        return not known and fresh == "new"

    @override
    def claim(self, limit: int) -> list[InboxItem]:
        with self._memory.begin() as tx:
            self._memory.around.step("inbox.claim", tx)
            now = self._memory.around.real_now()
            waiting = [
                key
                for key, row in tx.rows(INBOX)
                if row["state"] == "new" or (row["state"] == "orphan" and row["next_try_at"] <= now)
            ]
            taken = [key for key in waiting if tx.try_lock(INBOX, key)][:limit]
            return [self._lease(tx, key, now) for key in taken]

    def _lease(self, tx: Tx, key: object, now: float) -> InboxItem:
        row = tx.get(INBOX, key)  # type: ignore[arg-type]  # as `rows` gave it
        assert row is not None
        leased = {
            **row,
            "state": "claimed",
            "tries": row["tries"] + 1,
            "fence": row["fence"] + 1,
            "lease_until": now + LEASE_S,
        }
        tx.put(INBOX, row["inbox_id"], leased)
        return InboxItem(
            row["inbox_id"],
            row["delivery_id"],
            row["provider"],
            row["raw"],
            row["key"],
            _EPOCH + timedelta(seconds=now),
            row["tries"],
            leased["fence"],
        )

    @override
    def past(self, tx: Transaction, known: Mapping[MessageId, int]) -> list[Past]:
        self._memory.around.step("inbox.past", of(tx))
        rows = [
            row
            for row in self._memory.committed_rows(INBOX).values()
            if row["state"] not in SAYS_NOTHING and row["signal"] in TELLING
        ]
        queue = self._memory.committed_rows("send_queue")
        found = []
        for mid, size in known.items():
            of_message = [row for row in rows if row["about"] == mid]
            now = min(len(of_message), PAST_MAX)
            seen = [row for row in of_message if row["signal"] in SIGHTED]
            if now > size and seen:
                seen.sort(key=lambda row: (row["occurred_at"], row["inbox_id"]), reverse=True)
                kept = [(row["provider"], row["raw"], row["key"]) for row in seen[:PAST_MAX]]
                sent = queue.get(mid)
                sent_at = sent["accepted_at"] if sent else None
                delivered_at = min(_instants(of_message, Signal.DELIVERED), default=None)
                replied_at = max(_instants(of_message, Signal.REPLIED), default=None)
                found.append(Past(mid, sent_at, delivered_at, replied_at, now, kept))
        return found

    @override
    def settle(self, tx: Transaction | None, settled: Sequence[Settled]) -> None:
        if not settled:
            return
        if tx is None:
            with self._memory.begin() as own:
                self.settle(Transaction(own), settled)
            return
        inside = of(tx)
        self._memory.around.step("inbox.settle", inside)
        for one in settled:
            inside.lock(INBOX, one.item.inbox_id)
            row = inside.get(INBOX, one.item.inbox_id)
            if row is not None and (row["state"], row["fence"]) == ("claimed", one.item.fence):
                inside.put(INBOX, one.item.inbox_id, {**row, **self._outcome(one)})

    def _outcome(self, one: Settled) -> Row:
        last = one.state != "orphan" or one.reason == "given_up"
        wait = ORPHAN_TRIES_S[min(one.item.tries, len(ORPHAN_TRIES_S) - 1)]
        next_try = float("inf") if last else self._memory.around.real_now() + wait
        return {
            "state": one.state,
            "message_id": one.message_id,
            "lease_until": None,
            "next_try_at": next_try,
        }

    @override
    def free_expired(self) -> int:
        return _free(self._memory, INBOX, "new")


class MemoryTimers(Timers):
    """Implements handlers.ports.Timers."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    @override
    def claim(self, now: datetime, *, grace_s: int, limit: int) -> list[DueTimer]:
        with self._memory.begin() as tx:
            self._memory.around.step("timers.claim", tx)
            graced = now - timedelta(seconds=grace_s)
            due = [
                row
                for _, row in tx.rows(TIMERS)
                if row["state"] == "due" and row["due_at"] <= (graced if _of_node(row) else now)
            ]
            due.sort(key=lambda row: (row["due_at"], row["timer_id"]))
            taken = [row for row in due if tx.try_lock(TIMERS, row["timer_id"])][:limit]
            timers = [self._lease(tx, row) for row in taken]
        return sorted(timers, key=lambda timer: (timer.due_at, timer.index))

    def _lease(self, tx: Tx, row: Row) -> DueTimer:
        until = self._memory.around.real_now() + LEASE_S
        leased = {"state": "claimed", "fence": row["fence"] + 1, "lease_until": until}
        tx.change(TIMERS, row["timer_id"], **leased)
        names = ("timer_id", "kind", "node", "visit", "index", "due_at")
        told = {name: row[name] for name in names}
        return DueTimer(**told, stream=row["stream_id"], fence=row["fence"] + 1)

    @override
    def settle(self, tx: Transaction, timers: Sequence[DueTimer]) -> None:
        inside = of(tx)
        self._memory.around.step("timers.settle", inside)
        for timer in timers:
            inside.lock(TIMERS, timer.timer_id)
            row = inside.get(TIMERS, timer.timer_id)
            if row is None or (row["state"], row["fence"]) != ("claimed", timer.fence):
                continue
            if row["due_at"] == timer.due_at:
                inside.delete(TIMERS, timer.timer_id)
            else:  # set anew meanwhile: another timer, and nobody's yet
                free = {"state": "due", "lease_until": None, "fence": timer.fence + 1}
                inside.change(TIMERS, timer.timer_id, **free)

    @override
    def free_expired(self) -> int:
        return _free(self._memory, TIMERS, "due")


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _of_node(row: Row) -> bool:
    return bool(row["scope"] == "node")


def _free(memory: Memory, table: str, state: str) -> int:
    """S7: what a dead worker had leased is to be taken again."""
    with memory.begin() as tx:
        memory.around.step(f"{table}.free", tx)
        now = memory.around.real_now()
        freed = 0
        for key, _ in list(tx.rows(table)):
            if not _is_over(tx.get(table, key), now):
                continue
            tx.lock(table, key)
            row = tx.get(table, key)  # as it is now that nobody else can change it
            if row is not None and _is_over(row, now):
                free = {"state": state, "lease_until": None, "fence": row["fence"] + 1}
                tx.put(table, key, {**row, **free})
                freed += 1
        return freed


def _is_over(row: Row | None, now: float) -> bool:
    return row is not None and row["state"] == "claimed" and bool(row["lease_until"] < now)


def _instants(rows: Sequence[Row], signal: Signal) -> list[datetime]:
    return [row["occurred_at"] for row in rows if row["signal"] == signal and row["occurred_at"]]
