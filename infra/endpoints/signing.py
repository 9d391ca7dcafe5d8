"""Signatures of what we post, as Standard Webhooks has them: the receiver knows whom it hears."""

import hmac
from base64 import b64encode
from hashlib import sha256

PREFIX = "whsec_"


def secret_text(secret: bytes) -> str:
    """A secret as libraries of that standard take it."""
    return PREFIX + b64encode(secret).decode()


def signed(secret: bytes, call_id: str, at: int, body: bytes) -> dict[str, str]:
    """The three headers: HMAC-SHA256 over id, Unix time and body."""
    content = b".".join((call_id.encode(), str(at).encode(), body))
    signature = b64encode(hmac.digest(secret, content, sha256)).decode()
    return {
        "webhook-id": call_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{signature}",
    }
