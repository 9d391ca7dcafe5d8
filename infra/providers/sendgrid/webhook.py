"""Reads SendGrid's Event Webhook: each event becomes one report in our words, none is lost."""

import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256

from domain.ids import TenantId
from domain.taxonomy import Signal
from handlers.ports import Report, Sight
from infra.providers.sendgrid import dates, marks
from infra.providers.sendgrid.items import Item, decode, optional, split, text
from infra.providers.sendgrid.meanings import GROUP_KINDS, meaning_of, reason_class
from infra.providers.sendgrid.signature import ACCEPT_S, TRUST_S, SignedPosts

PROVIDER = "sendgrid"
UNREADABLE = "unreadable"
"""The kind of a report whose event could not be read."""


DISCRIMINATOR: Mapping[str, tuple[str, ...]] = {
    "click": ("url", "url_offset", "ip"),
    "open": ("ip", "useragent"),
    "deferred": ("attempt", "response"),
    "bounce": ("type", "reason"),
    "dropped": ("reason",),
    "group_unsubscribe": ("asm_group_id",),
    "group_resubscribe": ("asm_group_id",),
}
"""What tells two events of one kind, message and second apart; other kinds have nothing."""

_SEEN = (Signal.OPENED, Signal.CLICKED)


class SendGridWebhook:
    """Implements handlers.ports.WebhookReader for one tenant's keys."""

    def __init__(
        self,
        public_keys: Iterable[str],
        *,
        pepper: bytes,
        trust_s: int = TRUST_S,
        accept_s: int = ACCEPT_S,
    ) -> None:
        self.signed = SignedPosts(public_keys, trust_s=trust_s, accept_s=accept_s)
        self._pepper = pepper

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> bool:
        return self.signed.verify(headers, body, now=now)

    def read(self, body: bytes, *, tenant: TenantId) -> list[Report]:
        return [self.translate(raw, tenant=tenant) for raw in split(body)]

    def translate(self, raw: bytes, *, tenant: TenantId) -> Report:
        item = decode(raw)
        if item is None:
            return _unreadable(raw, tenant, "the event is not a JSON object")
        kind = text(item.event).strip().lower()
        if not kind:
            return _unreadable(raw, tenant, "the event has no type")
        return self._report(raw, tenant, item, kind)

    def _report(self, raw: bytes, tenant: TenantId, item: Item, kind: str) -> Report:
        said = {"type_": text(item.type).strip(), "reason": text(item.reason)}
        meaning = meaning_of(kind, **said)
        at_ms = dates.event_ms(item.timestamp)
        at = None if at_ms is None else dates.instant(at_ms)
        return Report(
            provider=PROVIDER,
            kind=kind,
            raw=raw,
            key=self._key(tenant, item, kind, at_ms),
            signal=meaning.signal,
            at=at,
            message_id=marks.message_of(optional(item.antiphon_message)),
            attempt=marks.attempt_of(optional(item.antiphon_attempt)),
            tenant_tag=optional(item.antiphon_tenant),
            provider_id=_provider_id(text(item.sg_message_id)),
            smtp_id=optional(item.smtp_id),
            address=optional(item.email),
            url=optional(item.url),
            sight=_sight(meaning.signal, item, at),
            suppresses=meaning.suppresses,
            lifts=meaning.lifts,
            ground=_ground(kind, item),
            accepted=meaning.accepted,
            reason=reason_class(kind, classification=text(item.bounce_classification), **said),
            problem="the event has no usable timestamp" if at_ms is None else None,
        )

    def _key(self, tenant: TenantId, item: Item, kind: str, at_ms: int | None) -> bytes:
        when = text(item.timestamp) if at_ms is None else str(at_ms)
        parts = [_part(item, name) for name in DISCRIMINATOR.get(kind, ())]
        return _digest(PROVIDER, tenant, self._message(item), kind, when, *parts)

    def _message(self, item: Item) -> bytes | str:
        """The message an event is about, by the best name it has; which name is part of it."""
        if message := text(item.antiphon_message):
            known = marks.message_of(message)
            return f"m:{known or message}.{text(item.antiphon_attempt)}"
        if provider_id := text(item.sg_message_id):
            return f"p:{provider_id}"
        if smtp_id := text(item.smtp_id):
            return f"s:{smtp_id}"
        address = text(item.email).strip().lower()
        return b"e:" + hmac.digest(self._pepper, _bytes(address), sha256) if address else ""


def _unreadable(raw: bytes, tenant: TenantId, problem: str) -> Report:
    key = _digest(PROVIDER, tenant, UNREADABLE, raw)
    return Report(provider=PROVIDER, kind=UNREADABLE, raw=raw, key=key, problem=problem)


def _sight(signal: Signal | None, item: Item, at: datetime | None) -> Sight | None:
    if signal not in _SEEN:
        return None
    return Sight(
        signal=signal,
        at=at,
        flagged=text(item.sg_machine_open).lower() in ("true", "1"),
        useragent=text(item.useragent).strip(),
        ip=text(item.ip).strip(),
        link=text(item.url) + "#" + _part(item, "url_offset"),
    )


def _ground(kind: str, item: Item) -> str:
    """What a group's opt-out is lifted by: who comes back to a group comes back to that one."""
    return f"group:{text(item.asm_group_id)}" if kind in GROUP_KINDS else ""


def _provider_id(sg_message_id: str) -> str | None:
    """The X-Message-Id at the head of the provider's message id; a filter's name there is none."""
    head = sg_message_id.partition(".")[0].strip()
    return head if head and not head.startswith("filter") else None


def _part(item: Item, name: str) -> str:
    value = getattr(item, name)
    if isinstance(value, dict):
        value = value.get("index")
    return text(value)


def _bytes(part: bytes | str) -> bytes:
    return part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")


def _digest(*parts: bytes | str) -> bytes:
    """SHA-256 over the parts with their lengths, so that no two lists of parts look alike."""
    whole = [piece for part in map(_bytes, parts) for piece in (len(part).to_bytes(4, "big"), part)]
    return sha256(b"".join(whole)).digest()
