"""Bodies of calls: bytes become checked models, plans go through the front door of the plans."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

import msgspec
from msgspec import Raw
from pydantic import BaseModel, ValidationError

from handlers.api.calls import BODY_MAX, Body
from handlers.errors import Fault, NotAcceptable, NotUnderstood
from handlers.wording import faults_of
from plans.intake import Submitted, read_json

M = TypeVar("M", bound=BaseModel)

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_OBJECTS = msgspec.json.Decoder(list[dict[str, Raw]])


def json_body(model: type[BaseModel], *, bytes_max: int = BODY_MAX, needed: bool = True) -> Body:
    """A JSON body of this model; where it is not needed, no body is an empty object."""
    return Body(read=partial(read_model, model), model=model, bytes_max=bytes_max, needed=needed)


def read_model(model: type[M], raw: bytes) -> M:
    """The model in the bytes; raises NotAcceptable with the place of each fault."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        if any(found["type"] == "json_invalid" for found in error.errors(include_input=False)):
            raise NotUnderstood("the body is not JSON") from None
        raise NotAcceptable("the body cannot be taken", faults_of(error)) from None


def checked(model: type[M], values: Mapping[str, Any], *above: str | int, part: str = "body") -> M:
    """The model of these values; raises NotAcceptable with places below the given one."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise NotAcceptable(f"the {part} cannot be taken", faults_of(error, *above)) from None


def fields_of(raw: bytes) -> dict[str, Raw]:
    """The fields of an object, each still in its bytes, so that a plan keeps its own limits."""
    try:
        return _OBJECT.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotUnderstood("the body is not a JSON object") from None


def items_of(raw: Raw) -> list[dict[str, Raw]]:
    """The objects of a list, their fields still in their bytes."""
    try:
        return _OBJECTS.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        fault = Fault("/items", "list_of_objects", "must be a list of objects")
        raise NotAcceptable("the body cannot be taken", [fault]) from None


def cut_out(fields: Mapping[str, Raw], plan: str = "plan") -> tuple[dict[str, Any], Submitted]:
    """The values of all fields but the plan, and the plan as the front door takes it."""
    values = {name: read_json(bytes(raw)) for name, raw in fields.items()}
    submitted = values.pop(plan, Submitted())
    faults = list(_faults(values))
    if faults:
        raise NotAcceptable("the body cannot be taken", faults)
    return {name: one.document for name, one in values.items()}, submitted


def _faults(values: Mapping[str, Submitted]) -> Iterator[Fault]:
    for name, submitted in values.items():
        for issue in submitted.issues:
            yield Fault(f"/{name}{issue.path}", "value", issue.message)
