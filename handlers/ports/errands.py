"""What plans ask of others: rows under lease and fence, contacts to change, endpoints to call."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from domain.ids import CampaignId, ContactId, ErrandId, StreamId
from handlers.ports.streams import Transaction
from handlers.ports.vault import Person

KINDS = ("update", "notify", "webhook")
"""All kinds of errands."""


class DueErrand(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed errand; `plan_hash` is the plan that asked, `attempt` counts its claims."""

    errand_id: ErrandId
    stream: StreamId
    campaign_id: CampaignId
    contact_id: ContactId
    plan_hash: str
    kind: str
    node: str
    visit: int
    endpoint: str | None
    requested_at: datetime
    give_up_at: datetime | None
    attempt: int
    fence: int


class Errands(Protocol):
    """The errands of one tenant, claimed under lease and fence."""

    def claim(self, now: datetime, *, limit: int, kinds: Sequence[str] = KINDS) -> list[DueErrand]:
        """Lease due errands; a change of a contact only once those before it are made."""
        ...

    def settle(self, tx: Transaction, errands: Sequence[DueErrand]) -> list[DueErrand]:
        """Take errands away that are still ours; these, in order. The others are another's work."""
        ...

    def put_off(self, errands: Mapping[DueErrand, datetime]) -> None:
        """Give errands that are still ours back, each until its time."""
        ...

    def free_expired(self) -> int:
        """S7: give back what a dead worker had leased."""
        ...


class People(Protocol):
    """The contacts of one tenant, to be changed together with what asked for it."""

    def locked(self, tx: Transaction, ids: Iterable[ContactId]) -> Mapping[ContactId, Person]:
        """Contacts that nobody else changes before this transaction ends."""
        ...

    def overwrite(self, tx: Transaction, people: Sequence[Person]) -> None:
        """Write all fields of contacts that are there; each gets a new snapshot."""
        ...


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where webhook nodes may call, and the key that signs what is posted there."""

    name: str
    url: str
    secret: bytes
    enabled: bool
    created_at: datetime


class Endpoints(Protocol):
    """The registered endpoints of one tenant."""

    def named(self, names: Iterable[str]) -> Mapping[str, Endpoint]: ...


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """What a call came to: `reason` is a class word for the log; `final`: no other try helps."""

    ok: bool
    final: bool = True
    reason: str = ""
    retry_after_s: float | None = None


class EndpointCaller(Protocol):
    """Posts one signed body by one call, without retry, within its time-out; never raises."""

    def call(self, endpoint: Endpoint, call_id: ErrandId, body: bytes) -> Called: ...


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a person was told, on its way into the vault."""

    notice_id: ErrandId
    stream: StreamId
    contact_id: ContactId
    recipient: str
    text: str
    at: datetime


class Notices(Protocol):
    """What the people of one tenant were told."""

    def keep(self, tx: Transaction, notices: Sequence[Notice]) -> None:
        """Write notices; one that is there stays as it is."""
        ...
