"""What templates, guards and checks see of a contact: plain values, absent where unknown."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

from domain.ids import TenantId, schema_of
from handlers.ports import Person, Sender
from plans.context import ContactContext

_CONTACT = (
    "first_name",
    "last_name",
    "title",
    "email",
    "city",
    "country",
    "timezone",
    "linkedin_url",
    "phone",
)
Values = dict[str, dict[str, Any]]


def person_values(person: Person) -> Values:
    """`contact` and `company` of plan-dsl.md 13; attributes `company.x` belong to the company."""
    contact: dict[str, Any] = {
        key: value for key in _CONTACT if (value := getattr(person, key)) is not None
    }
    names = [name for name in (person.first_name, person.last_name) if name]
    if names:
        contact["full_name"] = " ".join(names)
    contact["tags"] = list(person.tags)
    company: dict[str, Any] = {"name": person.company} if person.company else {}
    for key, value in person.attributes.items():
        owner, _, name = key.rpartition(".")
        (company if owner == "company" else contact).setdefault(name, value)
    return {"contact": contact, "company": company}


def sender_values(sender: Sender) -> Values:
    """`sender` of plan-dsl.md 13."""
    values = {
        "first_name": sender.first_name or sender.from_name,
        "name": sender.from_name,
        "email": sender.from_email,
        "calendar_url": sender.calendar_url,
    }
    return {"sender": {key: value for key, value in values.items() if value}}


def guard_values(person: Person) -> Mapping[str, object]:
    """The dotted fields that guards may read."""
    return {
        f"{owner}.{key}": value
        for owner, values in person_values(person).items()
        for key, value in values.items()
    }


def check_context(tenant: TenantId, person: Person, sender: Sender | None) -> ContactContext:
    """The contact context that a plan is checked against (plan-dsl.md 13)."""
    addresses = {"email": person.email, "sms": person.phone, "linkedin": person.linkedin_url}
    return ContactContext.model_validate(
        {
            "tenant": schema_of(tenant),
            "contact": str(person.contact_id),
            "channels": {family: {"address": at} for family, at in addresses.items() if at},
            "vars": person_values(person) | (sender_values(sender) if sender else {}),
        }
    )


def context_digest(person: Person) -> str:
    """Proof of the data a plan was accepted with; keyed, so that it tells nothing by itself."""
    text = msgspec.json.encode(person_values(person), order="deterministic")
    return sha256(person.vault_key + text).hexdigest()[:32]
