"""The key that signs what the sandbox posts, as SendGrid signs: ECDSA, P-256, SHA-256."""

import base64
import os
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"


class SigningKey:
    """One private key; its file is readable by its owner only."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private

    @classmethod
    def generate(cls) -> "SigningKey":
        """A new key that is in no file."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def load_or_generate(cls, path: Path) -> "SigningKey":
        """The key in the file; where there is none, a new key is put there."""
        try:
            return cls.from_pem(path.read_bytes())
        except FileNotFoundError:
            pass
        key = cls.generate()
        path.parent.mkdir(parents=True, exist_ok=True)
        # A second process may be starting too: a whole file appears at once, the first one stays.
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.pem())
        try:
            os.link(draft, path)
        except FileExistsError:
            return cls.from_pem(path.read_bytes())
        finally:
            draft.unlink()
        return key

    @classmethod
    def from_pem(cls, pem: bytes) -> "SigningKey":
        """The key of a PEM text; a key of another curve is refused."""
        private = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise TypeError("the webhook key is no elliptic curve key")
        if not isinstance(private.curve, ec.SECP256R1):
            raise TypeError("the webhook key is not on the curve P-256")
        return cls(private)

    def pem(self) -> bytes:
        """The private key as PKCS 8 PEM, not encrypted."""
        return self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def public_key_base64(self) -> str:
        """The public key as the provider shows it: base64 of DER SubjectPublicKeyInfo."""
        der = self._private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    def headers(self, timestamp: int, body: bytes) -> dict[str, str]:
        """The two headers over the timestamp's digits and, right after them, the raw body."""
        stamp = str(timestamp)
        signature = self._private.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            SIGNATURE_HEADER: base64.b64encode(signature).decode(),
            TIMESTAMP_HEADER: stamp,
        }
