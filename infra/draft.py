"""One append in the making: decisions taken in memory, before anything is written."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from domain.campaign import in_force
from domain.errors import (
    CampaignError,
    CampaignNotStarted,
    DecisionFailed,
    GroundsMissing,
    StreamTooLong,
)
from domain.events import Event
from domain.ids import StreamId, TenantId
from domain.plan import Grounds
from domain.recorded import Envelope, Recorded
from handlers.ports import Input, Result
from infra.log import Entry, Loaded

LONG = 2_000
LENGTH_MAX = 10_000
UNPLACED = 0
"""The position of what is not stored yet."""

logger = logging.getLogger(__name__)


class Stamp(msgspec.Struct, frozen=True):
    """What all facts of one append have in common."""

    tenant: TenantId
    append: str
    at: datetime


class Draft:
    """Takes inputs in order, each on the state that the one before left.

    `recorded` are the facts in the order of the log; they have no positions before they are stored.
    `streams` are the streams as they stand once that is done.
    """

    def __init__(
        self,
        stamp: Stamp,
        loaded: Mapping[StreamId, Loaded],
        grounds: Mapping[StreamId, Grounds],
    ) -> None:
        self.results: list[Result] = []
        self.recorded: list[Recorded] = []
        self._stamp = stamp
        self.streams = dict(loaded)
        self._grounds = dict(grounds)

    def take(self, given: Input) -> None:
        """Decide one input; a refusal is its result and touches no other."""
        before = self.streams[given.stream]
        try:
            facts = self._decided(given, before)
        except CampaignError as refused:
            self.results.append(Result(given.stream, refused=refused, ref=given.ref))
            return
        self._record(given, before, facts)
        self.results.append(Result(given.stream, facts, ref=given.ref))

    def _decided(self, given: Input, before: Loaded) -> tuple[Event, ...]:
        grounds = self._grounds_of(given, before)
        try:
            facts = tuple(given.decide(before.state, grounds))
        except CampaignError:
            raise
        except Exception as error:  # one broken stream must not hold back the batch it is in
            logger.exception("a decision on stream %s failed", given.stream)
            raise DecisionFailed(type(error).__name__) from error
        check_length(given.stream, before.version, before.version + len(facts))
        return facts

    def entries(self) -> list[Entry]:
        """What the log stores."""
        return [
            Entry(
                each.stream,
                each.version,
                Envelope(each.fact, each.at, self._stamp.append, each.cause, each.correlation),
            )
            for each in self.recorded
        ]

    def _grounds_of(self, given: Input, stream: Loaded) -> Grounds:
        """Grounds that came with an input serve the later ones of its stream, too."""
        if given.grounds is not None:
            self._grounds[given.stream] = given.grounds
            return given.grounds
        if given.stream not in self._grounds and stream.version == 0:
            raise CampaignNotStarted("this stream has no facts")
        grounds = self._grounds.get(given.stream)
        if grounds is not None:
            grounds = in_force(stream.state, grounds)
        if grounds is None or grounds.plan.hash != stream.state.plan_hash:
            raise GroundsMissing(f"plan {stream.state.plan_hash} is not in the vault")
        return grounds

    def _record(self, given: Input, before: Loaded, facts: Sequence[Event]) -> None:
        after = before
        for fact in facts:
            after = after.after(fact)
            recorded = Recorded(
                tenant=self._stamp.tenant,
                stream=given.stream,
                version=after.version,
                position=UNPLACED,
                fact=fact,
                at=self._stamp.at,
                cause=given.cause,
                correlation=given.correlation,
                campaign_id=after.state.campaign_id,  # the first fact says whose stream it is
                contact_id=after.state.contact_id,
            )
            self.recorded.append(recorded)
        self.streams[given.stream] = after


def check_length(stream: StreamId, before: int, after: int) -> None:
    """Warn once when a stream becomes long; refuse what would make it too long."""
    if after > LENGTH_MAX:
        raise StreamTooLong(f"{before} facts; no more than {LENGTH_MAX} fit")
    if before < LONG <= after:
        logger.warning("stream %s has %d facts", stream, after)
