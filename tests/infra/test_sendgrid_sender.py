import json
import logging
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from typing_extensions import override

from domain.ids import MessageId
from domain.taxonomy import AnswerClass
from handlers.ports import Answer, Mail, Provider
from infra.providers.sendgrid.sender import SendGridProvider

MESSAGE = MessageId(UUID("0192f3c4-5d6e-7a8b-9c0d-1e2f3a4b5c6d"))
MAIL = Mail(
    message_id=MESSAGE,
    from_email="agent@sender.example",
    from_name="Agent",
    to_email="contact@example.com",
    to_name="",
    reply_to=f"r+7f3a.{MESSAGE}@reply.sender.example",
    subject="Hello",
    text="Hi",
    html="<p>Hi</p>",
    headers={
        "List-Unsubscribe": "<https://sender.example/u/1>, <mailto:u@sender.example>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    },
    sender_domain="mail.sender.example",
)
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: abc\r\nContent-Length: 0\r\n\r\n"

Serve = Callable[[socket.socket, "Server"], None]


class Server:
    """A server for one test: runs a function on each connection and counts."""

    def __init__(self, serve: Serve, context: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.requests: list[bytes] = []
        self.connections = 0
        self.released = threading.Event()
        self._serve, self._context = serve, context
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        scheme = "https" if self._context else "http"
        return f"{scheme}://127.0.0.1:{self.socket.getsockname()[1]}"

    def _run(self) -> None:
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            try:
                if self._context:
                    peer = self._context.wrap_socket(peer, server_side=True)
                with peer:
                    self._serve(peer, self)
            except OSError:
                peer.close()

    def read(self, peer: socket.socket) -> bytes:
        """One whole request, or nothing when the client went away."""
        received = b""
        while b"\r\n\r\n" not in received:
            chunk = peer.recv(65536)
            if not chunk:
                return b""
            received += chunk
        head, _, body = received.partition(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        while len(body) < length:
            body += peer.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def close(self) -> None:
        self.released.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self._thread.join(5)


@contextmanager
def serving(
    serve: Serve,
    context: ssl.SSLContext | None = None,
    *,
    total_s: float = 10.0,
    open_tracking: bool = False,
) -> Iterator[tuple[SendGridProvider, Server]]:
    server = Server(serve, context)
    provider = SendGridProvider("SG.key", server.url, total_s=total_s, open_tracking=open_tracking)
    try:
        yield provider, server
    finally:
        provider.close()
        server.close()


def answering(*answers: bytes) -> Serve:
    """Gives these answers, one a request, the last again and again."""
    left = list(answers)

    def serve(peer: socket.socket, server: Server) -> None:
        while server.read(peer):
            answer = left.pop(0) if len(left) > 1 else left[0]
            peer.sendall(answer)
            if b"Connection: close" in answer:
                return

    return serve


def send(provider: Provider, attempt: int = 1) -> Answer:
    return provider.send(MAIL, attempt=attempt, tenant_tag="7f3a")


def posted(server: Server) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    return body


def test_request_is_one_message_to_one_recipient_with_our_marks() -> None:
    with serving(answering(ACCEPTED)) as (provider, server):
        answer = send(provider, attempt=3)
        assert (answer.kind, answer.provider_id) == (AnswerClass.ACCEPTED, "abc")
        assert posted(server) == {
            "personalizations": [{"to": [{"email": "contact@example.com"}]}],
            "from": {"email": "agent@sender.example", "name": "Agent"},
            "reply_to": {"email": MAIL.reply_to},
            "subject": "Hello",
            "content": [
                {"type": "text/plain", "value": "Hi"},
                {"type": "text/html", "value": "<p>Hi</p>"},
            ],
            "headers": {
                **MAIL.headers,
                "Message-ID": f"<{MESSAGE}.3@mail.sender.example>",
            },
            "custom_args": {
                "antiphon_message": str(MESSAGE),
                "antiphon_attempt": "3",
                "antiphon_tenant": "7f3a",
            },
            "tracking_settings": {
                "click_tracking": {"enable": False, "enable_text": False},
                "open_tracking": {"enable": False},
                "subscription_tracking": {"enable": False},
            },
        }


def test_request_is_the_documented_call() -> None:
    with serving(answering(ACCEPTED)) as (provider, server):
        send(provider)
        head = server.requests[0].partition(b"\r\n\r\n")[0].decode().split("\r\n")
        assert head[0] == "POST /v3/mail/send HTTP/1.1"
        fields = {line.split(": ")[0].lower(): line.split(": ")[1] for line in head[1:]}
        assert fields["authorization"] == "Bearer SG.key"
        assert fields["content-type"] == "application/json"
        assert fields["host"] == server.url.removeprefix("http://")


def test_open_tracking_is_a_setting() -> None:
    with serving(answering(ACCEPTED), open_tracking=True) as (provider, server):
        send(provider)
        assert posted(server)["tracking_settings"]["open_tracking"] == {"enable": True}


def test_connection_is_used_again() -> None:
    with serving(answering(ACCEPTED)) as (provider, server):
        kinds = {send(provider).kind for _ in range(5)}
        assert kinds == {AnswerClass.ACCEPTED}
        assert (server.connections, len(server.requests)) == (1, 5)


def test_refusal_with_a_body_leaves_the_connection_usable() -> None:
    errors = b'{"errors":[{"message":"no","field":null}]}'
    refused = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%s" % (len(errors), errors)
    with serving(answering(refused, ACCEPTED)) as (provider, server):
        answer = send(provider)
        assert (answer.kind, answer.reason) == (AnswerClass.REFUSED, "bad_request")
        assert errors.decode() in answer.detail
        assert send(provider).kind is AnswerClass.ACCEPTED
        assert server.connections == 1


def test_connection_that_the_server_ends_is_not_used_again() -> None:
    closing = ACCEPTED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with serving(answering(closing)) as (provider, server):
        assert [send(provider).kind for _ in range(3)] == [AnswerClass.ACCEPTED] * 3
        assert server.connections == 3


def test_answer_that_ends_with_the_connection_is_read_whole() -> None:
    answer = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nsome words"
    with serving(answering(answer)) as (provider, _):
        assert send(provider).detail == "400 some words"


def test_kept_connection_that_was_closed_meanwhile_is_replaced_before_a_byte_is_written() -> None:
    closed = threading.Event()

    def serve(peer: socket.socket, server: Server) -> None:
        server.read(peer)
        peer.sendall(ACCEPTED)
        peer.close()
        closed.set()

    with serving(serve) as (provider, server):
        assert send(provider).kind is AnswerClass.ACCEPTED
        assert closed.wait(5)
        assert send(provider).kind is AnswerClass.ACCEPTED
        assert (server.connections, len(server.requests)) == (2, 2)


def test_kept_connection_that_closes_upon_the_request_is_a_doubt_and_no_second_call() -> None:
    def serve(peer: socket.socket, server: Server) -> None:
        server.read(peer)
        peer.sendall(ACCEPTED)
        server.read(peer)

    with serving(serve) as (provider, server):
        send(provider)
        answer = send(provider)
        assert (answer.kind, answer.reason) == (AnswerClass.AMBIGUOUS, "reset")
        assert len(server.requests) == 2


def test_silent_server_ends_in_a_doubt_when_the_time_is_over() -> None:
    def serve(peer: socket.socket, server: Server) -> None:
        server.read(peer)
        server.released.wait(10)

    with serving(serve, total_s=0.2) as (provider, _):
        answer = send(provider)
        assert (answer.kind, answer.reason) == (AnswerClass.AMBIGUOUS, "timeout")


def test_dripping_server_cannot_stretch_the_total_time() -> None:
    def serve(peer: socket.socket, server: Server) -> None:
        server.read(peer)
        while not server.released.wait(0.05):
            peer.sendall(b"H")

    with serving(serve, total_s=0.3) as (provider, _):
        answer = send(provider)
        assert (answer.kind, answer.reason) == (AnswerClass.AMBIGUOUS, "timeout")


def test_reset_after_the_request_is_a_doubt() -> None:
    def serve(peer: socket.socket, server: Server) -> None:
        server.read(peer)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with serving(serve) as (provider, _):
        assert send(provider).kind is AnswerClass.AMBIGUOUS


def test_cut_answer_is_a_doubt() -> None:
    cut = b"HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabc"
    with serving(answering(cut)) as (provider, _):
        answer = send(provider)
        assert (answer.kind, answer.reason) == (AnswerClass.AMBIGUOUS, "incomplete_answer")


def test_endless_answer_is_a_doubt() -> None:
    def serve(peer: socket.socket, server: Server) -> None:
        server.read(peer)
        peer.sendall(b"HTTP/1.1 202 Accepted\r\n\r\n")
        while not server.released.is_set():
            peer.sendall(b"x" * 65536)

    with serving(serve) as (provider, _):
        assert send(provider).kind is AnswerClass.AMBIGUOUS


def test_nobody_listening_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    answer = send(SendGridProvider("SG.key", f"http://127.0.0.1:{port}"))
    assert (answer.kind, answer.reason) == (AnswerClass.NOT_SENT, "refused")


def test_server_that_never_shakes_hands_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        answer = send(SendGridProvider("SG.key", url, connect_s=0.2))
    assert (answer.kind, answer.reason) == (AnswerClass.NOT_SENT, "connect_timeout")


def test_key_that_no_header_can_carry_is_not_sent() -> None:
    with serving(answering(ACCEPTED)) as (_, server):
        provider = SendGridProvider("SG.\u0142", server.url)
        answer = send(provider)
        assert (answer.kind, answer.reason) == (AnswerClass.NOT_SENT, "not_called")
        assert server.requests == []


def test_redirect_is_not_followed() -> None:
    with serving(answering(ACCEPTED)) as (_, elsewhere):
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {elsewhere.url}\r\nContent-Length: 0\r\n\r\n"
        with serving(answering(moved.encode())) as (provider, _):
            answer = send(provider)
        assert (answer.kind, answer.opens_circuit) == (AnswerClass.NOT_SENT, True)
        assert elsewhere.connections == 0


def test_server_error_is_a_doubt_and_not_tried_again() -> None:
    with serving(answering(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")) as (
        provider,
        server,
    ):
        assert send(provider).kind is AnswerClass.AMBIGUOUS
        assert len(server.requests) == 1


def test_threads_do_not_share_a_connection_at_the_same_time() -> None:
    together = threading.Barrier(2)

    class Parallel(Server):
        @override
        def _run(self) -> None:
            threads = []
            for _ in range(2):
                peer, _ = self.socket.accept()
                self.connections += 1
                threads.append(threading.Thread(target=self._one, args=(peer,)))
                threads[-1].start()
            for thread in threads:
                thread.join()

        def _one(self, peer: socket.socket) -> None:
            with peer:
                self.read(peer)
                together.wait(5)
                peer.sendall(ACCEPTED)

    server = Parallel(lambda *_: None)
    provider = SendGridProvider("SG.key", server.url)
    kinds: list[AnswerClass] = []
    calls = [threading.Thread(target=lambda: kinds.append(send(provider).kind)) for _ in range(2)]
    for call in calls:
        call.start()
    for call in calls:
        call.join(10)
    provider.close()
    server.close()
    assert kinds == [AnswerClass.ACCEPTED] * 2
    assert server.connections == 2


def test_key_and_addresses_never_reach_a_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), serving(answering(ACCEPTED)) as (provider, _):
        send(provider)
    assert "SG.key" not in caplog.text
    assert "contact@example.com" not in caplog.text


@pytest.mark.parametrize("url", ["ftp://api.example", "api.example", "https://"])
def test_base_url_without_scheme_and_host_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        SendGridProvider("SG.key", url)


def test_tls_connection_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = own_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    with serving(answering(ACCEPTED), context) as (provider, server):
        assert {send(provider).kind for _ in range(3)} == {AnswerClass.ACCEPTED}
        assert server.connections == 1


def test_server_without_a_trusted_certificate_gets_nothing(tmp_path: Path) -> None:
    with serving(answering(ACCEPTED), own_certificate(tmp_path)) as (provider, server):
        answer = send(provider)
        assert (answer.kind, answer.reason) == (AnswerClass.NOT_SENT, "tls")
        assert server.requests == []


def own_certificate(folder: Path) -> ssl.SSLContext:
    """The context of a server whose certificate only those trust who are given the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    born = datetime(2020, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, born, born + timedelta(days=36500))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(encoding))
    (folder / "key.pem").write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context
