"""The small valid plan that examples vary, the contact it is for, and steps that mend."""

from collections.abc import Mapping
from typing import Any

from plans.verify.report import PatchStep

Document = dict[str, Any]

CONTACT: Mapping[str, Any] = {
    "tenant": "t_demo",
    "contact": "c_1001",
    "channels": {
        "email": {"address": "dana@example.test"},
        "sms": {"address": "+14155550100", "consent": "2026-09-02T10:00:00Z"},
        "linkedin": {"address": "https://www.linkedin.com/in/example"},
    },
    "vars": {
        "contact": {"first_name": "Dana"},
        "company": {"name": "Harbor Freightways"},
        "sender": {"first_name": "Sam", "calendar_url": "https://cal.example.test/sam"},
    },
}
"""Somebody who may be written to on every channel."""

CALL: Document = {
    "id": "call",
    "type": "task",
    "title": "Call Dana",
    "transitions": [
        {"on": "task_done", "to": "end"},
        {"on": "timeout", "after": "P7D", "to": "end"},
    ],
}
END: Document = {"id": "end", "type": "stop", "outcome": "no_response"}
MESSAGE: Document = {
    "subject": "Dock times at {{ company.name }}",
    "text": "Hi {{ contact.first_name }}, a call? {{ sender.calendar_url }}",
}
"""With a link, to the calendar."""
NO_REPLY: Document = {"on": "no_reply", "after": "P3D", "to": "end"}


def plan(*nodes: Document, **fields: object) -> Document:
    """A plan of these nodes that begins at the first one and ends in `end`."""
    return {
        "timezone": "America/New_York",
        **fields,
        "startNodeId": nodes[0]["id"],
        "nodes": [*nodes, END],
    }


def mail(*transitions: Document, **fields: object) -> Document:
    """The mail that a plan begins with, and where it leads; fields that are None are left out."""
    node = {
        "id": "mail",
        "type": "send",
        "channel": "email",
        "message": MESSAGE,
        **fields,
        "transitions": list(transitions or [NO_REPLY]),
    }
    return {name: value for name, value in node.items() if value is not None}


def nudge(**fields: object) -> Document:
    """A second mail, a day after its node was entered; fields that are None are left out."""
    node = {
        "id": "nudge",
        "type": "send",
        "channel": "email",
        "message": {"replyTo": "mail", "text": "Hi {{ contact.first_name }}, any thoughts?"},
        "schedule": {"delay": "P1D"},
        **fields,
        "transitions": [NO_REPLY],
    }
    return {name: value for name, value in node.items() if value is not None}


def text_message(channel: str, text: str, *transitions: Document, **message: str) -> Document:
    """A first message on a channel without subjects."""
    return mail(*transitions, channel=channel, message={**message, "text": text})


def without(channel: str) -> Mapping[str, Any]:
    """The contact without an address on this channel family."""
    channels = {name: known for name, known in CONTACT["channels"].items() if name != channel}
    return {**CONTACT, "channels": channels}


def reached_by(channel: str, **identity: str) -> Mapping[str, Any]:
    """The contact with this identity on that channel family."""
    return {**CONTACT, "channels": {**CONTACT["channels"], channel: identity}}


def add(path: str, value: object) -> PatchStep:
    """A step that adds."""
    return {"op": "add", "path": path, "value": value}


def replace(path: str, value: object) -> PatchStep:
    """A step that puts another value in place."""
    return {"op": "replace", "path": path, "value": value}


def remove(path: str) -> PatchStep:
    """A step that removes."""
    return {"op": "remove", "path": path}


def move(source: str, path: str) -> PatchStep:
    """A step that moves."""
    return {"op": "move", "from": source, "path": path}
