"""A server that misbehaves as it is told, and the mail that is sent to it."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from domain.ids import MessageId
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


def send_to(provider: Provider, attempt: int = 1) -> Answer:
    return provider.send(MAIL, attempt=attempt, tenant_tag="7f3a")


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
