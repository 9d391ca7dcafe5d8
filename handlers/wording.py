"""What the models say of wrong input, in our words: where, of what kind, why."""

from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from handlers.errors import Fault
from plans.pointer import pointer

WORDS = {
    "extra_forbidden": "there is no such field; remove it or correct its name",
    "missing": "this is required",
}


def words_of(found: ErrorDetails) -> str:
    """The reason of one fault, without the value that was given."""
    return WORDS.get(found["type"]) or found["msg"].removeprefix("Value error, ").replace(
        "Input should be", "must be"
    )


def faults_of(error: ValidationError, *above: str | int) -> Iterator[Fault]:
    """The faults of a model as JSON pointers below the given place."""
    for found in error.errors(include_input=False, include_url=False, include_context=False):
        yield Fault(pointer(*above, *found["loc"]), found["type"], words_of(found))
