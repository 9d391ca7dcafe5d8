"""A customer's own endpoints: they take signed calls, are away now and then, refuse a few."""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus

import msgspec

from infra.sandbox.clock import Now
from infra.sandbox.dice import Dice

SECRET_PREFIX = "whsec_"  # noqa: S105  # how such secrets are written, not one of them
SIGNATURE_PREFIX = "v1,"
TOLERANCE_S = 300.0  # real seconds that a signature may be old, or ahead
AWAY = 0.4  # share of calls that find nobody at first
AWAY_AGAIN = 0.3  # of these, also the second time
REFUSED = 0.1  # share of calls that are wrong to the endpoint, whenever they come


class _Conduct(msgspec.Struct, frozen=True):
    """How one call will be met."""

    away: int
    refused: bool


class Endpoints:
    """Answers calls of Standard Webhooks; the same id is the same call, taken once."""

    def __init__(self, seed: int, real_now: Now) -> None:
        self._seed, self._real_now = seed, real_now
        self._secrets: dict[str, bytes] = {}
        self._conduct: dict[str, _Conduct] = {}
        self._posts: dict[str, int] = {}
        self.taken: dict[str, bytes] = {}
        self.posts = 0
        self.repeats = 0
        self.unsigned = 0

    def trust(self, name: str, secret: str) -> None:
        """Know the secret told when an endpoint was registered; ValueError if it is none."""
        if not secret.startswith(SECRET_PREFIX):
            raise ValueError(f"a secret begins with {SECRET_PREFIX}")
        try:
            self._secrets[name] = b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
        except NotBase64:
            raise ValueError("a secret is written in base64") from None

    def answer(self, name: str, headers: Mapping[str, str], body: bytes) -> HTTPStatus:
        """The status of the answer; 503 as well where the secret is not known yet."""
        secret = self._secrets.get(name)
        if secret is None:
            return HTTPStatus.SERVICE_UNAVAILABLE
        self.posts += 1
        if not self._signed(secret, headers, body):
            self.unsigned += 1
            return HTTPStatus.UNAUTHORIZED
        return self._met(headers["webhook-id"], body)

    def _met(self, call: str, body: bytes) -> HTTPStatus:
        if call in self.taken:
            self.repeats += 1
            return HTTPStatus.OK
        if call not in self._conduct:
            self._conduct[call] = self._thrown(len(self._conduct) + 1)
        self._posts[call] = self._posts.get(call, 0) + 1
        conduct = self._conduct[call]
        if self._posts[call] <= conduct.away:
            return HTTPStatus.SERVICE_UNAVAILABLE
        if conduct.refused:
            return HTTPStatus.UNPROCESSABLE_ENTITY
        self.taken[call] = body
        return HTTPStatus.OK

    def _thrown(self, number: int) -> _Conduct:
        dice = Dice(self._seed, "endpoint", number)
        away, again, refused = (dice.chance(share) for share in (AWAY, AWAY_AGAIN, REFUSED))
        return _Conduct(away + (away and again), refused)

    def _signed(self, secret: bytes, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether one of the signatures is right, and of now."""
        call, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not call or not at.isascii() or not at.isdigit():
            return False
        if abs(self._real_now().timestamp() - int(at)) > TOLERANCE_S:
            return False
        content = b".".join((call.encode(), at.encode(), body))
        right = SIGNATURE_PREFIX + b64encode(hmac.digest(secret, content, sha256)).decode()
        given = headers.get("webhook-signature", "").split(" ")
        return any(hmac.compare_digest(one.encode(), right.encode()) for one in given)
