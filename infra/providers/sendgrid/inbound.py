"""Reads SendGrid's Inbound Parse: which message is answered, by whom or what, and what it says."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from email.utils import getaddresses
from hashlib import sha256

import msgspec

from handlers.webhooks.words import Inbound, MatchedBy, ReplyClass
from infra.providers.sendgrid import marks, reply_text
from infra.providers.sendgrid.dates import header_date
from infra.providers.sendgrid.form import Form, read_form
from infra.providers.sendgrid.marks import Mark
from infra.providers.sendgrid.mime import Written, header_fields, read_mime
from infra.providers.sendgrid.reply_class import Envelope, classify_reply
from infra.providers.sendgrid.signature import ACCEPT_S, TRUST_S, SignedPosts

PROVIDER = "sendgrid"
HEADER_CHARACTERS_MAX = 4000
AHEAD_MAX = timedelta(hours=1)
BEHIND_MAX = timedelta(days=7)
"""A Date header outside of these is a wrong clock, and the time of receipt is better."""


class SendGridInbound:
    """Implements handlers.webhooks.words.InboundReader; `own` are the addresses we write from."""

    def __init__(
        self,
        public_keys: Iterable[str] = (),
        *,
        own: Collection[str] = (),
        trust_s: int = TRUST_S,
        accept_s: int = ACCEPT_S,
    ) -> None:
        self.signed = SignedPosts(public_keys, trust_s=trust_s, accept_s=accept_s)
        self._own = frozenset(address.strip().lower() for address in own)

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> bool:
        return self.signed.verify(headers, body, now=now)

    def read_inbound(self, content_type: str, body: bytes, *, now: datetime) -> Inbound:
        form = read_form(content_type, body)
        written = _written(form)
        envelope = _envelope(form, written)
        mark, matched_by = _match(envelope, written.headers)
        subject = form.text("subject") or written.headers.get("subject", "")
        words = reply_text.own_words(written.text or reply_text.text_of_html(written.html))
        reply_class = classify_reply(
            envelope, written.headers, subject=subject, is_own=self._is_own(envelope, written)
        )
        human, automatic = reply_class is ReplyClass.HUMAN, reply_class is ReplyClass.AUTOMATIC
        at = _sane(header_date(written.headers.get("date", "")), now)
        return Inbound(
            provider=PROVIDER,
            key=_key(written.headers.get("message-id", ""), envelope.to, body),
            reply_class=reply_class,
            message_id=mark.message_id if mark else None,
            attempt=mark.attempt if mark else None,
            tenant_tag=mark.tenant_tag if mark else None,
            matched_by=matched_by,
            address=envelope.writer or None,
            subject=subject,
            text=written.text,
            html=written.html,
            opt_out=reply_text.opt_out_words(subject, words) if human else "",
            at=at,
            returns_on=reply_text.returns_on(words, at=at or now) if automatic else None,
            problems=(*form.problems, *written.problems),
        )

    def _is_own(self, envelope: Envelope, written: Written) -> bool:
        """Whether one of our own identities wrote it; a copy of a sent mail has our Message-ID."""
        if envelope.writer in self._own:
            return True
        message_id = written.headers.get("message-id", "").strip()
        domain = message_id.rstrip(">").rpartition("@")[2].lower()
        own_domains = {address.rpartition("@")[2] for address in self._own}
        return domain in own_domains and bool(marks.in_references(message_id))


def _written(form: Form) -> Written:
    """What was written: from the fields, or from the whole mail when the post carries that."""
    raw = form.fields.get("email")
    if raw is not None:
        return read_mime(raw)
    headers = header_fields(form.text("headers"))
    return Written(headers=headers, text=form.text("text"), html=form.text("html"))


def _envelope(form: Form, written: Written) -> Envelope:
    envelope = form.json("envelope")
    to = envelope.get("to")
    sender = envelope.get("from")
    from_header = form.text("from") or written.headers.get("from", "")
    known = isinstance(sender, str)
    reverse_path = sender.strip().lower() if isinstance(sender, str) else ""
    return Envelope(
        to=tuple(it for it in to if isinstance(it, str)) if isinstance(to, list) else (),
        writer=_address(from_header) or reverse_path,
        bounces_nowhere=known and reverse_path in ("", "<>"),
    )


def _address(header: str) -> str:
    for _, address in getaddresses([header[:HEADER_CHARACTERS_MAX]]):
        if "@" in address:
            return address.strip().lower()
    return ""


def _match(envelope: Envelope, headers: Mapping[str, str]) -> tuple[Mark | None, MatchedBy]:
    """The message that is answered: by the plus token first, then by the references."""
    in_reply_to = marks.in_references(headers.get("in-reply-to", ""))
    references = marks.in_references(headers.get("references", ""))
    for token in filter(None, map(marks.in_address, envelope.to)):
        same = [it for it in (*in_reply_to, *references) if it.message_id == token.message_id]
        attempt = same[0].attempt if same else None
        return msgspec.structs.replace(token, attempt=attempt), MatchedBy.TOKEN
    if in_reply_to:
        return in_reply_to[0], MatchedBy.IN_REPLY_TO
    if references:
        return references[0], MatchedBy.REFERENCES
    return None, MatchedBy.NOTHING


def _sane(at: datetime | None, now: datetime) -> datetime | None:
    if at is None or not now - BEHIND_MAX <= at <= now + AHEAD_MAX:
        return None
    return min(at, now)


def _key(message_id: str, to: tuple[str, ...], body: bytes) -> bytes:
    """The same for each copy of a post: of its Message-ID and recipients, else of its body."""
    parts = [message_id.strip(), *sorted(it.strip().lower() for it in to)]
    whole = sha256(PROVIDER.encode())
    for part in [it.encode("utf-8", "replace") for it in parts] if parts[0] else [b"body", body]:
        whole.update(len(part).to_bytes(4, "big"))
        whole.update(part)
    return whole.digest()
