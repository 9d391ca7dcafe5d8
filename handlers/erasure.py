"""Forget a contact: its courses end, and all that the vault has of it goes; its id stays.

The log keeps its facts, which name nobody. Safe to repeat, and to take up again where it broke off.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from domain.ids import ContactId, StreamId
from domain.plan import Grounds, forgotten
from domain.recorded import Cause
from domain.taxonomy import CancelReason, Family
from handlers.campaigns import stop
from handlers.errors import NotHere
from handlers.ports import Input, Suppression, TenantPorts, Transaction

SOURCE = "erasure"


class ErasureGround(StrEnum):
    """Why a person is forgotten: words of a list, for a free text would outlive the person."""

    REQUESTED = "requested"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    OBJECTED = "objected"
    NO_LONGER_NEEDED = "no_longer_needed"
    UNLAWFUL = "unlawful"
    LEGAL_DUTY = "legal_duty"


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """An erasure as it stands; `finished_at` is null as long as something is left to do."""

    contact_id: ContactId
    ground: str
    ordered_by: str
    begun_at: datetime
    finished_at: datetime | None


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an order to erase; `same_address_as` may be the same person once more."""

    contact_id: ContactId
    ground: str
    begun_at: datetime
    finished_at: datetime | None
    contact_campaigns: int
    same_address_as: tuple[str, ...] = ()


class Erasures(Protocol):
    """Who was erased, and the parts of an erasure that are the vault's."""

    def known(self, contact_id: ContactId) -> Erasure | None:
        """The erasure of a contact, if there was an order."""
        ...

    def begin(self, tx: Transaction, contact_id: ContactId, ground: str, ordered_by: str) -> bool:
        """Note the order and lock the contact's gates; False where there is no such contact."""
        ...

    def remember(self, contact_id: ContactId, ground: str) -> None:
        """Put the id on the list outside of the database that a restored backup replays."""
        ...

    def sharing(self, contact_id: ContactId) -> Sequence[str]:
        """External ids of other contacts with an address or a profile of this one."""
        ...

    def streams(self, contact_id: ContactId) -> Sequence[StreamId]:
        """Every contact-campaign that the contact ever had."""
        ...

    def scrub(self, contact_id: ContactId) -> int:
        """Take the contact out of raw deliveries and reports; how many of them changed."""
        ...

    def forget(self, contact_id: ContactId) -> None:
        """Delete everything else that the vault has of it, and its key; it is finished then."""
        ...

    def unfinished(self) -> Sequence[ContactId]:
        """Erased contacts of whom something is there: broken off, come late, or restored."""
        ...


class Eraser:
    """Erases contacts of one tenant."""

    def __init__(self, ports: TenantPorts, erasures: Erasures) -> None:
        self._ports = ports
        self._erasures = erasures

    def erase(
        self, contact_id: ContactId, ground: str, *, cause: Cause, correlation: UUID
    ) -> Erased:
        """Erase a contact; raises NotHere when there never was one of this id."""
        done = self._erasures.known(contact_id)
        ground = ground if done is None else done.ground
        # First: an order that was begun and is lost with its database must be replayed as well.
        if done is None and not self._ports.vault.people([contact_id]):
            raise NotHere("no contact has this id")
        self._erasures.remember(contact_id, ground)
        with self._ports.transactions.begin() as tx:
            if self._erasures.begin(tx, contact_id, ground, f"{cause.kind}:{cause.id}"):
                self._ports.suppressions.add(tx, self._bans(contact_id, cause))
        shared = self._erasures.sharing(contact_id)
        streams = self._end(contact_id, cause, correlation)
        self._erasures.scrub(contact_id)
        self._erasures.forget(contact_id)
        after = self._erasures.known(contact_id)
        assert after is not None
        return Erased(
            contact_id=contact_id,
            ground=after.ground,
            begun_at=after.begun_at,
            finished_at=after.finished_at,
            contact_campaigns=streams,
            same_address_as=tuple(shared),
        )

    def finish(self, *, cause: Cause, correlation: UUID) -> int:
        """Take up what broke off, and what came after an erasure; how many contacts that were."""
        left = self._erasures.unfinished()
        for contact_id in left:
            self.erase(contact_id, ErasureGround.REQUESTED, cause=cause, correlation=correlation)
        return len(left)

    def _bans(self, contact_id: ContactId, cause: Cause) -> list[Suppression]:
        """Nobody writes to an erased person because a later import has the address again."""
        now = self._ports.clock.now()
        return [
            Suppression(Family.EMAIL, "", "erased", SOURCE, now, cause=cause, contact_id=contact_id)
        ]

    def _end(self, contact_id: ContactId, cause: Cause, correlation: UUID) -> int:
        """End every course; it needs no plan, for that may be gone already."""
        streams = self._erasures.streams(contact_id)
        decide = stop(self._ports.clock.now(), CancelReason.ERASED)
        self._ports.campaigns.transact_many(
            [
                Input(stream, decide, cause, correlation, Grounds(stream, forgotten(""), ""))
                for stream in streams
            ]
        )
        return len(streams)
