"""Samples of the event webhook and what the reader makes of them."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from domain.ids import MessageId, TenantId
from handlers.ports import Report, WebhookReader
from infra.providers.sendgrid.webhook import SendGridWebhook

DATA = Path(__file__).parent.parent / "data" / "payloads"
EVENTS: list[dict[str, Any]] = json.loads((DATA / "sendgrid_events.json").read_bytes())["events"]
OLD_EVENTS: list[dict[str, Any]] = json.loads(
    (DATA / "sendgrid_events_documented_2021.json").read_bytes()
)["events"]
_VARIANTS = json.loads((DATA / "sendgrid_event_variants.json").read_bytes())
VARIANTS: dict[str, dict[str, Any]] = {it["name"]: it["event"] for it in _VARIANTS["variants"]}
SAME_FACT: list[dict[str, Any]] = _VARIANTS["same_fact"]["events"]

ACME = TenantId("acme")
MESSAGE = MessageId(UUID("0192f3c4-5d6e-7a8b-9c0d-1e2f3a4b5c6d"))
WEBHOOK = SendGridWebhook([], pepper=b"pepper")
READER: WebhookReader = WEBHOOK


def read(*events: object) -> list[Report]:
    return READER.read(json.dumps(events).encode(), tenant=ACME)


def report(event: object) -> Report:
    (one,) = read(event)
    return one


def example(kind: str, **other: object) -> dict[str, Any]:
    """The first sample of a kind with some fields changed; None takes a field away."""
    event = next(it for it in EVENTS if it["event"] == kind)
    return {name: it for name, it in {**event, **other}.items() if it is not None}
