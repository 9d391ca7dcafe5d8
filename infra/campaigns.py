"""The streams of one tenant as the use cases see them: load, decide, append, again after a conflict."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import psycopg
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.campaign import Campaign
from domain.errors import CampaignError, CampaignNotStarted, StreamTooLong
from domain.events import Event
from domain.ids import StreamId, TenantId, schema_of
from domain.plan import Grounds
from domain.recorded import Envelope, Recorded
from handlers.ports import Clock, Conflict, Input, Result, Rng, Transaction
from infra.changes import apply
from infra.log import Entry, Loaded, Log
from infra.row_locks import lock_rows
from infra.statements import cursor_of, transaction
from infra.tenancy import CommitUnknown, Database, DatabaseOutOfReach
from projections.projection import Change, Projection

GroundsOf = Callable[[Sequence[tuple[StreamId, Campaign]]], Mapping[StreamId, Grounds]]
"""Plans and contact data of streams that have facts; a stream that is left out has lost them."""
Along = Callable[[Transaction, Sequence[Result]], None]

TRIES = 3
LONG = 2_000
LENGTH_MAX = 10_000
STREAM_KEY = "events_pkey"
TRANSIENT = ("40", "55", "57")
"""Classes of errors after which nothing is stored and another try may succeed."""

logger = logging.getLogger(__name__)


class GroundsMissing(CampaignError):
    """The plan or the contact of this stream is no longer in the vault; nothing can be decided."""

    code = "grounds_missing"


class Draft:
    """One append in the making: each input is decided on the state that the one before left."""

    def __init__(
        self,
        tenant: TenantId,
        append: str,
        loaded: Mapping[StreamId, Loaded],
        grounds: Mapping[StreamId, Grounds],
    ) -> None:
        self.tenant = tenant
        self.append = append
        self.results: list[Result] = []
        self.recorded: list[Recorded] = []
        """In the order of the log, without position until it is stored."""
        self._streams = dict(loaded)
        self._grounds = dict(grounds)
