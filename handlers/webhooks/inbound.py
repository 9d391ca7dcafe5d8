"""Replies: their words go to the vault, what they mean goes through the inbox as a report."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID, uuid5

import msgspec
from typing_extensions import override

from domain.ids import MessageId, TenantId
from domain.taxonomy import Signal
from handlers.ports import Report
from handlers.services import TenantServices
from handlers.webhooks.kept import KeptReports
from handlers.webhooks.words import Inbound, MatchedBy, ReplyClass

PROVIDER = "sendgrid_inbound"
SIGNAL_OF = {
    ReplyClass.HUMAN: Signal.REPLIED,
    ReplyClass.AUTOMATIC: Signal.AUTO_REPLIED,
    ReplyClass.BOUNCE_REPORT: Signal.BOUNCED,
}
OWN = "own_message"
OPT_OUT = "opt_out"
"""The ground of a ban that somebody asked for in words."""
_REPLIES = UUID("5d0c9c0e-6d0a-5b52-a4a5-6f6b3f5f1d02")


class KeptReply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the inbox holds of a reply; its words are in the vault under `reply_id`."""

    reply_id: UUID
    key: str
    reply_class: ReplyClass
    at: datetime
    message_id: MessageId | None = None
    attempt: int | None = None
    tenant_tag: str | None = None
    matched_by: MatchedBy = MatchedBy.NOTHING
    address: str | None = None
    opt_out: bool = False
    returns_on: date | None = None


_KEPT = msgspec.json.Decoder(KeptReply)


class InboundReports(KeptReports):
    """Reads kept replies; verifying and reading the posts is the provider's `InboundReader`."""

    provider = PROVIDER

    @override
    def report(self, raw: bytes, tenant: TenantId) -> Report:
        return _report(raw, _KEPT.decode(raw))


def keep_reply(
    tenant: TenantServices, inbound: Inbound, headers: Mapping[str, str], body: bytes, *, late: bool
) -> int:
    """Keep the words, then the report: a post that comes again changes neither."""
    ports = tenant.ports
    kept = _kept(ports.tenant, inbound, ports.clock.now())
    ports.vault.keep_reply(
        kept.reply_id,
        {
            "message_id": kept.message_id,
            "class": kept.reply_class.value,
            "subject": _storable(inbound.subject),
            "text": _storable(inbound.text),
            "html": _storable(inbound.html),
            "sender": _storable(inbound.address or ""),
        },
    )
    report = _report(msgspec.json.encode(kept), kept)
    return ports.inbox.keep(PROVIDER, headers, body, [report], late=late)


def _kept(tenant: TenantId, inbound: Inbound, now: datetime) -> KeptReply:
    return KeptReply(
        reply_id=uuid5(_REPLIES, f"{tenant}:{inbound.key.hex()}"),
        key=inbound.key.hex(),
        reply_class=inbound.reply_class,
        at=inbound.at or now,
        message_id=inbound.message_id,
        attempt=inbound.attempt,
        tenant_tag=inbound.tenant_tag,
        matched_by=inbound.matched_by,
        address=inbound.address,
        opt_out=bool(inbound.opt_out),
        returns_on=inbound.returns_on,
    )


def _report(raw: bytes, kept: KeptReply) -> Report:
    # a delivery report is written by a mail server: its address is nobody's to ban or to match
    from_person = kept.reply_class in (ReplyClass.HUMAN, ReplyClass.AUTOMATIC)
    return Report(
        provider=PROVIDER,
        kind=kept.reply_class.value,
        raw=raw,
        key=bytes.fromhex(kept.key),
        signal=SIGNAL_OF.get(kept.reply_class),
        at=kept.at,
        message_id=kept.message_id,
        attempt=kept.attempt,
        tenant_tag=kept.tenant_tag,
        address=kept.address if from_person else None,
        suppresses=kept.opt_out,
        ground=OPT_OUT if kept.opt_out else "",
        accepted=kept.message_id is not None,
        problem=OWN if kept.reply_class is ReplyClass.OWN else None,
    )


def _storable(text: str) -> str:
    """PostgreSQL keeps no NUL and no half of a surrogate pair."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
