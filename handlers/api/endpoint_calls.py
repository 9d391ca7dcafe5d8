"""Registered endpoints: where webhook nodes may call."""

from datetime import datetime
from typing import Annotated

import msgspec
from pydantic import AfterValidator, Field

from domain.acts import Act
from handlers.acts import act
from handlers.api.calls import Call, Given, Page, no_controls
from handlers.api.paging import Listed, listed, place_of
from handlers.errors import NotHere
from handlers.ports import Endpoint

EndpointName = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")]


class AddedEndpoint(Given):
    """An endpoint by the name that plans use, and the address that is posted to."""

    name: EndpointName
    url: Annotated[str, Field(min_length=1, max_length=500), AfterValidator(no_controls)]


class RemovedEndpoint(Given):
    """An endpoint by its name."""

    name: EndpointName


class EndpointShown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An endpoint; its secret is told once, when it is made."""

    name: str
    url: str
    enabled: bool
    created_at: datetime
    secret: str = ""


class Removed(msgspec.Struct, frozen=True):
    """That an endpoint is gone."""

    removed: bool


def page(call: Call) -> Listed[EndpointShown]:
    """Endpoints by name; there are few, so all are read."""
    query: Page = call.query
    after = place_of(query.cursor, str) or ""
    found = sorted(call.tenant.endpoints.all(), key=lambda one: one.name)
    rest = [shown(endpoint) for endpoint in found if endpoint.name > after]
    return listed(rest, query.limit, lambda one: one.name)


@act(Act.ENDPOINT_ADD, lambda call: call.body.name)
def add(call: Call) -> EndpointShown:
    """Register an endpoint and tell its secret, this once."""
    given: AddedEndpoint = call.body
    made = call.tenant.endpoints.add(given.name, given.url)
    return msgspec.structs.replace(shown(made.endpoint), secret=made.secret)


@act(Act.ENDPOINT_REMOVE, lambda call: call.body.name)
def remove(call: Call) -> Removed:
    """Take an endpoint away; calls that are due for it fail."""
    given: RemovedEndpoint = call.body
    if not call.tenant.endpoints.remove(given.name):
        raise NotHere("no endpoint has this name")
    return Removed(removed=True)


def shown(endpoint: Endpoint) -> EndpointShown:
    """An endpoint without its secret."""
    return EndpointShown(
        name=endpoint.name,
        url=endpoint.url,
        enabled=endpoint.enabled,
        created_at=endpoint.created_at,
    )
