"""What the gates of a claim look at, in memory: as infra.claims.gates, with its locks."""

from collections.abc import Callable
from datetime import datetime

from domain.events import topic_of
from domain.ids import CampaignId, StreamId
from domain.taxonomy import MessageState as State
from handlers.ports import AccountRow, Due, Person, Recipient
from tests.simulation.memory_database import Memory, Row, Tx
from tests.simulation.memory_suppressions import ban_of_contact

CLOSES = ("paused", "exited")
"""Facts of a stream after which what was claimed before is not called for."""


class Gates:
    """Reads what is asked about one message."""

    def __init__(self, memory: Memory, domain_key: Callable[[str], str]) -> None:
        self._memory = memory
        self._domain_key = domain_key

    def due(self, tx: Tx, queued: Row, now: datetime) -> Due | None:
        """What the gates see of a message; None while somebody changes what they would read."""
        campaign_id, contact_id = queued["campaign_id"], queued["contact_id"]
        campaign = tx.get("campaigns", campaign_id)
        if campaign is None or not tx.try_lock("campaigns", campaign_id, share=True):
            return None
        sender = queued["sender"] or campaign["sender"]
        places = [("contacts", contact_id), ("sender_accounts", sender)]
        if not all(tx.get(*at) is None or tx.try_lock(*at, share=True) for at in places):
            return None
        account = tx.get("sender_accounts", sender)
        body = tx.get("bodies", queued["message_id"])
        address = tx.get("senders", sender)
        return Due(
            message_id=queued["message_id"],
            stream=queued["stream_id"],
            campaign_id=campaign_id,
            hold_reason=queued["hold_reason"],
            campaign_status=campaign["status"],
            campaign_day_max=campaign["daily_limit"],
            recipient=self._recipient(tx, queued, now),
            sender=sender,
            account=account["row"] if account else None,
            probing=account is not None and self._probing(tx, account["row"]),
            rendered=body is not None and queued["body_mac"] is not None,
            readdressed=self._readdressed(tx, queued, body),
            opt_out=body is not None and body["opt_out"],
            postal_address=address is not None and bool(address["sender"].postal_address),
        )

    def _readdressed(self, tx: Tx, queued: Row, body: Row | None) -> bool:
        contact = tx.get("contacts", queued["contact_id"])
        return body is None or contact is None or body["mail"].to_email != contact["person"].email

    def _recipient(self, tx: Tx, queued: Row, now: datetime) -> Recipient:
        contact = tx.get("contacts", queued["contact_id"])
        person: Person | None = contact["person"] if contact else None
        mac = contact["mac"] if contact else None
        identities = tuple(filter(None, (mac, contact["profile_mac"] if contact else None)))
        elsewhere, by, touched = self._outreach(
            tx, queued, (*identities, *(contact["former"] if contact else ()))
        )
        domain = ((person and person.email) or "").rpartition("@")[2].strip().lower()
        consent = person.consent if person else None
        return Recipient(
            contact_id=queued["contact_id"],
            known=person is not None,
            reachable=person is not None and person.email is not None,
            suppressed=ban_of_contact(tx, contact, now) if contact and mac else "",
            address="valid",
            country=(person and person.country) or "",
            subscriber=(person and person.subscriber) or "",
            consent=consent.ground if consent else "",
            consent_until=consent.expires_at if consent else None,
            zone=(person and person.timezone) or "",
            domain=domain,
            domain_key=self._domain_key(domain) if domain else "",
            identities=identities,
            contacted_at=elsewhere,
            contacted_by=by,
            touched_at=touched,
        )

    def _outreach(
        self, tx: Tx, queued: Row, identities: tuple[bytes, ...]
    ) -> tuple[datetime | None, CampaignId | None, datetime | None]:
        """When the person was written to by another contact-campaign, by which; and at all."""
        here = (queued["campaign_id"], queued["contact_id"])
        rows = [row for key, row in _written(tx) if key[0] in identities]
        others = [row for row in rows if (row["campaign_id"], row["contact_id"]) != here]
        latest = max(others, key=lambda row: row["at"], default=None)
        touched = max((row["at"] for row in rows), default=None)
        return (
            latest["at"] if latest else None,
            latest["campaign_id"] if latest else None,
            touched,
        )

    def _probing(self, tx: Tx, account: AccountRow) -> bool:
        is_open = account.circuit_until is not None or account.circuit_needs_operator
        return is_open and any(
            row["state"] == State.SENDING and row["sender"] == account.sender
            for _, row in tx.rows("send_queue")
        )

    def open(self, tx: Tx, queued: Row, now: datetime) -> bool:
        """T2: whether nothing that forbids this message was committed since its claim."""
        campaign = tx.get("campaigns", queued["campaign_id"])
        contact = tx.get("contacts", queued["contact_id"])
        account = tx.get("sender_accounts", queued["sender"] or (campaign and campaign["sender"]))
        rules = tx.get("sending_rules", "only")
        if campaign is None or contact is None or account is None or rules is None:
            return False
        row: AccountRow = account["row"]
        return (
            campaign["status"] == "active"
            and not rules["rules"].paused
            and not row.paused
            and row.connected
            and row.verified
            and not row.deleted
            and not row.circuit_needs_operator
            and (row.circuit_until is None or row.circuit_until <= now)
            and not self._readdressed(tx, queued, tx.get("bodies", queued["message_id"]))
            and not ban_of_contact(tx, contact, now)
            and not self._closed_since(queued)
        )

    def _closed_since(self, queued: Row) -> bool:
        for entry in reversed(self._memory.streams.get(queued["stream_id"], [])):
            topic = topic_of(entry.body.fact)
            if topic in CLOSES:
                return True
            if topic == "send_attempt_started":
                return False
        return False


def _written(tx: Tx) -> list[tuple[tuple[bytes, StreamId], Row]]:
    return [(key, row) for key, row in tx.rows("outreach")]  # type: ignore[misc]  # as mark puts it
