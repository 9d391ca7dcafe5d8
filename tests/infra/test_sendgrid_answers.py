import http.client
import socket
import ssl
from urllib.error import URLError

import pytest

from domain.taxonomy import AnswerClass
from infra.providers.sendgrid.answers import (
    DETAIL_CHARACTERS_MAX,
    RETRY_AFTER_S_MAX,
    Failed,
    Heard,
    classify,
)

ACCEPTED, NOT_SENT = AnswerClass.ACCEPTED, AnswerClass.NOT_SENT
REFUSED, AMBIGUOUS = AnswerClass.REFUSED, AnswerClass.AMBIGUOUS

STATUSES = [
    # status, class, reason, counted, opens the circuit
    (202, ACCEPTED, "", True, False),
    (200, REFUSED, "sandbox_mode", True, False),
    (429, NOT_SENT, "rate_limited", False, False),
    (401, NOT_SENT, "unauthorized", False, True),
    (403, NOT_SENT, "forbidden", False, True),
    (400, REFUSED, "bad_request", True, False),
    (404, REFUSED, "not_found", True, False),
    (405, REFUSED, "method_not_allowed", True, False),
    (413, REFUSED, "too_large", True, False),
    (422, REFUSED, "unprocessable", True, False),
    (301, NOT_SENT, "redirected", True, True),
    (302, NOT_SENT, "redirected", True, True),
    (307, NOT_SENT, "redirected", True, True),
    (308, NOT_SENT, "redirected", True, True),
    (500, AMBIGUOUS, "server_error", True, False),
    (502, AMBIGUOUS, "server_error", True, False),
    (503, AMBIGUOUS, "server_error", True, False),
    (504, AMBIGUOUS, "server_error", True, False),
    (101, AMBIGUOUS, "unlisted_status", True, False),
    (201, AMBIGUOUS, "unlisted_status", True, False),
    (204, AMBIGUOUS, "unlisted_status", True, False),
    (402, AMBIGUOUS, "unlisted_status", True, False),
    (415, AMBIGUOUS, "unlisted_status", True, False),
    (418, AMBIGUOUS, "unlisted_status", True, False),
    (999, AMBIGUOUS, "unlisted_status", True, False),
]


@pytest.mark.parametrize(("status", "kind", "reason", "counted", "opens"), STATUSES)
def test_each_status_has_its_class(
    status: int, kind: AnswerClass, reason: str, *, counted: bool, opens: bool
) -> None:
    answer = classify(Heard(status))
    assert (answer.kind, answer.reason) == (kind, reason)
    assert (answer.counted, answer.opens_circuit) == (counted, opens)


NOT_WRITTEN = [
    (socket.gaierror(-2, "Name or service not known"), "dns"),
    (ConnectionRefusedError(111, "refused"), "refused"),
    (TimeoutError("timed out"), "connect_timeout"),
    (ssl.SSLCertVerificationError("bad certificate"), "tls"),
    (URLError(socket.gaierror(-2, "unknown")), "dns"),
    (URLError(ConnectionRefusedError()), "refused"),
    (OSError(101, "network is unreachable"), "unreachable"),
    (UnicodeEncodeError("latin-1", "k", 0, 1, "no"), "not_called"),
    (RuntimeError("anything"), "not_called"),
]


@pytest.mark.parametrize(("error", "reason"), NOT_WRITTEN)
def test_before_the_first_byte_nothing_was_sent(error: BaseException, reason: str) -> None:
    answer = classify(Failed(error, written=False))
    assert (answer.kind, answer.reason) == (NOT_SENT, reason)


WRITTEN = [
    (TimeoutError("timed out"), "timeout"),
    (http.client.RemoteDisconnected("closed"), "reset"),
    (ConnectionResetError(104, "reset"), "reset"),
    (BrokenPipeError(32, "broken"), "reset"),
    (http.client.IncompleteRead(b"x", 9), "incomplete_answer"),
    (http.client.BadStatusLine("?"), "unreadable_answer"),
    (ssl.SSLError("bad record"), "tls"),
    (URLError(ConnectionResetError()), "reset"),
    (ValueError("anything"), "broken_call"),
]


@pytest.mark.parametrize(("error", "reason"), WRITTEN)
def test_after_the_first_byte_a_failure_is_a_doubt(error: BaseException, reason: str) -> None:
    answer = classify(Failed(error, written=True))
    assert (answer.kind, answer.reason) == (AMBIGUOUS, reason)


def test_acceptance_without_the_provider_id_is_an_acceptance() -> None:
    assert classify(Heard(202)).provider_id == ""
    assert classify(Heard(202, {"x-message-id": " abc "})).provider_id == "abc"


def test_reset_instant_is_read_by_the_clock_of_the_provider() -> None:
    headers = {"x-ratelimit-reset": "1730191860", "date": "Tue, 29 Oct 2024 08:50:00 GMT"}
    assert classify(Heard(429, headers)).retry_after_s == 60


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"x-ratelimit-reset": "12"}, 12),
        ({"x-ratelimit-reset": "1730191860"}, None),
        ({"x-ratelimit-reset": "soon", "retry-after": "5"}, 5),
        ({"retry-after": "999999"}, RETRY_AFTER_S_MAX),
        (
            {
                "retry-after": "Tue, 29 Oct 2024 08:51:30 GMT",
                "date": "Tue, 29 Oct 2024 08:50:00 GMT",
            },
            90,
        ),
        ({"x-ratelimit-reset": "9" * 400, "date": "?"}, None),
    ],
)
def test_rate_limit_says_how_long_to_wait_or_nothing(
    headers: dict[str, str], expected: float | None
) -> None:
    assert classify(Heard(429, headers)).retry_after_s == expected


def test_other_answers_name_no_time_to_wait() -> None:
    assert classify(Heard(503, {"retry-after": "7"})).retry_after_s is None


def test_reason_is_a_class_word_and_the_text_goes_to_the_detail() -> None:
    text = '{"errors":[{"message":"Does not contain a valid address: x@example.com","field":"to"}]}'
    answer = classify(Heard(400, {}, text.encode()))
    assert "x@example.com" not in answer.reason
    assert text in answer.detail


def test_detail_is_bounded_and_can_be_stored() -> None:
    answer = classify(Heard(500, {}, b"\x00\xff" * 100_000))
    assert len(answer.detail) <= DETAIL_CHARACTERS_MAX
    assert "\x00" not in answer.detail
