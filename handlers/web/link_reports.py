"""What recipients did with a mail of ours, kept as evidence and told as reports."""

from datetime import datetime
from hashlib import sha256
from typing import Literal

import msgspec
from typing_extensions import override

from domain.ids import MessageId, TenantId
from domain.taxonomy import Signal
from handlers.ports import Report
from handlers.webhooks.kept import KeptReports
from handlers.webhooks.verdicts import Sight, judge

PROVIDER = "link"
SIGNAL_OF = {
    "open": Signal.OPENED,
    "click": Signal.CLICKED,
    "unsubscribe": Signal.UNSUBSCRIBED,
}
JUDGED = (Signal.OPENED, Signal.CLICKED)


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
    sight = Sight(
        signal=signal,
        useragent=evidence.useragent,
        method=evidence.method,
        prefetch=evidence.prefetch,
    )
    verdict = judge(sight) if signal in JUDGED else None
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
        ip=evidence.ip or None,
        useragent=evidence.useragent or None,
        machine=verdict is not None and verdict.machine,
        evidence="" if verdict is None else verdict.evidence,
    )


def _key(evidence: Evidence, tenant: TenantId) -> bytes:
    """Two opens in one second by one client are one fact; an opt-out is one for ever."""
    told = [PROVIDER, tenant, evidence.kind, str(evidence.message_id)]
    if evidence.kind != "unsubscribe":
        second = str(int(evidence.at.timestamp()))
        told += [second, evidence.ip, evidence.useragent, evidence.url]
    whole = sha256()
    for part in (text.encode("utf-8", "replace") for text in told):
        whole.update(len(part).to_bytes(4, "big"))
        whole.update(part)
    return whole.digest()
