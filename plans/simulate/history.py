"""Rates of a tenant's own history, filled up with guesses where it is short."""

from collections.abc import Collection, Mapping
from typing import Literal

import msgspec
from msgspec.structs import replace

from domain.taxonomy import Channel
from plans.simulate.rates import BUILT_IN, SHARES, ChannelRates, Rates

HISTORY_ENOUGH = 200
"""Sends of a channel from which on the tenant's own history speaks alone."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Messages of one channel that were sent, and how many of them it happened to.

    `sends` counts accepted messages, `refused` attempts that were refused for good besides them,
    `contacts` whom they went to (0: each to another one), which is what bounces are a share of.
    """

    sends: int
    contacts: int = 0
    refused: int = 0
    bounce: int = 0
    open: int = 0
    click: int = 0
    reply: int = 0
    auto_reply: int = 0
    unsubscribe: int = 0
    spam: int = 0
    accept: int = 0
    meeting: int = 0


Source = Literal["built_in", "given", "history", "history_and_built_in"]


class Drawn(msgspec.Struct, frozen=True):
    """Rates with where they come from, and how many sends of each channel stand behind them."""

    rates: Rates = BUILT_IN
    source: Source = "built_in"
    sample_size: Mapping[str, int] = {}


def rates_from_counts(
    counts: Mapping[Channel, Counts], channels: Collection[Channel], prior: Rates = BUILT_IN
) -> Drawn:
    """The rates of a tenant's own history for these channels, as far as it is long enough.

    Each share is the mean of a Beta distribution: the prior counts as many messages as history
    lacks to HISTORY_ENOUGH, so that it fades out and is gone from there on. Delays, tasks and
    webhooks stay as in the prior.
    """
    none = Counts(sends=0)
    of = {channel: counts.get(channel, none) for channel in Channel if channel in channels}
    shares = {channel: _shares(prior.channels[channel], seen) for channel, seen in of.items()}
    sizes = {str(channel): seen.sends for channel, seen in of.items()}
    source: Source = "history_and_built_in"
    if not any(sizes.values()):
        source = "built_in"
    elif min(sizes.values()) >= HISTORY_ENOUGH:
        source = "history"
    return Drawn(replace(prior, channels={**prior.channels, **shares}), source, sizes)


def _shares(prior: ChannelRates, counts: Counts) -> ChannelRates:
    missing = max(0, HISTORY_ENOUGH - counts.sends)
    arrived = max(0, counts.sends - counts.bounce)
    of = {"refused": counts.sends + counts.refused, "bounce": counts.contacts or counts.sends}
    means = {
        name: _mean(getattr(prior, name), missing, getattr(counts, name), of.get(name, arrived))
        for name in SHARES
    }
    # opens may be blocked where clicks and answers are seen: who did these has read the message
    answers = means["reply"] + means["unsubscribe"] + means["spam"]
    if means["open"]:
        means["open"] = min(1.0, max(means["open"], means["click"], means["meeting"], answers))
    return ChannelRates(**means)


def _mean(prior: float, weight: int, seen: int, of: int) -> float:
    """The mean of Beta(prior x weight + seen, (1 - prior) x weight + of - seen)."""
    return min(1.0, (prior * weight + seen) / (weight + of)) if weight + of else prior
