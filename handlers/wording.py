"""What the models say of wrong input, in our words: where, of what kind, why."""

from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from handlers.errors import Fault
from plans.pointer import pointer


def words_of(found: ErrorDetails) -> str:
    """The reason of one fault, without the value that was given."""
    return found["msg"].removeprefix("Value error, ")


def faults_of(error: ValidationError, *above: str | int) -> Iterator[Fault]:
    """The faults of a model as JSON pointers below the given place."""
    for found in error.errors(include_input=False, include_url=False, include_context=False):
        yield Fault(pointer(*above, *found["loc"]), found["type"], words_of(found))
