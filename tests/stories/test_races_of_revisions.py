"""A revision among others who work on the same rows: only the plan in force has its way."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from psycopg.sql import SQL, Identifier

from domain.campaign import Campaign
from domain.errors import RevisionStale
from domain.ids import NodeId, StreamId, schema_of
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.campaigns import order as ordered
from handlers.campaigns import pause, resume
from handlers.composing import Composer
from handlers.revisions import Revised, RevisionOrder, revise
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

OPERATOR = Cause(CauseKind.OPERATOR, "story")
CORRELATION = UUID(int=7)


def soon(text: str) -> dict[str, Any]:
    """A mail that is rendered at once and leaves in half an hour."""
    message = {"subject": f"About {text}", "text": f"https://site.example/{text}"}
    timeout = way("timeout", "end", after="P2D")
    return plan(send("intro", timeout, message=message, schedule={"delay": "PT30M"}), stop())


_STANDS_STILL = """
ALTER TABLE {s}.errands RENAME TO errands_kept;
INSERT INTO {s}.errands_kept (errand_id, stream_id, version, kind, node, visit, requested_at, state)
SELECT stream_id, stream_id, 1, 'notify', 'x', 1, now(), 'claimed' FROM {s}.streams;
CREATE VIEW {s}.errands AS SELECT r.* FROM
       (SELECT pg_advisory_xact_lock_shared(77) OFFSET 0) AS w, {s}.errands_kept AS r;
GRANT SELECT ON {s}.errands TO PUBLIC
"""
"""The tenant's errands can be read only while nobody holds lock 77."""


def wait(node: str, *ways: Any) -> dict[str, Any]:
    return {"id": node, "type": "wait", "transitions": list(ways)}


def revised(house: House, stream: StreamId, to: dict[str, Any], ports: Any = None) -> Revised:
    order = RevisionOrder(plan=to, if_hash=house.state(stream).plan_hash, author="cli")
    return revise(ports or house.ports, stream, order, cause=OPERATOR, correlation=CORRELATION)


def test_a_mail_is_not_rendered_by_the_plan_that_went_out_of_force_meanwhile(house: House) -> None:
    """The look for planned mails stands still between its snapshot and its locks."""
    stream = house.started(soon("piers"))
    with house.system.database.direct() as owner:
        owner.execute(SQL(_STANDS_STILL).format(s=Identifier(schema_of(house.tenant))))
    composer = Composer(house.ports, house.system.links(house.ports.tag))
    with house.system.database.tenant_tx(house.tenant) as curs:
        curs.execute("SELECT pg_advisory_xact_lock(77)")
        composing = house.system.executor.submit(composer.compose_batch)
        while not house.rows("SELECT 1 FROM pg_locks WHERE objid = 77 AND NOT granted"):
            pass
        assert revised(house, stream, soon("locks")).status == "revised"
    composing.result(30)
    house.clock.advance(timedelta(minutes=31))
    composer.compose_batch()
    house.send()
    assert [mail.subject for mail, _ in house.provider.calls] == ["About locks"]


def test_a_revision_during_a_pause_lets_the_message_wait_for_the_resume(house: House) -> None:
    stream = house.started(soon("piers"))
    house.work()
    now = house.clock.now()
    ordered(house.ports, stream, pause(now, "holiday"), cause=OPERATOR, correlation=CORRELATION)
    held = "SELECT hold_reason, not_before > now() + interval '1000 years' FROM {s}.send_queue"
    assert house.rows(held) == [("paused", True)]
    assert revised(house, stream, soon("locks")).status == "revised"
    assert house.rows(held) == [("paused", True)]
    assert house.rows("SELECT 1 FROM {s}.timers") == []
    house.after(days=4)
    assert (house.sweep().expired(), house.provider.calls) == (0, [])
    again = resume(house.clock.now())
    ordered(house.ports, stream, again, cause=OPERATOR, correlation=CORRELATION)
    house.after(hours=1)
    assert [mail.subject for mail, _ in house.provider.calls] == ["About locks"]


class MovesOn:
    """Streams of which one moves on after each look at it, `times` times."""

    def __init__(self, real: Any, move: Callable[[], None], times: int) -> None:
        self._real, self._move, self.left = real, move, times

    def load(self, stream: StreamId) -> Campaign:
        seen: Campaign = self._real.load(stream)
        if self.left:
            self.left -= 1
            self._move()
        return seen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


WATCHES = plan(
    send("intro", way("opened", "look"), way("timeout", "look", after="P9D")),
    wait("look", way("timeout", "end", after="P1D")),
    stop(),
)
HOPES = plan(
    send("intro", way("timeout", "look", after="P9D")),
    wait("look", way("opened", "end"), way("no_open", "end", after="P1D")),
    stop(),
)
"""Idles where an open has led to `look`: it is used up, and nothing is left to wait for."""


def test_a_plan_is_proven_from_where_it_is_put_in_force(house: House) -> None:
    stream = house.started(WATCHES)
    house.work()

    def on() -> None:
        house.hear(house.event(stream, "open"))
        house.ingest()

    ports = msgspec.structs.replace(
        house.ports, campaigns=MovesOn(house.ports.campaigns, on, times=1)
    )
    done = revised(house, stream, HOPES, ports)
    assert house.state(stream).node == "look"
    assert done.status == "refused"
    assert done.report is not None
    assert "E_STUCK" in [one["code"] for one in done.report["issues"]]


def test_a_contact_that_never_stands_still_is_not_revised(house: House) -> None:
    to_and_fro = plan(
        send("intro", way("opened", "one"), way("timeout", "end", after="P9D")),
        *(
            wait(here, way("clicked", there), way("timeout", "end", after="P9D"))
            for here, there in (("one", "two"), ("two", "three"), ("three", "end"))
        ),
        stop(),
    )
    stream = house.started(to_and_fro)
    house.work()
    kinds = iter(("open", "click", "click"))

    def on() -> None:
        house.clock.advance(timedelta(minutes=1))
        house.hear(house.event(stream, next(kinds), url="https://site.example/a"))
        house.ingest()

    ports = msgspec.structs.replace(
        house.ports, campaigns=MovesOn(house.ports.campaigns, on, times=3)
    )
    before = house.state(stream).plan_hash
    with pytest.raises(RevisionStale):
        revised(house, stream, to_and_fro | {"limits": {"maxSends": 2}}, ports)
    assert house.state(stream).plan_hash == before


def test_a_mail_under_a_node_with_a_new_name_is_threaded_under_it(house: House) -> None:
    intro = send("intro", way("timeout", "again", after="P3D"))
    words = {"replyTo": "intro", "text": "See https://site.example/b"}
    again = send("again", way("timeout", "end", after="P3D"), message=words)
    stream = house.started(plan(intro, again, stop()))
    house.work()
    renamed = plan(
        intro | {"id": "hello"}, again | {"message": words | {"replyTo": "hello"}}, stop()
    )
    order = RevisionOrder(
        plan=renamed,
        if_hash=house.state(stream).plan_hash,
        author="cli",
        mapping=((NodeId("intro"), NodeId("hello")),),
    )
    done = revise(house.ports, stream, order, cause=OPERATOR, correlation=CORRELATION)
    assert done.status == "revised"
    house.after(days=3, minutes=3)
    first, second = (mail for mail, _ in house.provider.calls)
    assert second.subject == f"Re: {first.subject}"
    assert second.headers["In-Reply-To"].startswith(f"<{first.message_id}.1@")
