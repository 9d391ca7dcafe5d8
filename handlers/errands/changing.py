"""Contact data as a plan changes it (plan-dsl.md 2.3); named as `handlers.values` names it."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from pydantic import ValidationError

from handlers.contacts import ContactChange
from handlers.errands.asking import Node
from handlers.ports import Person

_NOT_BY_PLANS = {"country", "subscriber", "consent"}
"""What the law asks of a contact is told by people, not by a plan that would gain by it."""
_COLUMNS = frozenset(ContactChange.model_fields) - {"company", "tags", "attributes"} - _NOT_BY_PLANS
_COMPANY_NAME = "company.name"


class Refused(msgspec.Struct, frozen=True):
    """A value that the contact cannot have."""

    field: str
    why: str


def after(person: Person, node: Node) -> tuple[Person, list[Refused]]:
    """The contact after an update node, and what was left as it was; again, nothing changes.

    A field that the contact cannot have keeps back no other.
    """
    refused: list[Refused] = []
    for field, change in _changes(person, node):
        try:
            values = _checked(person, change)
        except ValidationError as error:
            refused.append(Refused(field, error.errors(include_input=False)[0]["msg"]))
            continue
        person = msgspec.structs.replace(person, **values)
    return person, refused


def _changes(person: Person, node: Node) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for one in node.get("set", ()):
        yield one["field"], _assignment(one["field"], one["value"])
    gone = set(node.get("removeTags", ()))
    kept = [tag for tag in person.tags if tag not in gone]
    tags = dict.fromkeys([*kept, *node.get("addTags", ())])
    if tuple(tags) != person.tags:
        yield "tags", {"tags": list(tags)}


def _assignment(field: str, value: Any) -> Mapping[str, Any]:  # noqa: ANN401  # a scalar of the plan
    if field == _COMPANY_NAME:
        return {"company": value}
    owner, _, name = field.partition(".")
    if owner == "contact" and name in _COLUMNS:
        return {name: value}
    return {"attributes": {name if owner == "contact" else field: value}}


def _checked(person: Person, change: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as they are stored; the attributes with those that were there, for their limits."""
    if "attributes" in change:
        change = {"attributes": {**person.attributes, **change["attributes"]}}
    values = ContactChange.model_validate(change).model_dump(exclude_unset=True)
    return {**values, "tags": tuple(values["tags"])} if "tags" in values else values
