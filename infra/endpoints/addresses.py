"""Where a webhook may go: not to this machine, nor into the network that it stands in.

The addresses that were checked are the ones that are connected to: a name that is resolved again in
between cannot lead elsewhere.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from infra.connection import Address, Resolve, addresses_of

URL_MAX = 500
_NAT64 = IPv6Network("64:ff9b::/96")
_KEPT_BACK = tuple(
    map(
        ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "3fff::/20", "5f00::/16"),
    )
)
"""What the tables of older releases of Python call global, though it is for special purposes."""
_LAST_32_BITS = 0xFFFF_FFFF
_SECURE, _PLAIN = "https", "http"


class AddressRefused(Exception):
    """No call goes there; the text says why."""


def checked_url(url: str, *, allow_private: bool) -> SplitResult:
    """The parts of an address that may be registered; raises AddressRefused."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("is not a web address") from None
    if len(url) > URL_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise AddressRefused(f"must have at most {URL_MAX} characters of ASCII, and no blanks")
    if parts.scheme != _SECURE and not (allow_private and parts.scheme == _PLAIN):
        raise AddressRefused("must begin with https://")
    if not parts.hostname or port == 0:
        raise AddressRefused("names no host, or no port that there is")
    if "@" in parts.netloc or parts.fragment:
        raise AddressRefused("must have no user, password or fragment in it")
    return parts


def public_only(resolve: Resolve = addresses_of) -> Resolve:
    """A resolver that raises AddressRefused where any address of a host is not public."""

    def checked(host: str, port: int) -> Sequence[Address]:
        found = resolve(host, port)
        for address in found:
            refuse_private(str(address[4][0]))
        return found

    return checked


def refuse_private(text: str) -> None:
    """Raise AddressRefused unless this is the address of a machine in the open Internet."""
    for address in _meant(ip_address(text)):
        special = (
            address.is_multicast
            or (isinstance(address, IPv6Address) and address.is_site_local)
            or address.is_reserved
            or address.is_unspecified
            or address.is_loopback
            or address.is_link_local
            or any(address in network for network in _KEPT_BACK)
        )
        if special or not address.is_global:
            raise AddressRefused("the host has an address that is not public")


def _meant(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    """The address, or the ones that are wrapped in it and would be a way round the check."""
    if isinstance(address, IPv4Address):
        yield address
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
        return
    if address in _NAT64:
        yield IPv4Address(int(address) & _LAST_32_BITS)
        return
    yield address
    if address.sixtofour is not None:
        yield address.sixtofour
    yield from address.teredo or ()
