"""Where a webhook may go: a table of addresses, the ways round it, and names that change."""

import socket
from collections.abc import Sequence
from typing import Any

import pytest

from infra.connection import Address
from infra.endpoints.addresses import (
    URL_MAX,
    AddressRefused,
    checked_url,
    public_only,
    refuse_private,
)

PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:93.184.216.34"]
PRIVATE = [
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255"),  # noqa: S104  # refused
    *("192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1"),
    *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1"),
    *("fec0::1", "ff02::1", "2001:db8::1", "100::1"),
]
WRAPPED = [
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_machine_in_the_open_internet_may_be_called(address: str) -> None:
    refuse_private(address)


KEPT_BACK = ["192.0.0.8", "192.0.0.192", "192.88.99.1", "3fff::1", "64:ff9b:1::1", "2001:20::1"]
"""For purposes of their own, some only by newer tables; 192.0.0.192 serves secrets in one cloud."""


@pytest.mark.parametrize("address", [*PRIVATE, *WRAPPED, *KEPT_BACK])
def test_no_address_of_this_machine_or_its_network_may_be_called(address: str) -> None:
    with pytest.raises(AddressRefused):
        refuse_private(address)


def answering(*hosts: str) -> Any:
    """A resolver that gives these addresses for every name."""

    def resolve(_: str, port: int) -> Sequence[Address]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in hosts]

    return resolve


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(AddressRefused):
        public_only(answering("93.184.216.34", "10.0.0.1"))("hooks.example", 443)
    found = public_only(answering("93.184.216.34"))("hooks.example", 443)
    assert [address[4] for address in found] == [("93.184.216.34", 443)]


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "017700000001"])
def test_other_spellings_of_this_machine_are_seen_through(host: str) -> None:
    with pytest.raises(AddressRefused):
        public_only()(host, 443)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example",
        "https://hooks.example:8443/a/b?c=d",
        "https://[2606:4700:4700::1111]/in",
    ],
)
def test_an_address_with_https_can_be_registered(url: str) -> None:
    assert checked_url(url, allow_private=False).geturl() == url


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "gopher://hooks.example/",
        "hooks.example",
        "https://",
        "https:///path",
        "https://user:word@hooks.example/",
        "https://user@hooks.example/",
        "https://hooks.example/#part",
        "https://hooks.example:0/",
        "https://hooks.example:99999/",
        "https://hooks.example:port/",
        "https://[::1/",
        "https://hooks.example/a b",
        "https://hooks.example/\r\nHost: other",
        "https://hööks.example/",
        f"https://hooks.example/{'a' * URL_MAX}",
    ],
)
def test_what_is_no_plain_https_address_cannot_be_registered(url: str) -> None:
    with pytest.raises(AddressRefused):
        checked_url(url, allow_private=False)


def test_http_needs_the_setting_and_no_setting_allows_other_schemes() -> None:
    assert checked_url("http://127.0.0.1:8000/", allow_private=True).port == 8000
    with pytest.raises(AddressRefused):
        checked_url("ftp://127.0.0.1/", allow_private=True)
