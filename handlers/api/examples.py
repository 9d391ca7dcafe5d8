"""What the bodies of calls look like, by the name of their model; tests send each of them."""

from collections.abc import Mapping
from typing import Any

PLAN: Mapping[str, Any] = {
    "version": "1.0",
    "startNodeId": "intro",
    "timezone": "Europe/Lisbon",
    "nodes": [
        {
            "id": "intro",
            "type": "send",
            "channel": "email",
            "message": {
                "subject": "Docks in Lisbon, {{ contact.first_name | default: 'hello' }}",
                "text": "Would a short call next week suit you?",
            },
            "transitions": [
                {"on": "replied", "to": "won"},
                {"on": "no_reply", "to": "end", "after": "P5D"},
            ],
        },
        {"id": "won", "type": "stop", "outcome": "replied"},
        {"id": "end", "type": "stop", "outcome": "no_response"},
    ],
}
_REASON = {"reason": "asked for on the phone"}
_SENDER = {
    "sender": "sam",
    "from_email": "sam@mail.acme.example",
    "from_name": "Sam Okello",
    "reply_domain": "reply.acme.example",
    "postal_address": "Acme Ltd, 1 Harbour Street, Lisbon",
}
_CONTACT = {
    "external_id": "crm-4711",
    "email": "ada@harbor.example",
    "first_name": "Ada",
    "company": "Harbor Docks",
    "timezone": "Europe/Lisbon",
    "tags": ["docks"],
    "attributes": {"plan": "gold"},
}

EXAMPLES: Mapping[str, Any] = {
    "AddedEndpoint": {"name": "crm", "url": "https://crm.acme.example/hooks/antiphon"},
    "Absence": {"until": "2026-12-24T08:00:00Z", **_REASON},
    "CampaignChange": {"name": "Autumn docks", "daily_limit": 80},
    "CloneName": {"name": "Winter docks"},
    "ContactChange": {"title": "Head of docks", "attributes": {"plan": "silver"}},
    "CopiedContact": {"reason": "she asked for a copy, ticket 311", "confirm": True},
    "ErasedContact": {"ground": "requested", "confirm": True},
    "HeldMessage": {"until": "2026-12-01T09:00:00Z", **_REASON},
    "LiftedSuppression": {"address": "ada@harbor.example", "reason": "she wrote to us again"},
    "NeededReason": _REASON,
    "NewCampaign": {"name": "Autumn", "description": "Ports of the west", "daily_limit": 50},
    "NewContacts": {"items": [_CONTACT]},
    "NewEnrolments": {"items": [{"contact": _CONTACT, "plan": PLAN}]},
    "NewRevision": {"plan": PLAN, "if_plan_hash": f"sha256:{'0' * 64}", **_REASON},
    "NewRules": {"zone": "Europe/Lisbon", "sender_day_max": 90, **_REASON},
    "NewSender": _SENDER,
    "NewSignal": {"kind": "meeting_booked", "occurred_at": "2026-11-21T10:15:00Z"},
    "NewSuppressions": {"items": [{"address": "noone@harbor.example", "reason": "manual"}]},
    "NewWarmup": {"schedule": "default", "restart": True, **_REASON},
    "OtherPlan": {"plan": PLAN},
    "PlanToCheck": {"plan": PLAN},
    "PlanToDraw": {"plan": PLAN, "format": "mermaid"},
    "PlanToSimulate": {"plan": PLAN, "runs": 100, "seed": 7},
    "PlanToTrace": {"plan": PLAN, "script": []},
    "Reason": _REASON,
    "ReleasedMessage": _REASON,
    "RemovedEndpoint": {"name": "crm"},
    "RemovedSender": {"reason": "he has left"},
    "ResentMessage": {"reason": "the provider lost it", "confirm": True},
    "SenderReason": _REASON,
    "SetHealth": {"score": 60, "until": "2026-12-24T08:00:00Z", **_REASON},
    "SkippedMessage": _REASON,
}
CSV = "external_id,email,first_name\ncrm-4711,ada@harbor.example,Ada\n"
"""A body of the import of contacts."""


def example_of(model: type | None) -> Any:  # noqa: ANN401  # whatever JSON the body is
    """The example of a body; a body without a model is a CSV file."""
    return CSV if model is None else EXAMPLES[model.__name__]
