"""What the domain name system says of the domains that are sent from."""

from typing import Protocol

import dns.exception
import dns.resolver
from typing_extensions import override

TIMEOUT_S = 3.0
_NONE = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer)
"""What is said of a name that has no such record; all else is a fault of the way."""


class NotAsked(Exception):
    """Nobody answered in time; nothing is known."""


class Names(Protocol):
    """Text records by name, as anybody may ask for them."""

    def texts(self, name: str) -> list[str]:
        """The text records of a name, none where it has none; raises NotAsked."""
        ...


class DnsNames(Names):
    """Asks the name servers of this machine; a name that leads to another one is followed."""

    def __init__(
        self, resolver: dns.resolver.Resolver | None = None, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._resolver = resolver
        self._timeout_s = timeout_s

    @override
    def texts(self, name: str) -> list[str]:
        try:
            resolver = self._resolver or dns.resolver.Resolver()
            answer = resolver.resolve(name, "TXT", lifetime=self._timeout_s)
        except _NONE:
            return []
        except dns.exception.DNSException as error:
            raise NotAsked(type(error).__name__) from error
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
