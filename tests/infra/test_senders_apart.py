"""Senders that would share limits or hide a rotation set are refused, with the place."""

from typing import Any

import pytest

from handlers.api import sender_calls
from handlers.errors import NotAcceptable
from infra.cli.operations import call_of
from tests.stories.house import House

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

KIM = {
    "sender": "kim",
    "from_email": "kim@mail.example",
    "from_name": "Kim Sato",
    "reply_domain": "reply.example",
    "postal_address": "1 Harbour Street, Lisbon",
}


def _put(house: House, **changed: Any) -> None:
    body = sender_calls.NewSender.model_validate(KIM | changed)
    sender_calls.put_sender(call_of(house.system, house.tenant, body=body))


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"from_email": "SAM@mail.example"}, "/from_email"),
        ({"sender": "team", "from_email": "lee@mail.example"}, "/sender"),
        ({"rotation_set": "sam"}, "/rotation_set"),
    ],
)
def test_a_sender_that_would_share_or_hide_another_is_refused(
    house: House, changed: dict[str, Any], pointer: str
) -> None:
    _put(house, rotation_set="team")
    with pytest.raises(NotAcceptable) as refused:
        _put(house, **changed)
    assert [fault.pointer for fault in refused.value.errors] == [pointer]


def test_a_sender_may_be_written_again(house: House) -> None:
    for _ in range(2):
        _put(house, rotation_set="team")
    assert house.ports.vault.senders()["kim"].from_name == "Kim Sato"
