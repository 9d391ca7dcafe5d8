"""What was noted about a contact-campaign: reasons of orders, answers of providers, data."""

from uuid import UUID

import msgspec

from domain.ids import StreamId
from domain.recorded import Recorded
from handlers.ports import Note, Vault
from handlers.timeline import History

NOTES_MAX = 500


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """Words from the vault, oldest first; `subject_id` is the stream or a thing of its events."""

    contact_campaign_id: StreamId
    notes: list[Note]


def notes_of(history: History, vault: Vault, stream: StreamId) -> Notes | None:
    """The notes about a stream, its messages, calls, tasks and campaign; None without a stream."""
    recorded = history(stream)
    if not recorded:
        return None
    subjects = {
        stream,
        recorded[0].campaign_id,
        *(subject for one in recorded for subject in _things(one)),
    }
    return Notes(contact_campaign_id=stream, notes=vault.noted(subjects, NOTES_MAX))


def _things(one: Recorded) -> list[UUID]:
    """Whatever a fact names by an id."""
    return [value for value in msgspec.structs.asdict(one.fact).values() if type(value) is UUID]
