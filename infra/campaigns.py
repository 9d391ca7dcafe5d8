"""The streams of a tenant for the use cases: load, decide, append; again after a conflict."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import Cursor
from psycopg.errors import UniqueViolation
from psycopg.rows import TupleRow
from psycopg_pool import PoolClosed
from typing_extensions import override

from domain.campaign import Campaign
from domain.events import topic_of
from domain.ids import StreamId, TenantId, schema_of
from domain.plan import Grounds
from domain.recorded import Recorded
from handlers.ports import (
    Broken,
    Campaigns,
    Clock,
    Conflict,
    Input,
    Result,
    Rng,
    Transaction,
    Transactions,
)
from infra.changes import apply
from infra.draft import Draft, Stamp
from infra.log import Entry, Loaded, Log
from infra.row_locks import lock_rows
from infra.statements import cursor_of, transaction
from infra.tenancy import CommitUnknown, Database, DatabaseOutOfReach
from projections.projection import Change, Projection

States = Sequence[tuple[StreamId, Campaign]]
GroundsOf = Callable[[States, Transaction], Mapping[StreamId, Grounds]]
"""Plans and contact data for streams that have facts; one that is left out has lost its plan."""
Along = Callable[[Transaction, Sequence[Result]], None]
Find = Callable[[Transaction], Sequence[Input]]
Rows = Sequence[tuple[StreamId, Change]]

TRIES = 3
STREAM_KEY = "events_pkey"
PASSING = ("40", "55", "57")
"""Classes of errors that leave nothing stored and may be gone the next time."""


class TenantTransactions(Transactions):
    """Opens transactions of one tenant."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant

    @override
    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        with self._database.tenant_tx(self._tenant) as curs:
            yield transaction(curs)


class LogCampaigns(Campaigns):
    """Implements handlers.ports.Campaigns on the log of one tenant."""

    def __init__(
        self,
        log: Log,
        transactions: Transactions,
        *,
        clock: Clock,
        rng: Rng,
        grounds_of: GroundsOf,
        work: Sequence[Projection],
    ) -> None:
        self._log = log
        self._schema = schema_of(log.tenant)
        self._transactions = transactions
        self._clock = clock
        self._rng = rng
        self._grounds_of = grounds_of
        self._work = _by_topic(work)

    @override
    def transact(self, given: Input) -> Result:
        return self._settle([given], None, self._new_append())[0]

    @override
    def transact_many(self, given: Sequence[Input], along: Along | None = None) -> list[Result]:
        return self._settle(given, along, self._new_append()) if given else []

    @override
    def transact_found(self, find: Find, along: Along) -> list[Result]:
        found: list[Sequence[Input]] = []

        def look(tx: Transaction) -> Sequence[Input]:
            if not found:
                found.append(find(tx))
            return found[0]

        append = self._new_append()
        try:
            return self._once(look, along, append)
        except (Conflict, Broken):
            if not found:
                raise
            return self._settle(found[0], along, append)

    @override
    def decide_in(self, tx: Transaction, given: Sequence[Input]) -> list[Result]:
        curs = cursor_of(tx)
        with _conflicts():
            loaded = self._log.load_many(curs, (each.stream for each in given))
            draft = self._decide(tx, loaded, given, self._new_append())
            rows = self._changes(draft.recorded)
            lock_rows(curs, self._schema, rows)
            self._append(curs, draft, rows)
        return draft.results

    @override
    def load(self, stream: StreamId) -> Campaign:
        return self._log.load(stream).state

    def _settle(self, given: Sequence[Input], along: Along | None, append: str) -> list[Result]:
        for left in reversed(range(TRIES)):
            try:
                return self._once(lambda _: given, along, append)
            except (Conflict, Broken) as error:
                if len(given) > 1:
                    return self._in_halves(given, along, append)
                if not left or isinstance(error, Broken):
                    raise
        raise AssertionError  # the last try returns or raises

    def _in_halves(self, given: Sequence[Input], along: Along | None, append: str) -> list[Result]:
        """The second half is stored even where the first has to be given up."""
        middle = len(given) // 2
        try:
            first = self._settle(given[:middle], along, append)
        except (Conflict, Broken):
            self._settle(given[middle:], along, append)
            raise
        return first + self._settle(given[middle:], along, append)

    def _once(self, find: Find, along: Along | None, append: str) -> list[Result]:
        """Load, decide, save; `Conflict` says that nothing is stored and another try may help.

        All in one transaction, for each costs two round trips: nothing is locked while it decides.
        """
        draft: Draft | None = None
        try:
            with _conflicts(), self._transactions.begin() as tx:
                curs, given = cursor_of(tx), find(tx)
                if not given:
                    return []
                loaded = self._log.load_many(curs, (each.stream for each in given))
                draft = self._decide(tx, loaded, given, append)
                rows = self._changes(draft.recorded)
                lock_rows(curs, self._schema, rows)
                if along is not None:
                    along(tx, draft.results)
                self._append(curs, draft, rows)
        except CommitUnknown as error:
            self._require_stored(draft, along, error)
        assert draft is not None
        return draft.results

    def _require_stored(
        self, draft: Draft | None, along: Along | None, error: CommitUnknown
    ) -> None:
        """Return where a commit without an answer was done after all."""
        if draft is None or not (draft.recorded or along is not None):
            raise Conflict("the connection was lost after a read") from error
        if not draft.recorded:
            raise error  # nothing in the log could tell
        with _conflicts():
            stored = self._is_stored(draft.entries()[0])
        if not stored:
            raise Conflict("the connection was lost before the commit") from error

    def _decide(
        self,
        tx: Transaction,
        loaded: Mapping[StreamId, Loaded],
        given: Sequence[Input],
        append: str,
    ) -> Draft:
        sought = dict.fromkeys(
            each.stream
            for each in given
            if each.grounds is None and loaded[each.stream].version > 0
        )
        states = [(stream, loaded[stream].state) for stream in sought]
        stamp = Stamp(self._log.tenant, append, self._clock.now())
        draft = Draft(stamp, loaded, self._grounds_of(states, tx) if states else {})
        for each in given:
            draft.take(each)
        return draft

    def _append(self, curs: Cursor[TupleRow], draft: Draft, rows: Rows) -> None:
        """The log is locked from the insert to the commit, so this comes last."""
        if draft.recorded:
            self._log.append(curs, draft.entries(), draft.streams)
            apply(curs, self._schema, rows)

    def _changes(self, recorded: Sequence[Recorded]) -> Rows:
        """The rows of work are the same before and after their facts have positions."""
        return [
            (each.stream, change)
            for each in recorded
            for projection in self._work.get(topic_of(each.fact), ())
            for change in projection.changes(each)
        ]

    def _is_stored(self, entry: Entry) -> bool:
        """After a cut the other pooled connections may be dead as well: each costs one try."""
        for left in reversed(range(TRIES)):
            try:
                return self._log.holds(entry)
            except psycopg.OperationalError as error:
                if not left or not _is_passing(error):
                    raise
        raise AssertionError  # the last try returns or raises

    def _new_append(self) -> str:
        return self._rng.new_id().hex


def _by_topic(work: Sequence[Projection]) -> Mapping[str, Sequence[Projection]]:
    projections: defaultdict[str, list[Projection]] = defaultdict(list)
    for projection in work:
        for topic in projection.topics:
            projections[topic].append(projection)
    return projections


@contextmanager
def _conflicts() -> Iterator[None]:
    """Call `Conflict` what leaves nothing stored and may go better the next time."""
    try:
        yield
    except UniqueViolation as error:
        if error.diag.constraint_name != STREAM_KEY:
            raise
        raise Conflict("another writer was first") from error
    except psycopg.OperationalError as error:
        if not _is_passing(error):
            raise
        raise Conflict("the database gave up this transaction") from error


def _is_passing(error: psycopg.OperationalError) -> bool:
    if isinstance(error, CommitUnknown | DatabaseOutOfReach | PoolClosed):
        return False
    return error.sqlstate is None or error.sqlstate[:2] in PASSING
