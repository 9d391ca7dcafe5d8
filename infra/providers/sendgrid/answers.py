"""What SendGrid's answer to a send means for the message, as one table and one pure function."""

import http.client
import socket
import ssl
from collections.abc import Mapping
from urllib.error import URLError

import msgspec

from domain.taxonomy import AnswerClass
from handlers.ports import Answer
from infra.providers.sendgrid.dates import header_date

RETRY_AFTER_S_MAX = 3600.0
DETAIL_CHARACTERS_MAX = 2000
_EPOCH_S_MIN = 1_000_000_000


class Heard(msgspec.Struct, frozen=True):
    """A complete answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Failed(msgspec.Struct, frozen=True):
    """No complete answer; `written` is False only when no byte of the request can have left."""

    error: BaseException
    written: bool


class _Row(msgspec.Struct, frozen=True):
    kind: AnswerClass
    reason: str
    counted: bool = True
    opens_circuit: bool = False


_ACCEPTED = _Row(AnswerClass.ACCEPTED, "")
_RATE_LIMITED = _Row(AnswerClass.NOT_SENT, "rate_limited", counted=False)
_REDIRECTED = _Row(AnswerClass.NOT_SENT, "redirected", opens_circuit=True)
_SERVER_ERROR = _Row(AnswerClass.AMBIGUOUS, "server_error")
_UNLISTED = _Row(AnswerClass.AMBIGUOUS, "unlisted_status")

STATUS: Mapping[int, _Row] = {
    202: _ACCEPTED,
    200: _Row(AnswerClass.REFUSED, "sandbox_mode"),
    400: _Row(AnswerClass.REFUSED, "bad_request"),
    401: _Row(AnswerClass.NOT_SENT, "unauthorized", counted=False, opens_circuit=True),
    403: _Row(AnswerClass.NOT_SENT, "forbidden", counted=False, opens_circuit=True),
    404: _Row(AnswerClass.REFUSED, "not_found"),
    405: _Row(AnswerClass.REFUSED, "method_not_allowed"),
    413: _Row(AnswerClass.REFUSED, "too_large"),
    422: _Row(AnswerClass.REFUSED, "unprocessable"),
    429: _RATE_LIMITED,
}
STATUS_HUNDREDS: Mapping[int, _Row] = {3: _REDIRECTED, 5: _SERVER_ERROR}

NOT_WRITTEN: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "dns"),
    (ssl.SSLError, "tls"),
    (ConnectionRefusedError, "refused"),
    (TimeoutError, "connect_timeout"),
    (OSError, "unreachable"),
)
WRITTEN: tuple[tuple[type[BaseException], str], ...] = (
    (TimeoutError, "timeout"),
    (http.client.RemoteDisconnected, "reset"),
    (http.client.IncompleteRead, "incomplete_answer"),
    (ConnectionError, "reset"),
    (ssl.SSLError, "tls"),
    (http.client.HTTPException, "unreadable_answer"),
)


def classify(outcome: Heard | Failed) -> Answer:
    """The class of an answer; whatever is not listed is AMBIGUOUS and never sent again."""
    if isinstance(outcome, Failed):
        return _failure(outcome)
    row = STATUS.get(outcome.status) or STATUS_HUNDREDS.get(outcome.status // 100, _UNLISTED)
    accepted = row.kind is AnswerClass.ACCEPTED
    return Answer(
        kind=row.kind,
        reason=row.reason,
        provider_id=outcome.headers.get("x-message-id", "").strip() if accepted else "",
        detail="" if accepted else _text(outcome),
        retry_after_s=_retry_after_s(outcome.headers) if row is _RATE_LIMITED else None,
        counted=row.counted,
        opens_circuit=row.opens_circuit,
    )


def _failure(failed: Failed) -> Answer:
    error: object = failed.error
    while isinstance(error, URLError) and isinstance(error.reason, BaseException):
        error = error.reason
    kind, words, other = (
        (AnswerClass.AMBIGUOUS, WRITTEN, "broken_call")
        if failed.written
        else (AnswerClass.NOT_SENT, NOT_WRITTEN, "not_called")
    )
    reason = next((word for type_, word in words if isinstance(error, type_)), other)
    return Answer(kind=kind, reason=reason, detail=_cut(f"{type(error).__name__}: {error}"))


def _text(heard: Heard) -> str:
    return _cut(
        f"{heard.status} {heard.body[: 4 * DETAIL_CHARACTERS_MAX].decode(errors='replace')}"
    )


def _cut(text: str) -> str:
    return text.replace("\x00", "")[:DETAIL_CHARACTERS_MAX]


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How long to wait by the provider's own clock: an instant is compared with its Date header."""
    sent_at = _instant(headers.get("date", ""))
    for name in ("x-ratelimit-reset", "retry-after"):
        text = headers.get(name, "").strip()
        if not text:
            continue
        until = float(text) if _is_number(text) else _instant(text)
        if until is None:
            continue
        if until < _EPOCH_S_MIN:
            return min(until, RETRY_AFTER_S_MAX)
        if sent_at is not None:
            return min(max(until - sent_at, 0.0), RETRY_AFTER_S_MAX)
    return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(_EPOCH_S_MIN)) + 1


def _instant(text: str) -> float | None:
    at = header_date(text)
    return None if at is None else at.timestamp()
