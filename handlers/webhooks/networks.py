"""Programs by their user agents, and networks of mail-security services by their addresses.

Both lists are data, dated in their files: `mail_security_networks.txt` is read once, when it is
first asked for.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network

import msgspec

FILE = "mail_security_networks.txt"
PROGRAMS = (
    *("crawler", "spider", "preview", "scanner", "headlesschrome", "phantomjs"),
    *("barracuda", "mimecast", "proofpoint", "facebookexternalhit", "libwww-perl"),
    *("python-requests", "python-urllib", "python-httpx", "aiohttp", "go-http-client"),
    *("apache-httpclient", "node-fetch", "scrapy"),
)
"""What user agents of programs have in them, as of 2026-11."""
BARE = ("curl/", "wget/", "java/", "okhttp/", "axios/")
"""What they begin with."""
_BOT = re.compile(r"(?<!cu)bot\b")
"""Cubot is the name of a phone."""


class Networks(msgspec.Struct, frozen=True):
    """Networks as spans of numbers, in order and apart, so that one address costs one search."""

    dated: str
    starts: tuple[tuple[int, int], ...]
    ends: tuple[tuple[int, int], ...]

    def have(self, address: str) -> bool:
        """Whether an address is in one of them; what is no address is in none."""
        try:
            found = ip_address(address)
        except ValueError:
            return False
        mapped = None if isinstance(found, IPv4Address) else found.ipv4_mapped
        found = mapped or found
        place = (found.version, int(found))
        before = bisect_right(self.starts, place) - 1
        return before >= 0 and place <= self.ends[before]


def is_program(useragent: str) -> bool:
    """Whether a user agent is that of a program; asked for every open and click."""
    # word by word: one pattern for all takes 15 us, this 2
    named = useragent.lower()
    return (
        named.startswith(BARE)
        or any(word in named for word in PROGRAMS)
        or ("bot" in named and _BOT.search(named) is not None)
    )


def is_security_network(address: str) -> bool:
    """Whether a mail-security service looks at mail from this address (B8)."""
    return bool(address) and security_networks().have(address)


@cache
def security_networks() -> Networks:
    """The list of this release."""
    text = files("handlers.webhooks").joinpath(FILE).read_text(encoding="utf-8")
    return read_networks(text.splitlines())


def read_networks(lines: Iterable[str]) -> Networks:
    """A list with a network a line; `# dated: DAY` says how old it is."""
    dated, networks = "", list[IPv4Network | IPv6Network]()
    for line in lines:
        words, _, remark = line.partition("#")
        if remark.strip().startswith("dated:"):
            dated = remark.partition(":")[2].strip()
        if words.strip():
            networks.append(ip_network(words.strip()))
    spans = sorted(
        ((one.version, int(one.network_address)), (one.version, int(one.broadcast_address)))
        for one in networks
    )
    apart = _apart(spans)
    return Networks(dated, tuple(start for start, _ in apart), tuple(end for _, end in apart))


def _apart(
    spans: Iterable[tuple[tuple[int, int], tuple[int, int]]],
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Spans that overlap as one."""
    found: list[tuple[tuple[int, int], tuple[int, int]]] = []
    for start, end in spans:
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found
