"""What a revision does to rows that wait: a rendered mail is rendered again, timers count anew."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.ids import StreamId
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.revisions import RevisionOrder, revise
from projections.contact_campaigns import CONTACT_CAMPAIGNS
from tests.infra.log_written import Written
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


def soon(text: str, days: int) -> dict[str, Any]:
    """A mail that is rendered at once and leaves in half an hour."""
    message = {"subject": f"About {text}", "text": f"{text}: https://site.example/{text}"}
    schedule = {"delay": "PT30M"}
    timeout = way("timeout", "end", after=f"P{days}D")
    return plan(send("intro", timeout, message=message, schedule=schedule), stop())


def change(house: House, stream: StreamId, to: dict[str, Any]) -> str:
    order = RevisionOrder(plan=to, if_hash=house.state(stream).plan_hash, author="cli")
    cause = Cause(CauseKind.OPERATOR, "story")
    done = revise(house.ports, stream, order, cause=cause, correlation=UUID(int=7))
    assert done.status == "revised", done.report
    return done.plan_hash


def test_a_mail_that_was_rendered_leaves_in_the_words_of_the_plan_in_force(house: House) -> None:
    stream = house.started(soon("piers", 2))
    house.work()
    ((state, mac),) = house.rows("SELECT state, body_mac FROM {s}.send_queue")
    assert (state, bool(mac)) == ("QUEUED", True)
    new = change(house, stream, soon("locks", 2))
    assert house.rows("SELECT state, body_mac FROM {s}.send_queue") == [("PLANNED", None)]
    assert house.rows("SELECT plan_hash FROM {s}.streams") == [(new,)]
    house.after(minutes=31)
    ((mail, attempt),) = house.provider.calls
    assert (mail.subject, attempt) == ("About locks", 1)
    assert house.rows("SELECT url FROM {s}.links") == [("https://site.example/locks",)]
    assert house.topics(stream).count("message_queued") == 2


def test_timers_and_lists_follow_the_plan_in_force(house: House) -> None:
    stream = house.started(soon("piers", 2))
    house.after(minutes=31)
    sent = house.state(stream).t0
    assert sent is not None
    new = change(house, stream, soon("piers", 5))
    due = "SELECT due_at FROM {s}.timers WHERE scope = 'node'"
    assert house.rows(due) == [(sent + timedelta(days=5),)]
    Written(house.system.database, house.tenant).run(CONTACT_CAMPAIGNS)
    shown = house.rows("SELECT plan_hash, node, status FROM {s}.contact_campaigns")
    assert shown == [(new, "intro", "active")]
