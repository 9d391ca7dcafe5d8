"""What administrators did, newest first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from domain.acts import Act, ActFailed, ActOrdered, AdminRecorded, SigningKeyListed, Value
from handlers.api.calls import Call, Page
from handlers.api.paging import Listed, listed, place_of
from handlers.noted import NOTES_MAX
from handlers.ports import Note


class AdminEventShown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order, that one failed, or that checkpoints are signed with another key from there on.

    An order without a failure behind it was carried out; the facts that it led to have its request
    in their cause.
    """

    number: int
    at: datetime
    kind: Literal["ordered", "failed", "signing_key"]
    actor: str
    """The id of a key, `cli`, or the name of a process."""
    request_id: UUID
    act: Act | None = None
    subject: str = ""
    """The id of the thing, or the name that the tenant gave it."""
    before: Mapping[str, Value] = {}
    after: Mapping[str, Value] = {}
    reasoned: bool = False
    """Whether a reason was given: it is among the notes of the subject."""
    reason: str = ""
    """Its words, where they are noted with the request itself."""
    ordered: int | None = None
    """The number of the order that failed."""
    code: str = ""
    key_id: str = ""
    public_key: str = ""


def page(call: Call) -> Listed[AdminEventShown]:
    """Acts, newest first."""
    query: Page = call.query
    found = call.tenant.acts.page(place_of(query.cursor, int), query.limit + 1)
    reasons = _reasons(call.tenant.ports.vault.noted(_requests(found), NOTES_MAX))
    shown = [_shown(one, reasons.get(one.request, "")) for one in found]
    return listed(shown, query.limit, lambda one: one.number)


def _requests(found: Sequence[AdminRecorded]) -> set[UUID]:
    return {one.request for one in found if isinstance(one.fact, ActOrdered) and one.fact.reasoned}


def _reasons(notes: Sequence[Note]) -> Mapping[UUID, str]:
    return {note.subject_id: note.text for note in notes}


def _shown(one: AdminRecorded, reason: str) -> AdminEventShown:
    known: Any = {"number": one.version, "actor": one.actor, "request_id": one.request}
    match one.fact:
        case ActOrdered() as order:
            return AdminEventShown(
                **known,
                at=order.at,
                kind="ordered",
                act=order.act,
                subject=order.subject,
                before=order.before,
                after=order.after,
                reasoned=order.reasoned,
                reason=reason,
            )
        case ActFailed() as failed:
            return AdminEventShown(
                **known, at=failed.at, kind="failed", ordered=failed.ordered, code=failed.code
            )
        case SigningKeyListed() as key:
            return AdminEventShown(
                **known,
                at=key.at,
                kind="signing_key",
                key_id=key.key_id,
                public_key=key.public_key,
            )
