"""Who is written to, from whom, and by which plan."""

import copy
from collections.abc import Mapping
from typing import Any

PLENTY = 1_000_000
"""A limit that nobody comes near: what keeps to limits is shown elsewhere."""
CONDUCTS = ("silent", "open", "click", "reply", "machine", "ooo", "defer")
"""What the provider's recipients do in turn; nothing that would have the sender paused."""
SENDER = {
    "sender": "sam",
    "from_email": "sam@mail.antiphon-faults.example",
    "from_name": "Sam Okello",
    "first_name": "Sam",
    "calendar_url": "https://cal.antiphon-faults.example/sam",
    "reply_domain": "reply.antiphon-faults.example",
    "postal_address": "Antiphon Ltd, 1 Harbour Street, Lisbon",
    "verified": True,
    "minute_max": PLENTY,
    "hour_max": PLENTY,
}
RULES = {"tenant_hour_max": PLENTY, "domain_hour_max": PLENTY}


PLAN: dict[str, Any] = {
    "version": "1.0",
    "timezone": "UTC",
    "limits": {"maxSends": 1, "maxDuration": "P20D"},
    "startNodeId": "intro",
    "defaults": {"jitter": {"min": "PT0S", "max": "PT0S"}},
    "nodes": [
        {
            "id": "intro",
            "type": "send",
            "channel": "email",
            "message": {
                "subject": "Supplier invoices",
                "text": "Hi {{ contact.first_name }}, one line back is plenty.",
            },
            "transitions": [{"on": "no_reply", "after": "PT1H", "to": "end"}],
        },
        {"id": "end", "type": "stop", "outcome": "no_response"},
    ],
}
"""A mail that is due at once, whatever the hour, and a timer."""


def later(delay: str) -> dict[str, Any]:
    """The same plan with its mail so much later."""
    plan: dict[str, Any] = copy.deepcopy(PLAN)
    plan["nodes"][0]["schedule"] = {"delay": delay}
    return plan


def person(number: int) -> Mapping[str, str]:
    """The manieth person; what follows a plus in an address does not make another one."""
    name = f"{number:05d}"
    conduct = CONDUCTS[number % len(CONDUCTS)]
    return {
        "external_id": name,
        "email": f"{conduct}+{name}@company-{name}.example",
        "first_name": "Dana",
        "timezone": "UTC",
    }
