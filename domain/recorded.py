"""A fact as it stands in the log: with its stream, place, time of recording and cause."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.events import Event
from domain.ids import CampaignId, ContactId, StreamId, TenantId
from domain.taxonomy import CauseKind


class Cause(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What made an append happen: a kind and the id of the row, request or timer."""

    kind: CauseKind
    id: str


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """What the log keeps of a fact, besides its place.

    `append` names the append that wrote it, so that a lost commit answer is recognised: it is kept
    with the first fact of an append, and empty in the others when they are read.
    `correlation` is the outside input that the whole chain goes back to.
    """

    fact: Event
    at: datetime
    append: str
    cause: Cause
    correlation: UUID


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """A fact as readers get it."""

    tenant: TenantId
    stream: StreamId
    version: int
    position: int
    fact: Event
    at: datetime
    cause: Cause
    correlation: UUID
    campaign_id: CampaignId
    contact_id: ContactId
