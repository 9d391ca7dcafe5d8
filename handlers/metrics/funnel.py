"""The way from an enrolment to an answer: of contacts, of messages, and of each node."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import msgspec

from domain.ids import CampaignId
from handlers.metrics.counted import Measured, Rate, Shown, rate
from handlers.metrics.reads import People, PlaceTotals
from handlers.services import CampaignNumbers

STAGES = {
    "planned": "planned",
    "accepted": "accepted",
    "delivered": "delivered",
    "opened": "unique_opens",
    "clicked": "unique_clicks",
    "replied": "replies",
}
"""The stages of a message, and the counter of each; a later one may come without one before."""


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """How many came so far; null is not measured.

    `of_first` is the part of the first stage, with its interval; null where it is no part of it.
    """

    stage: str
    count: int | None
    of_first: Rate | None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One node with messages: how often contacts came to it, and its messages."""

    node: str
    entered: int
    stages: Sequence[Stage]


class FunnelShown(msgspec.Struct, frozen=True, kw_only=True):
    """Contacts, messages, and each node in the order in which they were come to."""

    campaign_id: CampaignId
    contacts: Sequence[Stage]
    messages: Sequence[Stage]
    steps: Sequence[Step]


def of_contacts(numbers: CampaignNumbers, people: People) -> list[Stage]:
    """Enrolled, started, written to, answered by a person, converted."""
    counts = {
        "enrolled": numbers.counters["enrolled"],
        "started": numbers.counters["started"],
        "contacted": people.contacted,
        "answered": people.answered,
        "converted": numbers.outcomes.get("converted", 0),
    }
    return list(_stages(counts, {name: name for name in counts}))


def of_messages(shown: Shown) -> list[Stage]:
    """From planned to answered."""
    return list(_stages(shown, STAGES))


def of_nodes(
    places: Sequence[PlaceTotals], measured: Measured, entered: Mapping[str, int]
) -> Iterator[Step]:
    """Each node with messages, its variants together."""
    for node, group in groupby(places, key=lambda place: place.node):
        counters = summed([place.counters for place in group])
        shown = measured.shown(counters, node)
        yield Step(node=node, entered=entered.get(node, 0), stages=of_messages(shown))


def summed(many: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Counters together."""
    return {name: sum(one[name] for one in many) for name in many[0]}


def _stages(counts: Shown, named: Mapping[str, str]) -> Iterator[Stage]:
    first = next(iter(named.values()))
    for stage, counter in named.items():
        of_first = rate(counts, counter, first)
        yield Stage(stage=stage, count=counts[counter], of_first=of_first)
