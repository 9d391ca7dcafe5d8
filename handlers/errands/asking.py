"""What an errand asks for: its node in the plan, with the words that people read filled in."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from domain.ids import CampaignId, ContactId
from handlers.ports import Person, Sender, TenantPorts
from handlers.values import Values, person_values, sender_values
from plans.templates import TemplateFailed, render_lenient

Node = Mapping[str, Any]
WORDS_MAX = 10_000
"""Characters that a person is shown of one text; lists have hundreds of them."""


class Asked(msgspec.Struct, frozen=True):
    """Whose errand it is, and where in which plan."""

    contact_id: ContactId
    campaign_id: CampaignId
    plan_hash: str
    node: str


class Asking:
    """The plans and contacts behind some errands, read once."""

    def __init__(self, ports: TenantPorts, asked: Iterable[Asked]) -> None:
        given = list(asked)
        self._people = ports.vault.people({one.contact_id for one in given})
        self._documents = ports.vault.documents({one.plan_hash for one in given})
        self._senders: dict[CampaignId, Sender] = {}
        senders = ports.vault.senders() if given else {}
        for campaign_id in {one.campaign_id for one in given}:
            row = ports.register.campaign(campaign_id)
            if row is not None and row.sender in senders:
                self._senders[campaign_id] = senders[row.sender]

    def person(self, asked: Asked) -> Person | None:
        """The contact, or None once it is erased."""
        return self._people.get(asked.contact_id)

    def node(self, asked: Asked) -> Node:
        """The node as the plan has it; empty once the plan is erased."""
        nodes = self._documents.get(asked.plan_hash, {}).get("nodes", ())
        found: Node = next((one for one in nodes if one["id"] == asked.node), {})
        return found

    def values(self, asked: Asked) -> Values:
        """What the words may name."""
        person, sender = self.person(asked), self._senders.get(asked.campaign_id)
        return {
            **(person_values(person) if person else {}),
            **(sender_values(sender) if sender else {}),
        }


def filled(source: str, values: Mapping[str, object]) -> str:
    """A text with its variables filled in; one that cannot be rendered is shown as it is written.

    A person can do with half a sentence, and a task must not be lost for a letter.
    """
    try:
        return render_lenient(source, values)
    except TemplateFailed:
        return source


def words(source: str, values: Mapping[str, object]) -> str:
    """A text for a person to read; what a loop makes endless is cut."""
    return filled(source, values)[:WORDS_MAX]
