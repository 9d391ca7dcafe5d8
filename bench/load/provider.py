"""A provider with a fixed latency, in a process of its own: takes Mail Send, plain or over TLS.

It answers each request after the latency, however many there are, and counts what it took:
`GET /seen` tells how many, how many at once at most, and when the first came and the last was
answered, and forgets them; any other GET is answered with an empty list, as of suppressions.
"""

import argparse
import asyncio
import json
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

_HEAD = "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nX-Message-Id: {id}\r\n\r\n"


@dataclass
class Seen:
    """What the provider has seen since it was last asked to forget."""

    taken: int = 0
    under_way: int = 0
    at_once: int = 0
    first_at: float | None = None
    """By the monotonic clock, which all processes of a machine share."""
    last_at: float | None = None


class SlowProvider:
    """Answers 202 to every mail after the latency."""

    def __init__(self, latency_s: float) -> None:
        self._latency_s = latency_s
        self._number = 0
        self.seen = Seen()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One kept-alive connection until the other side closes it."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(_length(head))
                writer.write(self._told(head) if head.startswith(b"GET") else await self._take())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _told(self, head: bytes) -> bytes:
        body = b"[]"
        if head.startswith(b"GET /seen "):
            body = json.dumps(asdict(self.seen)).encode()
            self.seen = Seen()
        return _HEAD.format(status="200 OK", length=len(body), id="").encode() + body

    async def _take(self) -> bytes:
        seen = self.seen
        seen.first_at = seen.first_at or monotonic()
        seen.under_way += 1
        seen.at_once = max(seen.at_once, seen.under_way)
        await asyncio.sleep(self._latency_s)
        seen.under_way -= 1
        seen.taken += 1
        seen.last_at = monotonic()
        self._number += 1
        return _HEAD.format(status="202 Accepted", length=0, id=f"bench-{self._number}").encode()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
    return 0


async def _run(port: int, tls_port: int, latency_s: float, files: Mapping[str, Path]) -> None:
    provider = SlowProvider(latency_s)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files["certificate"], files["key"])
    plain = await asyncio.start_server(provider.serve, "127.0.0.1", port)
    secure = await asyncio.start_server(provider.serve, "127.0.0.1", tls_port, ssl=context)
    async with plain, secure:
        await asyncio.gather(plain.serve_forever(), secure.serve_forever())


def main() -> None:
    """Serve until killed."""
    given = argparse.ArgumentParser()
    given.add_argument("--port", type=int, required=True)
    given.add_argument("--tls-port", type=int, required=True)
    given.add_argument("--latency-s", type=float, required=True)
    given.add_argument("--certificate", type=Path, required=True)
    given.add_argument("--key", type=Path, required=True)
    wanted = given.parse_args()
    files = {"certificate": wanted.certificate, "key": wanted.key}
    asyncio.run(_run(wanted.port, wanted.tls_port, wanted.latency_s, files))


if __name__ == "__main__":
    main()
