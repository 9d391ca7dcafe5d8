"""Wrong input is told in our words, whatever the models say."""

from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, ValidationError

from handlers.wording import faults_of


def _is_event(value: object) -> object:
    if value != "opened":
        raise ValueError("not an event")
    return value


Event = Annotated[str, BeforeValidator(_is_event)]


class Inner(BaseModel):
    x: int = 0


class Given(BaseModel):
    name: Annotated[str, Field(pattern="^[a-z]{1,4}$", max_length=9)] = "a"
    at: AwareDatetime | None = None
    id: UUID | None = None
    tags: list[str] = []
    inner: Inner = Inner()
    word: Literal["pause", "resume"] | Event = "pause"


@pytest.mark.parametrize(
    ("given", "pointer", "told"),
    [
        ({"name": "A"}, "/name", "must match ^[a-z]{1,4}$"),
        ({"name": "a" * 10}, "/name", "must have at most 9 characters"),
        ({"name": 7}, "/name", "must be a text"),
        ({"at": "yesterday"}, "/at", "an offset, such as 2026-09-07T05:00:00Z"),
        ({"at": "2026-09-07T05:00:00"}, "/at", "must be an instant with an offset"),
        ({"id": "x"}, "/id", "must be a UUID"),
        ({"tags": {}}, "/tags", "must be a list"),
        ({"inner": []}, "/inner", "must be an object"),
        ({"inner": {"x": "one"}}, "/inner/x", "must be a whole number"),
    ],
)
def test_a_fault_says_where_and_what_is_wanted(given: Any, pointer: str, told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Given.model_validate(given)
    (fault,) = faults_of(caught.value)
    assert fault.pointer == pointer
    assert told in fault.detail


def test_a_body_that_is_no_object_is_told_without_the_name_of_a_model() -> None:
    with pytest.raises(ValidationError) as caught:
        Given.model_validate([1])
    (fault,) = faults_of(caught.value)
    assert (fault.pointer, fault.detail) == ("", "must be an object")


def test_a_value_that_could_be_right_in_two_ways_has_one_place() -> None:
    with pytest.raises(ValidationError) as caught:
        Given.model_validate({"word": "stop"})
    assert [fault.pointer for fault in faults_of(caught.value)] == ["/word", "/word"]
