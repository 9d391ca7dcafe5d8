"""One message of a plan, one person, one sender: one mail, always the same."""

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from hmac import digest
from typing import Final

import msgspec

from domain.ids import MessageId
from handlers.links import Links
from handlers.ports import Mail, Person, Rendered, Sender
from handlers.rendering import html as html_part
from handlers.rendering.failed import Reason, RenderFailed
from handlers.rendering.markup import markup_of
from handlers.rendering.text import relinked, text_of
from handlers.values import Values, person_values, sender_values
from plans.templates import TemplateFailed, TemplateValues, render_html, render_text

SUBJECT_CHARACTERS_MAX: Final = 255
LINKS_MAX: Final = 500

_ADDRESS: Final = re.compile(r"""[^@\s<>,;:"]+@[^@\s<>,;:"]+""")
_LINE_BREAK: Final = re.compile(r"[\x00\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
_REASON_OF: Final[Mapping[str, Reason]] = {
    "syntax": "template_syntax",
    "unresolved": "template_unresolved",
    "limit": "template_limit",
}


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan says about one mail (plan-dsl.md 2.4), as templates."""

    subject: str | None = None
    preheader: str | None = None
    html: str | None = None
    text: str | None = None
    track_opens: bool = True
    track_clicks: bool = True


class Earlier(msgspec.Struct, frozen=True):
    """The mail that this one answers in the same thread; ids with their angle brackets."""

    message_id: str
    subject: str
    references: tuple[str, ...] = ()


def render(
    content: Content,
    person: Person,
    sender: Sender,
    *,
    message_id: MessageId,
    links: Links,
    in_reply_to: Earlier | None = None,
) -> Rendered:
    """The mail for this person, ready to be kept and sent; raises RenderFailed."""
    written = _written(content, TemplateValues(template_values(person, sender)))
    tracked = _Tracked(links, message_id, on=content.track_clicks)
    opt_out = links.opt_out(message_id)
    postal_address = _present(sender.postal_address, "postal_address").strip()

    def closing() -> str:
        return (
            html_part.footer(postal_address, opt_out)
            + (html_part.trap(links.hidden(message_id)) if tracked.urls else "")
            + (html_part.pixel(links.opening(message_id)) if content.track_opens else "")
        )

    html, text = _parts(written, tracked, closing)
    mark = f"{links.tenant_tag}.{message_id}@{_domain(sender.reply_domain)}"
    mail = Mail(
        message_id=message_id,
        from_email=_address(sender.from_email, "sender"),
        from_name=_one_line(sender.from_name),
        to_email=_address(person.email, "recipient"),
        to_name=_one_line(_full_name(person)),
        reply_to=f"r+{mark}",
        subject=_subject(written.subject, in_reply_to),
        text=f"{relinked(text, tracked.again)}\n\n{postal_address}\nUnsubscribe: {opt_out}\n",
        html=html,
        headers={
            "List-Unsubscribe": f"<{opt_out}>, <mailto:unsubscribe+{mark}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            **_threading(in_reply_to),
        },
        sender_domain=sender.from_email.rpartition("@")[2],
    )
    return Rendered(
        message_id=message_id,
        contact_id=person.contact_id,
        snapshot=person.snapshot,
        mail=mail,
        links=tuple(tracked.urls),
        body_mac=body_mac(mail, person.vault_key),
        sender=sender.sender,
    )


def template_values(person: Person, sender: Sender) -> Values:
    """What templates may name: contact, company and sender, of one vault snapshot."""
    return person_values(person) | sender_values(sender)


def body_mac(mail: Mail, vault_key: bytes) -> str:
    """Proof that a mail is the one that was rendered; worthless once the contact's key is gone."""
    canonical = msgspec.json.encode(mail, order="deterministic")
    return digest(vault_key, b"antiphon/mail/1/" + canonical, sha256).hex()


class _Tracked:
    """Numbers the links of one mail from 0 and gives the addresses that lead to them."""

    def __init__(self, links: Links, message_id: MessageId, *, on: bool) -> None:
        self.urls: list[str] = []
        self._first: dict[str, str] = {}
        self._links = links
        self._message_id = message_id
        self._on = on

    def new(self, url: str) -> str:
        """A link of its own, though another one may lead to the same place."""
        if not self._on:
            return url
        self.urls.append(url)
        if len(self.urls) > LINKS_MAX:
            raise RenderFailed("links")
        address = self._links.click(self._message_id, len(self.urls) - 1)
        self._first.setdefault(url, address)
        return address

    def again(self, url: str) -> str:
        """The first link to this address, which in the text part is the one of the HTML part."""
        if url.startswith(self._links.clicks):
            return url
        return self._first.get(url) or self.new(url)


def _written(content: Content, values: TemplateValues) -> Content:
    """The content with its templates rendered and nothing left to fill in."""

    def filled(source: str | None, fill: Callable[[str, TemplateValues], str]) -> str | None:
        try:
            shown = source and fill(source, values)
        except TemplateFailed as err:
            raise RenderFailed(_REASON_OF[err.kind], ", ".join(err.missing) or err.detail) from err
        if shown and ("{{" in shown or "{%" in shown):
            raise RenderFailed("placeholder", shown)
        return shown if shown and shown.strip() else None

    written = msgspec.structs.replace(
        content,
        subject=filled(content.subject, render_text),
        preheader=filled(content.preheader, render_text),
        html=filled(content.html, render_html),
        text=filled(content.text, render_text),
    )
    if written.html is None and written.text is None:
        raise RenderFailed("content")
    return written


def _parts(
    written: Content, tracked: _Tracked, closing: Callable[[], str]
) -> tuple[str | None, str]:
    """The HTML part, where there is one, and the text."""
    opening = html_part.hidden_preheader(written.preheader) if written.preheader else ""
    if written.html is not None:
        markup = markup_of(written.html)
        html = html_part.finished(markup, tracked.new, opening=opening, closing=closing)
        return html, written.text or text_of(markup, tracked.again)
    text = written.text or ""
    if not written.track_opens:
        return None, text
    return opening + html_part.html_of(text, tracked.new) + closing(), text


def _subject(subject: str | None, earlier: Earlier | None) -> str:
    if subject is None and earlier is not None:
        again = earlier.subject.lower().startswith("re:")
        subject = (earlier.subject if again else f"Re: {earlier.subject}")[:SUBJECT_CHARACTERS_MAX]
    line = _one_line(_present(subject, "subject"))
    if len(line) > SUBJECT_CHARACTERS_MAX:
        raise RenderFailed("subject", line)
    return line


def _threading(earlier: Earlier | None) -> dict[str, str]:
    if earlier is None:
        return {}
    references = " ".join((*earlier.references, earlier.message_id))
    return {
        "In-Reply-To": _one_line(earlier.message_id),
        "References": _one_line(references),
    }


def _full_name(person: Person) -> str:
    return " ".join(part for part in (person.first_name, person.last_name) if part)


def _present(text: str | None, reason: Reason) -> str:
    if text is None or not text.strip():
        raise RenderFailed(reason)
    return text


def _one_line(text: str) -> str:
    if _LINE_BREAK.search(text):
        raise RenderFailed("line_break", text)
    return text


def _address(address: str | None, reason: Reason) -> str:
    if address is None or not _ADDRESS.fullmatch(address):
        raise RenderFailed(reason, address or "")
    return address


def _domain(domain: str) -> str:
    _address(f"r@{domain}", "sender")
    return domain
