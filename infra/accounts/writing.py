"""Orders about accounts into facts and rows, all or nothing, and again after a conflict."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import msgspec
import psycopg
from psycopg.errors import UniqueViolation

from domain import accounts
from domain.accounts import (
    Account,
    AccountStream,
    SenderEvent,
    SendingEvent,
    fold,
    sender_stream,
    sending_stream,
)
from domain.events import topic_of
from domain.ids import TenantId, schema_of
from handlers.ports import Clock, Conflict, Rng, Transaction
from handlers.ports.accounts import SenderOrder, SendingOrder, Why
from infra.accounts.draft import Draft, Stamp
from infra.accounts.log import STREAM_KEY, AccountLog, Loaded
from infra.changes import apply
from infra.claims.waking import lock_claims
from infra.statements import Statements, cursor_of, transaction
from infra.tenancy import CommitUnknown, Database

TRIES = 3
KEYS = (STREAM_KEY, "sender_accounts_pkey", "sender_accounts_stream_id_key")
"""Two writers at once meet in one of these."""
PASSING = ("40", "55")
"""Classes of errors that leave nothing stored and may be gone the next time."""

Done = TypeVar("Done")


class Written(msgspec.Struct, frozen=True):
    """The new facts by sender, and those of the tenant's sending."""

    senders: Mapping[str, Sequence[SenderEvent]] = {}
    sending: Sequence[SendingEvent] = ()


class AccountWriter:
    """The one writer of a tenant's accounts."""

    def __init__(
        self, database: Database, tenant: TenantId, log: AccountLog, *, clock: Clock, rng: Rng
    ) -> None:
        self._database = database
        self._tenant = tenant
        self._log = log
        self._clock = clock
        self._rng = rng
        self._sql = Statements(schema_of(tenant))

    def again(self, work: Callable[[Transaction], Done], *, opens: bool = True) -> Done:
        """Do work in a transaction of its own, up to three times.

        Where it `opens` gates it is alone with the messages that they held: no claim is under way.
        A commit whose answer was lost is tried again as well: decisions say nothing the second
        time, so the facts are then empty though they were written.
        """
        self._log.catch_up()
        for left in reversed(range(TRIES)):
            try:
                with _conflicts(), self._database.tenant_tx(self._tenant) as curs:
                    tx = transaction(curs)
                    if opens:
                        lock_claims(self._sql, tx)
                    return work(tx)
            except (Conflict, CommitUnknown):
                if not left:
                    raise
        raise AssertionError  # the last try returns or raises

    def write(
        self,
        tx: Transaction,
        orders: Mapping[str, SenderOrder],
        of_tenant: SendingOrder | None,
        why: Why,
    ) -> Written:
        """Take orders in an open transaction; `Conflict` says that nothing of it can be stored.

        Rows come first and the log last: an append waits for nobody while it holds the log.
        """
        streams = {name: sender_stream(self._tenant, name) for name in sorted(orders)}
        tenant_stream = sending_stream(self._tenant)
        with _conflicts():
            self._lock(tx, list(streams.values()), of_tenant is not None)
            sought = [*streams.values(), *([tenant_stream] if of_tenant else [])]
            loaded = self._log.load(cursor_of(tx), sought)
            strangers = [name for name, stream in streams.items() if _is_strange(loaded[stream])]
            adopted = self._adopted(tx, strangers)
            draft = Draft(Stamp(self._rng.new_id().hex, self._clock.now(), why))
            written = Written(
                {
                    name: draft.of_account(
                        stream, loaded[stream], _after(adopted.get(name), orders[name])
                    )
                    for name, stream in streams.items()
                },
                draft.of_sending(tenant_stream, loaded[tenant_stream], of_tenant)
                if of_tenant
                else (),
            )
            if draft.entries:
                self._save(tx, draft, why.note)
        return written

    def _lock(self, tx: Transaction, streams: Sequence[AccountStream], rules: bool) -> None:  # noqa: FBT001  # inside
        if streams:
            self._sql.rows(tx, _LOCK, {"streams": streams})
        if rules:
            self._sql.rows(tx, _LOCK_RULES)

    def _adopted(self, tx: Transaction, strangers: Sequence[str]) -> Mapping[str, SenderOrder]:
        """For identities that have no account: how to begin one as they were written."""
        if not strangers:
            return {}
        now = self._clock.now()
        return {
            name: partial(accounts.take_over, sender=name, verified=verified, paused=paused, at=now)
            for name, verified, paused in self._sql.rows(tx, _IDENTITIES, {"names": strangers})
        }

    def _save(self, tx: Transaction, draft: Draft, note: str) -> None:
        curs = cursor_of(tx)
        apply(curs, self._sql.schema, draft.changes)
        streams = sorted({entry.stream for entry in draft.entries})
        self._sql.run(tx, _MIRROR, {"streams": streams})
        if note:
            # with the instant and the kind of the first fact: by them the words are found again
            first = {entry.stream: entry.body for entry in reversed(draft.entries)}
            params = {
                "streams": streams,
                "kinds": [topic_of(first[stream].fact) for stream in streams],
                "text": note,
                "at": draft.at,
            }
            self._sql.run(tx, _NOTE, params)
        self._log.append(curs, draft.entries, draft.heads)


def _is_strange(loaded: Loaded) -> bool:
    return isinstance(loaded.state, Account) and not loaded.state.sender


def _after(adopt: SenderOrder | None, decide: SenderOrder) -> SenderOrder:
    """The decision on an account that began just before."""
    if adopt is None:
        return decide

    def both(state: Account) -> Sequence[SenderEvent]:
        begun = adopt(state)
        return [*begun, *decide(fold(begun, state))]

    return both


@contextmanager
def _conflicts() -> Iterator[None]:
    """Call `Conflict` what leaves nothing stored and may go better the next time."""
    try:
        yield
    except UniqueViolation as error:
        if error.diag.constraint_name not in KEYS:
            raise
        raise Conflict("another writer was first") from error
    except psycopg.OperationalError as error:
        if (error.sqlstate or "")[:2] not in PASSING:
            raise
        raise Conflict("the database gave up this transaction") from error


# A claim looks at these rows with FOR SHARE SKIP LOCKED: while an order is being written, nothing
# is claimed for its sender.
_LOCK = """
SELECT 1 FROM {s}.sender_accounts WHERE stream_id = ANY(%(streams)s)
 ORDER BY stream_id FOR NO KEY UPDATE
"""

_LOCK_RULES = "SELECT 1 FROM {s}.sending_rules FOR NO KEY UPDATE"

_IDENTITIES = "SELECT sender, verified, paused FROM {s}.senders WHERE sender = ANY(%(names)s)"

# Those who read an identity see whether it may be used.
_MIRROR = """
UPDATE {s}.senders d SET verified = a.verified, paused = a.paused IS NOT NULL
  FROM {s}.sender_accounts a
 WHERE a.stream_id = ANY(%(streams)s) AND d.sender = a.sender
   AND (d.verified, d.paused) IS DISTINCT FROM (a.verified, a.paused IS NOT NULL)
"""

_NOTE = """
INSERT INTO {s}.notes (subject_id, kind, text, created_at)
SELECT stream, kind, %(text)s, %(at)s
  FROM unnest(%(streams)s::uuid[], %(kinds)s::text[]) AS u (stream, kind)
"""
