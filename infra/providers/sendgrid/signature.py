"""The signature of SendGrid's posts: ECDSA on P-256 over the timestamp and the raw body."""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime

from cryptography.exceptions import InvalidSignature as WrongSignature
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from handlers.ports import InvalidSignature
from handlers.webhooks.words import EncodedBody

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
TRUST_S = 300
ACCEPT_S = 25 * 3600

_ALGORITHM = ECDSA(SHA256())
_SECONDS = re.compile(r"[0-9]{10}")
_ARMOUR = re.compile(r"-----(?:BEGIN|END) PUBLIC KEY-----|\s+")


class SignedPosts:
    """Verifies posts against the keys that are valid now; more than one while they are exchanged.

    A key that cannot be used verifies nothing and is counted in `unusable_keys`: a wrong setting
    must refuse posts, not break the endpoint.
    """

    def __init__(
        self, public_keys: Iterable[str], *, trust_s: int = TRUST_S, accept_s: int = ACCEPT_S
    ) -> None:
        loaded = [_key(text) for text in public_keys]
        self._keys = [key for key in loaded if key is not None]
        self.unusable_keys = len(loaded) - len(self._keys)
        self._trust_s = trust_s
        self._accept_s = accept_s

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> bool:
        """As `WebhookReader.verify`; raises EncodedBody when the body is not as it was signed."""
        found = {name.lower(): text for name, text in headers.items()}
        if found.get("content-encoding", "").strip().lower() not in ("", "identity"):
            raise EncodedBody
        timestamp = found.get(TIMESTAMP, "")
        if not _SECONDS.fullmatch(timestamp):
            raise InvalidSignature
        self._match(_strict_base64(found.get(SIGNATURE, "")), timestamp.encode() + body)
        return self._is_late(now.timestamp() - int(timestamp))

    def _match(self, signature: bytes, signed: bytes) -> None:
        for key in self._keys:
            try:
                key.verify(signature, signed, _ALGORITHM)
            except WrongSignature:
                continue
            return
        raise InvalidSignature

    def _is_late(self, age_s: float) -> bool:
        if -self._trust_s <= age_s <= self._trust_s:
            return False
        if self._trust_s < age_s <= self._accept_s:
            return True
        raise InvalidSignature


def _strict_base64(text: str) -> bytes:
    try:
        signature = b64decode(text, validate=True)
    except ValueError:
        raise InvalidSignature from None
    if not signature or b64encode(signature) != text.encode():
        raise InvalidSignature
    return signature


def _key(text: str) -> EllipticCurvePublicKey | None:
    """The key of base64 DER, with or without PEM armour; None unless it is on the right curve."""
    try:
        key = load_der_public_key(b64decode(_ARMOUR.sub("", text), validate=True))
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    return None
