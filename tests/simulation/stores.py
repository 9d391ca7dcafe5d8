"""Two stores behind the same ports: the memory that runs simulate on, and real PostgreSQL.

Both get the same orders, the same clock and the same provider; then they must show the same.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg.sql import SQL, Identifier

from domain import accounts
from domain.ids import MessageId, StreamId, schema_of
from handlers.composing import Composer
from handlers.dispatch.sender import Sender
from handlers.ports import (
    Answer,
    Mail,
    TenantPorts,
)
from handlers.signals import Ingest
from handlers.sweeping import Sweeper
from handlers.timeouts import Timeouts
from tests.simulation.baton import Killed
from tests.simulation.memory_database import Memory
from tests.simulation.memory_tenant import MemoryTenant, memory_tenant
from tests.simulation.played_ports import Middle, Mortal, Played, Plenty, Smooth
from tests.simulation.processes import InTurn
from tests.simulation.scenes import SET_UP, Still, seconds
from tests.simulation.world import LINKS
from tests.stories.house import MONDAY, SAM, WIDE, House

KEPT = ("migrations", "sending_rules", "senders", "sender_accounts", "account_events")
"""Tables that every example begins with as they are."""
QUEUE_COLUMNS = (
    "message_id",
    "stream_id",
    "state",
    "attempt",
    "due_at",
    "not_before",
    "expires_at",
    "hold_reason",
    "reason",
    "body_mac",
    "provider_id",
    "accepted_at",
    "node",
    "visit",
    "sender",
)
TIMER_COLUMNS = ("timer_id", "stream_id", "kind", "node", "visit", "due_at", "state")


class Shown(msgspec.Struct, frozen=True):
    """What a store shows of itself: rows, timelines, the inbox, whom it wrote to, its calls."""

    queue: Sequence[tuple[Any, ...]]
    timers: Sequence[tuple[Any, ...]]
    timelines: Mapping[UUID, Sequence[Any]]
    inbox: Sequence[tuple[bytes, str]]
    outreach: Sequence[tuple[Any, ...]]
    calls: Sequence[tuple[MessageId, int]]


class Store:
    """One store with the use cases on it."""

    def __init__(
        self, ports: TenantPorts, answer: Callable[[Mail, int], Answer], readers: Any
    ) -> None:
        self.life = Mortal(ports.limits)
        self.ports = replace(
            ports, rng=Middle(), global_share=Plenty(), smoothing=Smooth(), limits=self.life
        )
        self.provider = Played(self.life, answer)
        sweeper = Sweeper(self.ports)
        self.jobs: Mapping[str, Callable[[], int]] = {
            "compose": Composer(self.ports, LINKS).compose_batch,
            "send": Sender(self.ports, self.provider, InTurn(), stopwatch=lambda: 0.0).send_batch,
            "ingest": Ingest(self.ports, readers).take_batch,
            "timers": Timeouts(self.ports).fire_batch,
            "doubts": sweeper.doubts,
            "expired": sweeper.expired,
            "lost": sweeper.lost,
            "leases": sweeper.leases,
        }

    def do(self, name: str) -> bool:
        """Do one job; whether its process lived on."""
        try:
            self.jobs[name]()
        except Killed:
            return False
        return True


class MemoryStore(Store):
    """The model."""

    def __init__(self, house: House, answer: Callable[[Mail, int], Answer], readers: Any) -> None:
        self.around = Still(seconds(MONDAY))
        self.memory = Memory(self.around)
        self.tenant: MemoryTenant = memory_tenant(self.memory, Middle(), house.tenant)
        ports = replace(self.tenant.ports("memory", house.clock), tag=house.ports.tag)
        super().__init__(ports, answer, readers)
        self.tenant.vault.put_sender(SAM)
        self._account(house)

    def _account(self, house: House) -> None:
        """The account and the rules as the house has them."""
        given = house.ports.accounts.account(SAM.sender)

        def same(_: accounts.Account) -> list[Any]:
            facts = accounts.register(
                accounts.INITIAL, sender=SAM.sender, settings=given.settings, at=MONDAY
            )
            verify = accounts.verify(
                accounts.fold(facts), by=accounts.VerifiedBy.OPERATOR, at=MONDAY
            )
            return [*facts, *verify]

        book = self.tenant.accounts
        book.order(SAM.sender, same, SET_UP)
        book.order_sending(
            lambda state: accounts.change_rules(state, changes=WIDE, at=MONDAY), SET_UP
        )

    def wait(self, span: timedelta) -> None:
        """Let the database's own time pass."""
        self.around.pass_time(span.total_seconds())

    def shown(self) -> Shown:
        rows = self.memory.committed_rows
        queue, timers = rows("send_queue").values(), rows("timers").values()
        return Shown(
            queue=sorted(_plain(row[name] for name in QUEUE_COLUMNS) for row in queue),
            timers=sorted(_plain(row[name] for name in TIMER_COLUMNS) for row in timers),
            timelines={
                stream: [entry.body.fact for entry in entries]
                for stream, entries in self.memory.streams.items()
            },
            inbox=sorted((row["key"], row["state"]) for row in rows("inbox").values()),
            outreach=sorted((*key, row["at"]) for key, row in _outreach(self.memory)),
            calls=sorted(self.provider.calls),
        )


class SqlStore(Store):
    """PostgreSQL."""

    def __init__(self, house: House, answer: Callable[[Mail, int], Answer], readers: Any) -> None:
        super().__init__(house.ports, answer, readers)
        self._house = house
        self._clear()
        house.account(accounts.close_circuit, by=accounts.ClosedBy.OPERATOR)
        resume = partial(accounts.resume_sending, at=house.clock.now())
        house.ports.accounts.order_sending(resume, SET_UP)

    def _clear(self) -> None:
        """Begin anew, but for the sender and the rules."""
        schema = schema_of(self._house.tenant)
        with self._house.system.database.direct() as connection:
            found = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,)
            ).fetchall()
            tables = [Identifier(schema, name) for (name,) in found if name not in KEPT]
            connection.execute(SQL("TRUNCATE {}").format(SQL(", ").join(tables)))

    def wait(self, span: timedelta) -> None:
        """Let the database's own time pass: what it has noted was that much earlier."""
        schema = schema_of(self._house.tenant)
        earlier = (
            ("send_queue", "since"),
            ("timers", "lease_until"),
            ("webhook_inbox", "lease_until"),
            ("webhook_inbox", "next_try_at"),
        )
        with self._house.system.database.tenant_tx(self._house.tenant) as curs:
            for table, column in earlier:
                text = SQL("UPDATE {} SET {} = {} - %s").format(
                    Identifier(schema, table), Identifier(column), Identifier(column)
                )
                curs.execute(text, (span,))

    def shown(self) -> Shown:
        house = self._house
        queue, timers = ", ".join(QUEUE_COLUMNS), ", ".join(TIMER_COLUMNS)
        streams = house.rows("SELECT stream_id FROM {s}.streams")
        return Shown(
            queue=sorted(map(_plain, house.rows(f"SELECT {queue} FROM {{s}}.send_queue"))),
            timers=sorted(map(_plain, house.rows(f"SELECT {timers} FROM {{s}}.timers"))),
            timelines={
                stream: [one.fact for one in house.history(StreamId(stream))]
                for (stream,) in streams
            },
            inbox=sorted(
                (bytes(key), state)
                for key, state in house.rows("SELECT semantic_key, state FROM {s}.webhook_inbox")
            ),
            outreach=sorted(
                (bytes(identity), stream, at)
                for identity, stream, at in house.rows(
                    "SELECT identity, stream_id, at FROM {s}.outreach"
                )
            ),
            calls=sorted(self.provider.calls),
        )


def _outreach(memory: Memory) -> list[tuple[Any, Any]]:
    return list(memory.committed_rows("outreach").items())


def _plain(values: Any) -> tuple[Any, ...]:
    """Values that compare whatever is empty, words as the texts they are."""
    return tuple("" if value is None else getattr(value, "value", value) for value in values)
