"""The customer's endpoint that the sandbox plays: signed calls only, each taken once."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from infra.endpoints.signing import secret_text, signed
from infra.sandbox.endpoints import TOLERANCE_S, Endpoints
from tests.infra.sandbox_running import HandClock, Live, config_for, running

SECRET = bytes(range(32))
BODY = b'{"stage":"replied"}'
TRIES_MAX = 3


def call_id(number: int) -> str:
    return str(UUID(int=number))


class Customer:
    """An endpoint that knows its secret, and what is posted to it."""

    def __init__(self, seed: int = 7) -> None:
        self.clock = HandClock()
        self.endpoints = Endpoints(seed, self.clock)
        self.endpoints.trust("crm", secret_text(SECRET))

    def post(self, call: str, *, body: bytes = BODY, secret: bytes = SECRET) -> int:
        at = int(self.clock.at.timestamp())
        return self.endpoints.answer("crm", signed(secret, call, at, BODY), body)

    def ended(self, call: str) -> list[int]:
        """The answers until there is one that is final."""
        answers = [self.post(call)]
        while answers[-1] == 503:
            answers.append(self.post(call))
            assert len(answers) <= TRIES_MAX
        return answers


def test_a_call_is_taken_once_however_often_it_comes() -> None:
    customer = Customer()
    taken = next(call_id(n) for n in range(50) if customer.ended(call_id(n))[-1] == 200)
    before = len(customer.endpoints.taken)
    assert customer.post(taken) == 200
    assert (len(customer.endpoints.taken), customer.endpoints.repeats) == (before, 1)


def test_some_calls_find_nobody_first_and_a_few_are_refused_for_good() -> None:
    customer = Customer()
    answers = [customer.ended(call_id(number)) for number in range(200)]
    away = sum(one[0] == 503 for one in answers)
    refused = sum(one[-1] == 422 for one in answers)
    assert 0.3 < away / 200 < 0.5
    assert 0.04 < refused / 200 < 0.2
    assert len(customer.endpoints.taken) == 200 - refused


def test_the_same_seed_meets_calls_alike() -> None:
    one, other = Customer(), Customer()
    assert [one.ended(call_id(n)) for n in range(30)] == [
        other.ended(call_id(n + 100)) for n in range(30)
    ]


@pytest.mark.parametrize(
    ("secret", "body"), [(bytes(32), BODY), (SECRET, b'{"stage":"won"}')], ids=["secret", "body"]
)
def test_what_is_not_signed_with_the_secret_is_refused(secret: bytes, body: bytes) -> None:
    customer = Customer()
    assert customer.post(call_id(1), secret=secret, body=body) == 401
    assert customer.endpoints.unsigned == 1
    assert not customer.endpoints.taken


def test_a_signature_of_another_time_is_refused() -> None:
    customer = Customer()
    headers = signed(SECRET, call_id(1), int(customer.clock.at.timestamp()), BODY)
    customer.clock.at += timedelta(seconds=TOLERANCE_S + 1)
    assert customer.endpoints.answer("crm", headers, BODY) == 401


def test_headers_that_are_missing_or_no_numbers_are_refused() -> None:
    customer = Customer()
    assert customer.endpoints.answer("crm", {}, BODY) == 401
    headers = signed(SECRET, call_id(1), 0, BODY) | {"webhook-timestamp": "soon"}
    assert customer.endpoints.answer("crm", headers, BODY) == 401


def test_an_endpoint_that_was_not_told_its_secret_asks_to_come_again() -> None:
    assert Customer().endpoints.answer("other", {}, BODY) == 503


@pytest.mark.parametrize("text", ["secret", "whsec_!!!"])
def test_what_is_no_secret_is_not_trusted(text: str) -> None:
    with pytest.raises(ValueError, match="a secret"):
        Customer().endpoints.trust("crm", text)


@pytest.fixture
def live() -> Iterator[Live]:
    with running(config_for(), HandClock()) as sandbox:
        yield sandbox


def test_over_http_a_signed_call_is_answered_and_counted(live: Live) -> None:
    assert live.call("POST", "/endpoints/crm", BODY).status == 503
    told = {"name": "crm", "secret": secret_text(SECRET)}
    assert live.call("POST", "/_sandbox/endpoints", told).status == 200
    assert live.call("POST", "/endpoints/crm", BODY).status == 401
    assert live.stats()["endpoint_unsigned"] == 1
    assert live.call("POST", "/_sandbox/endpoints", {"name": "crm"}).status == 400
    assert live.call("POST", "/_sandbox/endpoints", told | {"secret": "x"}).status == 400
