"""What the use cases need from outside, as protocols; infra implements them, tests give fakes."""

from handlers.ports.inputs import DueTimer, Inbox, InboxItem, Settled, Timers
from handlers.ports.outbox import Doubt, Due, Match, Outbox, Planned, Sent
from handlers.ports.provider import Answer, InvalidSignature, Mail, Provider, Report, WebhookReader
from handlers.ports.streams import (
    Broken,
    Campaigns,
    Conflict,
    Decide,
    Input,
    Result,
    Transaction,
    Transactions,
)
from handlers.ports.surroundings import Clock, Doorbell, Rng
from handlers.ports.tenant import CampaignRow, NewPlan, Register, TenantPorts
from handlers.ports.vault import Person, Rendered, Sender, Suppression, Suppressions, Vault

__all__ = [
    "Answer",
    "Broken",
    "CampaignRow",
    "Campaigns",
    "Clock",
    "Conflict",
    "Decide",
    "Doorbell",
    "Doubt",
    "Due",
    "DueTimer",
    "Inbox",
    "InboxItem",
    "Input",
    "InvalidSignature",
    "Mail",
    "Match",
    "NewPlan",
    "Outbox",
    "Person",
    "Planned",
    "Provider",
    "Register",
    "Rendered",
    "Report",
    "Result",
    "Rng",
    "Sender",
    "Sent",
    "Settled",
    "Suppression",
    "Suppressions",
    "TenantPorts",
    "Timers",
    "Transaction",
    "Transactions",
    "Vault",
    "WebhookReader",
]
