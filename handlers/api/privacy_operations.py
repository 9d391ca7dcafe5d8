"""The part of the table of the API about what people may ask of whoever keeps their data."""

from handlers.api import privacy_calls
from handlers.api.bodies import json_body
from handlers.api.calls import Operation
from handlers.contact_copy import ContactCopy
from handlers.erasure import Erased

PRIVACY = (
    Operation(
        method="DELETE",
        path="/v1/contacts/{id}",
        does="Erase a contact: its courses end, all personal data of it goes, nothing brings it "
        "back; its address stays suppressed, by its digest",
        perform=privacy_calls.erase,
        answers=Erased,
        body=json_body(privacy_calls.ErasedContact),
    ),
    Operation(
        method="POST",
        path="/v1/contacts/{id}/export",
        does="All that is kept of a contact, of all campaigns; a tenant has a quota a day",
        perform=privacy_calls.export,
        answers=ContactCopy,
        body=json_body(privacy_calls.CopiedContact),
        kept=False,
    ),
)
