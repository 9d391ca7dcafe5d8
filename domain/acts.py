"""What administrators do: the facts of a third log, one stream a tenant.

An act is recorded before it is carried out, so that none is without a record; what it changed is
told by the facts of the other logs, whose cause names the same request. Values before and after are
here only where no other log has them. No fact has an address, a reason or another text of a person:
reasons are notes in the vault.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID, uuid5

import msgspec

from domain.events import Fact
from domain.ids import TenantId, schema_of

AdminStream = NewType("AdminStream", UUID)
"""All acts that concern one tenant."""
_STREAMS = UUID("c5f0a6be-0f0d-5d3b-9a3e-7d0e6f2b4c03")
Value = int | bool | str
"""A number, a switch, or a word of a closed list."""


class Act(StrEnum):
    """Every administrative act: what it is done to, and what is done."""

    KEY_ADD = "key.add"
    KEY_REVOKE = "key.revoke"
    WEBHOOK_KEY_ADD = "webhook_key.add"
    SUPPRESSION_ADD = "suppression.add"
    SUPPRESSION_LIFT = "suppression.lift"
    CAMPAIGN_CREATE = "campaign.create"
    CAMPAIGN_LAUNCH = "campaign.launch"
    CAMPAIGN_PAUSE = "campaign.pause"
    CAMPAIGN_RESUME = "campaign.resume"
    CAMPAIGN_STOP = "campaign.stop"
    CAMPAIGN_CHANGE = "campaign.change"
    CAMPAIGN_CLONE = "campaign.clone"
    CONTACT_ERASE = "contact.erase"
    CONTACT_EXPORT = "contact.export"
    CONTACT_CAMPAIGN_PAUSE = "contact_campaign.pause"
    CONTACT_CAMPAIGN_RESUME = "contact_campaign.resume"
    CONTACT_CAMPAIGN_STOP = "contact_campaign.stop"
    CONTACT_CAMPAIGN_REVISE = "contact_campaign.revise"
    MESSAGE_SKIP = "message.skip"
    MESSAGE_HOLD = "message.hold"
    MESSAGE_RELEASE = "message.release"
    MESSAGE_RESEND = "message.resend"
    REPORT_RELEASE = "report.release"
    SENDER_WRITE = "sender.write"
    SENDER_REMOVE = "sender.remove"
    SENDER_PAUSE = "sender.pause"
    SENDER_RESUME = "sender.resume"
    SENDER_VERIFY = "sender.verify"
    SENDER_HEALTH = "sender.health"
    SENDER_AWAY = "sender.away"
    SENDER_BACK = "sender.back"
    SENDER_WARMUP = "sender.warmup"
    SENDER_RESET_CIRCUIT = "sender.reset_circuit"
    SENDING_RULES = "sending.rules"
    SENDING_PAUSE = "sending.pause"
    SENDING_RESUME = "sending.resume"
    ALL_SENDING_PAUSE = "all_sending.pause"
    ALL_SENDING_RESUME = "all_sending.resume"
    ENDPOINT_ADD = "endpoint.add"
    ENDPOINT_REMOVE = "endpoint.remove"
    RETENTION_SET = "retention.set"
    PROJECTION_REBUILD = "projection.rebuild"
    WEBHOOKS_REPLAY = "webhooks.replay"
    AUDIT_EXPORT = "audit.export"


class ActOrdered(Fact, frozen=True, kw_only=True, tag="act_ordered"):
    """Somebody gave an order, and it is carried out behind this fact."""

    act: Act
    subject: str = ""
    """The id of the thing, or the name that the tenant gave it; empty where there is only one."""
    before: Mapping[str, Value] = {}
    after: Mapping[str, Value] = {}
    reasoned: bool = False
    """Whether a reason was given; its words are in the vault."""
    at: datetime


class ActFailed(Fact, frozen=True, kw_only=True, tag="act_failed"):
    """It was refused, or broke: an order that has no such fact was carried out."""

    ordered: int
    """The version of the order."""
    code: str
    at: datetime


class SigningKeyListed(Fact, frozen=True, kw_only=True, tag="signing_key_listed"):
    """Checkpoints of this tenant are signed with this key from here on."""

    key_id: str
    public_key: str
    """Ed25519, 32 bytes in hexadecimal digits."""
    at: datetime


AdminEvent = ActOrdered | ActFailed | SigningKeyListed


class AdminEnvelope(
    msgspec.Struct,
    frozen=True,
    gc=False,
    omit_defaults=True,
    rename={"fact": "f", "request": "r", "actor": "w"},
):
    """The stored body; `actor` is the id of a key, `cli`, or the name of a process."""

    fact: AdminEvent
    request: UUID
    """The facts of other logs that it led to name this request in their cause."""
    actor: str


class AdminRecorded(msgspec.Struct, frozen=True, gc=False):
    """A fact of the administrators' log as readers get it."""

    version: int
    position: int
    fact: AdminEvent
    request: UUID
    actor: str


def admin_stream(tenant: TenantId) -> AdminStream:
    """The one stream of acts of a tenant."""
    return AdminStream(uuid5(_STREAMS, f"{schema_of(tenant)}:acts"))
