"""The streams of a tenant: decisions in, facts recorded."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NewType, Protocol
from uuid import UUID

import msgspec

from domain.campaign import Campaign
from domain.errors import CampaignError
from domain.events import Event
from domain.ids import StreamId
from domain.plan import Grounds
from domain.recorded import Cause

Transaction = NewType("Transaction", object)
"""A tenant transaction that is open; only infra looks inside."""

Decide = Callable[[Campaign, Grounds], Sequence[Event]]
"""A decision with its input bound: pure, and saying nothing the second time."""


class Input(msgspec.Struct, frozen=True):
    """A decision to take on one stream, and what caused it.

    `grounds` is given only where the stream is still empty; else it is found by the plan hash of
    its state. `ref` is the caller's own: it comes back with the result.
    """

    stream: StreamId
    decide: Decide
    cause: Cause
    correlation: UUID
    grounds: Grounds | None = None
    ref: Any = None


class Result(msgspec.Struct, frozen=True):
    """What became of one input: facts written, none because it was no news, or a refusal."""

    stream: StreamId
    facts: tuple[Event, ...] = ()
    refused: CampaignError | None = None
    ref: Any = None


class Conflict(Exception):
    """Somebody else wrote to one of the streams first; nothing of this transaction is stored."""


class Broken(Exception):
    """A stream cannot be read or its rows contradict it; nothing of this transaction is stored."""


class Unsure(Exception):
    """Nobody knows whether this transaction is stored: the answer to its commit was lost."""


class Transactions(Protocol):
    """Opens tenant transactions; one whose commit has no answer ends with `Unsure`."""

    def begin(self) -> AbstractContextManager[Transaction]: ...


class Campaigns(Protocol):
    """The streams of one tenant."""

    def transact(self, given: Input) -> Result:
        """Load, decide, append; decides again after a conflict, three times at most."""
        ...

    def transact_many(
        self,
        given: Sequence[Input],
        along: Callable[[Transaction, Sequence[Result]], None] | None = None,
    ) -> list[Result]:
        """One result for each input in order; the inputs that succeed together are one transaction.

        `along` writes in the same transaction (marks inputs as done). After a conflict, or where a
        stream is broken, the batch is halved and each half decided again, so `along` sees each
        input exactly once in a transaction that commits. What cannot be stored is raised last.
        """
        ...

    def transact_found(
        self,
        find: Callable[[Transaction], Sequence[Input]],
        along: Callable[[Transaction, Sequence[Result]], None],
    ) -> list[Result]:
        """The same with inputs that are found by a look in that transaction, which only reads.

        It is made once, unless it fails itself: after a conflict its inputs are decided again.
        """
        ...

    def decide_in(self, tx: Transaction, given: Sequence[Input]) -> list[Result]:
        """The same in a transaction that is already open; `Conflict` and `Broken` give up all."""
        ...

    def load(self, stream: StreamId) -> Campaign:
        """The state of one stream now; INITIAL when it has no facts."""
        ...
