"""Signed tokens for the open pixel, tracked links and the opt-out; no URL is in them."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from hmac import compare_digest, digest
from typing import Final, Literal
from uuid import UUID

import msgspec

from domain.ids import MessageId

Kind = Literal["o", "c", "u"]
"""What a token opens: the open pixel, a click, the opt-out."""

Keys = Callable[[str], Sequence[bytes]]
"""The keys of a tenant tag: several while a key is being replaced, none for an unknown tag."""

MAC_BYTES: Final = 16
KEY_BYTES_MIN: Final = 16
TOKEN_CHARACTERS_MAX: Final = 80
NUMBER_MAX: Final = 0xFFFF
HIDDEN: Final = NUMBER_MAX
"""The number of the link that no person sees; a mail never has so many of its own."""

_TAG: Final = re.compile(rb"[a-z0-9_-]{1,15}")
"""Short enough for the local part of `unsubscribe+<tag>.<message>@`, which has 64 characters."""
_ID_BYTES: Final = 16
_HEAD_BYTES: Final = _ID_BYTES + 2


class Link(msgspec.Struct, frozen=True):
    """What a token says once its signature holds; `number` counts the links of a mail from 0."""

    tenant_tag: str
    message_id: MessageId
    number: int


class Links(msgspec.Struct, frozen=True):
    """Makes the addresses in the mails of one tenant, signed with its newest key."""

    public_url: str
    tenant_tag: str
    key: bytes

    def opening(self, message_id: MessageId) -> str:
        """Address of the pixel that tells of an open."""
        return f"{self.public_url}/t/o/{self._token('o', message_id)}.gif"

    def click(self, message_id: MessageId, number: int) -> str:
        """Address that leads to a stored link of the mail."""
        return f"{self.clicks}{self._token('c', message_id, number)}"

    def hidden(self, message_id: MessageId) -> str:
        """Address that leads nowhere: only programs find the link that goes there."""
        return self.click(message_id, HIDDEN)

    def opt_out(self, message_id: MessageId) -> str:
        """Address of the page that takes an opt-out, and of the one-click post."""
        return f"{self.public_url}/u/{self._token('u', message_id)}"

    @property
    def clicks(self) -> str:
        """How each click address begins."""
        return f"{self.public_url}/t/c/"

    def _token(self, kind: Kind, message_id: MessageId, number: int = 0) -> str:
        return token(kind, self.tenant_tag, message_id, number, self.key)


def token(kind: Kind, tenant_tag: str, message_id: MessageId, number: int, key: bytes) -> str:
    """The text for a URL that `read_token` takes back; the same arguments give the same text."""
    tag = tenant_tag.encode()
    if not _TAG.fullmatch(tag) or len(key) < KEY_BYTES_MIN or not 0 <= number <= NUMBER_MAX:
        raise ValueError("a token needs a short lower-case tag, a long key and a small number")
    content = message_id.bytes + number.to_bytes(2) + tag
    return urlsafe_b64encode(content + _mac(kind, content, key)).rstrip(b"=").decode()


def read_token(kind: Kind, text: str, keys: Keys) -> Link | None:
    """What a token of this kind says, or None: total, and true to every bit that was signed."""
    raw = _decoded(text)
    content, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
    tag = content[_HEAD_BYTES:]
    if not _TAG.fullmatch(tag):
        return None
    signed = [
        compare_digest(mac, _mac(kind, content, key))
        for key in keys(tag.decode())
        if len(key) >= KEY_BYTES_MIN
    ]
    if not any(signed):
        return None
    number = int.from_bytes(content[_ID_BYTES:_HEAD_BYTES])
    return Link(tag.decode(), MessageId(UUID(bytes=content[:_ID_BYTES])), number)


def _mac(kind: Kind, content: bytes, key: bytes) -> bytes:
    return digest(key, b"antiphon/link/1/" + kind.encode() + content, sha256)[:MAC_BYTES]


def _decoded(text: str) -> bytes:
    """The bytes of a token written in the one way that `token` writes; b"" for any other text."""
    if len(text) > TOKEN_CHARACTERS_MAX:
        return b""
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        return b""
    return raw if urlsafe_b64encode(raw).rstrip(b"=").decode() == text else b""
