"""Signed deliveries as SendGrid posts them: mails delivered, and clicks of people in them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from infra.sandbox.keys import SigningKey

EVENTS = 200
"""Events in one delivery."""
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

Post = tuple[dict[str, str], bytes]
"""The headers and the body of a signed delivery."""


class Sent(msgspec.Struct, frozen=True):
    """A mail that somebody may click in."""

    message_id: UUID
    tag: str
    """The opaque name of the tenant."""


class Told(NamedTuple):
    """What is told of mails: the kind of event, and when it happened."""

    kind: Literal["delivered", "click"]
    at: datetime


def posts_of(
    sent: Sequence[Sent], told: Told, signed_at: datetime, key: SigningKey, events: int = EVENTS
) -> list[Post]:
    """One event about each mail, in deliveries of so many."""
    of_kind = {"delivered": _delivered, "click": _click}[told.kind]
    found = [_event(one, number, told) | of_kind(number) for number, one in enumerate(sent)]
    bodies = [
        msgspec.json.encode(found[start : start + events]) for start in range(0, len(found), events)
    ]
    stamp = int(signed_at.timestamp())
    return [(key.headers(stamp, body), body) for body in bodies]


def _event(one: Sent, number: int, told: Told) -> dict[str, object]:
    return {
        "email": f"dana.{number}@harbor{number % 977}.example",
        "timestamp": int(told.at.timestamp()),
        "event": told.kind,
        "sg_event_id": f"{told.kind}-{one.message_id.hex}",
        "sg_message_id": f"p-{one.message_id.hex}-1.recvd-5f54b5d587-n8k7z-1-66F3C2D1-18.0",
        "antiphon_message": str(one.message_id),
        "antiphon_attempt": "1",
        "antiphon_tenant": one.tag,
    }


def _delivered(number: int) -> dict[str, object]:
    response = "250 2.0.0 OK  1758286212 af79cd13be357-7b1f9a1c0si1 - gsmtp"
    return {"smtp-id": f"<{number}@geopod-ismtpd-1>", "ip": "168.245.1.1", "response": response}


def _click(number: int) -> dict[str, object]:
    return {
        "useragent": BROWSER,
        "ip": f"84.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
        "url": "https://site.example/hello",
        "url_offset": {"index": 0, "type": "text"},
    }
