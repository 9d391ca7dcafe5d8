"""The OpenAPI 3.1 document, made from the same tables and models that serve the API."""

from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from itertools import chain
from typing import Any

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from handlers.access import ROLES_OF, permission_for
from handlers.api.calls import Operation
from handlers.api.endpoint import IDEMPOTENCY_KEY, KEY_MAX
from handlers.api.examples import example_of
from handlers.api.operations import OPERATIONS
from handlers.errors import PROBLEM_JSON, ProblemDocument
from handlers.metrics.tables import MEDIA

Json = dict[str, Any]
_REF = "#/components/schemas/"
_PLACES: Mapping[str, Json] = {
    "id": {"type": "string", "format": "uuid"},
    "number": {"type": "integer"},
}

PUBLIC: Mapping[str, Mapping[str, tuple[str, Mapping[int, str]]]] = {
    "/webhooks/sendgrid/{tenant}": {
        "post": (
            "Signed events of SendGrid",
            {
                204: "stored",
                401: "not verified",
                413: "too long",
                415: "encoded, or no JSON",
                503: "not stored: send it again",
            },
        )
    },
    "/webhooks/sendgrid/{tenant}/inbound": {
        "post": (
            "A signed mail of Inbound Parse",
            {
                204: "stored",
                401: "not verified",
                413: "too long",
                415: "encoded",
                503: "not stored: send it again",
            },
        )
    },
    "/webhooks/sendgrid/{tenant}/inbound/{secret}": {
        "post": (
            "A mail of Inbound Parse, by a secret in the path",
            {
                204: "stored",
                401: "wrong secret",
                413: "too long",
                503: "not stored: send it again",
            },
        )
    },
    "/t/o/{token}.gif": {"get": ("The open pixel", {200: "always the image"})},
    "/t/c/{token}": {"get": ("A tracked link", {302: "to its stored target", 404: "no such link"})},
    "/u/{token}": {
        "get": (
            "The opt-out page; it changes nothing",
            {200: "a page with a button", 404: "no such link"},
        ),
        "post": (
            "Opt out, also by one click (RFC 8058)",
            {200: "done", 404: "no such link", 503: "not stored: try again"},
        ),
    },
    "/healthz": {"get": ("Whether the process is up", {200: "it is"})},
    "/readyz": {"get": ("Whether all that is needed works", {200: "it does", 503: "it does not"})},
    "/metrics": {"get": ("Numbers for operators, in the text format of Prometheus", {200: "all"})},
    "/openapi.json": {"get": ("This document", {200: "it"})},
    "/docs": {"get": ("This document as a page", {200: "it"})},
}
"""The routes without a key: what they are for, and what they answer."""


_STREAM: Json = {
    "summary": "Server-Sent Events: activity, changes of the queue and of campaigns",
    "description": "Needs the permission journeys.read. Events of kind `activity` have the id that"
    " `Last-Event-ID` resumes behind; `queue` and `campaign` tell how it stands.",
    "operationId": "stream.follow",
    "parameters": [
        {
            "name": "Last-Event-ID",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "pattern": "^[0-9]{1,19}$"},
        }
    ],
    "responses": {
        "200": {
            "description": "events until the client leaves, or for ten minutes",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        "default": {
            "description": "a problem",
            "content": {PROBLEM_JSON: {"schema": {"$ref": f"{_REF}{ProblemDocument.__name__}"}}},
        },
    },
}
"""It answers no JSON, so it is none of the operations."""


@cache
def openapi_document() -> Json:
    """The document; making it starts nothing."""
    schemas, answers = _schemas()
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        described = _operation(operation, answers[operation.method, operation.path])
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    paths["/v1/stream"] = {"get": _STREAM}
    for path, methods in PUBLIC.items():
        paths[path] = {
            method: _public(path, does, told) for method, (does, told) in methods.items()
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "antiphon", "version": "1"},
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": _refusals(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas() -> tuple[Json, dict[tuple[str, str], Json]]:
    """All schemas by name, and the schema of the answer of each operation."""
    template = f"{_REF}{{model}}"
    given = {body.model for one in OPERATIONS if (body := one.body) is not None and body.model}
    ordered = sorted(given, key=lambda model: model.__name__)
    _, asked = models_json_schema(
        [(model, "validation") for model in ordered], ref_template=template
    )
    types = [*(one.answers for one in OPERATIONS), ProblemDocument]
    made, told = msgspec.json.schema_components(types, ref_template=f"{_REF}{{name}}")
    inputs = asked.get("$defs", {})
    twice = set(inputs) & set(told)
    assert not twice, f"two schemas of one name: {twice}"
    answers: dict[tuple[str, str], Json] = {
        (one.method, one.path): made[index] for index, one in enumerate(OPERATIONS)
    }
    return {**inputs, **told}, answers


def _operation(operation: Operation, answer: Json) -> Json:
    permission = permission_for(operation.method, operation.path)
    roles = ", ".join(sorted(ROLES_OF[permission]))
    described: Json = {
        "summary": operation.does,
        "description": f"Needs the permission {permission}: {roles}.",
        "operationId": operation.perform.__module__.rpartition(".")[2].removesuffix("_calls")
        + "."
        + operation.perform.__name__,
        "parameters": list(
            chain(_path(operation.path), _query(operation.query), _headers(operation))
        ),
        "responses": {
            str(operation.status): _done(operation, answer),
            **{
                str(status): {"$ref": f"#/components/responses/{_name(status)}"}
                for status in refusals_of(operation)
            },
        },
        "x-roles": sorted(ROLES_OF[permission]),
    }
    if operation.body is not None:
        model = operation.body.model
        schema = {"$ref": f"{_REF}{model.__name__}"} if model else {"type": "string"}
        described["requestBody"] = {
            "required": operation.body.needed,
            "content": {
                operation.body.media: {"schema": schema, "example": example_of(model)},
            },
        }
    return described


def _done(operation: Operation, answer: Json) -> Json:
    """The answer in JSON, and as a file where it has rows."""
    described = _response("done", "application/json", answer)
    if operation.table is not None:
        described["content"] |= {media: {} for media in MEDIA.values()}
    return described


def refusals_of(operation: Operation) -> list[HTTPStatus]:
    """Every status that a call may be refused with."""
    taken = operation.body is not None or operation.query is not None or "{id}" in operation.path
    found = [HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY]
    found += [HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE]
    if taken or operation.writes:
        found.append(HTTPStatus.BAD_REQUEST)
    if "{" in operation.path or operation.method != "GET":
        found += [HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT]
    if operation.body is not None:
        found += [HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE]
    return sorted(found)


def _refusals() -> Json:
    """The answers that are problems, by their names; a wait is told where one is known."""
    schema = {"$ref": f"{_REF}{ProblemDocument.__name__}"}
    every = {status for operation in OPERATIONS for status in refusals_of(operation)}
    return {
        _name(status): _response(status.phrase.lower(), PROBLEM_JSON, schema)
        for status in sorted(every)
    }


def _name(status: HTTPStatus) -> str:
    return "".join(word.capitalize() for word in status.name.split("_"))


def _public(path: str, does: str, told: Mapping[int, str]) -> Json:
    return {
        "summary": does,
        "security": [],
        "parameters": list(_path(path)),
        "responses": {str(status): {"description": text} for status, text in told.items()},
    }


def _path(path: str) -> Iterator[Json]:
    for part in path.split("/"):
        name = part.partition("{")[2].partition("}")[0]
        if name:
            schema = _PLACES.get(name, {"type": "string"})
            yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query(model: type[BaseModel] | None) -> Iterator[Json]:
    if model is None:
        return
    for name, schema in model.model_json_schema()["properties"].items():
        yield {"name": name, "in": "query", "required": False, "schema": schema}


def _headers(operation: Operation) -> Iterator[Json]:
    if operation.writes:
        schema = {"type": "string", "minLength": 1, "maxLength": KEY_MAX}
        yield {"name": IDEMPOTENCY_KEY, "in": "header", "required": False, "schema": schema}


def _response(text: str, media: str, schema: Json) -> Json:
    return {"description": text, "content": {media: {"schema": schema}}}
