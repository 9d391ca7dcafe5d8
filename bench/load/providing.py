"""The slow provider's process, for as long as a benchmark wants it."""

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from bench.load.certificate import write_certificate
from bench.load.stand import Stand
from infra.embedded.child import Child
from tests.faults.processes import Processes

LATENCY_S = 0.1


class Place(msgspec.Struct, frozen=True):
    """Where the provider answers, and what trusts it."""

    plain: str
    secure: str
    certificate: str

    def told(self) -> dict[str, Any]:
        """What it has seen since it was asked last."""
        with urllib.request.urlopen(f"{self.plain}/seen", timeout=10) as answer:  # noqa: S310  # a process of ours
            found: dict[str, Any] = json.loads(answer.read())
        return found


@contextmanager
def providing(stand: Stand) -> Iterator[Place]:
    """A provider that answers after 100 ms, plain and over TLS, until the end of the block."""
    certificate, key = write_certificate(stand.home.root, stand.database.now())
    ports = stand.home.claim_port("provider"), stand.home.claim_port("provider-tls")
    plain, secure = f"http://127.0.0.1:{ports[0]}", f"https://127.0.0.1:{ports[1]}"
    place = Place(plain, secure, str(certificate))
    arguments = [
        *("--port", str(ports[0]), "--tls-port", str(ports[1])),
        *("--latency-s", str(LATENCY_S), "--certificate", str(certificate), "--key", str(key)),
    ]
    child = Child(
        name="provider",
        command=(sys.executable, "-m", "bench.load.provider", *arguments),
        ready=lambda: _answers(place),
    )
    processes = Processes(stand.home, [child])
    processes.start()
    try:
        yield place
    finally:
        processes.stop()


def _answers(place: Place) -> bool:
    try:
        return bool(place.told())
    except OSError:
        return False
