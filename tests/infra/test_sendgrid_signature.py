import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ids import TenantId
from handlers.ports import InvalidSignature
from handlers.webhooks.words import EncodedBody
from infra.providers.sendgrid.inbound import SendGridInbound
from infra.providers.sendgrid.signature import SignedPosts
from infra.providers.sendgrid.webhook import SendGridWebhook

DATA = Path(__file__).parent.parent / "data" / "payloads"
VECTOR = json.loads((DATA / "sendgrid_signed_vector.json").read_bytes())["vectors"][0]
HEADERS: dict[str, str] = VECTOR["headers"]
TIMESTAMP, SIGNATURE = (
    "X-Twilio-Email-Event-Webhook-Timestamp",
    "X-Twilio-Email-Event-Webhook-Signature",
)
BODY: bytes = VECTOR["raw_body"].encode()
KEY: str = VECTOR["public_key"]
AT = datetime.fromtimestamp(int(HEADERS[TIMESTAMP]), UTC)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

POSTS = SignedPosts([KEY])


def refused(
    headers: Mapping[str, str], body: bytes, *, posts: SignedPosts = POSTS, now: datetime = AT
) -> bool:
    try:
        posts.verify(headers, body, now=now)
    except InvalidSignature:
        return True
    return False


def public_text(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b64encode(der).decode()


def signed(key: ec.EllipticCurvePrivateKey, timestamp: str, body: bytes) -> dict[str, str]:
    signature = key.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
    return {TIMESTAMP: timestamp, SIGNATURE: b64encode(signature).decode()}


def test_signature_on_raw_bytes() -> None:
    assert POSTS.verify(HEADERS, BODY, now=AT) is False
    for at in range(len(BODY)):
        changed = bytearray(BODY)
        changed[at] ^= 1
        assert refused(HEADERS, bytes(changed))


def test_body_that_was_parsed_and_written_again_is_refused() -> None:
    assert refused(HEADERS, json.dumps(json.loads(BODY)).encode())
    assert refused(HEADERS, BODY.rstrip())


def test_header_names_come_in_any_case() -> None:
    assert not refused({name.lower(): text for name, text in HEADERS.items()}, BODY)
    assert not refused({name.upper(): text for name, text in HEADERS.items()}, BODY)


@pytest.mark.parametrize("missing", [TIMESTAMP, SIGNATURE])
def test_unsigned_webhook_refused(missing: str) -> None:
    assert refused({name: text for name, text in HEADERS.items() if name != missing}, BODY)


@pytest.mark.parametrize(
    "timestamp",
    ["", "160011250", "16001125021", " 1600112502", "1600112502\n", "1600112502.0", "+160011250",
     "-160011250", "0x5f5fc776", "\u0661600112502", "1600112503"],
)  # fmt: skip
def test_timestamp_is_ten_digits_and_the_signed_one(timestamp: str) -> None:
    assert refused({**HEADERS, TIMESTAMP: timestamp}, BODY)


def test_boundary_of_timestamp_and_body_cannot_be_moved() -> None:
    stamp = HEADERS[TIMESTAMP]
    assert refused({**HEADERS, TIMESTAMP: stamp[:-1]}, stamp[-1:].encode() + BODY)
    assert refused({**HEADERS, TIMESTAMP: stamp + BODY[:1].decode()}, BODY[1:])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:0],
        lambda text: text + "=",
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text[:10] + "\n" + text[10:],
        lambda text: text.rstrip("="),
        lambda text: text.replace("+", "-"),
        lambda text: text[:-2] + "N=",
        lambda text: "\u0142" + text[1:],
        lambda text: b64encode(b64decode(text) + b"\0").decode(),
        lambda text: b64encode(text.encode()).decode(),
    ],
)
def test_signature_is_strict_base64_of_strict_der(change: object) -> None:
    assert callable(change)
    assert refused({**HEADERS, SIGNATURE: change(HEADERS[SIGNATURE])}, BODY)


@settings(max_examples=200)
@given(timestamp=st.text(), signature=st.text(), body=st.binary())
def test_webhook_path_never_500s(timestamp: str, signature: str, body: bytes) -> None:
    assert refused({TIMESTAMP: timestamp, SIGNATURE: signature}, body)
    assert refused({**HEADERS, SIGNATURE: signature}, body)


def test_malleated_signature_is_recognised_as_the_same_fact() -> None:
    r, s = decode_dss_signature(b64decode(HEADERS[SIGNATURE]))
    other = b64encode(encode_dss_signature(r, ORDER - s)).decode()
    assert not refused({**HEADERS, SIGNATURE: other}, BODY)
    webhook = SendGridWebhook([KEY], pepper=b"pepper")
    first, second = (webhook.read(BODY, tenant=TenantId("acme")) for _ in range(2))
    assert [report.key for report in first] == [report.key for report in second]


@pytest.mark.parametrize("window_s", [(300, 90_000), (10, 60)])
def test_windows_are_a_policy(window_s: tuple[int, int]) -> None:
    trust_s, accept_s = window_s
    posts = SignedPosts([KEY], trust_s=trust_s, accept_s=accept_s)

    def after(seconds: float) -> bool:
        return posts.verify(HEADERS, BODY, now=AT + timedelta(seconds=seconds))

    assert after(0) is False
    assert after(trust_s) is False
    assert after(-trust_s) is False
    assert after(trust_s + 1) is True
    assert after(accept_s) is True
    for seconds in (accept_s + 1, -trust_s - 1):
        with pytest.raises(InvalidSignature):
            after(seconds)


def test_each_of_several_keys_is_valid_while_they_are_exchanged() -> None:
    old, new = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    posts = SignedPosts([public_text(old), public_text(new)])
    for key in (old, new):
        assert not refused(signed(key, HEADERS[TIMESTAMP], b"[]"), b"[]", posts=posts)
    stranger = ec.generate_private_key(ec.SECP256R1())
    assert refused(signed(stranger, HEADERS[TIMESTAMP], b"[]"), b"[]", posts=posts)


def test_key_is_taken_with_and_without_armour() -> None:
    lines = "\n".join((KEY[:64], KEY[64:]))
    armoured = f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"
    assert not refused(HEADERS, BODY, posts=SignedPosts([armoured]))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "no key",
        "\u0142",
        b64encode(b"no key").decode(),
        public_text(ec.generate_private_key(ec.SECP384R1())),
        public_text(rsa.generate_private_key(65537, 2048)),
    ],
)
def test_unusable_key_refuses_and_is_counted(key: str) -> None:
    posts = SignedPosts([key])
    assert posts.unusable_keys == 1
    assert refused(HEADERS, BODY, posts=posts)
    assert not refused(HEADERS, BODY, posts=SignedPosts([key, KEY]))


def test_wrong_curve_is_refused_even_when_it_signed() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    posts = SignedPosts([public_text(key)])
    assert refused(signed(key, HEADERS[TIMESTAMP], BODY), BODY, posts=posts)


def test_both_readers_verify_by_this_rule() -> None:
    for reader in (SendGridWebhook([KEY], pepper=b"pepper"), SendGridInbound([KEY])):
        assert reader.verify(HEADERS, BODY, now=AT) is False
        assert reader.verify(HEADERS, BODY, now=AT + timedelta(hours=1)) is True
        with pytest.raises(InvalidSignature):
            reader.verify(HEADERS, BODY + b" ", now=AT)


def test_encoded_body_has_its_own_refusal() -> None:
    with pytest.raises(EncodedBody):
        POSTS.verify({**HEADERS, "Content-Encoding": "gzip"}, BODY, now=AT)
    assert not refused({**HEADERS, "Content-Encoding": "identity"}, BODY)
