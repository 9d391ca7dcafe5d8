"""Suppressions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from pydantic import AfterValidator, Field

from domain.acts import Act
from domain.taxonomy import Family
from handlers.acts import Changes, act
from handlers.api.calls import Call, Given, Page, no_controls
from handlers.api.paging import Listed, listed, place_of
from handlers.contacts import Line
from handlers.errors import NotHere
from handlers.ports import Suppression

SOURCE = "api"
GROUND = "manual"
"""Of every ban by order, whatever its reason: as such it is told to the provider, too."""
ITEMS_MAX = 1000


class NewSuppression(Given):
    """An address that must not be written to."""

    family: Family = Family.EMAIL
    address: Line
    reason: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")] = "manual"


class NewSuppressions(Given):
    """Addresses that must not be written to."""

    items: list[NewSuppression] = Field(min_length=1, max_length=ITEMS_MAX)


class LiftedSuppression(Given):
    """An address that may be written to again, and why."""

    family: Family = Family.EMAIL
    address: Line
    reason: Annotated[str, Field(min_length=3, max_length=500), AfterValidator(no_controls)]


class SuppressionShown(msgspec.Struct, frozen=True, kw_only=True):
    """A ban; the address itself is not kept, only its keyed digest."""

    family: str
    address_hmac: str
    reason: str
    source: str
    suppressed_at: datetime


class Suppressed(msgspec.Struct, frozen=True):
    """How many bans a request asked for; those that stood before stand as they were."""

    suppressed: int


class Lifted(msgspec.Struct, frozen=True):
    """That a ban is gone."""

    lifted: bool


def suppressions(call: Call) -> Listed[SuppressionShown]:
    """Bans in the order of their digests."""
    query: Page = call.query
    rows = call.tenant.suppressions.page(place_of(query.cursor, bytes), query.limit + 1)
    shown = [
        SuppressionShown(
            family=row[0],
            address_hmac=row[1].hex(),
            reason=row[2],
            source=row[3],
            suppressed_at=row[4],
        )
        for row in rows
    ]
    return listed(shown, query.limit, lambda one: bytes.fromhex(one.address_hmac))


def _banned(call: Call) -> Changes:
    """How many, and why in a word; the list has the digests of the addresses."""
    given: NewSuppressions = call.body
    reasons = ",".join(sorted({one.reason for one in given.items}))
    return {}, {"addresses": len(given.items), "reasons": reasons}


def _lifted(call: Call) -> Changes:
    given: LiftedSuppression = call.body
    return {"family": given.family.value}, {}


@act(Act.SUPPRESSION_ADD, changes=_banned)
def suppress(call: Call) -> Suppressed:
    """Ban addresses, from the next claim on."""
    given: NewSuppressions = call.body
    now = call.services.clock.now()
    bans = [
        Suppression(
            one.family, one.address, one.reason, SOURCE, now, ground=GROUND, cause=call.order
        )
        for one in given.items
    ]
    call.tenant.suppressions.add(None, bans)
    return Suppressed(len(bans))


@act(Act.SUPPRESSION_LIFT, changes=_lifted)
def lift(call: Call) -> Lifted:
    """Lift a ban; the reason is kept in the vault, with the key that gave it."""
    given: LiftedSuppression = call.body
    now = call.services.clock.now()
    if not call.tenant.suppressions.remove(given.family, given.address, now):
        raise NotHere("no such address is suppressed")
    why = f"{call.holder.key_id}: {given.reason}"
    subject: UUID = call.request_id
    call.tenant.ports.vault.keep_note(subject, None, "suppression_lifted", why)
    return Lifted(lifted=True)
