"""One visit of a page: who comes, with what; and what a page answers."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar
from uuid import UUID

import msgspec
from pydantic import BaseModel
from starlette.responses import Response

from handlers.access import Permission, permits
from handlers.api.bodies import checked
from handlers.api.calls import Call
from handlers.services import Services, TenantServices
from handlers.web.console.reading import ConsoleReads
from handlers.web.console.sessions import Session
from handlers.web.console.stock import Stock

M = TypeVar("M", bound=BaseModel)
Method = Literal["GET", "POST"]


class Shown(msgspec.Struct, frozen=True):
    """A page to be rendered: its template below `console/`, and what it shows."""

    template: str
    values: Mapping[str, Any]
    status: int = 200


class Moved(msgspec.Struct, frozen=True):
    """Another page to look at; `done` is a word of `DONE`, told there once."""

    to: str
    done: str = ""
    count: int | None = None


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One request of somebody who is signed in and may do this."""

    services: Services
    stock: Stock
    tenant: TenantServices
    session: Session
    request_id: UUID
    path: Mapping[str, Any]
    query: Mapping[str, str]
    form: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]

    @property
    def reads(self) -> ConsoleReads:
        """The looks over the tenant."""
        return self.stock.reads(self.session.tenant)

    def call(self, *, query: object = None, body: object = None) -> Call:
        """The same as a call of the API: pages act and read by the functions behind it."""
        return Call(
            services=self.services,
            tenant=self.tenant,
            holder=self.session.holder,
            request_id=self.request_id,
            path=self.path,
            query=query,
            body=body,
        )

    def asked(self, model: type[M]) -> M:
        """What the query says, as far as the model has it; raises NotAcceptable."""
        return checked(model, _given(model, self.query), part="query")

    def told(self, model: type[M]) -> M:
        """What the form says; raises NotAcceptable."""
        values = {name: texts[0] for name, texts in self.form.items() if texts}
        return checked(model, _given(model, values))

    def may(self, permission: str) -> bool:
        """Whether this person may do something, by the word of the permission."""
        return permits(self.session.holder, Permission(permission))

    @property
    def now(self) -> datetime:
        """The present of the tenant, also where the clock is scaled."""
        return self.services.clock.now()


def _given(model: type[BaseModel], values: Mapping[str, str]) -> Mapping[str, str]:
    """Fields that were left empty were not given; others of the page are not for the model."""
    return {
        name: value
        for name, value in values.items()
        if name in model.model_fields and value.strip()
    }


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table of the console."""

    path: str
    perform: Callable[[Visit], Shown | Moved | Response]
    method: Method = "GET"


DONE: Mapping[str, str] = {
    "skip": "The message is skipped; its plan goes on.",
    "hold": "The message is held.",
    "release": "The message is released.",
    "resend": "Another attempt is ordered.",
    "launch": "Launched.",
    "pause": "Paused: nothing leaves from now on.",
    "resume": "Running again.",
    "stop": "Stopped.",
    "reset": "The provider is called again.",
    "bulk": "Ordered.",
    "none": "Nothing was chosen, so nothing was changed.",
}
"""What a page tells about the order that led to it; addresses carry the word alone."""
