"""What recipients did with a mail of ours, kept as evidence and told as reports."""

from datetime import datetime
from hashlib import sha256
from typing import Literal

import msgspec
from typing_extensions import override

from domain.ids import MessageId, TenantId
from domain.taxonomy import Signal
from handlers.links import HIDDEN
from handlers.ports import Report, Sight
from handlers.webhooks.kept import KeptReports

PROVIDER = "link"
SIGNAL_OF = {
    "open": Signal.OPENED,
    "click": Signal.CLICKED,
    "unsubscribe": Signal.UNSUBSCRIBED,
}


class Evidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request for a link of a mail, as it came; who was behind it is judged when it is read."""

    kind: Literal["open", "click", "unsubscribe"]
    message_id: MessageId
    tenant_tag: str
    at: datetime
    number: int = 0
    url: str = ""
    ip: str = ""
    useragent: str = ""
    method: str = "GET"
    prefetch: bool = False


_EVIDENCE = msgspec.json.Decoder(Evidence)


class LinkReports(KeptReports):
    """Reads kept evidence; its proof was the token in the link."""

    provider = PROVIDER

    @override
    def report(self, raw: bytes, tenant: TenantId) -> Report:
        return _report(raw, _EVIDENCE.decode(raw), tenant)


def report_of(evidence: Evidence, tenant: TenantId) -> Report:
    """The report of a request that has just come."""
    return _report(msgspec.json.encode(evidence), evidence, tenant)


def _report(raw: bytes, evidence: Evidence, tenant: TenantId) -> Report:
    signal = SIGNAL_OF[evidence.kind]
    return Report(
        provider=PROVIDER,
        kind=evidence.kind,
        raw=raw,
        key=_key(evidence, tenant),
        signal=signal,
        at=evidence.at,
        message_id=evidence.message_id,
        tenant_tag=evidence.tenant_tag,
        url=evidence.url or None,
        sight=None if evidence.kind == "unsubscribe" else _sight(evidence, signal),
    )


def _sight(evidence: Evidence, signal: Signal) -> Sight:
    return Sight(
        signal=signal,
        at=evidence.at,
        useragent=evidence.useragent,
        ip=evidence.ip,
        method=evidence.method,
        prefetch=evidence.prefetch,
        link=str(evidence.number),
        hidden=evidence.kind == "click" and evidence.number == HIDDEN,
    )


def _key(evidence: Evidence, tenant: TenantId) -> bytes:
    """Two opens in one second by one client are one fact; an opt-out is one for ever."""
    told = [PROVIDER, tenant, evidence.kind, str(evidence.message_id)]
    if evidence.kind != "unsubscribe":
        second = str(int(evidence.at.timestamp()))
        told += [second, evidence.ip, evidence.useragent, evidence.url]
        told += [str(evidence.number)] if evidence.kind == "click" else []
    whole = sha256()
    for part in (text.encode("utf-8", "replace") for text in told):
        whole.update(len(part).to_bytes(4, "big"))
        whole.update(part)
    return whole.digest()
