"""The journey as our engine does it: what one worker process is asked to do, on the real ports."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from bench.engine.place import Place, opened
from bench.measuring import own_cpu_s, resident_bytes
from bench.running.posts import Post
from bench.running.tenant import AcceptsAtOnce
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers import campaigns as use
from infra.bootstrap import System
from infra.clock import VirtualClock, tzdata_version
from infra.heap import settle_heap
from infra.work import Work

BATCH = 500
"""Enrolments in one call; the API takes up to a thousand."""
Plans = Literal["one", "own"]
"""Whether all contacts share a plan, or each has one of its own."""
BY_REQUEST = Cause(CauseKind.REQUEST, "bench")


def plan(marked: str = "") -> dict[str, Any]:
    """Two mails; a click or two days of silence lead from one to the other. `marked` makes it own.

    No jitter and an open window, so that everything is due at the moment it is measured at.
    """
    return {
        "timezone": "UTC",
        "startNodeId": "hello",
        "defaults": {"jitter": {"min": "PT0S", "max": "PT0S"}},
        "nodes": [
            _mail("hello", marked, [_way("clicked", "again"), _way("no_click", "again", "P2D")]),
            _mail("again", marked, [_way("no_reply", "end", "P3D")])
            | {"schedule": {"delay": "P1D"}},
            {"id": "end", "type": "stop", "outcome": "no_response"},
        ],
    }


def _mail(node: str, marked: str, ways: Sequence[dict[str, str]]) -> dict[str, Any]:
    text = (
        "Hello {{ contact.first_name }}, how does {{ company.name }} plan its docks? "
        f"See https://site.example/{node}{marked}"
    )
    return {
        "id": node,
        "type": "send",
        "channel": "email",
        "message": {"subject": "Docks at {{ company.name }}", "text": text},
        "transitions": list(ways),
    }


def _way(on: str, to: str, after: str = "") -> dict[str, str]:
    return {"on": on, "to": to} | ({"after": after} if after else {})


class EngineMember:
    """One worker process of the engine; every batch is one that a bell would have started."""

    def __init__(self, system: System, clock: VirtualClock, place: Place) -> None:
        self._system = system
        self._clock = clock
        self._place = place
        self._ports = system.ports(place.tenant)
        self._webhooks = system.sendgrid_webhook(place.tenant)
        vars(system)["provider"] = AcceptsAtOnce()  # before it is asked for and made
        self._bells = Work(system).bells()
        self._posts: list[Post] = []

    def set_clock(self, now: datetime) -> None:
        """Let time pass."""
        self._clock.advance(now - self._clock.now())

    def enrol(self, first: int, last: int, plans: Plans = "one") -> int:
        """Submit plans for contacts; how many were started."""
        row = self._ports.register.campaign(self._place.campaign)
        assert row is not None
        started = 0
        for begin in range(first, last, BATCH):
            numbers = range(begin, min(begin + BATCH, last))
            given = [
                use.Enrolment(
                    self._place.contacts[number], plan(f"-{number}" if plans == "own" else "")
                )
                for number in numbers
            ]
            found = use.enrol(
                self._ports,
                row,
                given,
                tzdata=tzdata_version(),
                cause=BY_REQUEST,
                correlation=UUID(int=begin + 1),
            )
            refused = [one.report for one in found if one.status == "refused"]
            assert not refused, refused[0]
            started += sum(one.status == "started" for one in found)
        return started

    def dispatch(self) -> int:
        """Render and send until nothing is due; the number of rows that moved on."""
        return self._until_empty("dispatch")

    def hold(self, posts: Sequence[Post]) -> None:
        """Have deliveries at hand that will come in."""
        self._posts = list(posts)

    def hear(self) -> int:
        """Take deliveries in as the webhook does, then settle them."""
        for headers, body in self._posts:
            self._webhooks.verify(headers, body, now=self._system.database.now())
            reports = self._webhooks.read(body, tenant=self._place.tenant)
            self._ports.inbox.keep("sendgrid", {}, body, reports, late=False)
        return self._until_empty("ingest")

    def fire(self) -> int:
        """Let timers fire until none is due."""
        return self._until_empty("timers")

    def _until_empty(self, bell: str) -> int:
        """Batch by batch, as a bell that rings is answered."""
        done = 0
        while taken := self._bells[bell](self._place.tenant):
            done += taken
        return done

    def used(self) -> tuple[float, int]:
        """Processor time and resident memory of this process."""
        return own_cpu_s(), resident_bytes(os.getpid())


@contextmanager
def engine_member(place: Place) -> Iterator[EngineMember]:
    """A worker process of the engine on a tenant."""
    with opened(place, worker=f"bench-{os.getpid()}") as system:
        clock = system.clock
        assert isinstance(clock, VirtualClock)
        settle_heap()
        yield EngineMember(system, clock, place)
