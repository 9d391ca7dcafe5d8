"""What the domain name system and SendGrid say about addresses; every fault is no verdict."""

from collections.abc import Iterator, Mapping
from typing import Any

import dns.resolver
import dns.rrset
import pytest

from domain.taxonomy import AddressVerdict
from infra.providers.dns import DnsDomains
from infra.providers.sendgrid.validation import SendGridValidation
from tests.infra.sendgrid_server import Server, answering

WAYS: Any = dns.resolver
"""Its exceptions carry no types."""
NOTHING = WAYS.NoAnswer()
Records = Mapping[str, list[str] | Exception]


class Zone(dns.resolver.Resolver):
    """A resolver of one zone: records by type, or what is raised instead."""

    def __init__(self, records: Records) -> None:
        super().__init__(configure=False)
        self.records = records

    def resolve(self, qname: Any, rdtype: Any = "A", *_: Any, **__: Any) -> Any:
        found = self.records.get(rdtype, self.records.get("*", NOTHING))
        if isinstance(found, Exception):
            raise found
        return dns.rrset.from_text(qname, 60, "IN", rdtype, *found)


@pytest.mark.parametrize(
    ("records", "verdict"),
    [
        ({"MX": ["10 mx.harbor.example."]}, "valid"),
        ({"A": ["93.184.216.34"]}, "valid"),
        ({"AAAA": ["2606:2800:220:1::1"]}, "valid"),
        ({"MX": ["0 ."]}, "invalid"),
        ({"A": ["10.0.0.1"]}, "invalid"),
        ({"A": ["93.184.216.34"], "TXT": ['"v=spf1 -all"']}, "invalid"),
        ({"TXT": ['"hello"']}, "invalid"),
        ({"*": WAYS.NXDOMAIN()}, "invalid"),
        ({"*": WAYS.NoNameservers()}, "unchecked"),
        ({"*": WAYS.LifetimeTimeout(timeout=3, errors=[])}, "unchecked"),
        ({"*": WAYS.YXDOMAIN()}, "unchecked"),
        ({"*": OSError("network is unreachable")}, "unchecked"),
        ({"*": ValueError("odd")}, "unchecked"),
    ],
)
def test_a_domain_is_invalid_only_where_the_system_itself_says_so(
    records: Records, verdict: str
) -> None:
    assert DnsDomains(Zone(records)).verdict("harbor.example") is AddressVerdict(verdict)


def test_a_machine_without_name_servers_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def unconfigured() -> None:
        raise WAYS.NoResolverConfiguration

    monkeypatch.setattr("dns.resolver.Resolver", unconfigured)
    assert DnsDomains().verdict("harbor.example") is AddressVerdict.UNCHECKED


def answer(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


@pytest.fixture
def served() -> Iterator[list[Server]]:
    made: list[Server] = []
    yield made
    for server in made:
        server.close()


def judged(served: list[Server], *answers: bytes) -> AddressVerdict:
    server = Server(answering(*answers))
    served.append(server)
    validation = SendGridValidation("SG.key", server.url, total_s=2)
    try:
        return validation.verdict("ada@example.com")
    finally:
        validation.close()


@pytest.mark.parametrize(
    ("word", "verdict"),
    [("Valid", "valid"), ("Risky", "risky"), ("Invalid", "invalid"), ("Maybe", "unchecked")],
)
def test_the_verdict_of_sendgrid_is_taken_in_our_words(
    served: list[Server], word: str, verdict: str
) -> None:
    body = b'{"result":{"email":"ada@example.com","verdict":"%s","score":0.5}}' % word.encode()
    assert judged(served, answer("200 OK", body)) is AddressVerdict(verdict)
    (request,) = served[0].requests
    assert request.startswith(b"POST /v3/validations/email HTTP/1.1\r\n")
    assert b"Bearer SG.key" in request
    assert request.endswith(b'{"email":"ada@example.com","source":"antiphon"}')


@pytest.mark.parametrize(
    "told",
    [
        answer("200 OK", b"<html>"),
        answer("200 OK", b'{"result":{}}'),
        answer("200 OK", b""),
        answer("400 Bad Request", b"{}"),
        answer("401 Unauthorized", b"{}"),
        answer("429 Too Many Requests", b"{}"),
        answer("500 Internal Server Error", b"{}"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{",
        b"nonsense\r\n\r\n",
    ],
)
def test_whatever_else_comes_back_is_no_verdict(served: list[Server], told: bytes) -> None:
    assert judged(served, told) is AddressVerdict.UNCHECKED


def test_nobody_at_the_other_end_is_no_verdict() -> None:
    validation = SendGridValidation("SG.key", "http://127.0.0.1:9", connect_s=1, total_s=1)
    assert validation.verdict("ada@example.com") is AddressVerdict.UNCHECKED


def test_a_log_line_about_a_failure_has_no_address(
    served: list[Server], caplog: pytest.LogCaptureFixture
) -> None:
    judged(served, answer("400 Bad Request", b'{"errors":["ada@example.com"]}'))
    assert "status 400" in caplog.text
    assert "ada@" not in caplog.text


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        SendGridValidation("")
