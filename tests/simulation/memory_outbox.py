"""The send queue of a tenant in memory: as infra.claims.outbox, statement by statement."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from typing_extensions import override

from domain.campaign.state import MessageState as State
from domain.events import MessageUnknown
from domain.gates.holds import DATED_BY_RULE, PAUSES
from domain.ids import MessageId, StreamId
from domain.taxonomy import HoldReason
from handlers.ports import (
    Clock,
    Doubt,
    Due,
    Lane,
    Limits,
    Marked,
    Match,
    Outbox,
    Planned,
    Report,
    Sent,
    Transaction,
)
from infra.claims.outbox import RENDER_LEAD, SILENCE_LASTS, Claimant
from projections.send_queue import NEVER
from tests.simulation.memory_database import Memory, Row, Tx, of
from tests.simulation.memory_gates import Gates
from tests.simulation.memory_reports import match_of, shown_alive

QUEUE = "send_queue"
_DATED = (*DATED_BY_RULE, HoldReason.GATE_ERROR)
WAITING = (State.PLANNED, State.QUEUED)
PERHAPS_SENT = (State.SENDING, State.ACCEPTED, State.UNKNOWN, State.PRESUMED_LOST)


Alive = Callable[[datetime], bool]
"""Whether webhooks come at this instant."""


class MemoryOutbox(Outbox):
    """Implements handlers.ports.Outbox; `alive` stands for what other traffic of a tenant shows."""

    def __init__(
        self,
        memory: Memory,
        claimant: Claimant,
        *,
        gates: Gates,
        limits: Limits,
        clock: Clock,
        alive: Alive | None = None,
    ) -> None:
        self._memory = memory
        self._claimant = claimant
        self._gates = gates
        self._limits = limits
        self._clock = clock
        self._alive = alive or partial(shown_alive, memory)

    @override
    def planned(self, tx: Transaction, now: datetime, limit: int) -> list[Planned]:
        inside = self._at("outbox.planned", tx)
        held = (HoldReason.GATE_ERROR, HoldReason.SENDER_PAUSED)
        head = sorted(
            (row["due_at"], row["message_id"])
            for _, row in inside.rows(QUEUE)
            if row["state"] == State.PLANNED
            and row["due_at"] <= now + RENDER_LEAD
            and (row["hold_reason"] not in held or row["not_before"] <= now)
        )
        free = [mid for _, mid in head if inside.try_lock(QUEUE, mid)][:limit]
        return [self._planned(inside, mid) for mid in free]

    def _planned(self, tx: Tx, message_id: MessageId) -> Planned:
        row = tx.get(QUEUE, message_id)
        assert row is not None
        stream = tx.get("streams", row["stream_id"])
        assert stream is not None
        campaign = tx.get("campaigns", row["campaign_id"])
        names = ("message_id", "stream_id", "contact_id", "campaign_id", "node", "variant")
        sender = row["sender"] or (campaign["sender"] if campaign else "")
        rest = {"sender": sender, "plan_hash": stream["plan_hash"]}
        return Planned(**{_PORT.get(name, name): row[name] for name in names}, **rest)

    @override
    def sent(self, tx: Transaction, streams: Iterable[StreamId]) -> list[Sent]:
        wanted = set(streams)
        rows = [
            row
            for _, row in self._at("outbox.sent", tx).rows(QUEUE)
            if row["stream_id"] in wanted and row["state"] == State.ACCEPTED
        ]
        names = ("message_id", "stream_id", "node", "visit", "attempt", "sender")
        return [
            Sent(**{_PORT.get(name, name): row[name] for name in names})
            for row in sorted(rows, key=_visit)
        ]

    @override
    def waiting(self, now: datetime, limit: int) -> int:
        self._memory.around.step("outbox.waiting")
        rows = self._memory.committed_rows(QUEUE).values()
        return min(limit, sum(_is_due(row, now) for row in rows))

    @override
    def due(self, tx: Transaction, now: datetime, limit: int) -> list[Due]:
        inside = self._at("outbox.due", tx)
        rows = [row for _, row in inside.rows(QUEUE) if _is_due(row, now)]
        rows.sort(key=lambda row: (row["not_before"], row["message_id"]))
        free = [row for row in rows if inside.try_lock(QUEUE, row["message_id"])][:limit]
        found = (self._gates.due(inside, row, now) for row in free)
        return [one for one in found if one is not None]

    @override
    def lanes(self, tx: Transaction, wanted: Iterable[Lane]) -> Mapping[Lane, datetime]:
        inside = self._at("outbox.lanes", tx)
        rows = {lane: inside.get("lanes", lane) for lane in wanted}
        return {lane: row["until"] for lane, row in rows.items() if row is not None}

    @override
    def hold(
        self, tx: Transaction, ids: Sequence[MessageId], reason: HoldReason, until: datetime
    ) -> None:
        self.hold_each(tx, dict.fromkeys(ids, (reason, until)))

    @override
    def hold_each(
        self, tx: Transaction, held: Mapping[MessageId, tuple[HoldReason, datetime]]
    ) -> None:
        if not held:
            return
        inside = self._at("outbox.hold", tx)
        for mid, (reason, until) in held.items():
            inside.lock(QUEUE, mid)
            row = inside.get(QUEUE, mid)
            if row is not None and row["state"] in WAITING:
                dated = row["due_at"] if reason in _DATED else until
                not_before = max(row["not_before"], until, dated)
                inside.change(QUEUE, mid, not_before=not_before, hold_reason=reason)

    @override
    def mark(self, tx: Transaction, marked: Marked) -> None:
        inside = self._at("outbox.mark", tx)
        for lane, until in marked.lanes.items():
            inside.put("lanes", lane, {"until": until})
        since, worker = self._memory.around.real_now(), self._claimant.worker
        for due in marked.claimed:
            row = inside.get(QUEUE, due.message_id)
            if row is not None and row["state"] == State.SENDING:
                stamp = {"since": since, "worker": worker, "claim": marked.token}
                inside.change(QUEUE, due.message_id, **stamp)
            for identity in due.recipient.identities:
                self._write_to(inside, identity, due, marked.now)

    def _write_to(self, tx: Tx, identity: bytes, due: Due, now: datetime) -> None:
        key = (identity, due.stream)
        tx.lock("outreach", key)
        before = tx.get("outreach", key)
        row = {
            "stream_id": due.stream,
            "campaign_id": due.campaign_id,
            "contact_id": due.recipient.contact_id,
            "at": now if before is None else max(before["at"], now),
        }
        tx.put("outreach", key, row)

    @override
    def claimed(self, token: str) -> set[MessageId]:
        with self._memory.begin() as tx:
            self._limits.lock(Transaction(tx))
            return {
                row["message_id"]
                for _, row in tx.rows(QUEUE)
                if row["claim"] == token and row["state"] == State.SENDING
            }

    @override
    def fresh(self, token: str, claims: Mapping[MessageId, int]) -> set[MessageId]:
        with self._memory.begin() as tx:
            inside = self._at("outbox.fresh", Transaction(tx))
            younger_than = self._memory.around.real_now() - self._claimant.call_guard_s
            now = self._clock.now()
            rows = {mid: inside.get(QUEUE, mid) for mid in claims}
            return {
                mid
                for mid, row in rows.items()
                if row is not None
                and (row["state"], row["claim"], row["attempt"])
                == (State.SENDING, token, claims[mid])
                and row["since"] > younger_than
                and self._gates.open(inside, row, now)
            }

    @override
    def provider_id(self, message_id: MessageId) -> str | None:
        self._memory.around.step("outbox.provider_id")
        row = self._memory.committed_rows(QUEUE).get(message_id)
        return row["provider_id"] if row else None

    @override
    def not_contacted(self, tx: Transaction, messages: Iterable[MessageId]) -> None:
        wanted = set(messages)
        if not wanted:
            return
        inside = self._at("outbox.not_contacted", tx)
        rows = [row for _, row in inside.rows(QUEUE)]
        of_these = {row["stream_id"] for row in rows if row["message_id"] in wanted}
        written = {
            row["stream_id"]
            for row in rows
            if row["message_id"] not in wanted and row["state"] in PERHAPS_SENT
        }
        doubted = {
            entry.originator_id
            for _, entry in self._memory.log
            if isinstance(entry.body.fact, MessageUnknown)
        }
        for key, row in list(inside.rows("outreach")):
            if row["stream_id"] in of_these - written - doubted:
                inside.delete("outreach", key)

    @override
    def look(self, message_id: MessageId, now: datetime) -> Due | None:
        raise NotImplementedError  # nobody asks why within a run

    @override
    def stale(self, after: MessageId | None, limit: int) -> list[Doubt]:
        self._memory.around.step("outbox.stale")
        before = self._memory.around.real_now() - self._claimant.sweep_s
        stale = (row for row in self._rows(State.SENDING) if row["since"] < before)
        return _page(stale, after, limit)

    @override
    def expired(self, now: datetime, after: MessageId | None, limit: int) -> list[Doubt]:
        self._memory.around.step("outbox.expired")
        waiting = self._rows(*WAITING)
        late = (row for row in waiting if row["expires_at"] <= now and row["not_before"] < NEVER)
        return _page((row for row in late if not self._kept_back(row)), after, limit)

    def _kept_back(self, row: Row) -> bool:
        rows = self._memory.committed_rows
        campaign = rows("campaigns").get(row["campaign_id"])
        account = rows("sender_accounts").get(row["sender"])
        return (
            row["hold_reason"] in PAUSES
            or any(one["rules"].paused for one in rows("sending_rules").values())
            or (campaign is not None and campaign["status"] == "paused")
            or (account is not None and bool(account["row"].paused))
        )

    @override
    def silent(self, now: datetime, after: MessageId | None, limit: int) -> list[Doubt]:
        self._memory.around.step("outbox.silent")
        if not self._alive(now):
            return []
        since = now - SILENCE_LASTS
        silent = (row for row in self._rows(State.UNKNOWN) if row["not_before"] < since)
        return _page(silent, after, limit)

    def _rows(self, *states: State) -> list[Row]:
        rows = self._memory.committed_rows(QUEUE).values()
        return [row for row in rows if row["state"] in states]

    @override
    def idle_since(self, now: datetime) -> datetime | None:
        raise NotImplementedError  # the alarm is no part of a run

    @override
    def find(self, tx: Transaction, reports: Sequence[Report]) -> list[Match | None]:
        self._at("outbox.find", tx)
        return [match_of(self._memory, report) for report in reports]

    def _at(self, point: str, tx: Transaction) -> Tx:
        inside = of(tx)
        self._memory.around.step(point, inside)
        return inside


_PORT = {"stream_id": "stream"}


def _page(rows: Iterable[Row], after: MessageId | None, limit: int) -> list[Doubt]:
    """Up to `limit` of them after a message, in the order of their ids."""
    found = [row for row in rows if after is None or row["message_id"] > after]
    found.sort(key=lambda row: row["message_id"])
    return [Doubt(row["message_id"], row["stream_id"], row["attempt"]) for row in found[:limit]]


def _is_due(row: Row, now: datetime) -> bool:
    return row["state"] == State.QUEUED and bool(row["not_before"] <= now)


def _visit(row: Row) -> int:
    return int(row["visit"])
