"""What a gate held is made due again, in memory: as infra.claims.waking."""

from collections.abc import Collection
from datetime import datetime

from domain.ids import CampaignId
from domain.taxonomy import HoldReason
from domain.taxonomy import MessageState as State
from projections.send_queue import NEVER
from tests.simulation.memory_database import Row, Tx

QUEUE = "send_queue"


def wake(
    tx: Tx,
    reasons: Collection[HoldReason],
    now: datetime,
    *,
    senders: Collection[str] | None = None,
    campaign: CampaignId | None = None,
) -> None:
    """Make due what these reasons hold; what somebody has locked is left out."""

    def concerned(row: Row) -> bool:
        waits = row["state"] in (State.PLANNED, State.QUEUED) and row["hold_reason"] in reasons
        of_sender = senders is None or row["state"] == State.PLANNED
        of_sender = of_sender or row["sender"] in ("", *(senders or ()))
        of_campaign = campaign is None or row["campaign_id"] == campaign
        put_off = row["not_before"] > now and row["not_before"] != NEVER
        return waits and put_off and of_sender and of_campaign

    for _, row in list(tx.rows(QUEUE)):
        if concerned(row) and tx.try_lock(QUEUE, row["message_id"]):
            not_before = max(now, row["due_at"]) if row["state"] == State.PLANNED else now
            tx.change(QUEUE, row["message_id"], not_before=not_before)
