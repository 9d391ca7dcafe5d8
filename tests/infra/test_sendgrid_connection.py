import socket
import struct
import threading
from pathlib import Path

import pytest
from typing_extensions import override

from domain.taxonomy import AnswerClass
from infra.providers.sendgrid.sender import SendGridProvider
from tests.infra.sendgrid_server import (
    ACCEPTED,
    Server,
    answering,
    own_certificate,
    send_to,
    serving,
)


def test_connection_is_used_again() -> None:
    with serving(answering(ACCEPTED)) as (provider, server):
        kinds = {send_to(provider).kind for _ in range(5)}
        assert kinds == {AnswerClass.ACCEPTED}
        assert (server.connections, len(server.requests)) == (1, 5)


def test_refusal_with_a_body_leaves_the_connection_usable() -> None:
    errors = b'{"errors":[{"message":"no","field":null}]}'
    refused = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%s" % (len(errors), errors)
    with serving(answering(refused, ACCEPTED)) as (provider, server):
        answer = send_to(provider)
        assert (answer.kind, answer.reason) == (AnswerClass.REFUSED, "bad_request")
        assert errors.decode() in answer.detail
        assert send_to(provider).kind is AnswerClass.ACCEPTED
        assert server.connections == 1


def test_connection_that_the_server_ends_is_not_used_again() -> None:
    closing = ACCEPTED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with serving(answering(closing)) as (provider, server):
        assert [send_to(provider).kind for _ in range(3)] == [AnswerClass.ACCEPTED] * 3
        assert server.connections == 3


def test_answer_that_ends_with_the_connection_is_read_whole() -> None:
    answer = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nsome words"
    with serving(answering(answer)) as (provider, _):
        assert send_to(provider).detail == "400 some words"


def test_kept_connection_that_was_closed_meanwhile_is_replaced_before_a_byte_is_written() -> None:
    closed = threading.Event()

    def serve(peer: socket.socket, server: Server) -> None:
        server.read(peer)
        peer.sendall(ACCEPTED)
        peer.close()
        closed.set()

    with serving(serve) as (provider, server):
        assert send_to(provider).kind is AnswerClass.ACCEPTED
        assert closed.wait(5)
        assert send_to(provider).kind is AnswerClass.ACCEPTED
        assert (server.connections, len(server.requests)) == (2, 2)


def test_kept_connection_that_closes_upon_the_request_is_a_doubt_and_no_second_call() -> None:
    def serve(peer: socket.socket, server: Server) -> None:
        server.read(peer)
        peer.sendall(ACCEPTED)
        server.read(peer)

    with serving(serve) as (provider, server):
        send_to(provider)
        answer = send_to(provider)
        assert (answer.kind, answer.reason) == (AnswerClass.AMBIGUOUS, "reset")
        assert len(server.requests) == 2


def test_silent_server_ends_in_a_doubt_when_the_time_is_over() -> None:
    def serve(peer: socket.socket, server: Server) -> None:
        server.read(peer)
        server.released.wait(10)

    with serving(serve, total_s=0.2) as (provider, _):
        answer = send_to(provider)
        assert (answer.kind, answer.reason) == (AnswerClass.AMBIGUOUS, "timeout")


def test_dripping_server_cannot_stretch_the_total_time() -> None:
    def serve(peer: socket.socket, server: Server) -> None:
        server.read(peer)
        while not server.released.wait(0.05):
            peer.sendall(b"H")

    with serving(serve, total_s=0.3) as (provider, _):
        answer = send_to(provider)
        assert (answer.kind, answer.reason) == (AnswerClass.AMBIGUOUS, "timeout")


def test_reset_after_the_request_is_a_doubt() -> None:
    def serve(peer: socket.socket, server: Server) -> None:
        server.read(peer)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with serving(serve) as (provider, _):
        assert send_to(provider).kind is AnswerClass.AMBIGUOUS


def test_cut_answer_is_a_doubt() -> None:
    cut = b"HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabc"
    with serving(answering(cut)) as (provider, _):
        answer = send_to(provider)
        assert (answer.kind, answer.reason) == (AnswerClass.AMBIGUOUS, "incomplete_answer")


def test_endless_answer_is_a_doubt() -> None:
    def serve(peer: socket.socket, server: Server) -> None:
        server.read(peer)
        peer.sendall(b"HTTP/1.1 202 Accepted\r\n\r\n")
        while not server.released.is_set():
            peer.sendall(b"x" * 65536)

    with serving(serve) as (provider, _):
        assert send_to(provider).kind is AnswerClass.AMBIGUOUS


def test_nobody_listening_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    answer = send_to(SendGridProvider("SG.key", f"http://127.0.0.1:{port}"))
    assert (answer.kind, answer.reason) == (AnswerClass.NOT_SENT, "refused")


def test_server_that_never_shakes_hands_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        answer = send_to(SendGridProvider("SG.key", url, connect_s=0.2))
    assert (answer.kind, answer.reason) == (AnswerClass.NOT_SENT, "connect_timeout")


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
    calls = [
        threading.Thread(target=lambda: kinds.append(send_to(provider).kind)) for _ in range(2)
    ]
    for call in calls:
        call.start()
    for call in calls:
        call.join(10)
    provider.close()
    server.close()
    assert kinds == [AnswerClass.ACCEPTED] * 2
    assert server.connections == 2


def test_tls_connection_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = own_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    with serving(answering(ACCEPTED), context) as (provider, server):
        assert {send_to(provider).kind for _ in range(3)} == {AnswerClass.ACCEPTED}
        assert server.connections == 1


def test_server_without_a_trusted_certificate_gets_nothing(tmp_path: Path) -> None:
    with serving(answering(ACCEPTED), own_certificate(tmp_path)) as (provider, server):
        answer = send_to(provider)
        assert (answer.kind, answer.reason) == (AnswerClass.NOT_SENT, "tls")
        assert server.requests == []
