"""Whether the domain of an address takes mail, by the domain name system."""

from functools import cached_property

import dns.exception
import dns.resolver
from email_validator import EmailUndeliverableError
from email_validator.deliverability import caching_resolver, validate_email_deliverability
from typing_extensions import override

from domain.taxonomy import AddressVerdict
from handlers.addresses import Domains

TIMEOUT_S = 3
_NO_DOMAIN = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer)
"""What the domain name system says of a domain without mail; all else is a fault of the way."""


class DnsDomains(Domains):
    """Asks for MX and address records; answers are kept as long as they say. For many threads."""

    def __init__(
        self, resolver: dns.resolver.Resolver | None = None, *, timeout_s: int = TIMEOUT_S
    ) -> None:
        self._given = resolver
        self._timeout_s = timeout_s

    @override
    def verdict(self, domain: str) -> AddressVerdict:
        try:
            told = validate_email_deliverability(domain, domain, dns_resolver=self._resolver)
        except EmailUndeliverableError as error:
            told_so = error.__cause__ is None or isinstance(error.__cause__, _NO_DOMAIN)
            return AddressVerdict.INVALID if told_so else AddressVerdict.UNCHECKED
        except dns.exception.DNSException:
            return AddressVerdict.UNCHECKED
        unknown = "unknown-deliverability" in told
        return AddressVerdict.UNCHECKED if unknown else AddressVerdict.VALID

    @cached_property
    def _resolver(self) -> dns.resolver.Resolver:
        """Made at first use: a machine without name servers has none, and that is no verdict."""
        return caching_resolver(timeout=self._timeout_s, dns_resolver=self._given)
