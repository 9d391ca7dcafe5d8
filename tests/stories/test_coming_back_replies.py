"""Replies from the mail server to the plan: which stop it, which only wait, what they settle."""

from datetime import timedelta
from typing import Any

import pytest

from domain.ids import StreamId
from domain.lifecycle import Stage
from domain.taxonomy import AnswerClass, Family, MessageState, Outcome, Via
from handlers.ports import Answer
from handlers.services import TenantServices
from handlers.webhooks.inbound import keep_reply
from infra.services import make_services
from tests.infra.sendgrid_replies import FORM, envelope, multipart
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

TWO_MAILS = plan(
    send("intro", way("no_reply", "again", after="P2D")),
    send("again", way("no_reply", "end", after="P3D")),
    stop(),
)
ADA = "ada@harbor.example"


@pytest.fixture
def tenant(house: House) -> TenantServices:
    """The tenant as the web process sees it: its senders' own addresses are known to the reader."""
    found = make_services(house.system).tenant(house.tenant)
    assert found is not None
    return found


def sent(house: House) -> StreamId:
    stream = house.started(TWO_MAILS, email=ADA)
    house.work()
    assert len(house.provider.calls) == 1
    return stream


def answers(house: House, tenant: TenantServices, text: str, *headers: str, **fields: Any) -> None:
    """A mail to the reply address of the latest mail that was sent, read and kept as it comes."""
    mail, attempt = house.provider.calls[-1]
    own_id = f"<{mail.message_id}.{attempt}@{mail.sender_domain}>"
    writer = fields.pop("writer", ADA)
    head = [
        f"From: Ada <{writer}>",
        f"Message-ID: <{house.system.rng.new_id()}@harbor.example>",
        *(fields.pop("references", [f"In-Reply-To: {own_id}"])),
        *headers,
    ]
    posted = {
        "headers": "".join(f"{line}\n" for line in head),
        "from": f"Ada <{writer}>",
        "to": mail.reply_to,
        "subject": "Re: Docks",
        "text": text,
        "envelope": envelope(mail.reply_to, sender=writer),
        "charsets": "{}",
    } | fields
    inbound = tenant.inbound.read_inbound(FORM, multipart(posted), now=house.clock.now())
    keep_reply(tenant, inbound, {}, b"", late=False)
    house.work()


@pytest.mark.parametrize(
    "text",
    [
        "Who are you?",
        "Thanks!\n\nSent from my iPhone",
        "Not sure.\n\nOn Mon, Sam wrote:\n> See https://site.example/a",
        "k",
    ],
)
def test_plain_text_reply_stops(house: House, tenant: TenantServices, text: str) -> None:
    """Stripped, mobile, posted above the quotation: without a picture and without HTML."""
    stream = sent(house)
    house.after(hours=3)
    answers(house, tenant, text)
    state = house.state(stream)
    assert (state.stage, state.outcome) == (Stage.EXITED, Outcome.REPLIED)
    house.after(days=9)
    assert len(house.provider.calls) == 1


def test_neutral_reply_stops(house: House, tenant: TenantServices) -> None:
    """Whatever it says, and it bans nobody."""
    stream = sent(house)
    answers(house, tenant, "Maybe in spring.")
    assert house.state(stream).outcome == Outcome.REPLIED
    assert not house.ports.suppressions.banned(Family.EMAIL, [ADA], house.clock.now())


@pytest.mark.parametrize("text", ["STOP", "Please unsubscribe me", "remove me from your list"])
def test_a_reply_that_asks_for_no_more_bans_the_address_too(
    house: House, tenant: TenantServices, text: str
) -> None:
    stream = sent(house)
    answers(house, tenant, text)
    assert house.state(stream).outcome == Outcome.REPLIED
    assert house.ports.suppressions.banned(Family.EMAIL, [ADA], house.clock.now())
    assert house.rows("SELECT ground, source FROM {s}.suppressions") == [
        ("opt_out", "sendgrid_inbound")
    ]


def test_out_of_office_is_not_a_reply(house: House, tenant: TenantServices) -> None:
    """It is no answer: the plan goes on, and only its next mail waits."""
    stream = sent(house)
    house.clock.advance(timedelta(days=1))
    answers(house, tenant, "I am away until Friday.", "Auto-Submitted: auto-replied")
    assert house.state(stream).stage == Stage.ACTIVE
    for _ in range(9):
        house.after(days=1)
    assert len(house.provider.calls) == 2


def test_own_sent_copy_is_not_a_reply(house: House, tenant: TenantServices) -> None:
    stream = sent(house)
    answers(house, tenant, "Docks, Dana", writer="sam@mail.example")
    assert house.state(stream).stage == Stage.ACTIVE
    assert house.rows("SELECT state, reason FROM {s}.webhook_inbox") == [("parked", "own_message")]


def test_a_reply_that_names_our_message_id_settles_a_doubt(
    house: House, tenant: TenantServices
) -> None:
    """S3: who answers has got it."""
    house.provider.answer = lambda _: Answer(kind=AnswerClass.AMBIGUOUS, reason="timeout")
    stream = sent(house)
    assert house.state(stream).messages[house.message(stream)].state == MessageState.UNKNOWN
    house.after(hours=5)
    answers(house, tenant, "Got it")
    message = house.state(stream).messages[house.message(stream)]
    assert message.state == MessageState.ACCEPTED
    told = [one.fact for one in house.history(stream)]
    assert [one.via for one in told if hasattr(one, "via")] == [Via.REPLY]
    assert house.state(stream).outcome == Outcome.REPLIED


def test_a_doubt_is_settled_by_an_orphan_whose_message_is_found_later(house: House) -> None:
    """S3: a report by the provider's own id finds its message once that id is known."""
    stream = sent(house)
    now = int(house.clock.now().timestamp())
    house.hear(
        {"event": "delivered", "timestamp": now, "email": "x@y.example", "sg_message_id": "late.1"}
    )
    house.ingest()
    assert house.rows("SELECT state FROM {s}.webhook_inbox") == [("orphan",)]
    house.rows("UPDATE {s}.send_queue SET provider_id = 'late' RETURNING 1")
    house.rows("UPDATE {s}.webhook_inbox SET next_try_at = now() RETURNING 1")
    house.work()
    assert house.rows("SELECT state FROM {s}.webhook_inbox") == [("recorded",)]
    assert "delivered" in house.state(stream).messages[house.message(stream)].heard_at
