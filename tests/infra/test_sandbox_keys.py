import base64
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infra.sandbox.keys import SIGNATURE_HEADER, TIMESTAMP_HEADER, SigningKey


def verify(key: SigningKey, signature: str, signed: bytes) -> None:
    public = serialization.load_der_public_key(base64.b64decode(key.public_key_base64()))
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(base64.b64decode(signature), signed, ec.ECDSA(hashes.SHA256()))


def test_a_key_file_is_the_owners_and_is_used_again(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "sandbox.pem"
    key = SigningKey.load_or_generate(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert SigningKey.load_or_generate(path).public_key_base64() == key.public_key_base64()


def test_a_signature_is_over_timestamp_and_body_and_nothing_else() -> None:
    key = SigningKey.generate()
    headers = key.headers(1_600_112_502, b"[]\r\n")
    assert headers[TIMESTAMP_HEADER] == "1600112502"
    verify(key, headers[SIGNATURE_HEADER], b"1600112502[]\r\n")
    with pytest.raises(InvalidSignature):
        verify(key, headers[SIGNATURE_HEADER], b"1600112502[]")


def test_a_key_on_another_curve_is_refused() -> None:
    pem = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(TypeError, match="P-256"):
        SigningKey.from_pem(pem)
