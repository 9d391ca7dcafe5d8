"""Which ban kept a message back: since when, for what, and which report or order set it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec.structs import replace

from domain.ids import ContactId
from domain.taxonomy import CancelReason, CauseKind
from handlers.explain.causes import told_cause
from handlers.explain.shapes import BanTold, DecisionTold, GateTold, Link
from handlers.ports import Ban
from handlers.services import QueueRow, TenantServices

REASON = CancelReason.SUPPRESSED.value
"""Also the word of an attempt that was refused because of a ban."""
ENDINGS = ("message_cancelled", "message_failed")
DIGEST_SHOWN = 12


def bans_of(
    tenant: TenantServices,
    row: QueueRow,
    decisions: Sequence[DecisionTold],
    gates_now: Iterable[GateTold],
    now: datetime,
) -> list[BanTold]:
    """The bans that keep a message back, or did when that was decided; oldest first.

    None where another reason did. None also where the contact was erased since, or its ban was
    lifted and set anew.
    """
    if any(gate.reason == REASON for gate in gates_now):
        return _bans_at(tenant, row.contact_id, now)
    ended = [one for one in decisions if one.kind in ENDINGS]
    if row.reason != REASON or not ended:
        return []
    return _bans_at(tenant, row.contact_id, ended[-1].at)


def with_bans(decisions: Sequence[DecisionTold], bans: Sequence[BanTold]) -> list[DecisionTold]:
    """What set the bans and the bans themselves, before the own causes of what they ended."""
    links = [link for ban in bans for link in _links(ban)]
    return [
        replace(one, because=[*links, *one.because]) if one.kind in ENDINGS else one
        for one in decisions
    ]


def _bans_at(tenant: TenantServices, contact_id: ContactId, at: datetime) -> list[BanTold]:
    found = tenant.suppressions.of_contact(contact_id)
    return [_told(ban) for ban in found if _stood(ban, at)]


def _stood(ban: Ban, at: datetime) -> bool:
    ended = ban.expires_at is not None and ban.expires_at <= at
    return ban.at <= at and not ended


def _told(ban: Ban) -> BanTold:
    return BanTold(
        address_hmac=ban.address_hmac.hex(),
        reason=ban.reason,
        ground=ban.ground,
        source=ban.source,
        since=ban.at,
        until=ban.expires_at,
        cause=_origin(ban),
        cause_kind="" if ban.cause is None else ban.cause.kind.value,
    )


def _origin(ban: Ban) -> str:
    """What set it, in words."""
    match ban.cause:
        case None:
            return f"{ban.source}, by nobody knows which report or order"
        case cause if cause.kind is CauseKind.SWEEP:
            return f"the list {cause.id} of the provider"
        case cause if cause.kind is CauseKind.LINK and "#" not in cause.id:
            return f"the opt-out link of message {cause.id}"
        case cause:
            return told_cause(cause)


def _links(ban: BanTold) -> list[Link]:
    digest = ban.address_hmac[:DIGEST_SHOWN]
    ground = "" if ban.ground == ban.reason else f", ground {ban.ground}"
    told = f"suppressed: {ban.reason}{ground}, source {ban.source}, digest {digest}"
    return [
        Link(at=ban.since, kind=ban.cause_kind or "unknown", told=ban.cause),
        Link(at=ban.since, kind="suppressed", told=told),
    ]
