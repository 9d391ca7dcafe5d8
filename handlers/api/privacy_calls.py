"""What a person may ask of whoever keeps data: to be forgotten, and to be shown all of it."""

from typing import Annotated

from pydantic import AfterValidator, Field

from domain.acts import Act
from domain.ids import ContactId
from handlers.acts import act, by_id
from handlers.api.calls import Call, Given, no_controls
from handlers.contact_copy import ContactCopy, copy_of
from handlers.erasure import Erased, Eraser, ErasureGround
from handlers.errors import Fault, NotAcceptable


class ErasedContact(Given):
    """Why a contact is to be forgotten; `confirm`: you know that nothing brings it back."""

    ground: ErasureGround
    confirm: bool = False


class CopiedContact(Given):
    """Why all that is kept of a contact is to be handed out."""

    reason: Annotated[str, Field(min_length=3, max_length=500), AfterValidator(no_controls)]
    confirm: bool = False


@act(Act.CONTACT_ERASE, by_id)
def erase(call: Call) -> Erased:
    """Forget a contact. Safe to repeat."""
    given: ErasedContact = call.body
    _confirmed(given.confirm, "an erasure", "nothing brings the contact back: confirm it")
    ports = call.tenant.ports
    erased = Eraser(ports, call.tenant.erasures).erase(
        ContactId(call.id), given.ground, cause=call.order, correlation=call.request_id
    )
    call.ring()
    return erased


@act(Act.CONTACT_EXPORT, by_id)
def export(call: Call) -> ContactCopy:
    """All that is kept of a contact; each copy counts against the quota of a day."""
    given: CopiedContact = call.body
    told = "all personal data of the contact is in the answer: confirm that it is yours to see"
    _confirmed(given.confirm, "a copy", told)
    contact_id = ContactId(call.id)
    by = f"{call.order.kind}:{call.order.id}"
    copy = copy_of(call.tenant, contact_id, ordered_by=by, now=call.services.clock.now())
    call.tenant.ports.vault.keep_note(contact_id, contact_id, "export_reason", given.reason)
    return copy


def _confirmed(given: bool, what: str, told: str) -> None:  # noqa: FBT001  # what was given
    if not given:
        fault = Fault("/confirm", "confirmation", told)
        raise NotAcceptable(f"{what} needs a confirmation", [fault])
