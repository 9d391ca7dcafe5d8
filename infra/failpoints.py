"""Named places where a test lets a process die or freeze; inert outside of tests.

`ANTIPHON_FAILPOINTS="after_claim_commit:3"` makes the third pass of that place the last act of the
process, `after_claim_commit:3:freeze` stops it there until somebody sends SIGCONT; several places
are divided by commas. `ANTIPHON_FAILPOINTS_LOG` names a file that gets one line a pass.

Without `ANTIPHON_TESTING=1` nothing of this exists: ports are not watched at all, and a process
that is given places refuses to start.
"""

import os
import signal
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

TESTING = "ANTIPHON_TESTING"
ORDERS = "ANTIPHON_FAILPOINTS"
LOG = "ANTIPHON_FAILPOINTS_LOG"
VARIABLES = frozenset({TESTING, ORDERS, LOG})
"""Variables that are no settings: the settings let them pass and do not list them."""

WRITERS = ("claim", "record", "ingest", "timer", "render", "sweep", "other")
"""Kinds of transactions that write."""
PLACES = (
    "before_claim",
    "after_claim_statement",
    *(f"{when}_{kind}_commit" for kind in WRITERS for when in ("before", "after")),
    "before_call",
    "after_call_written",
    "after_answer",
    "after_doorbell",
    "after_ingest_lease",
    "after_timer_lease",
    "before_keep",
    "after_keep",
    "in_projection",
)
"""Every place that has a name."""


SIGNALS = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}


class Order(NamedTuple):
    """At which pass of a place something happens, and what."""

    number: int
    act: str = "kill"


class FailpointsRefused(Exception):
    """Places are given outside of tests, or what is given names none."""


def require_testing(environment: Mapping[str, str]) -> None:
    """Raise FailpointsRefused where places are given and no test is under way."""
    given = [name for name in (ORDERS, LOG) if environment.get(name)]
    if given and environment.get(TESTING) != "1":
        raise FailpointsRefused(
            f"{' and '.join(given)} let a process kill itself and are for tests only: "
            f"remove them, or set {TESTING}=1 where nothing real can be sent"
        )
    _orders(environment.get(ORDERS, ""))


def _orders(text: str) -> dict[str, Order]:
    """`place:3,other` as places with the pass at which something happens, and what."""
    orders = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        place, number, act = (*part.split(":", 2), "", "")[:3]
        if place not in PLACES or not _is_count(number or "1") or (act or "kill") not in SIGNALS:
            raise FailpointsRefused(
                f"{ORDERS}: {part!r} is not place:number or place:number:freeze; "
                f"the places are {', '.join(PLACES)}"
            )
        orders[place] = Order(int(number or "1"), act or "kill")
    return orders


def _is_count(text: str) -> bool:
    return text.isdecimal() and int(text) > 0


class Failpoints:
    """The places of one process: counts how often each is passed, and ends it where it is told."""

    def __init__(
        self,
        orders: Mapping[str, Order],
        log: Path | None,
        send: Callable[[signal.Signals], None] | None = None,
    ) -> None:
        self._orders = orders
        self._log = log
        self._send = send or _signal_ourselves
        self._lock = Lock()
        self.passes: dict[str, int] = {}

    @classmethod
    def of(
        cls,
        environment: Mapping[str, str],
        send: Callable[[signal.Signals], None] | None = None,
    ) -> "Failpoints | None":
        """What the environment orders; None outside of tests."""
        require_testing(environment)
        if environment.get(TESTING) != "1":
            return None
        log = environment.get(LOG)
        return cls(_orders(environment.get(ORDERS, "")), Path(log) if log else None, send)

    def __call__(self, place: str) -> None:
        """Pass a place; a pass that is to be the last does not return."""
        assert place in PLACES, place
        with self._lock:
            passed = self.passes[place] = self.passes.get(place, 0) + 1
            order = self._orders.get(place)
            act = order.act if order is not None and order.number == passed else "pass"
            self._note(f"{place} {os.getpid()} {act}\n")
        if act in SIGNALS:
            self._send(SIGNALS[act])

    def _note(self, line: str) -> None:
        """One write, so that lines of many processes do not mix; it outlives the kill."""
        if self._log is None:
            return
        file = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)


def _signal_ourselves(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)  # is served before the call returns


@cache
def ours() -> Failpoints | None:
    """The places of this process; None outside of tests."""
    return Failpoints.of(os.environ)


def failpoint(place: str) -> None:
    """Pass a place of this process; nothing outside of tests."""
    passes = ours()
    if passes is not None:
        passes(place)
