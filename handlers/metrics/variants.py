"""The variants of each node against each other, with a verdict in plain words.

Whoever looks every day and takes the first lead for the truth is wrong far more often than once in
twenty. So a winner is named by a sequential test (`evidence`), which allows for that; without one,
it is too early as long as a difference by half would still be overlooked (`trials_needed`).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Literal

import msgspec

from domain.ids import CampaignId
from handlers.metrics.counted import Measured, Rate, Shown, intervals, rate
from handlers.metrics.reads import PlaceTotals
from handlers.metrics.statistics import ENOUGH, Arm, Standing, evidence, standings, trials_needed

HITS_LEAST = 10
"""With fewer hits in all no winner is named."""
TOLERATED = 0.1
"""A part of the common rate that may be given away by choosing a variant: then all are alike."""

On = Literal["replies", "clicks", "opens"]
COUNTER: Mapping[On, str] = {
    "replies": "replies",
    "clicks": "unique_clicks",
    "opens": "unique_opens",
}
RATE: Mapping[On, str] = {
    "replies": "reply_rate",
    "clicks": "click_rate",
    "opens": "open_rate",
}
Verdict = Literal["better", "alike", "undecided", "too_few", "one_variant", "not_measured"]


class VariantShown(msgspec.Struct, frozen=True, kw_only=True):
    """One variant of a node.

    `best` is the probability that its rate is the highest of its node; `loss` is how much of a
    rate is given away by choosing it, on average. Both are null where nothing is compared.
    """

    variant: str
    counters: Mapping[str, int | None]
    rates: Mapping[str, Rate | None]
    best: float | None
    loss: float | None


class NodeCompared(msgspec.Struct, frozen=True, kw_only=True):
    """The variants of one node.

    `needed` is how many messages each variant needs to find a difference by half; null where that
    cannot be told.
    """

    node: str
    verdict: Verdict
    told: str
    leader: str | None
    needed: int | None
    variants: Sequence[VariantShown]


class VariantsShown(msgspec.Struct, frozen=True, kw_only=True):
    """All nodes of a campaign that have variants, in the order in which they were come to."""

    campaign_id: CampaignId
    on: On
    nodes: Sequence[NodeCompared]


def compared(places: Sequence[PlaceTotals], measured: Measured, on: On) -> Iterator[NodeCompared]:
    """Each node that has variants."""
    for node, group in groupby(places, key=lambda place: place.node):
        variants = [place for place in group if place.variant]
        if variants:
            yield _node(node, variants, measured, on)


def _node(node: str, places: Sequence[PlaceTotals], measured: Measured, on: On) -> NodeCompared:
    shown = [measured.shown(place.counters, node, place.variant) for place in places]
    arms = [_arm(one, COUNTER[on]) for one in shown]
    found = _judged([place.variant for place in places], arms, on)
    standing: Sequence[Standing | None] = found.standings or [None] * len(places)
    return NodeCompared(
        node=node,
        verdict=found.verdict,
        told=found.told,
        leader=found.leader,
        needed=found.needed,
        variants=[
            VariantShown(
                variant=place.variant,
                counters=counters,
                rates=intervals(counters),
                best=None if one is None else one.best,
                loss=None if one is None else one.loss,
            )
            for place, counters, one in zip(places, shown, standing, strict=True)
        ],
    )


class Judged(msgspec.Struct, frozen=True):
    """What a comparison came to."""

    verdict: Verdict
    told: str
    leader: str | None = None
    needed: int | None = None
    standings: Sequence[Standing] = ()


def _arm(shown: Shown, counter: str) -> Arm | None:
    if shown.get(counter) is None:
        return None
    found = rate(shown, counter)
    return Arm(0, 0) if found is None else Arm(found.hits, found.trials)


def _judged(names: Sequence[str], arms: Sequence[Arm | None], on: On) -> Judged:
    known = [arm for arm in arms if arm is not None]
    if len(known) < len(arms):
        return Judged("not_measured", f"Not measured: no message of this node asks for {on}.")
    if len(arms) < 2:  # noqa: PLR2004  # a pair
        return Judged("one_variant", f"Only {names[0]} was met so far: nothing to compare.")
    return judged(names, known, on)


def judged(names: Sequence[str], arms: Sequence[Arm], on: str) -> Judged:
    """The verdict on two arms or more."""
    hits, trials = sum(arm.hits for arm in arms), sum(arm.trials for arm in arms)
    common, least = (hits + 1) / (trials + 2), min(arm.trials for arm in arms)
    needed, found = trials_needed(common), standings(arms)
    first = max(range(len(arms)), key=lambda index: found[index].best)
    name, best = names[first], found[first].best
    if hits >= HITS_LEAST and _ahead_of_all(arms, first):
        told = f"{name} gets more {on}: {_percent(best)} sure. {_given(found[first].loss, on)}"
        return Judged("better", told, name, needed, found)
    if least < needed:
        told = f"Too few to say: {least} of about {needed} messages needed of each variant."
        return Judged("too_few", told, name, needed, found)
    most = max(standing.loss for standing in found)
    if most <= TOLERATED * common:
        told = f"No difference that matters. {_given(most, on, 'any of them')}"
        return Judged("alike", told, name, needed, found)
    told = f"No winner yet, and no difference by half: {name} is ahead, {_percent(best)} sure."
    return Judged("undecided", told, name, needed, found)


def _ahead_of_all(arms: Sequence[Arm], first: int) -> bool:
    """Surer, the more rivals there are: one of many leads by chance alone."""
    rivals = [arm for index, arm in enumerate(arms) if index != first]
    return all(evidence(arms[first], rival) >= ENOUGH * len(rivals) for rival in rivals)


def _given(loss: float, on: str, what: str = "it") -> str:
    return f"Choosing {what} gives away {_small(100 * loss)} {on} in 100 messages on average."


def _small(number: float) -> str:
    return "less than 0.01" if number < 0.01 else f"{number:.2f}"  # noqa: PLR2004  # as it says


def _percent(part: float) -> str:
    """Never 100 %: nothing that is counted makes sure."""
    return "over 99.9 %" if part > 0.999 else f"{100 * part:.1f} %"  # noqa: PLR2004  # as it says
