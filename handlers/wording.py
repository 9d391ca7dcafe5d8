"""What the models say of wrong input, in our words: where, of what kind, why."""

from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from handlers.errors import Fault
from plans.pointer import pointer

_INSTANT = "must be an instant with an offset, such as 2026-09-07T05:00:00Z"
_BRANCHES = ("literal[", "function-", "constrained-", "list[")
"""With these a model names the ways in which a value could be right; they are no places."""
WORDS = {
    "extra_forbidden": "there is no such field; remove it or correct its name",
    "missing": "this is required",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "datetime_from_date_parsing": _INSTANT,
    "datetime_parsing": _INSTANT,
    "datetime_type": _INSTANT,
    "timezone_aware": _INSTANT,
    "uuid_parsing": "must be a UUID",
    "uuid_type": "must be a UUID",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
}
"""By the kinds of the models; in braces what the model demands. Others: as the model says it."""


def words_of(found: ErrorDetails) -> str:
    """The reason of one fault, without the value that was given."""
    told = WORDS.get(found["type"])
    if told is not None:
        return told.format_map(found.get("ctx", {}))
    return found["msg"].removeprefix("Value error, ").replace("Input should be", "must be")


def faults_of(error: ValidationError, *above: str | int) -> Iterator[Fault]:
    """The faults of a model as JSON pointers below the given place."""
    for found in error.errors(include_input=False, include_url=False):
        place = (part for part in found["loc"] if not str(part).startswith(_BRANCHES))
        yield Fault(pointer(*above, *place), found["type"], words_of(found))
