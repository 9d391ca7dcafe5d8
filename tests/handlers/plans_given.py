"""A small plan that is accepted, the same one refused, and somebody to write one for."""

from typing import Any

import msgspec

from handlers.ports import Person
from handlers.ports.writer import Assignment
from handlers.values import check_context
from handlers.writing.rounds import policy_told
from tests.handlers.web_fakes import SAM, TENANT, World

BRIEF = "topic: Dock times\noffer: We plan docks.\nproof: Others save a day."
PLAN: dict[str, Any] = {
    "startNodeId": "hello",
    "timezone": "UTC",
    "nodes": [
        {
            "id": "hello",
            "type": "send",
            "channel": "email",
            "message": {"subject": "Hello", "text": "Hello there"},
            "transitions": [{"on": "no_reply", "to": "end", "after": "P3D"}],
        },
        {"id": "end", "type": "stop", "outcome": "no_response"},
    ],
}
STUCK: dict[str, Any] = {
    **PLAN,
    "nodes": [
        {**PLAN["nodes"][0], "transitions": [{"on": "no_open", "to": "end", "after": "P3D"}]},
        PLAN["nodes"][1],
    ],
}
"""Whoever opens the mail stays in `hello` for ever."""


def somebody(world: World, **changed: Any) -> Person:
    person = world.book.people_by_id[world.a_contact()]
    given = {"first_name": "Ada", "timezone": "Europe/London", "company": "Acme", **changed}
    person = msgspec.structs.replace(person, **given)
    world.book.people_by_id[person.contact_id] = person
    return person


def assigned(world: World, person: Person, brief: str = BRIEF) -> Assignment:
    context = check_context(TENANT, person, SAM)
    return Assignment(brief=brief, context=context, policy=policy_told(world.ports))
