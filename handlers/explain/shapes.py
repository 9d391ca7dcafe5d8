"""What an explanation consists of."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from handlers.ports import Note
from handlers.services import QueueRow, RawDelivery

PASSED, HELD, NEVER, NOT_REACHED = "passed", "held", "never", "not_reached"


class GateTold(msgspec.Struct, frozen=True, kw_only=True):
    """One gate: what it asks, what it looked at, what it said: passed, held, never, not_reached.

    `inputs` are null where nobody looked. `until` is when a gate that holds is asked again, where
    it knows that.
    """

    name: str
    asks: str
    inputs: dict[str, Any]
    verdict: str
    reason: str | None = None
    until: datetime | None = None


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One link of a chain of causes; one without a version came from outside the log.

    `item` is the row of the inbox that it came in by, `raw` the bytes that were posted; null where
    they are forgotten.
    """

    at: datetime
    kind: str
    told: str
    version: int | None = None
    item: int | None = None
    raw: RawDelivery | None = None


class BanTold(msgspec.Struct, frozen=True, kw_only=True):
    """A ban on an address of the contact, by the keyed digest: the address itself is not kept.

    `cause` is the report, link, order or list that set it.
    """

    address_hmac: str
    reason: str
    ground: str
    source: str
    since: datetime
    until: datetime | None
    cause: str
    cause_kind: str


class DecisionTold(msgspec.Struct, frozen=True, kw_only=True):
    """One decision about the message, with its causes, oldest first, and its gates in order.

    `rules` is the version of the gates that judged; `differs` says where the gates of this release
    do not come to what was recorded then.
    """

    version: int
    at: datetime
    kind: str
    told: str
    cause: str
    correlation_id: UUID
    because: list[Link]
    gates: list[GateTold]
    rules: int | None = None
    differs: str = ""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """Why a message was sent, held, skipped or cancelled: in a sentence, then in all detail.

    `because` is the chain that led to its planning; `now` is what the gates say at this moment
    about one that waits, null where it does not. `planned_at` is when the plan wanted it to leave,
    `looked_at_again_at` when the gate that holds it is asked again. `banned` are the bans that kept
    it back; `notes` is what people said about it and about what holds it.
    """

    answer: str
    message: QueueRow
    plan_hash: str
    because: list[Link]
    decisions: list[DecisionTold]
    now: list[GateTold] | None
    rules: int
    planned_at: datetime
    looked_at_again_at: datetime | None
    banned: list[BanTold]
    notes: list[Note]
