"""One mail to one recipient as the recipient sees it: links, pixel, list headers, reply address."""

import re
from html.parser import HTMLParser

import msgspec
from typing_extensions import override

from infra.sandbox.mail_send import Address, Content, MailSend, Personalization

EXCERPT_CHARACTERS_MAX = 200
_TEXT_URL = re.compile(r"https?://[^\s<>\"')\]]+")
_LIST_URL = re.compile(r"<(https?://[^>\s]+)>")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden")


class Link(msgspec.Struct, frozen=True):
    """A link target; nobody sees a hidden one, so only programs follow it."""

    url: str
    hidden: bool = False


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a mail until its recipient is done with it."""

    to: str
    to_name: str
    reply_to: str
    sender: str
    subject: str
    message_id: str
    custom_args: dict[str, str]
    categories: list[str]
    pool: str | None
    links: tuple[Link, ...]
    pixel: str
    unsubscribe_url: str
    one_click: bool
    excerpt: str
    tracks_opens: bool
    tracks_clicks: bool
    tracks_unsubscribes: bool
    group_id: int | None
    send_at: int | None

    def offered_links(self) -> list[tuple[int, str]]:
        """Index and target of the links a person would follow for interest."""
        return [
            (index, link.url)
            for index, link in enumerate(self.links)
            if not link.hidden and link.url != self.unsubscribe_url
        ]


def mails_of(request: MailSend) -> list[Mail]:
    """One mail for each recipient, in order of the request."""
    html, text = _part(request.content, "text/html"), _part(request.content, "text/plain")
    page = _Page.read(html)
    links = page.links or [Link(url) for url in _TEXT_URL.findall(text)]
    looks = _Looks(links=tuple(links), pixel=page.pixel, excerpt=text[:EXCERPT_CHARACTERS_MAX])
    return [
        _mail(request, one, recipient, looks)
        for one in request.personalizations
        for recipient in one.recipients()
    ]


class _Looks(msgspec.Struct, frozen=True, kw_only=True):
    links: tuple[Link, ...]
    pixel: str
    excerpt: str


def _mail(request: MailSend, one: Personalization, to: Address, looks: _Looks) -> Mail:
    headers = {name.lower(): value for name, value in {**request.headers, **one.headers}.items()}
    sender = one.sender or request.sender
    list_url = _LIST_URL.search(headers.get("list-unsubscribe", ""))
    tracking = request.tracking_settings
    return Mail(
        to=to.email,
        to_name=to.name or "",
        reply_to=_reply_to(request, sender).email,
        sender=sender.email,
        subject=one.subject or request.subject or "",
        message_id=headers.get("message-id", ""),
        custom_args={**request.custom_args, **one.custom_args},
        categories=request.categories,
        pool=request.ip_pool_name,
        links=looks.links,
        pixel=looks.pixel,
        unsubscribe_url=list_url.group(1) if list_url else "",
        one_click="list-unsubscribe-post" in headers,
        excerpt=looks.excerpt,
        tracks_opens=tracking.open_tracking.enable,
        tracks_clicks=tracking.click_tracking.enable,
        tracks_unsubscribes=tracking.subscription_tracking.enable,
        group_id=request.asm.group_id if request.asm else None,
        send_at=one.send_at or request.send_at,
    )


def _reply_to(request: MailSend, sender: Address) -> Address:
    if request.reply_to is not None:
        return request.reply_to
    return request.reply_to_list[0] if request.reply_to_list else sender


def _part(content: list[Content], media_type: str) -> str:
    return next((part.value for part in content if part.type.startswith(media_type)), "")


class _Page(HTMLParser):
    """Collects link targets and the first image whose address ends in .gif."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[Link] = []
        self.pixel = ""

    @classmethod
    def read(cls, html: str) -> "_Page":
        page = cls()
        page.feed(html)
        page.close()
        return page

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        target = values.get("href" if tag == "a" else "src", "").strip()
        if not target.startswith(("http://", "https://")):
            return
        if tag == "a":
            hidden = "hidden" in values or bool(_HIDDEN_STYLE.search(values.get("style", "")))
            self.links.append(Link(target, hidden=hidden))
        elif tag == "img" and not self.pixel and target.partition("?")[0].endswith(".gif"):
            self.pixel = target
