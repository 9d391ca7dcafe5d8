"""What people said about a message, its contact-campaign, its campaign, and who holds it."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from domain.accounts import sender_stream, sending_stream
from domain.taxonomy import HoldReason
from handlers.explain.shapes import GateTold
from handlers.noted import NOTES_MAX
from handlers.ports import Note
from handlers.services import QueueRow, TenantServices

OF_SENDER = frozenset(
    {
        HoldReason.SENDER_PAUSED,
        HoldReason.SENDER_AWAY,
        HoldReason.SENDER_HEALTH,
        HoldReason.SENDER_GONE,
        HoldReason.SENDER_UNVERIFIED,
        HoldReason.CIRCUIT_OPEN,
    }
)


def said_about(tenant: TenantServices, row: QueueRow, gates: Iterable[GateTold]) -> list[Note]:
    """Reasons of orders and answers of providers, oldest first.

    Those about a sender or about all sending only where that is what held the message.
    """
    reasons = {gate.reason for gate in gates if gate.reason} | {row.hold_reason}
    return tenant.ports.vault.noted(_subjects(tenant, row, reasons), NOTES_MAX)


def _subjects(
    tenant: TenantServices, row: QueueRow, reasons: Iterable[str | None]
) -> Iterator[UUID]:
    yield from (row.id, row.contact_campaign_id, row.campaign_id)
    held = set(reasons)
    if HoldReason.TENANT_PAUSED in held:
        yield sending_stream(tenant.ports.tenant)
    if held & OF_SENDER:
        campaign = tenant.campaigns.campaign(row.campaign_id)
        sender = row.sender or ("" if campaign is None else campaign.sender)
        yield sender_stream(tenant.ports.tenant, sender)
