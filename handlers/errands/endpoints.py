"""The registered endpoints as an administrator keeps them."""

from typing import Protocol

import msgspec

from handlers.ports import Endpoint, Endpoints


class NewEndpoint(msgspec.Struct, frozen=True):
    """An endpoint just registered, with its secret as it is shown, once."""

    endpoint: Endpoint
    secret: str


class EndpointBook(Endpoints, Protocol):
    """The registered endpoints of one tenant, to be looked at and changed."""

    def all(self) -> list[Endpoint]:
        """All of them, by name."""
        ...

    def add(self, name: str, url: str) -> NewEndpoint:
        """Register an endpoint; raises NotAcceptable for its address, OutOfStep for its name."""
        ...

    def remove(self, name: str) -> bool:
        """Take an endpoint away; calls that are due for it fail. False when there was none."""
        ...
