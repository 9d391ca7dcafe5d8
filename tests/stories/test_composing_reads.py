"""What a batch of messages is made of is read once, in the transaction that queues it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from psycopg import Cursor

from domain import accounts
from domain.accounts import AccountSettings
from handlers.composing import Composer
from handlers.ports import CampaignRow
from handlers.timeouts import Timeouts
from tests.stories.house import SAM, House, plan, send, stop, way

KIM = msgspec.structs.replace(SAM, sender="kim", from_email="kim@mail.example")
pytestmark = [pytest.mark.postgres, pytest.mark.redis]

FIRST = plan(send("intro", way("timeout", "end", after="P9D")), stop())
OTHER = plan(send("other", way("timeout", "end", after="P9D")), stop())
REPLYING = plan(
    send("intro", way("timeout", "again", after="P1D")),
    send("again", way("timeout", "end", after="P9D"), message={"replyTo": "intro", "text": "And?"}),
    stop(),
)


class Asked:
    """A port that notes what it was asked for, and what of that outside of a transaction."""

    def __init__(self, real: object, calls: list[str], alone: list[str]) -> None:
        self._real, self._calls, self._alone = real, calls, alone

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def noted(*args: Any) -> object:
            if set() not in args and [] not in args:  # about nobody it asks nothing
                self._calls.append(name)
                self._alone += [] if any(isinstance(one, Cursor) for one in args) else [name]
            return getattr(self._real, name)(*args)

        return noted


class Composing:
    """A composer whose reads are noted."""

    def __init__(self, house: House) -> None:
        self.alone: list[str] = []
        self._calls: list[str] = []
        watched = {
            name: Asked(getattr(house.ports, name), self._calls, self.alone)
            for name in ("vault", "outbox", "accounts", "register")
        }
        ports = msgspec.structs.replace(house.ports, **watched)
        self._composer = Composer(ports, house.system.links(house.ports.tag))

    def batch(self, limit: int = 10) -> list[str]:
        """Compose one batch; what was asked for."""
        self._calls.clear()
        self._composer.compose_batch(limit)
        return list(self._calls)


def enrolled(house: House, given: dict[str, Any], row: CampaignRow, count: int = 1) -> None:
    for _ in range(count):
        assert house.enrol(given, row=row).status == "started"


def campaign_of(house: House, sender: str) -> CampaignRow:
    row = house.campaign()
    house.rows("UPDATE {s}.campaigns SET sender = %(sender)s RETURNING 1", sender=sender)
    return row


def kim_joins(house: House) -> None:
    """Sam and Kim are a rotation set from here on."""
    house.ports.register.put_sender(KIM)  # type: ignore[attr-defined]  # the SQL register
    for sender in ("sam", "kim"):
        house.account(accounts.configure, sender, settings=AccountSettings(rotation_set="team"))


def senders(house: House) -> list[str]:
    found = house.rows("SELECT sender FROM {s}.send_queue ORDER BY stream_id, visit, node")
    return [sender for (sender,) in found]


def test_a_batch_reads_once_and_in_its_own_transaction(house: House) -> None:
    enrolled(house, FIRST, house.campaign(), 3)
    composing = Composing(house)
    asked = ["planned", "senders", "documents", "people", "keep_rendered"]
    assert composing.batch() == asked
    assert composing.alone == []
    assert house.rows("SELECT state, sender FROM {s}.send_queue") == [("QUEUED", "sam")] * 3


def test_the_plans_of_the_last_batch_are_at_hand_and_no_others(house: House) -> None:
    row, composing = house.campaign(), Composing(house)
    read = []
    for given in (FIRST, FIRST, OTHER, OTHER, FIRST):
        enrolled(house, given, row)
        read.append("documents" in composing.batch())
    assert read == [True, False, True, False, True]


def test_a_reply_reads_what_it_replies_to_in_the_same_transaction(house: House) -> None:
    enrolled(house, REPLYING, house.campaign(), 2)
    composing = Composing(house)
    assert "sent" not in composing.batch()
    house.work()
    house.clock.advance(timedelta(days=2))
    Timeouts(house.ports).fire_batch()
    assert {"sent", "mails"} < set(composing.batch())
    assert composing.alone == []
    house.work()
    first, second = house.provider.calls[0][0], house.provider.calls[-1][0]
    assert (first.subject, second.subject) == ("Docks, Dana", "Re: Docks, Dana")
    heads = {mail.headers.get("In-Reply-To") for mail, _ in house.provider.calls[2:]}
    assert heads == {f"<{mail.message_id}.1@mail.example>" for mail, _ in house.provider.calls[:2]}


def test_of_a_rotation_set_each_contact_has_one_member_for_good(house: House) -> None:
    kim_joins(house)
    row = campaign_of(house, "team")
    enrolled(house, REPLYING, row, 8)
    composing = Composing(house)
    assert {"rules", "rows", "sent"} < set(composing.batch())
    assert composing.alone == []
    assert set(senders(house)) == {"sam", "kim"}
    house.work()
    house.after(days=2)
    pairs = senders(house)
    assert len(pairs) == 16
    assert pairs[::2] == pairs[1::2]


def test_a_campaign_whose_sender_is_gone_gives_its_messages_up(house: House) -> None:
    enrolled(house, FIRST, campaign_of(house, "nobody"))
    Composing(house).batch()
    assert house.rows("SELECT state, reason FROM {s}.send_queue") == [("FAILED", "render:sender")]
