"""Whether a person or a machine opened or clicked: one versioned table of rules (providers.md 6).

A verdict is a function of the report and of what is known of its message, and so it can be computed
again at any time, as long as the raw reports are kept. An open and a click in the same instant are
no evidence by themselves.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from domain.taxonomy import Signal
from handlers.ports import Sight
from handlers.webhooks.networks import is_program, is_security_network

RULES_VERSION = 2
"""1 knew single reports only: B1 to B4, B9 and B11."""

_PRIVACY_PREFETCH = "Mozilla/5.0"
_IMAGE_PROXIES = ("GoogleImageProxy", "YahooMailProxy")


class Reader(StrEnum):
    """Who is behind an open or a click."""

    HUMAN = "human"
    MACHINE = "machine"
    UNKNOWN = "unknown"


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The numbers of the rules; a tenant may have its own."""

    after_delivery_s_min: float = 2.0
    """B5: sooner after its delivery nobody clicks."""
    burst_links_min: int = 3
    burst_s: float = 5.0
    """B6: so many links in so many seconds are followed by a program."""
    trap_s: float = 60.0
    """B7: how long around its visit of the hidden link an address is a machine's."""
    leisure_after_open_s: float = 2.0
    leisure_after_delivery_s: float = 30.0
    """B10: a click that late is a person's."""


DEFAULT_THRESHOLDS = Thresholds()


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the message that was opened or clicked; empty where nothing is."""

    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    replied_at: datetime | None = None
    sights: Sequence[Sight] = ()


class Case(msgspec.Struct, frozen=True):
    """One sight with all that its rules look at."""

    sight: Sight
    history: History
    limits: Thresholds

    @property
    def clicked(self) -> bool:
        """Whether a link was followed."""
        return self.sight.signal == Signal.CLICKED

    def since_s(self, instant: datetime | None) -> float | None:
        """Seconds from then to the sight; None where one of them is not known."""
        if instant is None or self.sight.at is None:
            return None
        return (self.sight.at - instant).total_seconds()

    def from_there(self) -> list[Sight]:
        """All sights of this message from the same address, in no order."""
        if not self.sight.ip:
            return []
        return [one for one in self.history.sights if one.ip == self.sight.ip and one.at]


class Rule(msgspec.Struct, frozen=True):
    """One line of the table."""

    code: str
    reader: Reader
    holds: Callable[[Case], bool]


class Verdict(msgspec.Struct, frozen=True):
    """Who it was, and as evidence the version of the rules with the codes that held: `2:B1,B2`."""

    reader: Reader
    evidence: str

    @property
    def machine(self) -> bool:
        """Whether the plan is to see nothing of it (A14)."""
        return self.reader is Reader.MACHINE


def _at_once(case: Case) -> bool:
    arrived = case.history.delivered_at or case.history.sent_at
    since_s = case.since_s(arrived)
    return case.clicked and since_s is not None and since_s < case.limits.after_delivery_s_min


def _in_a_burst(case: Case) -> bool:
    """Whether some span of so many seconds around this click has enough links from one address."""
    if not case.clicked or case.sight.at is None:
        return False
    span = timedelta(seconds=case.limits.burst_s)
    near = [
        (one.at, one.link)
        for one in case.from_there()
        if one.signal == Signal.CLICKED and one.at and abs(one.at - case.sight.at) <= span
    ]
    starts = [at for at, _ in near if at <= case.sight.at]
    return any(
        len({link for at, link in near if start <= at <= start + span})
        >= case.limits.burst_links_min
        for start in starts
    )


def _at_the_trap(case: Case) -> bool:
    if case.sight.hidden:
        return True
    around = (case.since_s(one.at) for one in case.from_there() if one.hidden)
    return any(s is not None and abs(s) <= case.limits.trap_s for s in around)


def _behind_security(case: Case) -> bool:
    """A later reply shows that a person reads there; opens and clicks are what is in doubt."""
    later_s = case.since_s(case.history.replied_at)
    answered = later_s is not None and later_s < 0
    return not answered and is_security_network(case.sight.ip)


def _at_leisure(case: Case) -> bool:
    if not case.clicked:
        return False
    opened = [one.at for one in case.history.sights if one.signal == Signal.OPENED and one.at]
    since_open_s = case.since_s(min(opened, default=None))
    since_delivery_s = case.since_s(case.history.delivered_at)
    return (since_open_s is not None and since_open_s >= case.limits.leisure_after_open_s) or (
        since_delivery_s is not None and since_delivery_s > case.limits.leisure_after_delivery_s
    )


EVIDENCE_RULES = (
    Rule("B1", Reader.MACHINE, lambda case: case.sight.flagged),
    Rule("B2", Reader.MACHINE, lambda case: case.sight.useragent == _PRIVACY_PREFETCH),
    Rule(
        "B3",
        Reader.UNKNOWN,
        lambda case: any(it in case.sight.useragent for it in _IMAGE_PROXIES),
    ),
    Rule("B4", Reader.MACHINE, lambda case: case.sight.method == "HEAD" or case.sight.prefetch),
    Rule("B5", Reader.MACHINE, _at_once),
    Rule("B6", Reader.MACHINE, _in_a_burst),
    Rule("B7", Reader.MACHINE, _at_the_trap),
    Rule("B8", Reader.MACHINE, _behind_security),
    Rule("B9", Reader.MACHINE, lambda case: is_program(case.sight.useragent)),
)
DEFAULT_RULES = (
    Rule("B10", Reader.HUMAN, _at_leisure),
    Rule("B11", Reader.HUMAN, lambda case: not case.clicked),
)
"""Tried only when no evidence was found."""

NOTHING_KNOWN = History()


def judge(
    sight: Sight,
    history: History = NOTHING_KNOWN,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> Verdict:
    """Machine when a rule says so, else unknown when one does, else human or unknown by default."""
    case = Case(sight, history, thresholds)
    found = [rule for rule in EVIDENCE_RULES if rule.holds(case)]
    found = found or [rule for rule in DEFAULT_RULES if rule.holds(case)]
    readers = {rule.reader for rule in found}
    for reader in (Reader.MACHINE, Reader.UNKNOWN, Reader.HUMAN):
        if reader in readers:
            return Verdict(reader, f"{RULES_VERSION}:{','.join(rule.code for rule in found)}")
    return Verdict(Reader.UNKNOWN, f"{RULES_VERSION}:")
