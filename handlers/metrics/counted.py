"""What was counted, as it is shown: null where nothing measures it, rates with their intervals."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from handlers.metrics.statistics import wilson

MEASURES = {
    "open_rate": ("unique_opens", "opens"),
    "click_rate": ("unique_clicks", "clicks"),
    "reply_rate": ("replies", "replies"),
    "bounce_rate": ("bounces", "bounces"),
    "complaint_rate": ("complaints", "complaints"),
    "unsubscribe_rate": ("unsubscribes", "unsubscribes"),
}
"""Each rate: the messages it counts, and the word by which it may be unmeasured."""
TRACKED = {"opens": "trackOpens", "clicks": "trackClicks"}
"""What is measured only where a message asks for it, and how a plan says so."""

Counters = Mapping[str, int]
Shown = Mapping[str, int | None]


class Rate(msgspec.Struct, frozen=True):
    """A part of the messages accepted, with the interval that has its true value at 95 %."""

    value: float
    low: float
    high: float
    hits: int
    trials: int


class Measured(msgspec.Struct, frozen=True):
    """What is measured: `off` is switched off for the whole tenant, `asked` is what plans ask for.

    `asked` has the nodes and variants of plans that were looked at, each with the words of TRACKED
    that one of its messages asks for; ('', '') is all of them together. One that is not in it was
    not looked at and counts as measured.
    """

    off: frozenset[str] = frozenset()
    asked: Mapping[tuple[str, str], frozenset[str]] = {}

    def shown(self, counters: Counters, node: str = "", variant: str = "") -> Shown:
        """The counters, null where nothing measures them and nobody reported any."""
        blank = self.unmeasured(counters, node, variant)
        return {name: None if measure(name) in blank else n for name, n in counters.items()}

    def unmeasured(self, counters: Counters, node: str = "", variant: str = "") -> frozenset[str]:
        """The words of what these counters cannot tell.

        That an answered message was opened says nothing of the others: it counts as no report.
        """
        asked = self.asked.get((node, variant))
        missing = frozenset[str]() if asked is None else frozenset(TRACKED) - asked
        told = (name for name, count in counters.items() if count and "unique" not in name)
        return self.off | (missing - set(map(measure, told)))


def measure(counter: str) -> str:
    """The word by which a counter may be unmeasured: `opens` is all four counters of opens."""
    return counter.removeprefix("unique_").removeprefix("machine_").removeprefix("unknown_")


def asked_by(plans: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], frozenset[str]]:
    """What the messages of these canonical plans ask to be measured, by node and variant."""
    asked: dict[tuple[str, str], frozenset[str]] = {}
    for plan in plans:
        for node, variant, message in _messages(plan):
            words = frozenset(word for word, field in TRACKED.items() if message.get(field))
            for place in {(node, variant), (node, ""), ("", "")}:
                asked[place] = asked.get(place, frozenset()) | words
    return asked


def _messages(plan: Mapping[str, Any]) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
    for node in plan["nodes"]:
        if node["type"] == "send":
            if "message" in node:
                yield node["id"], "", node["message"]
            for variant in node.get("variants", ()):
                yield node["id"], variant["id"], variant["message"]


def rates(shown: Shown) -> dict[str, float | None]:
    """Each rate of the messages accepted; null where it is not measured, or is no part of them."""
    return {
        name: None if (found := rate(shown, counter)) is None else found.value
        for name, (counter, _) in MEASURES.items()
    }


def intervals(shown: Shown) -> dict[str, Rate | None]:
    """The same with how sure they are."""
    return {name: rate(shown, counter) for name, (counter, _) in MEASURES.items()}


def rate(shown: Shown, counter: str, of: str = "accepted") -> Rate | None:
    """One rate.

    In a period there may be more replies than messages, for they answer those of the period before:
    then there is no rate.
    """
    hits, trials = shown.get(counter), shown.get(of)
    if hits is None or not trials or not 0 <= hits <= trials:
        return None
    low, high = wilson(hits, trials)
    return Rate(hits / trials, low, high, hits, trials)
