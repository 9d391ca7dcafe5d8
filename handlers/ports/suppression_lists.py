"""The lists of addresses that a provider keeps, and how far we are in step with them (S8)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec


class ListsOutOfReach(Exception):
    """The provider did not give a list to its end, or took no addresses; the words are a class."""


class ListedAddress(msgspec.Struct, frozen=True):
    """An address on a list of a provider, and since when, where the list tells."""

    address: str
    since: datetime | None = None


class SuppressionLists(Protocol):
    """The lists of one account at a provider."""

    provider: str

    def entries(self, name: str, since: datetime | None) -> Iterator[ListedAddress]:
        """A list of `LISTS` from then on, page by page; raises ListsOutOfReach."""
        ...

    def groups(self) -> Mapping[str, Sequence[ListedAddress]]:
        """Who left which group, by the group's id; raises ListsOutOfReach."""
        ...

    def push(self, addresses: Sequence[str]) -> None:
        """Opt these addresses out at the provider too; raises ListsOutOfReach. Safe to repeat."""
        ...


class Unpushed(msgspec.Struct, frozen=True):
    """An opt-out that the provider does not know of yet."""

    address: str
    address_hmac: bytes


class PullBook(Protocol):
    """What a tenant has read of a provider's lists, and told it."""

    def read_to(self, provider: str) -> Mapping[str, datetime]:
        """Up to when each list was read."""
        ...

    def note(self, provider: str, name: str, at: datetime) -> None:
        """Remember that a list was read up to here; it never goes back."""
        ...

    def unpushed(self, limit: int) -> list[Unpushed]:
        """Opt-outs that reached us another way, of people whose address is still known."""
        ...

    def pushed(self, told: Sequence[Unpushed], at: datetime) -> None:
        """Remember that the provider knows of these."""
        ...
