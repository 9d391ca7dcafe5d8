"""Ports that pass named places on their way; outside of tests they are the ports themselves."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, TypeVar, cast

import msgspec
from typing_extensions import override

from domain.recorded import Recorded
from domain.taxonomy import CauseKind
from handlers.ports import Input, TenantPorts, Transaction, Transactions
from infra.failpoints import ours
from infra.statements import cursor_of
from projections.projection import Change, Projection

WRITER_OF = MappingProxyType(
    {
        CauseKind.DISPATCH: "record",
        CauseKind.WEBHOOK: "ingest",
        CauseKind.REPLY: "ingest",
        CauseKind.LINK: "ingest",
        CauseKind.TIMER: "timer",
        CauseKind.SWEEP: "sweep",
    }
)
"""What a batch of decisions is for, by its cause."""

Pass = Callable[[str], None]
P = TypeVar("P")

_writer: ContextVar[str] = ContextVar("writer", default="other")
"""What a transaction is for, as far as it is known yet."""


class _Watched:
    """A port some of whose methods have something before or after them."""

    def __init__(
        self,
        real: object,
        before: Mapping[str, Callable[..., object]],
        after: Mapping[str, Callable[[], object]],
    ) -> None:
        for name in (*before, *after):
            assert callable(getattr(real, name)), name  # a renamed method must not go unwatched
        self._real = real
        self._before = before
        self._after = after

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the port has
        method = getattr(self._real, name)
        before, after = self._before.get(name), self._after.get(name)
        if before is None and after is None:
            return method

        def watched(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # as the port has it
            if before is not None:
                before(*args)
            answer = method(*args, **kwargs)
            if after is not None:
                after()
            return answer

        return watched


class WatchedTransactions(Transactions):
    """Transactions that pass a place before and after the commit of what they wrote."""

    def __init__(self, real: Transactions, passes: Pass) -> None:
        self._real = real
        self._passes = passes

    @override
    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        wrote, writer = False, "other"
        known = _writer.set(_writer.get())
        try:
            with self._real.begin() as tx:
                yield tx
                wrote, writer = _has_written(tx), _writer.get()
                if wrote:
                    self._passes(f"before_{writer}_commit")
            if wrote:
                self._passes(f"after_{writer}_commit")
        finally:
            _writer.reset(known)


def _has_written(tx: Transaction) -> bool:
    curs = cursor_of(tx)
    curs.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
    row = curs.fetchone()
    return bool(row and row[0])


def watched_transactions(real: Transactions) -> Transactions:
    """The same transactions outside of tests; those that pass places within them."""
    passes = ours()
    return real if passes is None else WatchedTransactions(real, passes)


def watched_ports(ports: TenantPorts) -> TenantPorts:
    """The same ports outside of tests; those that pass places within them."""
    passes = ours()
    return ports if passes is None else watch(ports, passes)


def watch(ports: TenantPorts, passes: Pass) -> TenantPorts:
    """Ports that pass the named places; the transactions are watched where they are made."""

    def at(place: str) -> Callable[..., None]:
        return lambda *_: passes(place)

    def claims(*_: object) -> None:
        _writer.set("claim")
        passes("before_claim")

    def decided() -> None:
        if _writer.get() == "claim":
            passes("after_claim_statement")

    return msgspec.structs.replace(
        ports,
        campaigns=_Campaigns(_Watched(ports.campaigns, {}, {"decide_in": decided})),
        outbox=_Watched(
            ports.outbox, {"due": claims, "planned": lambda *_: _writer.set("render")}, {}
        ),
        inbox=_Watched(
            ports.inbox,
            {"keep": at("before_keep")},
            {"keep": at("after_keep"), "claim": at("after_ingest_lease")},
        ),
        timers=_Watched(ports.timers, {}, {"claim": at("after_timer_lease")}),
    )


class _Campaigns:
    """Says what the transaction of a batch is for, by the cause of its first input."""

    def __init__(self, real: object) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the port has
        return getattr(self._real, name)

    def transact_many(self, given: Any, along: Any = None) -> Any:  # noqa: ANN401  # as the port has it
        known = _writer.set(_writer_of(given[0]) if given else "other")
        try:
            return cast("Any", self._real).transact_many(given, along)
        finally:
            _writer.reset(known)

    def transact_found(self, find: Any, along: Any) -> Any:  # noqa: ANN401  # as the port has it
        known = _writer.set("ingest")
        try:
            return cast("Any", self._real).transact_found(find, along)
        finally:
            _writer.reset(known)


def _writer_of(given: Input) -> str:
    return WRITER_OF.get(given.cause.kind, "other")


def watched_provider(provider: P) -> P:
    """The same provider outside of tests; one that passes places around its calls within them."""
    passes = ours()
    if passes is None:
        return provider
    watched = _Watched(
        provider,
        {"send": lambda *_: passes("before_call")},
        {"send": lambda: passes("after_answer")},
    )
    return cast("P", watched)


def watched_doorbell(doorbell: P) -> P:
    """The same doorbell outside of tests; one that passes a place after a ring within them."""
    passes = ours()
    if passes is None:
        return doorbell
    return cast("P", _Watched(doorbell, {}, {"ring": lambda: passes("after_doorbell")}))


def watched_projection(projection: Projection) -> Projection:
    """The same projection outside of tests; within them the fold of a fact passes a place.

    A page is folded while its rows are written, so the place lies inside of the transaction.
    """
    passes = ours()
    if passes is None:
        return projection

    def changes(recorded: Recorded) -> Iterator[Change]:
        passes("in_projection")
        yield from projection.changes(recorded)

    return msgspec.structs.replace(projection, changes=changes)
