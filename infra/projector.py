"""Runs the read models: pages of the log into rows, each page with its position or not at all."""

import logging
from collections.abc import Sequence
from time import monotonic, sleep
from typing import Any

import psycopg
from eventsourcing.persistence import IntegrityError, Tracking
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.ids import TenantId, schema_of
from domain.recorded import Recorded
from infra.changes import apply
from infra.leadership import Leadership
from infra.log import Log
from infra.pages import OwnPages, Page, Pages
from infra.poison import SetAside
from infra.recorder import BorrowingDatastore, TrackingRecorder
from infra.statements import written
from infra.tenancy import Database, UnknownTenant
from projections.projection import Projection

PAGE_MAX = 1_000
POLL_S = 0.005

log = logging.getLogger(__name__)

_POSITION = "SELECT notification_id FROM {s}.tracking WHERE application_name = %s"
_FENCE = "SELECT notification_id FROM {s}.tracking WHERE application_name = %s FOR UPDATE"
_HEAD = "SELECT coalesce(max(notification_id), 0) FROM {s}.events"
_NEXT = """
SELECT notification_id, originator_id, topic FROM {s}.events
WHERE notification_id > %s AND topic = ANY(%s) ORDER BY notification_id LIMIT 1
"""


class StaleLeader(Exception):
    """Somebody else moved the position: our page is not written, and we look again."""


NOBODYS_FAULT = (
    StaleLeader,
    UnknownTenant,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
)
"""What is wrong with connections, rights or migrations: tried again, and no fact's fault."""


class Runner:
    """One projection of one tenant. Only the leader runs; a second runner stands by."""

    def __init__(
        self,
        database: Database,
        tenant: TenantId,
        projection: Projection,
        leadership: Leadership,
        *,
        pages: Pages | None = None,
        page_max: int = PAGE_MAX,
    ) -> None:
        self.projection = projection
        self.position: int | None = None
        self._database = database
        self._tenant = tenant
        self._schema = schema_of(tenant)
        self.key = f"{self._schema}:projection:{projection.name}"
        self._leadership = leadership
        self._pages = pages or OwnPages(Log(database, tenant))
        self._page_max = self._limit = page_max
        self._tracking = TrackingRecorder(BorrowingDatastore(database, tenant))
        self._set_aside = SetAside(self._schema, projection.name)

    def step(self, upto: int | None = None) -> int:
        """Fold one page of facts up to a position, else up to the head; how many it had.

        0 when nothing is left, or when somebody else leads. Errors that are nobody's fault are
        raised; for any other the page is halved until the one fact is found, which is set aside.
        """
        try:
            if not self._leads():
                return 0
            aim = head_of(self._database, self._tenant) if upto is None else upto
            return self._halving(aim)
        except NOBODYS_FAULT:
            self.position = None
            raise

    def _leads(self) -> bool:
        if not self._leadership.holds(self.key):
            self.position = None
        elif self.position is None:
            self.position = self._took_over()
        return self.position is not None

    def _took_over(self) -> int:
        """Where the last leader stopped; a first one leaves a row that all later ones can lock."""
        with self._database.tenant_tx(self._tenant) as curs:
            position = position_in(curs, self._tenant, self.projection.name)
            if position is None:
                self._track(curs, 0)
            return position or 0

    def _halving(self, upto: int) -> int:
        while True:
            try:
                return self._fold_page(upto)
            except NOBODYS_FAULT:
                raise
            except Exception as error:  # noqa: BLE001  # whatever a fact can do to a projection
                if self._limit == 1:
                    return self._set_next_aside(error, upto)
                self._limit //= 2

    def _fold_page(self, upto: int) -> int:
        assert self.position is not None
        if upto <= self.position:
            return 0
        page = self.read(upto)
        with self._database.tenant_tx(self._tenant) as curs:
            self.fence(curs)
            self.fold(curs, page)
        self.go_on(page)
        return len(page.facts)

    @property
    def place(self) -> tuple[int | None, int]:
        """Where its next page begins, and how long it may be."""
        return self.position, self._limit

    def read(self, upto: int) -> Page:
        """The next page, of one that leads."""
        assert self.position is not None
        return self._pages.read(self.position, upto, self._limit, self.projection.topics)

    def fold(self, curs: Cursor[TupleRow], page: Page) -> None:
        """Write the rows of a page and its position, behind the fence."""
        self._write(curs, page.facts)
        self._track(curs, page.reached)

    def go_on(self, page: Page) -> None:
        """Behind a page that is committed; pages that were cut short grow again."""
        self.position = page.reached
        self._limit = min(self._limit * 2, self._page_max)

    def _write(self, curs: Cursor[TupleRow], page: Sequence[Recorded]) -> None:
        taken = self._set_aside.add_followers(curs, page) if self.projection.ordered else page
        fold = self.projection.changes
        apply(curs, self._schema, ((each.stream, row) for each in taken for row in fold(each)))

    def _set_next_aside(self, error: Exception, upto: int) -> int:
        """The one fact after our position is the cause: keep its place and go on behind it."""
        with self._database.tenant_tx(self._tenant) as curs:
            self.fence(curs)
            wanted = self.position, list(self.projection.topics)
            curs.execute(written(self._schema, _NEXT), wanted)
            position, stream, topic = _row(curs)
            if position <= upto:
                reason = f"{type(error).__name__}: {error}"
                self._set_aside.add(curs, position, stream, topic, reason)
            self._track(curs, min(position, upto))
        self.position = min(position, upto)
        if position > upto:
            return 0
        name = self.projection.name
        log.error("%s of %s set position %d (%s) aside", name, self._tenant, position, topic)
        return 1

    def fence(self, curs: Cursor[TupleRow]) -> None:
        """The position must still be the one we read on from, and stays so until we commit.

        Refusing a position that is not higher is not enough: an old leader with a longer page
        would pass, and count twice what the new one has counted.
        """
        text = written(self._schema, _FENCE)
        found = curs.execute(text, (self.projection.name,)).fetchone()
        if found is None or found[0] != self.position:
            raise StaleLeader(f"{self.projection.name}: not at {self.position} any more")

    def _track(self, curs: Cursor[Any], position: int) -> None:
        tracking = Tracking(self.projection.name, position)
        try:
            self._tracking._insert_tracking(curs, tracking)  # noqa: SLF001  # its only way onto a given cursor
        except IntegrityError as error:
            raise StaleLeader(str(error)) from error


def fold_together(
    database: Database,
    tenant: TenantId,
    leadership: Leadership,
    runners: Sequence[Runner],
    upto: int,
) -> None:
    """One page for runners that stand at one place, in one transaction: all of them or none.

    Raises what keeps one of them from it. Who that is shows when each takes its own step.
    """
    if not leadership.holds_all([each.key for each in runners]):
        raise StaleLeader("one of them leads no more")
    pages = [(each, each.read(upto)) for each in runners]
    with database.tenant_tx(tenant) as curs:
        for each in runners:
            each.fence(curs)
        for each, page in pages:
            each.fold(curs, page)
    for each, page in pages:
        each.go_on(page)


def head_of(database: Database, tenant: TenantId) -> int:
    """The highest position of a log; no later append comes below it."""
    with database.tenant_tx(tenant) as curs:
        return head_in(curs, tenant)


def head_in(curs: Cursor[TupleRow], tenant: TenantId) -> int:
    """The same as this transaction sees it."""
    curs.execute(written(schema_of(tenant), _HEAD))
    return int(_row(curs)[0])


def position_in(curs: Cursor[TupleRow], tenant: TenantId, projection: str) -> int | None:
    """How far a projection has read, as this transaction sees it; None when it never ran."""
    row = curs.execute(written(schema_of(tenant), _POSITION), (projection,)).fetchone()
    return None if row is None else int(row[0])


def wait(
    database: Database, tenant: TenantId, projection: str, position: int, timeout_s: float
) -> None:
    """Return when the rows of a projection show everything up to a position, else TimeoutError."""
    deadline = monotonic() + timeout_s
    while True:
        with database.tenant_tx(tenant) as curs:
            reached = position_in(curs, tenant, projection) or 0
        if reached >= position:
            return
        if monotonic() >= deadline:
            raise TimeoutError(f"{projection} of {tenant} is at {reached}, not at {position}")
        sleep(POLL_S)


def _row(curs: Cursor[TupleRow]) -> TupleRow:
    row = curs.fetchone()
    assert row is not None
    return row
